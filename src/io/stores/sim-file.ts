/**
 * The bytes of one simulated file: as processes see them, and as they are on the disk.
 *
 * A write is visible at once and durable after a sync. Until then a power cut decides for each sector by itself whether
 * it had reached the disk, in whatever order, and now and then leaves one torn. A sync that fails leaves the writes
 * visible and takes them for written: later syncs pass over them, and the next power cut shows that they were not.
 *
 * A sector that the disk cannot read any more can be read again once all of it was written anew.
 */
import type { SimMedium } from './sim-medium.ts';

const sectorBytes = 512;

interface Write {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class SimFile {
  #visible: Uint8Array;
  #durable: Uint8Array;
  #unsynced: Write[] = [];
  /** Numbers of sectors. */
  readonly #unreadable = new Set<number>();

  constructor(durable: Uint8Array) {
    this.#visible = this.#durable = durable;
  }

  /** Not to be changed. */
  get bytes(): Uint8Array {
    return this.#visible;
  }

  /** The sector with this byte cannot be read any more. */
  makeUnreadable(at: number): void {
    this.#unreadable.add(Math.floor(at / sectorBytes));
  }

  /** Up to where it can be read, from one byte on and up to another one. */
  readableUpTo(from: number, to: number): number {
    const first = Math.floor(from / sectorBytes);
    const bad = [...this.#unreadable].filter((sector) => sector >= first).toSorted((one, other) => one - other)[0];
    return bad === undefined ? to : Math.min(to, Math.max(from, bad * sectorBytes));
  }

  /** The bytes are copied, as a kernel does it: whoever wrote them may use their memory again. */
  write(offset: number, given: Uint8Array): void {
    const bytes = Uint8Array.from(given);
    for (const sector of this.#unreadable)
      if (sector * sectorBytes >= offset && (sector + 1) * sectorBytes <= offset + bytes.length)
        this.#unreadable.delete(sector);
    this.#visible = written(this.#visible, offset, bytes);
    this.#unsynced.push({ offset, bytes });
  }

  sync(): void {
    for (const { offset, bytes } of this.#unsynced) this.#durable = written(this.#durable, offset, bytes);
    this.#unsynced = [];
  }

  /** Nothing of it is written, and nothing of it counts as to be written any more. */
  failSync(): void {
    this.#unsynced = [];
  }

  powerCut(medium: SimMedium): void {
    for (const { offset, bytes } of this.#unsynced) {
      for (let at = 0; at < bytes.length;) {
        const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
        const arrived = medium.chance(0.1) ? at + medium.below(end - at) : medium.chance(0.5) ? end : at;
        if (arrived > at) this.#durable = written(this.#durable, offset + at, bytes.subarray(at, arrived));
        at = end;
      }
    }
    this.become(this.#durable);
  }

  /** On the disk and everywhere. */
  become(bytes: Uint8Array): void {
    this.#visible = this.#durable = bytes;
    this.#unsynced = [];
  }
}

function written(file: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const changed = new Uint8Array(Math.max(file.length, offset + bytes.length));
  changed.set(file);
  changed.set(bytes, offset);
  return changed;
}
