/**
 * The programs of coreutils that do the work, one function each: killable, and with the time that the call has left.
 * All paths are absolute and were made from checked names or real paths; "--" ends the options all the same.
 *
 * A copy keeps owners, modes, times, ACLs and other extended attributes, hard links among the copied files, holes,
 * links, fifos, sockets, and names in any encoding. It does not keep the flags of `chattr`.
 */
import { IoError } from '../../error.ts';
import type { Ran, RunCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import { commandError } from './errors.ts';

export interface Tools {
  /**
   * Copies a folder with all that is in it, to a path that is free.
   * @param source of a `moving` one, files may vanish or be replaced under the copy: they are left out
   */
  copy(from: string, to: string, source: 'still' | 'moving'): Promise<void>;
  /** With all that is in it. Of what is not there: done. Never goes into another file system. */
  remove(path: string): Promise<void>;
  /**
   * What the files in a folder take on the disk, hard links once, its sub-folders included.
   * @param atMostMs less than what is left of the call, where that is not worth more
   */
  usage(path: string, atMostMs?: number): Promise<number>;
  /** Everything that was written to the file system of this path until now is on its disk. */
  flush(path: string): Promise<void>;
  /** Whether `to` can be made from `from` without copying what is in it. */
  reflink(from: string, to: string): Promise<boolean>;
}

const keep = 'mode,ownership,timestamps,links,xattr';

/** The tools on behalf of one call: `target` is for messages, `within` ends them. */
export function dirTools(run: RunCommand, target: string, within: Deadline): Tools {
  const attempt = (file: string, args: readonly string[], atMostMs = Number.POSITIVE_INFINITY) =>
    run(file, args, { signal: within.signal, timeoutMs: Math.min(within.timeoutMs, atMostMs), target });
  const must = async (
    file: string,
    args: readonly string[],
    isFine = (_: Ran) => false,
    atMostMs?: number,
  ): Promise<Ran> => {
    const ran = await attempt(file, args, atMostMs);
    if (ran.exitCode !== 0 && !isFine(ran)) throw commandError(file, target, ran);
    return ran;
  };
  return {
    async copy(from, to, source) {
      const options = ['--archive', `--preserve=${keep}`, '--reflink=auto', '--sparse=always', '--no-target-directory'];
      await must('cp', [...options, '--', from, to], (ran) => source === 'moving' && onlyMoved(ran.stderr));
    },
    async remove(path) {
      await must('rm', ['--recursive', '--force', '--one-file-system', '--', path]);
    },
    async usage(path, atMostMs) {
      const args = ['--summarize', '--one-file-system', '--block-size=1', '--', path];
      const ran = await must('du', args, ({ stderr }) => onlyVanished(stderr), atMostMs);
      const bytes = parseUsage(ran.stdout);
      if (bytes !== undefined) return bytes;
      const message = `du for ${target} did not say how much it is: ${JSON.stringify(ran.stdout.slice(0, 200))}`;
      throw new IoError('FAILED', { op: 'du', target, message });
    },
    async flush(path) {
      await must('sync', ['--file-system', '--', path]);
    },
    async reflink(from, to) {
      const ran = await attempt('cp', ['--reflink=always', '--', from, to]);
      if (ran.exitCode === 0) return true;
      if (/Operation not supported|Inappropriate ioctl|Invalid argument|Function not implemented/.test(ran.stderr))
        return false;
      throw commandError('cp --reflink', target, ran);
    },
  };
}

/** `4096<tab>/path` */
export function parseUsage(stdout: string): number | undefined {
  const bytes = /^(\d+)\t/.exec(stdout)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

/** Is everything that `cp` complains about a file that was removed, renamed or replaced while it was at work? */
export const onlyMoved = (stderr: string): boolean =>
  everyLine(
    stderr,
    /^cp: (cannot (stat|open|access|read symbolic link) .*: No such file or directory|skipping file .*, as it was replaced while being copied)$/,
  );

/** The same for `du`. */
export const onlyVanished = (stderr: string): boolean =>
  everyLine(stderr, /^du: cannot (access|read directory) .*: No such file or directory$/);

/** The tools quote line breaks in names: one line is one complaint. */
function everyLine(stderr: string, pattern: RegExp): boolean {
  const lines = stderr.split('\n').filter((line) => line !== '');
  return lines.length > 0 && lines.every((line) => pattern.test(line));
}
