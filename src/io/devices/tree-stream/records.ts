/**
 * A tree, or what changed in it, as a stream: a file of frames (`log/raft/snapshots/frame.ts`) whose records are told
 * in one walk through the tree.
 *
 *   magic  FLABTREE
 *   head   msgpack [id of the base or null, id of the target]
 *   frames records, one after another; a record is never split
 *   end    records u48 │ what the digest covers u8 │ digest of the tree, 32 bytes │ SHA-256 of all before, 32 bytes
 *
 *   record  kind u8 │ what the kind has            name  length u8 │ bytes      metadata  24 bytes │ length u32 │ attributes
 *
 * Names are those of entries of the folder that one is in, in the order of their bytes; only the target of a hard link is
 * a path, from the top. Docs: `docs/formats.md`.
 */
import { Packr } from 'msgpackr';
import * as z from 'zod';
import type { FileKind } from '../../log/raft/snapshots/frame.ts';
import type { Device, Metadata } from './metadata.ts';
import { fixedBytes } from './metadata.ts';

export const treeKind: FileKind = { magic: 'FLABTREE', format: 1, what: 'a stream of a tree' };

/** Contents are told, compared and hashed in blocks of this size; the last one of a file may be shorter. */
export const blockBytes = 128 * 1024;
export const codes = {
  enter: 1,
  make: 2,
  leave: 3,
  remove: 4,
  file: 5,
  change: 6,
  block: 7,
  hole: 8,
  end: 9,
  metadata: 10,
  link: 11,
  special: 12,
  hardLink: 13,
} as const;

export type TreeRecord =
  /** Into a folder that is there. */
  | { readonly kind: 'enter'; readonly name: Buffer }
  /** Makes a folder and goes into it. */
  | { readonly kind: 'make'; readonly name: Buffer }
  /** Out of the folder; the last one out of the top. Without metadata these stay as they are. */
  | { readonly kind: 'leave'; readonly metadata: Metadata | undefined }
  /** Whatever it is, with all that is in it. */
  | { readonly kind: 'remove'; readonly name: Buffer }
  /** Makes a file of this size, whose blocks come next. */
  | { readonly kind: 'file'; readonly name: Buffer; readonly sizeBytes: number }
  /** Another size or content: the blocks that come next; the others stay. */
  | { readonly kind: 'change'; readonly name: Buffer; readonly sizeBytes: number }
  /** Never all zeros: those are holes. */
  | { readonly kind: 'block'; readonly index: number; readonly bytes: Buffer }
  /** Zeros, from a block on. */
  | { readonly kind: 'hole'; readonly index: number; readonly count: number }
  /** The file has no more blocks. */
  | { readonly kind: 'end'; readonly metadata: Metadata }
  /** Of what is there, and no folder. */
  | { readonly kind: 'metadata'; readonly name: Buffer; readonly metadata: Metadata }
  | { readonly kind: 'link'; readonly name: Buffer; readonly target: Buffer; readonly metadata: Metadata }
  | { readonly kind: 'special'; readonly name: Buffer; readonly device: Device; readonly metadata: Metadata }
  /** Another name of what this stream, or its base, has at a path before it. */
  | { readonly kind: 'hardLink'; readonly name: Buffer; readonly path: readonly Buffer[] };

export interface TreeIds {
  /** Of the snapshot that the receiver must have; undefined when it needs none. */
  readonly base: string | undefined;
  readonly target: string;
}

const packr = new Packr({ useRecords: false });
const idSchema = z.string().min(1).max(1000);
const headSchema = z.tuple([idSchema.nullable(), idSchema]);

export const packIds = ({ base, target }: TreeIds): Uint8Array => packr.pack([base ?? null, target]);

/** @returns undefined for what is no head of a tree */
export function unpackIds(bytes: Uint8Array): TreeIds | undefined {
  try {
    const [base, target] = headSchema.parse(packr.unpack(bytes));
    return { base: base ?? undefined, target };
  } catch {
    return undefined;
  }
}

export interface TreeEnd extends Covered {
  readonly records: number;
  /** 32 bytes. */
  readonly digest: Buffer;
}

/** What a digest covers. */
export interface Covered {
  readonly depth: DigestDepth;
  /** Times without their fractions, which some file systems cannot keep (zfs-fuse). */
  readonly wholeSeconds: boolean;
}

/** Of a shape, contents are not part: of files their sizes and times stand for them. */
export type DigestDepth = 'shape' | 'content';

export const digestBytes = 32;
const contentFlag = 1;
const secondsFlag = 2;
const endBytes = 6 + 1 + 2 * digestBytes;

export function packEnd({ records, depth, wholeSeconds, digest }: TreeEnd, sha256: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(endBytes);
  bytes.writeUIntLE(records, 0, 6);
  bytes[6] = (depth === 'content' ? contentFlag : 0) | (wholeSeconds ? secondsFlag : 0);
  digest.copy(bytes, 7);
  sha256.copy(bytes, 7 + digestBytes);
  return bytes;
}

/** @returns undefined for what is no end */
export function unpackEnd(body: Uint8Array): (TreeEnd & { readonly sha256: string }) | undefined {
  if (body.length !== endBytes || (body[6] as number) > (contentFlag | secondsFlag)) return undefined;
  const flags = body[6] as number;
  const bytes = Buffer.from(body);
  return {
    records: bytes.readUIntLE(0, 6),
    depth: flags & contentFlag ? 'content' : 'shape',
    wholeSeconds: (flags & secondsFlag) !== 0,
    digest: bytes.subarray(7, 7 + digestBytes),
    sha256: bytes.toString('hex', 7 + digestBytes),
  };
}

const kinds = new Map(Object.entries(codes).map(([kind, code]) => [code as number, kind as TreeRecord['kind']]));

/** @returns the records of a frame, one by one @throws Error what is wrong, as half a sentence */
export function* readRecords(body: Uint8Array): Generator<TreeRecord, void, undefined> {
  const reader = new Reader(body);
  while (!reader.isAtEnd) yield readRecord(reader);
}

function readRecord(reader: Reader): TreeRecord {
  const code = reader.number(1);
  const kind = kinds.get(code);
  switch (kind) {
    case 'enter':
    case 'make':
    case 'remove':
      return { kind, name: reader.name() };
    case 'file':
    case 'change': {
      const name = reader.name();
      return { kind, name, sizeBytes: reader.size() };
    }
    case 'leave':
      return { kind, metadata: reader.number(1) === 0 ? undefined : reader.metadata() };
    case 'block': {
      const index = reader.number(6);
      return { kind, index, bytes: reader.bytes(reader.number(4)) };
    }
    case 'hole': {
      const index = reader.number(6);
      return { kind, index, count: reader.number(6) };
    }
    case 'end':
      return { kind, metadata: reader.metadata() };
    case 'metadata': {
      const name = reader.name();
      return { kind, name, metadata: reader.metadata() };
    }
    case 'link': {
      const name = reader.name();
      const target = reader.bytes(reader.number(2));
      return { kind, name, target, metadata: reader.metadata() };
    }
    case 'special': {
      const name = reader.name();
      const device = { major: reader.number(4), minor: reader.number(4) };
      return { kind, name, device, metadata: reader.metadata() };
    }
    case 'hardLink': {
      const name = reader.name();
      return { kind, name, path: namesOf(reader.bytes(reader.number(4))) };
    }
    case undefined:
      throw new Error(`has a record of an unknown kind, ${code}`);
  }
}

/** Takes a body apart, and never reads past its end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new Error('has a record that is longer than its frame');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  number(bytes: 1 | 2 | 4 | 6): number {
    return this.bytes(bytes).readUIntLE(0, bytes);
  }

  size(): number {
    const size = this.bytes(8).readBigUInt64LE(0);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('has a file that is larger than files can be');
    return Number(size);
  }

  name(): Buffer {
    const name = this.bytes(this.number(1));
    checkName(name);
    return name;
  }

  metadata(): Metadata {
    const fixed = this.bytes(fixedBytes);
    if (fixed.readUInt32LE(fixedBytes - 4) >= 1_000_000_000) throw new Error('has a time that is none');
    const attributes = this.bytes(this.number(4));
    checkAttributes(attributes);
    return { fixed, attributes };
  }
}

/** @throws Error for what does not name an entry of a folder: nothing, `.`, `..`, a path */
function checkName(name: Buffer): void {
  const isName = name.length > 0 && name.length <= 255 && !name.includes(0) && !name.includes(slash);
  if (isName && !(name[0] === dot && (name.length === 1 || (name.length === 2 && name[1] === dot)))) return;
  throw new Error('has a name that no file can have');
}

/** Of a path from the top. @throws Error as `checkName` */
function namesOf(path: Buffer): readonly Buffer[] {
  const names: Buffer[] = [];
  for (let from = 0; from <= path.length;) {
    const end = path.indexOf(slash, from);
    const name = path.subarray(from, end === -1 ? path.length : end);
    checkName(name);
    names.push(name);
    from += name.length + 1;
  }
  return names;
}

const slash = 0x2f;
const dot = 0x2e;

/** Only attributes that belong to files; those by which this machine works are none of a stream's business. */
const attributeNames = /^(?:user\..+|trusted\..+|security\.capability|system\.posix_acl_(?:access|default))$/s;

function checkAttributes(bytes: Buffer): void {
  const reader = new Reader(bytes);
  let before: Buffer | undefined;
  while (!reader.isAtEnd) {
    const name = reader.bytes(reader.number(1));
    reader.bytes(reader.number(4));
    if (name.includes(0) || !attributeNames.test(name.toString('latin1')))
      throw new Error('has an attribute that files do not carry along');
    if (before && Buffer.compare(before, name) >= 0) throw new Error('has attributes in the wrong order');
    before = name;
  }
}
