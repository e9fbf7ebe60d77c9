/**
 * Which blocks of a file have data. Node has no SEEK_HOLE; the kernel is asked (`kernel-calls.ts`), and only about files
 * that take less room than their size says: so a disk image of a terabyte with a gigabyte in it costs a gigabyte.
 */
import type { BigIntStats } from 'node:fs';
import type { Extent, KernelCalls } from './kernel-calls.ts';
import { blockBytes } from './records.ts';

export interface DataMap {
  /** The first block from this one on that has data, maybe only in part; Infinity when there is none. Asked upwards. */
  next(block: number): number | Promise<number>;
}

export const blocksOf = (stats: BigIntStats): number => Math.ceil(Number(stats.size) / blockBytes);

/** `stat` counts in these, whatever the file system does. */
const sectorBytes = 512n;

export function dataMap(calls: KernelCalls, name: Buffer, stats: BigIntStats): DataMap {
  const count = blocksOf(stats);
  const isWhole = count <= 1 || stats.blocks * sectorBytes >= stats.size;
  return isWhole ? { next: (block) => (block < count ? block : Infinity) } : new SparseMap(calls, name, count);
}

class SparseMap implements DataMap {
  readonly #calls: KernelCalls;
  readonly #name: Buffer;
  readonly #count: number;
  #extents: readonly Extent[] = [];
  #at = 0;
  #isAtEnd = false;

  constructor(calls: KernelCalls, name: Buffer, count: number) {
    this.#calls = calls;
    this.#name = name;
    this.#count = count;
  }

  async next(block: number): Promise<number> {
    const from = block * blockBytes;
    for (;;) {
      for (; this.#at < this.#extents.length; this.#at++) {
        const extent = this.#extents[this.#at] as Extent;
        if (extent.to <= from) continue;
        const found = Math.max(block, Math.floor(extent.from / blockBytes));
        return found < this.#count ? found : Infinity;
      }
      if (this.#isAtEnd) return Infinity;
      this.#extents = await this.#calls.extents(this.#name, from);
      this.#at = 0;
      this.#isAtEnd = this.#extents.length === 0;
    }
  }
}
