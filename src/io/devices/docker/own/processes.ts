/**
 * Processes, looked at before they are touched.
 *
 * A number in a pid file may by now belong to anybody. So a process is only ever ended after its own command line
 * said that it is the one that is meant.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Clock, sleep } from '../../clock/port.ts';
import { unlessMissing } from '../../errno.ts';
import type { EnginePaths } from './paths.ts';

export interface ProcessInfo {
  readonly pid: number;
  readonly args: readonly string[];
}

/** @returns undefined for one that does not run; a process that has ended and was not yet reaped has no arguments */
export async function processOf(pid: number): Promise<ProcessInfo | undefined> {
  // A process that has ended has no such file any more; nor can one be read that ends at this moment.
  const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return line === '' ? undefined : { pid, args: line.split('\0').slice(0, -1) };
}

export async function allProcesses(): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
  const found = await Promise.all(pids.map(processOf));
  return found.filter((process) => process !== undefined);
}

const program = ({ args }: ProcessInfo): string => basename(args[0] ?? '');

export const isEngine = (process: ProcessInfo): boolean => program(process) === 'dockerd';

export const isOwnEngine = (process: ProcessInfo, paths: EnginePaths): boolean =>
  isEngine(process) && process.args.includes(`--data-root=${paths.dataRoot}`);

export const isOwnContainerd = (process: ProcessInfo, paths: EnginePaths): boolean =>
  program(process) === 'containerd' && process.args.includes(paths.containerdConfig);

/** The parent of one container; it outlives the engine. */
export const isOwnShim = (process: ProcessInfo, paths: EnginePaths): boolean =>
  program(process).startsWith('containerd-shim') && process.args.includes(paths.containerdSocket);

export async function pidIn(file: string): Promise<number | undefined> {
  const pid = Number((await unlessMissing(readFile(file, 'utf8'), '')).trim());
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

/** Processes inside the containers with these ids, by their control groups. */
export async function processesOfContainers(ids: readonly string[]): Promise<readonly number[]> {
  if (ids.length === 0) return [];
  const inside = await Promise.all(
    (await allProcesses()).map(async ({ pid }) => {
      // It may have just ended.
      const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
      return ids.some((id) => groups.includes(id)) ? pid : undefined;
    }),
  );
  return inside.filter((pid) => pid !== undefined);
}

export function signalProcess(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}

const pollMs = 50;
const killedWithinMs = 10_000;

/**
 * Asks the process to end and, after `graceMs`, kills it.
 * @returns whether it has ended
 */
export async function endProcess(
  clock: Clock,
  pid: number,
  isMeant: (process: ProcessInfo) => boolean,
  graceMs: number,
): Promise<boolean> {
  const runs = async (): Promise<boolean> => {
    const now = await processOf(pid);
    return now !== undefined && isMeant(now);
  };
  for (const [signal, waitMs] of [['SIGTERM', graceMs] as const, ['SIGKILL', killedWithinMs] as const]) {
    if (!(await runs())) return true;
    signalProcess(pid, signal);
    for (let waited = 0; waited < waitMs; waited += pollMs) {
      await sleep(clock, pollMs);
      if (!(await runs())) return true;
    }
  }
  return false;
}
