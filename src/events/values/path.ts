/** Paths inside an app's own folder, in a container, and of a node. Never a way out of a folder. */
import * as z from 'zod';

// oxlint-disable-next-line no-control-regex -- control characters are what this refuses
const control = /[\u0000-\u001f\u007f]/;

/** @returns the normalized relative path (`a/b`, or `.` for the folder itself), or undefined when it leaves the folder */
export function insideFolder(path: string): string | undefined {
  if (path.startsWith('/') || path.startsWith('~') || path.includes('\\') || control.test(path)) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.some((part) => part === '..' || part.length > 255)) return undefined;
  return parts.length === 0 ? '.' : parts.join('/');
}

export const relativePath = z
  .string()
  .min(1)
  .max(1024)
  .refine((path) => insideFolder(path) === path, 'not a normalized path inside the folder of the app');

/** An absolute path in a container. */
export const containerPath = z
  .string()
  .max(4096)
  .refine(
    (path) => path.startsWith('/') && !control.test(path) && !path.includes(':') && !path.split('/').includes('..'),
    'not an absolute path: begin with "/", without "..", ":" and control characters',
  );

/** @returns the path of a node without `.`, empty parts and a slash at its end, or undefined when it is not absolute */
export function normalHostPath(path: string): string | undefined {
  if (!path.startsWith('/') || path.includes('\\') || control.test(path)) return undefined;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.some((part) => part === '..' || part.length > 255) ? undefined : `/${parts.join('/')}`;
}

export const hostPath = z
  .string()
  .max(1024)
  .refine((path) => normalHostPath(path) === path, 'not a normalized absolute path of a node');

/** Whether the path is this folder, or lies in it. Both normalized and absolute. */
export const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
