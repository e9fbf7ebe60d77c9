/**
 * Puts records into frames, and frames one after another. A frame takes records as long as it does not become larger
 * than `frameBytes`; a record that is larger by itself has one for itself. What is complete waits in `frames` until
 * somebody takes it.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import {
  contentKind,
  endKind,
  frameHeadBytes,
  makeFrame,
  makeHead,
  sealFrame,
} from '../../log/raft/snapshots/frame.ts';
import type { Device, Metadata } from './metadata.ts';
import type { TreeEnd, TreeIds } from './records.ts';
import { codes, packEnd, packIds, treeKind } from './records.ts';

const frameBytes = 512 * 1024;
/** What `block` takes comes with index u48 and length u32 before its bytes: as they stand in a record. */
export const blockHeadBytes = 10;

export class RecordWriter {
  /** Complete, and to be taken by whoever sends them. */
  readonly frames: Buffer[] = [];
  readonly #seed: number;
  readonly #hash: Hash = createHash('sha256');
  #bytes = Buffer.allocUnsafe(frameBytes);
  #used = frameHeadBytes;
  #number = 1;
  #records = 0;

  constructor(ids: TreeIds) {
    const head = makeHead(treeKind, packIds(ids));
    this.#seed = head.seed;
    this.#push(Buffer.from(head.bytes));
  }

  get records(): number {
    return this.#records;
  }

  enter(name: Buffer): void {
    this.#named(codes.enter, name, 0);
  }

  make(name: Buffer): void {
    this.#named(codes.make, name, 0);
  }

  leave(metadata: Metadata | undefined): void {
    const at = this.#room(codes.leave, 1 + (metadata ? sizeOf(metadata) : 0));
    this.#bytes[at] = metadata ? 1 : 0;
    if (metadata) this.#metadata(metadata, at + 1);
  }

  remove(name: Buffer): void {
    this.#named(codes.remove, name, 0);
  }

  file(name: Buffer, sizeBytes: number): void {
    const at = this.#named(codes.file, name, 8);
    this.#bytes.writeBigUInt64LE(BigInt(sizeBytes), at);
  }

  change(name: Buffer, sizeBytes: number): void {
    const at = this.#named(codes.change, name, 8);
    this.#bytes.writeBigUInt64LE(BigInt(sizeBytes), at);
  }

  /** @param block with its head, see `blockHeadBytes` */
  block(block: Buffer): void {
    const at = this.#room(codes.block, block.length);
    block.copy(this.#bytes, at);
  }

  hole(index: number, count: number): void {
    const at = this.#room(codes.hole, 12);
    this.#bytes.writeUIntLE(index, at, 6);
    this.#bytes.writeUIntLE(count, at + 6, 6);
  }

  end(metadata: Metadata): void {
    this.#metadata(metadata, this.#room(codes.end, sizeOf(metadata)));
  }

  metadata(name: Buffer, metadata: Metadata): void {
    this.#metadata(metadata, this.#named(codes.metadata, name, sizeOf(metadata)));
  }

  link(name: Buffer, target: Buffer, metadata: Metadata): void {
    const at = this.#named(codes.link, name, 2 + target.length + sizeOf(metadata));
    this.#bytes.writeUInt16LE(target.length, at);
    target.copy(this.#bytes, at + 2);
    this.#metadata(metadata, at + 2 + target.length);
  }

  special(name: Buffer, { major, minor }: Device, metadata: Metadata): void {
    const at = this.#named(codes.special, name, 8 + sizeOf(metadata));
    this.#bytes.writeUInt32LE(major, at);
    this.#bytes.writeUInt32LE(minor, at + 4);
    this.#metadata(metadata, at + 8);
  }

  hardLink(name: Buffer, path: Buffer): void {
    const at = this.#named(codes.hardLink, name, 4 + path.length);
    this.#bytes.writeUInt32LE(path.length, at);
    path.copy(this.#bytes, at + 4);
  }

  /** The stream is complete. */
  finish(end: Omit<TreeEnd, 'records'>): void {
    this.#seal();
    const body = packEnd({ ...end, records: this.#records }, this.#hash.copy().digest());
    this.#push(makeFrame(endKind, this.#number, body, this.#seed));
  }

  /** @returns where what follows the name goes */
  #named(code: number, name: Buffer, moreBytes: number): number {
    // First, because it may put another buffer in the place of a full one.
    const at = this.#room(code, 1 + name.length + moreBytes);
    this.#bytes[at] = name.length;
    name.copy(this.#bytes, at + 1);
    return at + 1 + name.length;
  }

  #metadata({ fixed, attributes }: Metadata, at: number): void {
    fixed.copy(this.#bytes, at);
    this.#bytes.writeUInt32LE(attributes.length, at + fixed.length);
    attributes.copy(this.#bytes, at + fixed.length + 4);
  }

  /** Begins a record. @returns where its body goes */
  #room(code: number, bodyBytes: number): number {
    const needed = 1 + bodyBytes;
    if (this.#used + needed > this.#bytes.length) {
      this.#seal();
      if (frameHeadBytes + needed > this.#bytes.length) this.#bytes = Buffer.allocUnsafe(frameHeadBytes + needed);
    }
    const at = this.#used;
    this.#bytes[at] = code;
    this.#used += needed;
    this.#records++;
    return at + 1;
  }

  #seal(): void {
    if (this.#used === frameHeadBytes) return;
    const bodyBytes = this.#used - frameHeadBytes;
    sealFrame(this.#bytes, 0, { kind: contentKind, number: this.#number++, bodyBytes }, this.#seed);
    this.#push(this.#bytes.subarray(0, this.#used));
    this.#bytes = Buffer.allocUnsafe(frameBytes);
    this.#used = frameHeadBytes;
  }

  #push(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.frames.push(bytes);
  }
}

const sizeOf = ({ fixed, attributes }: Metadata): number => fixed.length + 4 + attributes.length;
