/** What was written into a volume, and what is to be done about a file of the bundle. Pure. */
import { createHash } from 'node:crypto';
import { relativePath } from '#events/values/path.ts';
import * as z from 'zod';
import type { KeptFile } from './port.ts';

/** SHA-256 of a content. */
export type Hash = string;

/** Of one file: the contents that it was given, the last one last, and where the app's version was put aside. */
export interface Note {
  readonly written: readonly Hash[];
  readonly kept?: { readonly as: string; readonly revision: number } | undefined;
}
/** By path. */
export type Notes = ReadonlyMap<string, Note>;

/** Where the notes are, in the root. */
export const notesName = '.floatlab-files.json';
export const maxNotesBytes = 8 * 2 ** 20;
/** A roll-back may bring back a content of long ago: so many are recognized as ours. */
const maxRemembered = 32;

export const hashOf = (bytes: Uint8Array): Hash => createHash('sha256').update(bytes).digest('hex');

/** What lies at a path: a file by its content, nothing, or what is no file of ours (a link, a pipe, a huge one). */
export type There = Hash | typeof nothing | typeof other;
export const nothing = Symbol('nothing');
export const other = Symbol('other');

/** `keep`: put what is there aside, then write. */
export type Verdict = 'as-wanted' | 'write' | 'leave' | 'keep';

export function verdictOn(there: There, wanted: Hash, note: Note | undefined, isMounted: boolean): Verdict {
  if (there === wanted) return 'as-wanted';
  const isNews = note?.written.at(-1) !== wanted;
  if (there === nothing) return isNews || isMounted ? 'write' : 'leave';
  if (there !== other && note?.written.includes(there)) return 'write';
  return isNews ? 'keep' : 'leave';
}

export function noted(notes: Notes, path: string, wanted: Hash, kept?: Note['kept']): Notes {
  const before = notes.get(path);
  const written = [...(before?.written ?? []).filter((one) => one !== wanted), wanted].slice(-maxRemembered);
  return new Map(notes).set(path, { written, kept: kept ?? before?.kept });
}

/** Beside the file; `taken` says which names are. */
export function keptName(name: string, revision: number, taken: (name: string) => boolean): string {
  const plain = `${name}.floatlab-kept-${revision}`;
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? plain : `${plain}-${n}`;
    if (!taken(candidate)) return candidate;
  }
}

export const keptOf = (notes: Notes, revision: number): readonly KeptFile[] =>
  [...notes].flatMap(([path, { kept }]) => (kept?.revision === revision ? [{ path, keptAs: kept.as }] : []));

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const noteSchema = z.strictObject({
  written: z.array(hash).max(maxRemembered),
  kept: z.strictObject({ as: relativePath, revision: z.int() }).optional(),
});
/** The first version knew the last hash alone. */
const schema = z.record(z.string(), z.union([hash.transform((last): Note => ({ written: [last] })), noteSchema]));

/** @returns nothing known when it cannot be read: an app may have written it */
export function parseNotes(bytes: Uint8Array | undefined): Notes {
  if (!bytes) return new Map();
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))));
  } catch {
    return new Map();
  }
}

export const packNotes = (notes: Notes): Uint8Array => Buffer.from(JSON.stringify(Object.fromEntries(notes), null, 1));
