/** What members cost: memory while they run, bytes on the disk. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Resident memory of a process now, in bytes; 0 when it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Time that a process has used of one core, in seconds, also in the kernel. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
/** Of the kernel, for what it tells programs. */
const ticksPerSecond = 100;

/** Looks again and again. @returns how to stop, which tells the most that was seen of all */
export function watchMemory(pids: () => Promise<readonly number[]>, everyMs = 200): () => Promise<number> {
  let most = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      for (const pid of await pids()) most = Math.max(most, await residentBytes(pid));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return most;
  };
}

/** Of all files below a folder, as far as they take room on the disk. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    bytes += (found?.blocks ?? 0) * 512;
  }
  return bytes;
}
