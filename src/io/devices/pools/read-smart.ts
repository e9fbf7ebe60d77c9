/** Asks a disk about itself, where smartctl is there. */
import { IoError } from '../error.ts';
import type { RunCommand } from '../run.ts';
import type { Deadline } from '../volumes/deadline.ts';
import { checkPath } from './names.ts';
import { parseSmart, type Smart } from './smart.ts';

/**
 * Does not wake a disk that sleeps.
 * @returns undefined when the disk does not say, sleeps, or smartctl is not installed
 * @throws IoError INVALID, ABORTED, TIMED_OUT
 */
export async function readSmart(run: RunCommand, path: string, within: Deadline): Promise<Smart | undefined> {
  checkPath('ask the disk', path);
  try {
    const args = ['--json', '--all', '--nocheck=standby', path];
    // Its exit code is a set of bits, most of which only repeat what the answer says.
    const ran = await run('smartctl', args, { signal: within.signal, timeoutMs: within.timeoutMs, target: path });
    return parseSmart(ran.stdout);
  } catch (error) {
    if (error instanceof IoError && error.code === 'FAILED') return undefined;
    throw error;
  }
}
