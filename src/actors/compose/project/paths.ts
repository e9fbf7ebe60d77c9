/** Relative paths of a compose file, from its own folder, inside the folder of the app. */
import { insideFolder } from '#events/values/path.ts';
import type { Reading } from '../reading.ts';

/** @returns the path from the folder of the app (`.` for that), or undefined when it leads out of it */
export function resolvePath(folder: string, path: string): string | undefined {
  if (path.startsWith('/') || path.startsWith('~')) return undefined;
  const parts = folder === '.' ? [] : folder.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return insideFolder(parts.join('/'));
}

/** What a path means that stands at this place. */
export const pathFrom = (reading: Reading, at: number, path: string): string | undefined =>
  resolvePath(reading.sourceAt(at).folder, path);

/** `team/db/compose.yaml` → `team/db`; `compose.yaml` → `.` */
export const folderOf = (path: string): string => path.split('/').slice(0, -1).join('/') || '.';

/** `https://…`, `oci://…`, `git@…`: compose fetches these itself. */
export const isRemote = (path: string): boolean => /^(?:[a-z][a-z0-9+.-]*:\/\/|git@)/i.test(path);
