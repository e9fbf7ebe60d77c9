/**
 * A flat directory of files that must survive: watermarks, snapshots, sealed segments. Real (`directory-real.ts`) or on
 * the simulated disk (`directory-sim.ts`).
 *
 * Laws, held by `test/contracts/directory.ts`: what resolved as durable survives a power cut; what was only written
 * survives the process, and may be lost in parts when the power fails; `replace` and `rename` are atomic, also across a
 * crash. Names are plain (`[A-Za-z0-9._-]{1,128}`, never `.` or `..`). One call at a time for each name. Nothing else
 * writes into the directory. An error of a write means that the state of the disk is unknown: every later write is
 * refused, and the caller ends the process. A read that fails for a place that the disk cannot read any more (EIO) says
 * that this one file is DAMAGED: whoever can do without it, or have it from others, goes on.
 */
import { StoreError } from './port.ts';

export interface Directory {
  /** Sorted by name. */
  list(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]>;
  /** The whole file; undefined when there is none. For small files. @throws StoreError DAMAGED, FAILED */
  read(name: string): Promise<Uint8Array | undefined>;
  /**
   * From an offset to the end, in pieces of up to 256 KiB; up to the place that cannot be read, if there is one.
   * @throws StoreError MISSING, DAMAGED, FAILED
   */
  stream(name: string, from?: number): AsyncIterable<Uint8Array>;
  /** Puts a whole file in the place of what was there. Durable. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * In place, within or right after what is there; makes the file. Not durable before `sync`. The file stays open until
   * it is renamed, replaced or deleted.
   */
  writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes a file's bytes, and its name, durable. @throws StoreError MISSING */
  sync(name: string): Promise<void>;
  /** Durable; takes the place of what was there. The file must have been synced. @throws StoreError MISSING */
  rename(from: string, to: string): Promise<void>;
  /** Durable; without effect when there is none. */
  delete(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Of a piece of a stream, in bytes. */
export const pieceBytes = 256 * 1024;

export const isName = (name: string): boolean => /^[A-Za-z0-9._-]{1,128}$/.test(name) && name !== '.' && name !== '..';

/** A name becomes a path: nothing else may. */
export function checkName(name: string): void {
  if (isName(name)) return;
  throw new StoreError(
    'FAILED',
    `${JSON.stringify(name)} is no name for a file`,
    'Use 1 to 128 characters of A–Z, a–z, 0–9, dot, dash and underscore.',
  );
}

export const noSuchFile = (name: string, where: string): StoreError =>
  new StoreError('MISSING', `there is no file ${name} in ${where}`, 'Look at what the directory holds.');

export const unreadable = (name: string, where: string, cause: unknown): StoreError =>
  new StoreError(
    'DAMAGED',
    `a place of ${name} in ${where} cannot be read any more`,
    'Look at the disk (dmesg, SMART), and replace it if there is more of that.',
    cause,
  );

/** The whole file; undefined when there is none, `damaged` when not all of it can be read any more. */
export async function readIfIntact(directory: Directory, name: string): Promise<Uint8Array | undefined | 'damaged'> {
  try {
    return await directory.read(name);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'DAMAGED') return 'damaged';
    throw error;
  }
}

export const leavesHole = (name: string, offset: number, sizeBytes: number): StoreError =>
  new StoreError(
    'FAILED',
    `writing at ${offset} would leave a hole in ${name}, which has ${sizeBytes} bytes`,
    'Write within the file, or right behind its end.',
  );

export const closedDirectory = (where: string): StoreError =>
  new StoreError('FAILED', `the directory ${where} is closed`, 'Open it again.');
