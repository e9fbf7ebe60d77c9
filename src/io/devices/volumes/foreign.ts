/** What somebody else put into the folder of FloatLab: it is not touched, and no dataset because of its name. */
import { IoError } from '../error.ts';

/** @param what it is, for example `a symbolic link` */
export const foreign = (path: string, what: string): IoError =>
  new IoError('INVALID', {
    op: 'look',
    target: path,
    message: `${path} is ${what}: FloatLab did not make it and does not touch it`,
    hint: 'Move it out of the folder of FloatLab.',
  });

/** Whether a look ended because of such a thing, and not because the disk could not be read. */
export const isForeign = (error: unknown): boolean => error instanceof IoError && error.code === 'INVALID';
