/**
 * Ends a command whose terminal was closed, as closing a terminal does everywhere else.
 *
 * The engine has no call for it, but names the process; engine and FloatLab share a machine. Numbers of processes are
 * used again, so the process must still belong to the container, by its control groups.
 */
import { readFile } from 'node:fs/promises';

/** @param how `kill`: at once, whatever it is at */
export async function hangUp(pid: number, container: string, how?: 'kill'): Promise<void> {
  if (!(pid > 1) || container.length < 12) return;
  // Without such a file it has ended by itself.
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  if (!groups.includes(container)) return;
  try {
    process.kill(pid, how === 'kill' ? 'SIGKILL' : 'SIGHUP');
  } catch {
    // It has just ended.
  }
}
