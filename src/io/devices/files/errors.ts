/** What the file system says, as an IoError. */
import { IoError } from '../error.ts';

/** Errors of Linux that Node has no name for. */
const unnamed: Readonly<Record<number, string>> = { [-122]: 'EDQUOT', [-117]: 'EUCLEAN', [-116]: 'ESTALE' };

export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return ('errno' in error && typeof error.errno === 'number' ? unnamed[error.errno] : undefined) ?? error.code;
}

export const isLink = (path: string): IoError =>
  new IoError('INVALID', {
    op: 'open',
    target: path,
    message: `${path} is a symbolic link: FloatLab follows none in a volume, because it may lead to any file of this machine.`,
    hint: 'Put the real file or folder in its place, then start the app again.',
  });

export function fileError(op: string, target: string, error: unknown): IoError {
  if (error instanceof IoError) return error;
  const about = { op, target, cause: error };
  switch (errnoOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new IoError('NO_SPACE', {
        ...about,
        message: `${target}: the volume is full.`,
        hint: 'Make the volume larger or free space on it.',
      });
    case 'EROFS':
      return new IoError('READ_ONLY', {
        ...about,
        message: `${target}: the file system is read-only.`,
        hint: 'Look at the pool: it may have met errors.',
      });
    case 'ELOOP':
      return isLink(target);
    case 'ENOTDIR':
      return new IoError('INVALID', {
        ...about,
        message: `${target} is no folder.`,
        hint: 'Rename it, then start the app again.',
      });
    default:
      return new IoError('FAILED', {
        ...about,
        message: `${op} ${target} failed: ${error instanceof Error ? error.message : String(error)}`,
      });
  }
}
