/** The digest of a tree where it is, and where two trees differ. What it is made of: `tree-digest.ts`. */
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import type { Covered, DigestDepth } from './records.ts';
import { readable, treeError } from './refusals.ts';
import { closeSide, openSide } from './side.ts';
import { slices } from './slices.ts';
import { Teller } from './teller.ts';
import type { Listed } from './tree-digest.ts';
import { folderDigest, readListing } from './tree-digest.ts';

export interface DigestOptions {
  readonly path: string;
  readonly depth: DigestDepth;
  /** As `SendOptions`. */
  readonly wholeSeconds?: boolean;
  /** Told of each folder after those in it: its path from the top, and its listing, whose SHA-256 is its digest. */
  readonly onListing?: (path: Buffer, listing: Buffer) => void;
}

/** Reads all that `depth` covers. @throws IoError as `sendTree` */
export async function digestTree(
  { path, depth, wholeSeconds = false, onListing }: DigestOptions,
  call: Call,
): Promise<Buffer> {
  try {
    const drain = slices(call, 'digest tree', path);
    const target = openSide(path);
    try {
      const listings = onListing ? { onListing } : {};
      const rest = { base: undefined, sameBefore: undefined, writer: undefined };
      return await new Teller({ target, covered: { depth, wholeSeconds }, drain, ...rest, ...listings }).tell();
    } finally {
      await closeSide(target);
    }
  } catch (error) {
    throw treeError('digest tree', path, error);
  }
}

/** By which one knows that a tree is another one than was sent, and nothing else went wrong. */
export const verifyOp = 'verify tree';

/** Reads a tree again. @throws IoError DAMAGED when it is not what the digest says, and as `digestTree` */
export async function verifyTree(
  path: string,
  expected: Covered & { readonly digest: Uint8Array },
  call: Call,
): Promise<void> {
  const digest = await digestTree({ path, depth: expected.depth, wholeSeconds: expected.wholeSeconds }, call);
  if (digest.equals(expected.digest)) return;
  throw new IoError('DAMAGED', {
    op: verifyOp,
    target: path,
    message: `${path} is not what was sent: its digest is ${hex(digest)}, and should be ${hex(expected.digest)}`,
    hint: 'Throw it away, and send again.',
  });
}

/** Where the listings of a tree can be had: here, or from another node. */
export interface Listings {
  readonly digest: Uint8Array;
  /** @param path of a folder, from the top @returns undefined when there is none */
  listing(path: Buffer): Promise<Uint8Array | undefined>;
}

export interface Difference {
  /** From the top; empty for the top itself. */
  readonly path: Buffer;
  /** `metadata` of a folder; whatever is in it is told by itself. */
  readonly what: 'only in the first' | 'only in the second' | 'differs' | 'metadata';
}

/**
 * Goes down only where digests differ.
 * @throws IoError DAMAGED when a listing is not the one that its digest is of
 */
export async function* compareTrees(first: Listings, second: Listings): AsyncGenerator<Difference, void, undefined> {
  const folders: { readonly path: Buffer; readonly digests: readonly [Uint8Array, Uint8Array] }[] = [
    { path: Buffer.alloc(0), digests: [first.digest, second.digest] },
  ];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const { path, digests } = folder;
    if (Buffer.compare(digests[0], digests[1]) === 0) continue;
    const [a, b] = [await listingOf(first, path, digests[0]), await listingOf(second, path, digests[1])];
    if (!a.metadata.equals(b.metadata)) yield { path, what: 'metadata' };
    const others = new Map(b.entries.map((entry) => [entry.name.toString('latin1'), entry]));
    for (const entry of a.entries) {
      const key = entry.name.toString('latin1');
      const other = others.get(key);
      others.delete(key);
      const place = below(path, entry.name);
      if (!other) yield { path: place, what: 'only in the first' };
      else if (entry.kind === 'folder' && other.kind === 'folder')
        folders.push({ path: place, digests: [entry.digest, other.digest] });
      else if (entry.kind !== other.kind || !entry.digest.equals(other.digest)) yield { path: place, what: 'differs' };
    }
    for (const { name } of others.values()) yield { path: below(path, name), what: 'only in the second' };
  }
}

async function listingOf(
  tree: Listings,
  path: Buffer,
  digest: Uint8Array,
): Promise<{ readonly metadata: Buffer; readonly entries: readonly Listed[] }> {
  const bytes = await tree.listing(path);
  const listing = bytes && folderDigest(bytes).equals(digest) ? readListing(bytes) : undefined;
  if (listing) return listing;
  throw new IoError('DAMAGED', {
    op: 'compare trees',
    target: readable(path),
    message: `the listing of ${readable(path)} is not the one that its digest is of`,
    hint: 'Take the digest of that tree again.',
  });
}

const below = (path: Buffer, name: Buffer): Buffer =>
  path.length === 0 ? Buffer.from(name) : Buffer.concat([path, Buffer.from('/'), name]);

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex').slice(0, 16);
