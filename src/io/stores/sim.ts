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
 * with sync survives.
 *
 * Calls on a handle from before a crash never resolve: their process is dead. With `latencyMs` 0 there are no timers
 * at all.
 */
import { Buffer } from 'node:buffer';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { StoreError, type Op, type Range, type Store } from './port.ts';
import { SortedBytes } from './sorted-bytes.ts';

export interface SimDiskOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of each call, on average; a call takes 0.5 to 1.5 times as long. */
  readonly latencyMs: number;
  /** Chance that a batch goes to a new file; 0 if omitted. */
  readonly rotation?: number;
}

export type Crash = 'process' | 'power';

/** After this many batches without a sync, the operating system has written the oldest by itself. */
const writeBackAfter = 1000;
const sliceEntries = 1000;

/** A batch that is visible and not yet durable, with what brings the image back to before it. */
interface Unsynced {
  readonly ops: readonly Op[];
  readonly undo: readonly Op[];
  readonly file: number;
}

export class SimDisk {
  readonly #options: SimDiskOptions;
  readonly #image = new SortedBytes();
  #unsynced: Unsynced[] = [];
  #underWay: (readonly Op[])[] = [];
  /** Of a write that failed: it may show up when the database is opened again. */
  #halfWritten: readonly Op[] | undefined;
  #file = 0;
  #failNext: 'ENOSPC' | 'EIO' | undefined;
  #handle: SimStore | undefined;

  constructor(options: SimDiskOptions) {
    this.#options = options;
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
      delay: () => this.#delay(),
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
    this.#failNext = undefined;
    if (kind === 'power') {
      const survivors = this.#survivors();
      // Only what was all there before can be followed by something newer.
      const arrived = survivors.length === this.#unsynced.length ? this.#prefix(underWay) : [];
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
    this.#failNext = code;
  }

  /** Flips one bit of one stored value: of this key, or of any. @returns false when there is none */
  flipBit(key?: Uint8Array): boolean {
    this.#unsynced = [];
    const { random } = this.#options;
    const entries = this.#image.entries({}).filter(([, value]) => value.length > 0);
    const entry =
      key === undefined
        ? entries[Math.floor(random.next() * entries.length)]
        : entries.find(([candidate]) => Buffer.compare(candidate, key) === 0);
    if (!entry) return false;
    const value = entry[1].slice();
    const bit = Math.floor(random.next() * value.length * 8);
    value[bit >> 3] = (value[bit >> 3] as number) ^ (1 << (bit & 7));
    this.#image.put(entry[0], value);
    return true;
  }

  /** Silently loses the entries with the greatest keys. */
  deleteTail(count: number): void {
    this.#unsynced = [];
    for (const [key] of this.#image.entries({ reverse: true, limit: count })) this.#image.delete(key);
  }

  /** Number of entries that a process sees now. */
  get size(): number {
    return this.#image.size;
  }

  #delay(): Promise<void> | undefined {
    const { clock, random, latencyMs } = this.#options;
    return latencyMs === 0 ? undefined : sleep(clock, latencyMs * (0.5 + random.next()));
  }

  async #write(handle: SimStore, ops: readonly Op[], sync: boolean): Promise<void> {
    if (ops.length === 0) return;
    const delay = this.#delay();
    if (delay) {
      this.#underWay.push(ops);
      await delay;
      if (!handle.alive) return;
      this.#underWay.shift();
    }
    if (this.#failNext) {
      const code = this.#failNext;
      this.#failNext = undefined;
      this.#halfWritten = ops;
      const cause = Object.assign(new Error(code), { code });
      throw new StoreError('FAILED', `cannot write to the simulated disk: ${code}`, 'End the process.', cause);
    }
    this.#apply(ops, sync);
  }

  #apply(ops: readonly Op[], sync: boolean): void {
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

  #prefix<T>(items: readonly T[]): readonly T[] {
    return items.slice(0, Math.floor(this.#options.random.next() * (items.length + 1)));
  }
}

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

interface Device {
  readonly image: SortedBytes;
  delay(): Promise<void> | undefined;
  write(handle: SimStore, ops: readonly Op[], sync: boolean): Promise<void>;
  closed(handle: SimStore): void;
}

/** One process's view of the disk. */
class SimStore implements Store {
  readonly #device: Device;
  #state: 'open' | 'closed' | 'dead' = 'open';
  #failed: StoreError | undefined;
  /** Writes take effect in the order of the calls. */
  #lastWrite: Promise<void> | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  kill(): void {
    this.#state = 'dead';
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#arrive();
    return this.#device.image.get(key)?.slice();
  }

  async *range(range: Range): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    await this.#arrive();
    const entries = this.#device.image.entries(range);
    for (let at = 0; at < entries.length; at += sliceEntries) {
      if (at > 0) await this.#arrive();
      yield entries.slice(at, at + sliceEntries).map(([key, value]) => [key, value.slice()] as const);
    }
  }

  async batch(ops: readonly Op[], options: { readonly sync: boolean }): Promise<void> {
    const copies = ops.map((op) =>
      'put' in op ? { put: op.put.slice(), value: op.value.slice() } : { del: op.del.slice() },
    );
    await this.#write(() => copies, options.sync);
  }

  async clear(range: Range): Promise<void> {
    await this.#write(() => this.#device.image.entries(range).map(([key]) => ({ del: key })), false);
  }

  async close(): Promise<void> {
    if (this.#state === 'dead') return never();
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#lastWrite?.catch(() => undefined);
    if (!this.alive) return never();
    this.#device.closed(this);
  }

  async #write(ops: () => readonly Op[], sync: boolean): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    const before = this.#lastWrite;
    const write = (async () => {
      if (before) await before;
      if (!this.alive) return never();
      if (this.#failed) throw this.#failed;
      try {
        await this.#device.write(this, ops(), sync);
      } catch (error) {
        if (error instanceof StoreError) this.#failed = error;
        throw error;
      }
      if (!this.alive) return never();
    })();
    this.#lastWrite = write;
    try {
      await write;
    } finally {
      if (this.#lastWrite === write) this.#lastWrite = undefined;
    }
  }

  async #arrive(): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    if (this.alive) await this.#device.delay();
    if (!this.alive) await never();
  }
}

const never = (): Promise<never> => new Promise(() => undefined);

const closedError = (): StoreError =>
  new StoreError('FAILED', 'the database of the simulated disk is closed', 'Open it again.');
