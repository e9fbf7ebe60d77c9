/** What went wrong on a plain file system, as a code: by the sentence of a tool, or by the errno of a call of Node. */
import type { IoErrorCode } from '../../error.ts';
import { IoError, asIoError } from '../../error.ts';
import type { Ran } from '../../run.ts';

/** The first that matches counts. */
const sentences: readonly (readonly [IoErrorCode, RegExp])[] = [
  // Other programs of the same names know less.
  ['UNSUPPORTED', /unrecognized option|invalid option/],
  ['NO_SPACE', /No space left on device|Disk quota exceeded/],
  ['READ_ONLY', /Read-only file system/],
  ['DAMAGED', /Input\/output error|Structure needs cleaning/],
  ['POOL_MISSING', /No such device|Stale file handle|Transport endpoint is not connected/],
  ['BUSY', /Device or resource busy|Text file busy/],
  ['PERMISSION', /Operation not permitted|Permission denied/],
  ['MISSING', /No such file or directory/],
  ['INVALID', /Directory not empty|File too large|File name too long/],
];

const errnos: Readonly<Record<string, IoErrorCode>> = {
  ENOSPC: 'NO_SPACE',
  EROFS: 'READ_ONLY',
  EIO: 'DAMAGED',
  ENODEV: 'POOL_MISSING',
  EBUSY: 'BUSY',
  EPERM: 'PERMISSION',
  EACCES: 'PERMISSION',
  ENOENT: 'MISSING',
  ENOTDIR: 'INVALID',
  ENOTEMPTY: 'DAMAGED',
  EXDEV: 'INVALID',
};

/** Errors of Linux that Node has no name for: EDQUOT, EUCLEAN, ESTALE. */
const numbers: Readonly<Record<number, IoErrorCode>> = {
  [-122]: 'NO_SPACE',
  [-117]: 'DAMAGED',
  [-116]: 'POOL_MISSING',
};

const hints: Readonly<Partial<Record<IoErrorCode, string>>> = {
  NO_SPACE: 'Snapshots here are copies: remove some, or volumes, or make the file system larger.',
  READ_ONLY: 'File systems become read-only after an error: look at the log of the kernel, then mount it again.',
  DAMAGED: 'The disk or the file system has errors: look at the log of the kernel, and check the file system.',
  POOL_MISSING: 'Mount the file system again; FloatLab goes on as soon as it is there.',
  BUSY: 'Something still uses it: stop the app, or unmount what is mounted there.',
  UNSUPPORTED: 'Install GNU coreutils: the programs of that name that are here cannot do that.',
  PERMISSION: 'Copies keep owners and modes: run floatlabd as root. A file may also be immutable: see `lsattr`.',
};

export const withHint = (code: IoErrorCode): { hint?: string } =>
  hints[code] === undefined ? {} : { hint: hints[code] };

/** A command that ended with another code than 0. */
export function commandError(op: string, target: string, ran: Ran): IoError {
  const code = sentences.find(([, sentence]) => sentence.test(ran.stderr))?.[0] ?? 'FAILED';
  const said = (ran.stderr.trim() || `it ended with code ${ran.exitCode}`).split('\n').slice(0, 3).join(' ');
  return new IoError(code, { op, target, message: `${op} for ${target} failed: ${said}`, ...withHint(code) });
}

/** Anything thrown by a step, the errno of a file system call included. */
export function stepError(error: unknown, op: string, target: string): IoError {
  const code = codeOf(error);
  if (error instanceof IoError || code === undefined) return asIoError(error, op, target);
  const message = `${op} of ${target} failed: ${(error as Error).message}`;
  return new IoError(code, { op, target, message, ...withHint(code), cause: error });
}

function codeOf(error: unknown): IoErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  return errnos[code ?? ''] ?? numbers[errno ?? 0];
}
