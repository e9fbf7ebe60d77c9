/**
 * Processes that have something of a folder open, work in it, or have it mapped: what a file system would exchange or
 * remove below them without a word. Mounts of containers are another matter (`in-use.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RunCommand } from '../run.ts';
import type { Deadline } from './deadline.ts';
import { inUse } from './in-use.ts';

export interface OpenPath {
  /** Its number. */
  readonly process: string;
  readonly path: string;
}

type Find = (file: string, args: readonly string[]) => Promise<{ readonly stdout: string }>;

/** @param find runs a program @param folder absolute, without symbolic links */
export async function openBelow(find: Find, folder: string): Promise<readonly OpenPath[]> {
  // Links of the kernel; most programs have none, and some end while it looks: neither is an error.
  const links = ['cwd', 'root', 'exe', 'fd/*', 'map_files/*'].flatMap((link, n) => [
    ...(n === 0 ? [] : ['-o']),
    ...['-path', `/proc/[0-9]*/${link}`],
  ]);
  const pattern = folder.replaceAll(/[\\*?[\]]/g, (sign) => `\\${sign}`);
  const leads = ['(', '-lname', pattern, '-o', '-lname', `${pattern}/*`, ')'];
  const search = ['-mindepth', '2', '-maxdepth', '3', '(', ...links, ')', ...leads, '-printf', '%p %l\\n'];
  const { stdout } = await find('find', ['/proc', ...search]);
  return stdout.split('\n').flatMap((row) => {
    const match = /^\/proc\/(\d+)\/\S+ (.*)$/.exec(row);
    return match?.[1] === undefined || match[2] === undefined ? [] : [{ process: match[1], path: match[2] }];
  });
}

/** Who has it open, in words: `process 4711 (postgres), which has /tank/db/base open`. */
export async function describeUsers(
  [first, ...more]: readonly OpenPath[],
  nameOf: (process: string) => Promise<string>,
): Promise<string | undefined> {
  if (!first) return undefined;
  const others = new Set(more.map(({ process }) => process).filter((process) => process !== first.process)).size;
  const also = others === 0 ? '' : `, and ${others} more`;
  const command = (await nameOf(first.process)).trim();
  const name = command === '' ? '' : ` (${command})`;
  return `process ${first.process}${name}${also}, which has ${first.path} open`;
}

/** A program that has just ended, or closed its files. */
const settleMs = 200;
const looks = 3;

/** Waits a moment for programs that are about to let go. @throws IoError BUSY */
export async function refuseOpen(
  run: RunCommand,
  { op, path, within }: { readonly op: string; readonly path: string; readonly within: Deadline },
): Promise<void> {
  const ran: Find = (file, args) =>
    run(file, args, { signal: within.signal, timeoutMs: within.timeoutMs, target: path, maxOutputBytes });
  const nameOf = (process: string) => ran('cat', [`/proc/${process}/comm`]).then(({ stdout }) => stdout, nobody);
  for (let look = 1; ; look++) {
    const user = await describeUsers(await openBelow(ran, path), nameOf);
    if (user === undefined) return;
    if (look === looks) throw inUse(op, path, user);
    await within.race(delay(settleMs));
  }
}

const nobody = (): string => '';
/** A program may have many files of a volume open; who it is follows from the first. */
const maxOutputBytes = 64 * 2 ** 20;
