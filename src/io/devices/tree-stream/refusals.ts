/** What goes wrong with trees and their streams, as IoErrors with stable codes. */
import { constants } from 'node:os';
import type { IoErrorCode } from '../error.ts';
import { IoError } from '../error.ts';
import { errnoOf } from '../files/errors.ts';

const again = 'Throw away what was received, and send again.';

const bad = (code: IoErrorCode, target: string, what: string, cause?: unknown): IoError =>
  new IoError(code, {
    op: 'receive tree',
    target,
    message: `the stream for ${target} ${what}`,
    hint: again,
    cause,
  });

/** A stream that is cut off, or was changed on its way. */
export const brokenStream = (target: string, what: string): IoError => bad('TRUNCATED', target, what);

/** One that came as it was sent, and is none, or does not fit what is there. */
export const damagedStream = (target: string, what: string, cause?: unknown): IoError =>
  bad('DAMAGED', target, what, cause);

/** @param name for people: bytes that are no text are shown as such */
export const readable = (name: Uint8Array): string => JSON.stringify(Buffer.from(name).toString('utf8'));

const codes: Record<string, { readonly code: IoErrorCode; readonly what: string; readonly hint?: string }> = {
  ENOSPC: { code: 'NO_SPACE', what: 'the volume is full', hint: 'Free space in its pool, or make the volume larger.' },
  EDQUOT: { code: 'NO_SPACE', what: 'the volume is full', hint: 'Make the volume larger.' },
  EROFS: { code: 'READ_ONLY', what: 'the file system is read-only', hint: 'Look at the pool: it may have met errors.' },
  EPERM: {
    code: 'PERMISSION',
    what: 'the system does not allow it',
    hint: 'Run FloatLab as root, outside of a container that takes rights away.',
  },
  EACCES: { code: 'PERMISSION', what: 'the system does not allow it', hint: 'Run FloatLab as root.' },
  EOPNOTSUPP: {
    code: 'UNSUPPORTED',
    what: 'the file system cannot keep that',
    hint: 'Its attributes or access lists need a file system that has them (zfs: xattr=sa, acltype=posixacl).',
  },
  EOVERFLOW: {
    code: 'UNSUPPORTED',
    what: 'the file system cannot keep such a time',
    hint: 'Give the file another one.',
  },
  ENOENT: { code: 'MISSING', what: 'it is not there' },
  EIO: { code: 'DAMAGED', what: 'the disk cannot read or write it', hint: 'Look at the pool: a disk may be failing.' },
};

/**
 * What the kernel said about a file of a tree.
 * @param of where the tree is, and what of it, for messages
 */
export function treeError(op: string, of: string, error: unknown): IoError {
  if (error instanceof IoError) return error;
  const errno = errnoOf(error) ?? '';
  const known = codes[errno];
  const message = error instanceof Error ? error.message : String(error);
  if (!known)
    return new IoError('FAILED', { op, target: of, message: `${op} of ${of} failed: ${message}`, cause: error });
  const { code, what, hint } = known;
  const about = { op, target: of, message: `${of}: ${what} (${message})`, cause: error };
  return new IoError(code, hint === undefined ? about : { ...about, hint });
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
/** Two numbers have two names each, and only one of them is in the table above. */
errnoNames.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** As an error of Node's own. */
export const errnoError = (errno: number, what: string): Error => {
  const code = errnoNames.get(errno) ?? `errno ${errno}`;
  return Object.assign(new Error(`${code}: ${what}`), { code });
};
