/**
 * Where backups lie: objects by key, outside of the lab. A folder (`dir.ts`), storage that speaks S3 (`s3/store.ts`),
 * and a simulated twin (`sim.ts`); one contract suite, `test/contracts/object-store.ts`, holds for all.
 *
 * Laws
 *
 *   - An object is there whole or not at all, and never changes. What was put is durable once `put` resolved, and was
 *     looked at again: its size, and its checksum where the store tells one.
 *   - `put` that rejects may have stored the object all the same: ask again, or look. Of several who put one key at the
 *     same moment some may be told DAMAGED, where a store does not know how to put if absent: ask again.
 *   - What `put` or `delete` resolved, every later `get`, `head` and `list` of anybody sees.
 *   - `modifiedAt` is by the clock of the store, one for all who use it. It is compared with other times of the same
 *     store, and never with the clock of this machine.
 *   - Rejects with IoError only. MISSING: no such object, or the place itself (folder, bucket) is not there.
 *     PERMISSION: the store does not let us. NO_SPACE, READ_ONLY, TIMED_OUT, ABORTED, DAMAGED (what was stored is not
 *     what was sent), POOL_MISSING (the folder's disk is gone), FAILED.
 */
import { IoError, type IoErrorCode } from '../../error.ts';

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970 by the clock of the store. */
  readonly modifiedAt: number;
}

export interface ByteRange {
  readonly from: number;
  /** The byte after the last one. Where the object ends earlier, so does what comes. */
  readonly to: number;
}

export interface ObjectStore {
  /** For messages: `/mnt/usb/backups`, `s3://bucket/prefix`. No secret is in it. */
  readonly where: string;
  /** Put if absent. @returns `exists` when there is an object of that key already: it stays as it is */
  put(key: string, bytes: Uint8Array, signal: AbortSignal): Promise<'stored' | 'exists'>;
  /** @throws IoError MISSING; INVALID for a range behind its end */
  get(key: string, signal: AbortSignal, range?: ByteRange): Promise<Uint8Array>;
  head(key: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** Those whose keys begin with the prefix (a folder with its slash, or empty: all), in no order. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** Without effect when there is none. */
  delete(key: string, signal: AbortSignal): Promise<void>;
}

/** What one object may have; more is not read into memory. */
export const maxObjectBytes = 512 * 1024 * 1024;

/** Up to four names with slashes between them, in small letters: good in every file system and every S3. */
export const isKey = (key: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{0,127}(\/[a-z0-9][a-z0-9.-]{0,127}){0,3}$/.test(key);

/** A key becomes a path, or a part of a URL: nothing else may. @throws IoError INVALID */
export function checkKey(op: string, key: string): void {
  if (isKey(key)) return;
  const message = `${JSON.stringify(key.slice(0, 200))} is no key of an object`;
  throw storeError(
    'INVALID',
    op,
    key.slice(0, 200),
    message,
    'Use a–z, 0–9, dot and dash, with slashes between names.',
  );
}

/** @throws IoError INVALID */
export function checkPrefix(prefix: string): void {
  if (prefix === '' || (prefix.endsWith('/') && isKey(prefix.slice(0, -1)))) return;
  const message = `${JSON.stringify(prefix.slice(0, 200))} is no folder of keys`;
  throw storeError('INVALID', 'list', prefix.slice(0, 200), message, 'Write it with a slash at its end.');
}

export function storeError(
  code: IoErrorCode,
  op: string,
  target: string,
  message: string,
  hint?: string,
  cause?: unknown,
): IoError {
  return new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }), cause });
}

export const noObject = (where: string, key: string, cause?: unknown): IoError =>
  storeError('MISSING', 'get', key, `there is no object ${key} in ${where}`, undefined, cause);

export const noRange = (where: string, key: string, { from }: ByteRange): IoError =>
  storeError('INVALID', 'get', key, `the object ${key} in ${where} ends before byte ${from}`);

export function checkSize(op: string, key: string, sizeBytes: number): void {
  if (sizeBytes <= maxObjectBytes) return;
  throw storeError('INVALID', op, key, `${key} has ${sizeBytes} bytes, the most of an object is ${maxObjectBytes}`);
}

/** Waits for a call that cannot be cancelled, no longer than it is wanted. @throws IoError ABORTED */
export async function whileWanted<T>(op: string, target: string, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = () => storeError('ABORTED', op, target, `${op} of ${target} was cancelled`);
  if (signal.aborted) {
    work.catch(() => undefined);
    throw aborted();
  }
  let onAbort = (): void => undefined;
  const over = new Promise<never>((_, reject) => {
    onAbort = () => reject(aborted());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
