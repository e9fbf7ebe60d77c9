/**
 * A whole lab in one file: a tar (POSIX ustar), so that any tool can list it and take it apart.
 *
 *   floatlab-snapshot.json          what this is: lab, generation, up to which event
 *   history/manifest                the history of the lab, as it lies in `log/history` of a node;
 *   history/<first entry>.segment   sealed segments, oldest first, chained by their hashes,
 *   history/<first entry>.open      and the beginning of the next one
 *   tls/recovery.sealed             the keys of the lab, sealed with its recovery key
 *   blobs/<ab>/<address>            files of people, encrypted as on the nodes
 *   checksums                       SHA-256 of every part before it, as `sha256sum -c` reads it
 *
 * The parts stand in this order, so that it can be written and read from one end to the other. There is no key in it
 * that is not sealed: whoever has the file and not the recovery key learns names and dates, and no secret.
 */
import * as z from 'zod';
import { blobRef } from '#events/values/metadata.ts';
import { sha256 } from '#events/values/peer.ts';
import { openName, sealedName, segmentNamed } from '../log/raft/history/segment.ts';

export const format = 1;

export const aboutPart = 'floatlab-snapshot.json';
export const manifestPart = 'history/manifest';
export const recoveryPart = 'tls/recovery.sealed';
export const checksumsPart = 'checksums';

export const segmentPart = (first: number): string => `history/${sealedName(first)}`;
export const openPart = (first: number): string => `history/${openName(first)}`;
export const blobPart = (ref: string): string => `blobs/${ref.slice(0, 2)}/${ref}`;

/** What a part is, by its name; undefined: nothing that this version knows. */
export type PartKind =
  | { readonly kind: 'about' | 'manifest' | 'recovery' | 'checksums' }
  | { readonly kind: 'segment' | 'open'; readonly first: number }
  | { readonly kind: 'blob'; readonly ref: string };

export function kindOfPart(name: string): PartKind | undefined {
  if (name === aboutPart) return { kind: 'about' };
  if (name === manifestPart) return { kind: 'manifest' };
  if (name === recoveryPart) return { kind: 'recovery' };
  if (name === checksumsPart) return { kind: 'checksums' };
  const [folder, file] = [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)];
  const segment = folder === 'history' ? segmentNamed(file) : undefined;
  if (segment && segment.state !== 'part')
    return { kind: segment.state === 'open' ? 'open' : 'segment', first: segment.first };
  const ref = file.slice(3);
  return folder === 'blobs' && blobRef.safeParse(ref).success && name === blobPart(ref)
    ? { kind: 'blob', ref }
    : undefined;
}

/** The first part. A later version may say more; what is another format says so in the first field. */
export const about = z.object({
  format: z.literal(format),
  version: z.string().min(1).max(64),
  lab: z.string().min(1).max(64),
  name: z.string().min(1).max(64),
  generation: z.int().min(1),
  index: z.int().min(0),
  entry: z.int().min(1),
  term: z.int().min(0),
  at: z.int().min(0),
  savedAt: z.int().min(0),
  savedBy: z.string().min(1).max(64),
  hash: sha256,
  lacking: z.array(blobRef),
});
export type About = z.infer<typeof about>;

export const anyFormat = z.object({ format: z.int(), version: z.string().max(64).catch('another version') });

/** A line of `checksums`: what `sha256sum` prints. */
export const checksumLine = (name: string, hash: string): string => `${hash}  ${name}\n`;

/** @returns the sums by name; undefined for what `checksumLine` never wrote */
export function parseChecksums(text: string): ReadonlyMap<string, string> | undefined {
  const sums = new Map<string, string>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [, hash, name] = /^([0-9a-f]{64}) {2}(\S{1,100})$/.exec(line) ?? [];
    if (hash === undefined || name === undefined || sums.has(name)) return undefined;
    sums.set(name, hash);
  }
  return text.endsWith('\n') ? sums : undefined;
}

/** Of a line of `checksums`: the sum, two spaces, the name, and its end. */
const longestLine = 64 + 2 + 100 + 1;

/**
 * How much is kept of a part that is read as a whole; far more than any of them has. One of the sums grows with the parts.
 * @param parts that came before it
 */
export const mostBytesOf = (kind: PartKind['kind'], parts: number): number =>
  Math.max(16 * 1024 * 1024, kind === 'checksums' ? parts * longestLine : 0);
