/**
 * Ends a command whose terminal was closed, as closing a terminal does everywhere else.
 *
 * The engine has no call for it, but names the process; engine and FloatLab share a machine. Numbers of processes are
 * used again, so the process must still belong to the container, by its control groups.
 */
import { readFile } from 'node:fs/promises';

export async function hangUp(pid: number, container: string): Promise<void> {
  if (!(pid > 1) || container.length < 12) return;
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  if (!groups.includes(container)) return;
  try {
    process.kill(pid, 'SIGHUP');
  } catch {
    // It has just ended.
  }
}
