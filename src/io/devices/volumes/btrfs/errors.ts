/**
 * What went wrong, as a code that callers can branch on. btrfs-progs answer nearly every failure with exit code 1 and
 * the kernel's sentence; the file system calls of Node with an errno.
 */
import type { IoErrorCode } from '../../error.ts';
import { IoError, asIoError } from '../../error.ts';
import type { Ran } from '../../run.ts';

/** The first that matches counts: a refusal because of a running send also says EPERM. */
const sentences: readonly (readonly [IoErrorCode, RegExp])[] = [
  ['BUSY', /send may be in progress|Device or resource busy|Text file busy|target is busy/],
  ['NO_SPACE', /No space left on device|Disk quota exceeded/],
  ['READ_ONLY', /Read-only file system/],
  ['DAMAGED', /Input\/output error|Structure needs cleaning/],
  ['EXISTS', /File exists|already exists/],
  ['POOL_MISSING', /[Nn]ot a [Bb]trfs filesystem|not a btrfs file system|No such device|Stale file handle/],
  ['MISSING', /No such file or directory/],
  ['PERMISSION', /Operation not permitted|Permission denied|must be superuser/],
  ['INVALID', /Directory not empty|Not a Btrfs subvolume|Invalid argument/],
];

export const classify = (stderr: string): IoErrorCode =>
  sentences.find(([, sentence]) => sentence.test(stderr))?.[0] ?? 'FAILED';

const errnos: Readonly<Record<string, IoErrorCode>> = {
  ENOSPC: 'NO_SPACE',
  EROFS: 'READ_ONLY',
  EBUSY: 'BUSY',
  EEXIST: 'EXISTS',
  ENOENT: 'MISSING',
  EPERM: 'PERMISSION',
  EACCES: 'PERMISSION',
  EIO: 'DAMAGED',
  ENODEV: 'POOL_MISSING',
};

/** Errors of Linux that Node has no name for: EDQUOT, EUCLEAN, ESTALE. */
const numbers: Readonly<Record<number, IoErrorCode>> = {
  [-122]: 'NO_SPACE',
  [-117]: 'DAMAGED',
  [-116]: 'POOL_MISSING',
};

const hints: Readonly<Partial<Record<IoErrorCode, string>>> = {
  NO_SPACE: 'Free space in the pool: remove snapshots or volumes, or make the pool larger.',
  READ_ONLY: 'btrfs becomes read-only after an error: look at the log of the kernel, then mount the pool again.',
  BUSY: 'Something still uses it: stop the app, or wait for a running transfer.',
  DAMAGED: 'The disk or the file system has errors: run `btrfs scrub` and look at the log of the kernel.',
  POOL_MISSING: 'Mount the pool again; FloatLab goes on as soon as it is there.',
  PERMISSION: 'Snapshots and quotas need the rights of root: run floatlabd as root.',
};

export const withHint = (code: IoErrorCode): { hint?: string } =>
  hints[code] === undefined ? {} : { hint: hints[code] };

/** A command that ended with another code than 0. */
export function commandError(op: string, target: string, ran: Ran): IoError {
  const code = classify(ran.stderr);
  const said = (ran.stderr.trim() || `it ended with code ${ran.exitCode}`).split('\n').slice(0, 3).join(' ');
  return new IoError(code, { op, target, message: `${op} of ${target} failed: ${said}`, ...withHint(code) });
}

/** Anything thrown by a step, the errno of a file system call included. */
export function stepError(error: unknown, op: string, target: string): IoError {
  const code = codeOfErrno(error);
  if (error instanceof IoError || code === undefined) return asIoError(error, op, target);
  const message = `${op} of ${target} failed: ${(error as Error).message}`;
  return new IoError(code, { op, target, message, ...withHint(code), cause: error });
}

function codeOfErrno(error: unknown): IoErrorCode | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, errno } = error as NodeJS.ErrnoException;
  return errnos[code ?? ''] ?? numbers[errno ?? 0];
}
