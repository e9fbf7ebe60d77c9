/** A tree that is open, and the process that goes through it with us. */
import { IoError } from '../error.ts';
import { errnoOf } from '../files/errors.ts';
import { KernelCalls } from './kernel-calls.ts';
import { OpenFolder } from './open-folder.ts';

export interface Side {
  readonly top: OpenFolder;
  readonly calls: KernelCalls;
}

/** @throws IoError MISSING */
export function openSide(path: string): Side {
  let top: OpenFolder;
  try {
    top = new OpenFolder(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) throw error;
    throw new IoError('MISSING', {
      op: 'open tree',
      target: path,
      message: `${path} is no folder`,
      hint: 'Mount what should be there.',
      cause: error,
    });
  }
  try {
    return { top, calls: new KernelCalls(top.fd, path) };
  } catch (error) {
    top.close();
    throw error;
  }
}

export async function closeSide({ top, calls }: Side): Promise<void> {
  await calls.close();
  top.close();
}
