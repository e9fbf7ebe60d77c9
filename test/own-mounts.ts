/**
 * A process with mounts of its own, as a container is one: it copies the table of mounts, and what is in a copy cannot be
 * unmounted for good by whoever has mounted it. So it lets go of the disks of other tests at once.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';

export interface OwnMounts {
  readonly pid: number;
  /** Resolves when the process is gone, and its mounts with it. */
  end(): Promise<void>;
}

/**
 * @param keep where it keeps what is mounted among the temporary folders
 * @param beside the process whose mounts are copied; this one's by default
 */
export async function ownMounts(keep?: string, beside?: number): Promise<OwnMounts> {
  const alone = ['--mount', '--propagation', 'private', 'cat'];
  const [program, args] =
    beside === undefined
      ? ['unshare', alone]
      : ['nsenter', ['--target', String(beside), '--mount', '--', 'unshare', ...alone]];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
  // It says that it is there by giving back what it is sent, and ends with its input.
  child.stdin.write('ready');
  await once(child.stdout, 'data');
  const pid = child.pid as number;
  const end = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.stdin.end();
    await ended;
  };
  const table = await readFile(`/proc/${pid}/mounts`, 'utf8');
  const foreign = table
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${tmpdir()}/`) && !(keep !== undefined && `${path}/`.startsWith(`${keep}/`)));
  // One that is gone meanwhile is gone here, too.
  if (foreign.length > 0)
    await execa('nsenter', ['--target', String(pid), '--mount', '--', 'umount', '--lazy', ...foreign.toReversed()], {
      reject: false,
    });
  return { pid, end };
}
