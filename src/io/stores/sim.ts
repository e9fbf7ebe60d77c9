/**
 * The simulated disk below one database: the same port as LevelDB, with the power cuts, full disks and bit rot that
 * real disks have.
 *
 *            batch ──▶ under way ──▶ visible, not synced ──▶ durable
 *   killed process:    some lost     kept                    kept
 *   power cut:         some lost     the newest lost         kept
 *
 * What is lost is always whole batches, newest first. LevelDB has one exception, simulated with `rotation`: when it
 * starts a new file, a sync covers the new file only, so that a batch without sync can be lost while a later one
 * with sync survives. With `torn` a power cut may also tear a batch that was under way, which no store should allow.
 *
 * Calls on a handle from before a crash never resolve: their process is dead. With `latencyMs` 0 there are no timers
 * at all.
 */
import { Buffer } from 'node:buffer';
import { StoreError, type Op, type Store } from './port.ts';
import { simFailure, SimMedium, withFlippedBit, type SimMediumOptions } from './sim-medium.ts';
import { SimStore } from './sim-store.ts';
import { SortedBytes } from './sorted-bytes.ts';

export interface SimDiskOptions extends SimMediumOptions {
  /** Chance that a batch goes to a new file; 0 if omitted. */
  readonly rotation?: number;
  /** Chance that a power cut tears the batch under way: its first operations arrive, the last of them cut off; 0 if omitted. */
  readonly torn?: number;
  /** The disk that it shares with others; one of its own if omitted. */
  readonly medium?: SimMedium;
}

/** `process`: killed, the machine goes on. `power`: what only the operating system had is gone as well. */
export type Crash = 'process' | 'power';

/** All records of a database at one moment. */
export type SimImage = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

/** After this many batches without a sync, the operating system has written the oldest by itself. */
const writeBackAfter = 1000;

/** A batch that is visible and not yet durable, with what brings the image back to before it. */
interface Unsynced {
  readonly ops: readonly Op[];
  readonly undo: readonly Op[];
  readonly file: number;
}

export class SimDisk {
  readonly #options: SimDiskOptions;
  readonly #medium: SimMedium;
  readonly #image = new SortedBytes();
  #unsynced: Unsynced[] = [];
  #underWay: (readonly Op[])[] = [];
  /** Of a write that failed: it may show up when the database is opened again. */
  #halfWritten: readonly Op[] | undefined;
  #file = 0;
  #handle: SimStore | undefined;
  /** Keys of records that the disk cannot read any more, in hexadecimal. */
  readonly #unreadable = new Set<string>();

  constructor(options: SimDiskOptions) {
    this.#options = options;
    this.#medium = options.medium ?? new SimMedium(options);
  }

  /** @throws StoreError LOCKED while a handle is open */
  open(): Store {
    if (this.#handle) {
      throw new StoreError(
        'LOCKED',
        'cannot open the database of the simulated disk: another process has it open',
        'Close the other handle, or crash the disk.',
      );
    }
    const half = this.#halfWritten;
    this.#halfWritten = undefined;
    if (half && this.#options.random.next() < 0.5) this.#apply(half, false);
    // LevelDB writes what it finds into a table when it opens, and syncs it.
    this.#unsynced = [];
    this.#handle = new SimStore({
      image: this.#image,
      checkReadable: (key) => {
        if (this.#isUnreadable(key)) throw simFailure('read from the simulated disk', 'EIO');
      },
      delay: () => this.#medium.delay(),
      write: (handle, ops, sync) => this.#write(handle, ops, sync),
      closed: (handle) => {
        if (this.#handle === handle) this.#handle = undefined;
      },
    });
    return this.#handle;
  }

  /** Ends the process that uses the disk; `power` also loses what only the operating system had. */
  crash(kind: Crash): void {
    this.#handle?.kill();
    this.#handle = undefined;
    const underWay = this.#underWay;
    this.#underWay = [];
    this.#medium.forgetFaults();
    if (kind === 'power') {
      const survivors = this.#survivors();
      // Only what was all there before can be followed by something newer.
      const arrived = survivors.length === this.#unsynced.length ? this.#arrived(underWay) : [];
      for (const batch of this.#unsynced.toReversed()) apply(this.#image, batch.undo);
      for (const batch of survivors) apply(this.#image, batch.ops);
      for (const ops of arrived) apply(this.#image, ops);
      this.#unsynced = [];
    } else {
      for (const ops of this.#prefix(underWay)) this.#apply(ops, false);
    }
  }

  /** The next batch rejects; nobody knows what of it is on the disk. */
  failNextWrite(code: 'ENOSPC' | 'EIO'): void {
    this.#medium.failNextWrite(code);
  }

  /** The next batch with sync rejects: it is visible, and not durable. */
  failNextSync(): void {
    this.#medium.failNextSync();
  }

  /** Flips one bit of one stored value: of this key, or of any. @returns false when there is none */
  flipBit(key?: Uint8Array): boolean {
    const entry = this.#pick(key, ([, value]) => value.length > 0);
    if (!entry) return false;
    const [place, value] = entry;
    this.#image.put(place, withFlippedBit(value, Math.floor(this.#options.random.next() * value.length * 8)));
    return true;
  }

  /**
   * A record, of this key or any, cannot be read any more until it is written anew: whoever reads it, or over it, gets
   * an error, as from LevelDB. @returns false when there is none
   */
  makeUnreadable(key?: Uint8Array): boolean {
    const entry = this.#pick(key);
    if (entry) this.#unreadable.add(hexOf(entry[0]));
    return entry !== undefined;
  }

  /** Silently loses the entries with the greatest keys. */
  deleteTail(count: number): void {
    this.#unsynced = [];
    for (const [key] of this.#image.entries({ reverse: true, limit: count })) this.#image.delete(key);
  }

  /** Silently loses one record: of this key, or any. @returns false when there is none */
  lose(key?: Uint8Array): boolean {
    const entry = this.#pick(key);
    if (entry) this.#image.delete(entry[0]);
    return entry !== undefined;
  }

  /** What was written to one place also landed at another. @returns false when there are no two such places */
  misdirect(from?: Uint8Array, to?: Uint8Array): boolean {
    const source = this.#pick(from);
    const target = this.#pick(to, ([key]) => source !== undefined && Buffer.compare(key, source[0]) !== 0);
    if (!source || !target) return false;
    this.#image.put(target[0], source[1]);
    return true;
  }

  /** Two records stand at one another's place. @returns false when there are no two such places */
  swap(one?: Uint8Array, other?: Uint8Array): boolean {
    const first = this.#pick(one);
    const second = this.#pick(other, ([key]) => first !== undefined && Buffer.compare(key, first[0]) !== 0);
    if (!first || !second) return false;
    this.#image.put(first[0], second[1]);
    this.#image.put(second[0], first[1]);
    return true;
  }

  /** The database is gone. */
  wipe(): void {
    this.restore([]);
  }

  /** As a process would see it now. */
  image(): SimImage {
    return this.#image.entries({});
  }

  /** Puts an image back, in the place of everything. No process should have it open. */
  restore(image: SimImage): void {
    this.#unsynced = [];
    this.#unreadable.clear();
    for (const [key] of this.#image.entries({})) this.#image.delete(key);
    for (const [key, value] of image) this.#image.put(key, value);
  }

  /** Number of entries that a process sees now. */
  get size(): number {
    return this.#image.size;
  }

  /** A record to damage. From then on all that is visible counts as durable. */
  #pick(
    key: Uint8Array | undefined,
    fits: (entry: SimImage[number]) => boolean = () => true,
  ): SimImage[number] | undefined {
    this.#unsynced = [];
    const entries = this.#image.entries({}).filter(fits);
    if (key === undefined) return entries[Math.floor(this.#options.random.next() * entries.length)];
    return entries.find(([candidate]) => Buffer.compare(candidate, key) === 0);
  }

  async #write(handle: SimStore, ops: readonly Op[], sync: boolean): Promise<void> {
    if (ops.length === 0) return;
    const delay = this.#medium.delay();
    if (delay) {
      this.#underWay.push(ops);
      await delay;
      if (!handle.alive) return;
      this.#underWay.shift();
    }
    const fault = this.#medium.takeWriteFault();
    if (fault) {
      this.#halfWritten = ops;
      throw simFailure('write to the simulated disk', fault);
    }
    if (sync && this.#medium.takeSyncFault()) {
      this.#apply(ops, false);
      throw simFailure('sync the simulated disk', 'EIO');
    }
    this.#apply(ops, sync);
  }

  #isUnreadable(key: Uint8Array): boolean {
    return this.#unreadable.size > 0 && this.#unreadable.has(hexOf(key));
  }

  #apply(ops: readonly Op[], sync: boolean): void {
    if (this.#unreadable.size > 0) for (const op of ops) this.#unreadable.delete(hexOf('put' in op ? op.put : op.del));
    const { random, rotation } = this.#options;
    if (rotation !== undefined && random.next() < rotation) {
      this.#file++;
      // No third file is started before the first has become a table.
      this.#unsynced = this.#unsynced.filter((batch) => batch.file >= this.#file - 1);
    }
    this.#unsynced.push({ ops, undo: apply(this.#image, ops), file: this.#file });
    if (sync) this.#unsynced = this.#unsynced.filter((batch) => batch.file !== this.#file);
    if (this.#unsynced.length > writeBackAfter) this.#unsynced.shift();
  }

  /** What a power cut leaves of the batches that were not synced: of each file some, without the newest. */
  #survivors(): readonly Unsynced[] {
    const files = [...new Set(this.#unsynced.map((batch) => batch.file))];
    return files.flatMap((file) => this.#prefix(this.#unsynced.filter((batch) => batch.file === file)));
  }

  /** Of the batches under way, what a power cut leaves: some, perhaps the next one torn. */
  #arrived(underWay: readonly (readonly Op[])[]): readonly (readonly Op[])[] {
    const whole = this.#prefix(underWay);
    const next = underWay[whole.length];
    const { torn = 0, random } = this.#options;
    if (!next || torn === 0 || random.next() >= torn) return whole;
    const ops = [...this.#prefix(next)];
    const last = ops.pop();
    if (!last) return whole;
    if (!('put' in last)) return [...whole, [...ops, last]];
    const value = last.value.subarray(0, Math.floor(random.next() * (last.value.length + 1)));
    return [...whole, [...ops, { put: last.put, value }]];
  }

  #prefix<T>(items: readonly T[]): readonly T[] {
    return items.slice(0, Math.floor(this.#options.random.next() * (items.length + 1)));
  }
}

const hexOf = (key: Uint8Array): string => Buffer.from(key).toString('hex');

/** Changes the image. @returns what undoes it, in the order in which it must be applied */
function apply(image: SortedBytes, ops: readonly Op[]): readonly Op[] {
  const undo: Op[] = [];
  for (const op of ops) {
    const key = 'put' in op ? op.put : op.del;
    const before = 'put' in op ? image.put(key, op.value) : image.delete(key);
    undo.push(before === undefined ? { del: key } : { put: key, value: before });
  }
  return undo.reverse();
}
