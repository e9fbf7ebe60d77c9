/** Paths of a simulated machine: files by their paths; folders are where files are. */
import { IoError } from '../error.ts';
import type { PlacesPort } from './port.ts';

export interface SimPlaces {
  readonly port: PlacesPort;
  /** @param path absolute */
  write(path: string, text: string): void;
  /** Mounted there: what is at the path and below is on another file system. */
  mount(path: string, fileSystem: string): void;
}

export function simPlaces(): SimPlaces {
  const files = new Map<string, Uint8Array>();
  const mounts = new Map([['/', 'ext4']]);
  const isIn = (path: string, folder: string): boolean =>
    folder === '/' || path === folder || path.startsWith(`${folder}/`);
  const below = (folder: string): readonly string[] =>
    [...files.keys(), ...mounts.keys()].filter((path) => path !== folder && isIn(path, folder));
  const fileSystemOf = (path: string): string =>
    [...mounts].filter(([point]) => isIn(path, point)).toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? '';

  return {
    write: (path, text) => void files.set(path, new TextEncoder().encode(text)),
    mount: (path, fileSystem) => void mounts.set(path, fileSystem),
    port: {
      look: (path) => {
        const isFile = files.has(path);
        if (!isFile && !mounts.has(path) && below(path).length === 0) return Promise.resolve(undefined);
        const fileSystem = fileSystemOf(path);
        const isShared = fileSystem === 'nfs4';
        return Promise.resolve({ what: isFile ? 'file' : 'folder', path, fileSystem, isShared });
      },
      size: (path) =>
        Promise.resolve([...files].reduce((sum, [at, bytes]) => sum + (isIn(at, path) ? bytes.length : 0), 0)),
      read: async (path, mostBytes) => {
        const bytes = files.get(path);
        if (bytes && bytes.length > mostBytes)
          throw new IoError('INVALID', { op: 'read', target: path, message: `${path} is too large` });
        return bytes && { bytes, mode: 0o644 };
      },
      list: (path) => {
        const names = below(path).map((one) => one.slice(path === '/' ? 1 : path.length + 1).split('/')[0] ?? '');
        return Promise.resolve(names.length === 0 ? undefined : [...new Set(names)].toSorted());
      },
    },
  };
}
