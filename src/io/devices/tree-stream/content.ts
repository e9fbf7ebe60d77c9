/**
 * The content of a file, block by block: what is new in it goes into the stream, and the digest covers all of it. It is
 * read once for both.
 *
 * The digest is the SHA-256 of all blocks that are not zeros: (index u48 │ length u32 │ bytes)…. So it is the same
 * whether zeros are written or left out, which file systems decide by themselves; the size is told beside it.
 */
import type { BigIntStats } from 'node:fs';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { createHash, hash } from 'node:crypto';
import type { DataMap } from './data-map.ts';
import { blocksOf, dataMap } from './data-map.ts';
import type { KernelCalls } from './kernel-calls.ts';
import type { OpenFolder } from './open-folder.ts';
import type { RecordWriter } from './record-writer.ts';
import { blockHeadBytes } from './record-writer.ts';
import { blockBytes } from './records.ts';

/** A file where it is. */
export interface Place {
  readonly folder: OpenFolder;
  /** Is in that folder. */
  readonly calls: KernelCalls;
  readonly name: Buffer;
  readonly stats: BigIntStats;
}

export interface ContentOptions {
  /** Asked when there is something to tell; undefined: it is not told. */
  readonly writer: () => RecordWriter | undefined;
  /** Resolves when more can be written. */
  readonly drain: () => Promise<void> | undefined;
  readonly digest: boolean;
}

const zeros = Buffer.alloc(blockBytes);
const block = Buffer.allocUnsafe(blockHeadBytes + blockBytes);
const baseBlock = Buffer.allocUnsafe(blockBytes);
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Tells what a file has that its base has not; without a base, all of it. The records stay without an end.
 * @returns its digest, if it is wanted; and whether there was anything to tell
 */
export async function tellContent(
  file: Place,
  base: Place | undefined,
  options: ContentOptions,
): Promise<{ readonly digest: Buffer | undefined; readonly isChanged: boolean }> {
  const size = Number(file.stats.size);
  const telling = new Telling(file.name, size, base !== undefined, options.writer);
  if (base === undefined || base.stats.size !== file.stats.size) telling.begin();
  const count = blocksOf(file.stats);
  const digest = options.digest ? contentDigest(count) : undefined;
  if (count > 0) {
    const fd = openSync(file.folder.at(file.name), openFlags);
    try {
      const data = dataMap(file.calls, file.name, file.stats);
      const baseFd = base ? openSync(base.folder.at(base.name), openFlags) : undefined;
      try {
        const baseData = base ? dataMap(base.calls, base.name, base.stats) : undefined;
        await eachBlock(count, data, baseData, async ({ index, hasData, hasBase, nextData }) => {
          const length = Math.min(blockBytes, size - index * blockBytes);
          if (!hasData) return telling.hole(index, Math.min(nextData, count) - index);
          const bytes = readBlock(fd, index, length);
          const isZero = bytes.equals(zeros.subarray(0, length));
          if (!isZero) digest?.add(block.subarray(0, blockHeadBytes + length));
          if (isZero ? hasBase && !isEqual(baseFd, index, bytes) : !(hasBase && isEqual(baseFd, index, bytes)))
            telling.block(index, isZero ? undefined : block.subarray(0, blockHeadBytes + length));
          return options.drain();
        });
      } finally {
        if (baseFd !== undefined) closeSync(baseFd);
      }
    } finally {
      closeSync(fd);
    }
  }
  return { digest: digest?.digest(), isChanged: telling.hasBegun };
}

interface Found {
  readonly index: number;
  readonly hasData: boolean;
  readonly hasBase: boolean;
  /** The first block of the file that has data, from here on. */
  readonly nextData: number;
}

/** All blocks in which the file or its base has data. */
async function eachBlock(
  count: number,
  data: DataMap,
  base: DataMap | undefined,
  found: (block: Found) => Promise<void> | undefined,
): Promise<void> {
  for (let from = 0; from < count;) {
    const nextData = await now(data.next(from));
    const nextBase = base ? await now(base.next(from)) : Infinity;
    const index = Math.min(nextData, nextBase);
    if (index >= count) return;
    await found({ index, hasData: nextData === index, hasBase: nextBase === index, nextData });
    // What is told as a hole reaches up to the next data.
    from = nextData === index ? index + 1 : Math.min(nextData, count);
  }
}

const now = (value: number | Promise<number>): number | Promise<number> => value;

/** Fills `block`, head and all. @returns the bytes of the block */
function readBlock(fd: number, index: number, length: number): Buffer {
  block.writeUIntLE(index, 0, 6);
  block.writeUInt32LE(length, 6);
  const bytes = block.subarray(blockHeadBytes, blockHeadBytes + length);
  if (fill(fd, bytes, index * blockBytes) < length) throw new Error('it became shorter while it was read');
  return bytes;
}

function isEqual(baseFd: number | undefined, index: number, bytes: Buffer): boolean {
  if (baseFd === undefined) return false;
  const base = baseBlock.subarray(0, bytes.length);
  // Behind its end a file that grows has zeros.
  base.fill(0, fill(baseFd, base, index * blockBytes));
  return base.equals(bytes);
}

/** @returns how many bytes there are */
function fill(fd: number, into: Buffer, position: number): number {
  let at = 0;
  for (let read = -1; read !== 0 && at < into.length; at += read)
    read = readSync(fd, into, at, into.length - at, position + at);
  return at;
}

/** The records of one file; of one that has a base they begin with the first block that is not as it was. */
class Telling {
  readonly #name: Buffer;
  readonly #size: number;
  readonly #hasBase: boolean;
  readonly #writer: () => RecordWriter | undefined;
  hasBegun = false;

  constructor(name: Buffer, size: number, hasBase: boolean, writer: () => RecordWriter | undefined) {
    this.#name = name;
    this.#size = size;
    this.#hasBase = hasBase;
    this.#writer = writer;
  }

  begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    if (this.#hasBase) this.#writer()?.change(this.#name, this.#size);
    else this.#writer()?.file(this.#name, this.#size);
  }

  /** @param bytes with their head; undefined for zeros */
  block(index: number, bytes: Buffer | undefined): void {
    this.begin();
    if (bytes) this.#writer()?.block(bytes);
    else this.#writer()?.hole(index, 1);
  }

  hole(index: number, count: number): undefined {
    this.begin();
    this.#writer()?.hole(index, count);
  }
}

/** One call for a file of one block, which most are. */
function contentDigest(blocks: number): { add(bytes: Buffer): void; digest(): Buffer } {
  if (blocks > 1) {
    const sha256 = createHash('sha256');
    return { add: (bytes) => void sha256.update(bytes), digest: () => sha256.digest() };
  }
  let digest: Buffer | undefined;
  return {
    add: (bytes) => (digest = hash('sha256', bytes, 'buffer')),
    digest: () => digest ?? digestOfNothing,
  };
}

const digestOfNothing = hash('sha256', Buffer.alloc(0), 'buffer');
