/**
 * A digest of a whole tree, with one for each folder, so that two trees are compared by going down only where they
 * differ. It depends on names, contents, metadata and hard links, and on nothing else: not on the order in which a file
 * system lists a folder, nor on inodes, nor on where zeros are written or left out.
 *
 *   entry    file: SHA-256 of metadata │ size u64 │ digest of the content, or zeros     link: metadata │ target
 *            special: metadata │ major u32 │ minor u32         later name of an inode: the path of its first name
 *   listing  SHA-256 of the folder's metadata │ (length u8 │ name │ kind u8 │ digest of the entry)…, sorted by name
 *   folder   SHA-256 of its listing
 */
import { hash } from 'node:crypto';
import type { Device, Metadata } from './metadata.ts';
import { digestBytes } from './records.ts';

export const entryKinds = { file: 1, folder: 2, link: 3, special: 4, hardLink: 5 } as const;
export type EntryKind = keyof typeof entryKinds;

const noContent = Buffer.alloc(digestBytes);

export function fileDigest(metadata: Metadata, size: bigint, content: Buffer | undefined): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(size);
  return sha256([...parts(metadata), bytes, content ?? noContent]);
}

export const linkDigest = (metadata: Metadata, target: Buffer): Buffer => sha256([...parts(metadata), target]);

export function specialDigest(metadata: Metadata, { major, minor }: Device): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32LE(major, 0);
  bytes.writeUInt32LE(minor, 4);
  return sha256([...parts(metadata), bytes]);
}

export const hardLinkDigest = (first: Buffer): Buffer => sha256([first]);

/** A listing while it is made. */
export class Listing {
  readonly #parts: Buffer[];

  constructor(metadata: Metadata) {
    this.#parts = [sha256(parts(metadata))];
  }

  add(name: Buffer, kind: EntryKind, digest: Buffer): void {
    this.#parts.push(Buffer.from([name.length]), name, Buffer.from([entryKinds[kind]]), digest);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export const folderDigest = (listing: Uint8Array): Buffer => hash('sha256', listing, 'buffer');

export interface Listed {
  readonly name: Buffer;
  readonly kind: EntryKind;
  readonly digest: Buffer;
}

/** @returns undefined for bytes that are no listing */
export function readListing(listing: Uint8Array): { metadata: Buffer; entries: Listed[] } | undefined {
  const bytes = Buffer.from(listing.buffer, listing.byteOffset, listing.byteLength);
  const entries: Listed[] = [];
  let at = digestBytes;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] as number);
    const end = nameEnd + 1 + digestBytes;
    const kind = kindNames.get(bytes[nameEnd] ?? 0);
    if (end > bytes.length || kind === undefined) return undefined;
    entries.push({ name: bytes.subarray(at + 1, nameEnd), kind, digest: bytes.subarray(nameEnd + 1, end) });
    at = end;
  }
  return at === bytes.length ? { metadata: bytes.subarray(0, digestBytes), entries } : undefined;
}

const kindNames = new Map(Object.entries(entryKinds).map(([kind, code]) => [code as number, kind as EntryKind]));

function parts({ fixed, attributes }: Metadata): readonly Buffer[] {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(attributes.length);
  return [fixed, length, attributes];
}

const sha256 = (bytes: readonly Buffer[]): Buffer => hash('sha256', Buffer.concat(bytes), 'buffer');
