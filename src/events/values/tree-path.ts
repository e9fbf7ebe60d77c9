/**
 * Paths of files inside a volume, as text. A file system knows bytes: what is no UTF-8 in a name is written `%XX`, and a
 * `%` that could be mistaken for such is `%25`; every other name is itself. So each name has one text, and each text at
 * most one name.
 *
 *     caf\xc3\xa9   café          \xff.log   %FF.log          100%   100%          a%41   a%2541
 *
 * A path is names with `/` between them, from the root of the volume; the root itself is the empty text. It never begins
 * with a slash, and never leads out.
 */
import * as z from 'zod';

/** In bytes: what Linux file systems take. */
export const maxNameBytes = 255;
/** In bytes, of all names and the slashes between them. */
const maxPathBytes = 4096;

const percent = 0x25;
const slash = 0x2f;

export function encodeName(bytes: Uint8Array): string {
  if (bytes.includes(percent)) return guarded(bytes);
  try {
    return strict.decode(bytes);
  } catch {
    return guarded(bytes);
  }
}

export function decodeName(text: string): Uint8Array {
  const plain = encoder.encode(text);
  if (!plain.includes(percent)) return plain;
  const bytes = new Uint8Array(plain.length);
  let length = 0;
  for (let at = 0; at < plain.length; at++) {
    const value = plain[at] === percent ? hexPair(plain, at + 1) : undefined;
    bytes[length] = value ?? plain[at] ?? 0;
    if (value !== undefined) at += 2;
    length += 1;
  }
  return bytes.subarray(0, length);
}

/** @returns the names on the way, as bytes; none for the root; undefined when it is no such path, or leads out */
export function waysOf(path: string): readonly Uint8Array[] | undefined {
  if (path === '') return [];
  if (path.length > 3 * maxPathBytes || /\p{Surrogate}/u.test(path)) return undefined;
  const names: Uint8Array[] = [];
  let total = -1;
  for (const part of path.split('/')) {
    const name = decodeName(part);
    total += name.length + 1;
    if (name.length === 0 || name.length > maxNameBytes || total > maxPathBytes) return undefined;
    if (part === '.' || part === '..' || name.includes(0) || name.includes(slash)) return undefined;
    // One text for each name: `%2E%2E` is none.
    if (encodeName(name) !== part) return undefined;
    names.push(name);
  }
  return names;
}

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** The last name; the empty text for the root. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The folder that it is in; the empty text is the root. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** As a person may type it: slashes in front, at the end and doubled ones do not count. */
export const typedPath = (text: string): string =>
  text
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/** By bytes, as every node sorts them. */
export function compareNames(one: Uint8Array, other: Uint8Array): number {
  const shorter = Math.min(one.length, other.length);
  for (let at = 0; at < shorter; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

const notInside = 'not a path inside the volume: names with "/" between them, without "..", up to 4096 bytes';

/** Of something in a volume. */
export const treePath = z
  .string()
  .min(1)
  .refine((path) => waysOf(path) !== undefined, notInside);

/** Of a folder; empty: the root. */
export const folderPath = z.string().refine((path) => waysOf(path) !== undefined, notInside);

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0');

/** Byte by byte, so that a `%` sees what comes after it in the text. */
function guarded(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = sequenceAt(bytes, at);
    const part = length === 0 ? `%${hex(bytes[at] ?? 0)}` : strict.decode(bytes.subarray(at, at + length));
    parts.push(part);
    at += Math.max(1, length);
  }
  return parts
    .map((part, at) => {
      const after = part === '%' ? (parts[at + 1] ?? '') + (parts[at + 2] ?? '') : '';
      return /^[0-9A-Fa-f]{2}/.test(after) ? '%25' : part;
    })
    .join('');
}

const hexPair = (bytes: Uint8Array, at: number): number | undefined => {
  const text = String.fromCharCode(...bytes.subarray(at, at + 2));
  return /^[0-9A-Fa-f]{2}$/.test(text) ? Number.parseInt(text, 16) : undefined;
};

/** @returns how many bytes the character takes that begins there; 0 when none does */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  // Overlong forms, surrogates, and what is beyond the last character.
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let n = 2; n < length; n++) {
    const next = bytes[at + n] ?? 0;
    if (next < 0x80 || next > 0xbf) return 0;
  }
  return length;
}
