/**
 * One daemon to a data directory.
 *
 * The lock is the kernel's flock(2) on `<data>/lock`: it ends with the process that holds it, however that ends, it
 * cannot be fooled by the process ids of another boot or container, and it holds between containers that share the
 * directory. Node has no flock, the program `flock` has: it is handed the open file as its input, locks it and
 * exits; the lock belongs to the open file, which this process keeps.
 *
 * The process id in the file is for messages only.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { IoError } from '../devices/error.ts';

export interface DataDirLock {
  /** Lets another process in. The lock also ends with this process. */
  release(): Promise<void>;
}

/** @throws IoError BUSY when another process has it, FAILED */
export async function lockDataDir(dir: string): Promise<DataDirLock> {
  const path = join(dir, 'lock');
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (!(await flock(file))) throw busy(dir, await holderOf(file));
    await file.truncate(0);
    await file.write(`${process.pid}\n`, 0);
  } catch (error) {
    await file?.close();
    throw error instanceof IoError ? error : failed(dir, error);
  }
  const held = file;
  let released: Promise<void> | undefined;
  return {
    // The file stays: removing it would let two processes lock two files of one name.
    release: () => (released ??= held.close()),
  };
}

/** @returns false when another process holds the lock */
async function flock(file: FileHandle): Promise<boolean> {
  const result = await execa('flock', ['-n', '0'], {
    // Any open file will do; the types know the first three only.
    stdin: file.fd as 0,
    stdout: 'ignore',
    reject: false,
    timeout: 10_000,
  });
  if (!result.failed) return true;
  // It answers 1, and nothing else, for a lock that is held.
  if (result.exitCode === 1) return false;
  throw new Error(result.message);
}

/** @returns undefined while the holder has not written it yet */
async function holderOf(file: FileHandle): Promise<string | undefined> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(32), 0, 32, 0);
  return /^(\d+)\n/.exec(buffer.toString('latin1', 0, bytesRead))?.[1];
}

const busy = (dir: string, pid: string | undefined): IoError =>
  new IoError('BUSY', {
    op: 'lock',
    target: dir,
    message: `the data directory ${dir} is in use by another FloatLab${pid === undefined ? '' : ` (process ${pid})`}`,
    hint: 'Stop that one first, or choose another directory with FLOATLAB_DATA.',
  });

const failed = (dir: string, error: unknown): IoError =>
  new IoError('FAILED', {
    op: 'lock',
    target: dir,
    message: `cannot lock the data directory ${dir}: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'The directory must exist and be writable, and the program flock (package util-linux) must be installed.',
    cause: error,
  });
