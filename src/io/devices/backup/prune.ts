/**
 * Deletes what no backup needs any more, while backups may be running and even if another prune sleeps and wakes up in
 * the middle of it.
 *
 *   mark    which packs go: those that nothing needs; and those of which little is needed, once that has been copied into
 *           new packs. From then on whoever begins relies on none of them.
 *   sweep   once nobody is at work who began before the mark, and the mark is older than the grace time: read the backups
 *           again, copy what a late one needs after all, delete the packs.
 *
 * A writer that has not renewed its lock for the time of its lease is given up first; `locks.ts` says why that is safe.
 * Two prunes keep out of each other's way by their locks. Where that fails (one slept), it is safe all the same: a pack
 * that any of them has marked is no place to find a chunk, so each copies what only marked packs have, and no pack that
 * somebody may still be about to delete is ever relied on again.
 */
import { asIoError, IoError } from '../error.ts';
import { openChunk } from './format/chunk-box.ts';
import { chunkKinds, packKey } from './format/pack.ts';
import { streamsOf } from './format/manifest.ts';
import { breakLock, Lock, type Holder } from './locks.ts';
import { findMarks, markKey, putMark, type Mark } from './marks.ts';
import { ChunkReader } from './read.ts';
import {
  listBackups,
  lockOptions,
  packBytesOf,
  putIndexes,
  readContents,
  unlessGone,
  type Contents,
  type Repository,
} from './repository.ts';
import { storeError } from './store/port.ts';
import { ChunkWriter } from './write.ts';

export interface PruneOptions {
  /** A mark waits so long before what it names is deleted, by the clock of the store. Default one hour. */
  readonly graceMs?: number;
  /** A pack of which less than this share is needed is rewritten, 0 to 1. Default 0.6. */
  readonly rewriteBelow?: number;
}

export interface Pruned {
  readonly deletedPacks: number;
  readonly deletedBytes: number;
  /** Copied into new packs. */
  readonly rewrittenBytes: number;
  /** Packs that are marked and wait for the grace time, or for writers that began before. */
  readonly waitingPacks: number;
  /** Holders that had not been heard of and were given up, as their locks say. */
  readonly givenUp: readonly string[];
}

const hourMs = 3_600_000;
/** After so long nobody wakes up any more who was given up. */
const forgottenMs = 30 * 24 * hourMs;
/** More index objects than this are gathered into few. */
const manyIndexes = 32;

/**
 * @throws IoError BUSY while another prune is at work; DAMAGED when a backup's manifest or lists cannot be read: what it
 *   needs is not known, so nothing is deleted. Can be repeated after any error.
 */
export async function prune(
  repository: Repository,
  options: PruneOptions,
  signal: AbortSignal,
  progress: (text: string) => void = () => undefined,
): Promise<Pruned> {
  const { store } = repository.options;
  const lock = await Lock.take(lockOptions(repository), 'prune', signal);
  try {
    await beAlone(repository, lock, signal);
    const run = new Prune(repository, lock, options, signal, progress);
    return await run.run();
  } catch (error) {
    throw asIoError(error, 'prune', store.where);
  } finally {
    await lock.release(new AbortController().signal).catch(() => undefined);
  }
}

class Prune {
  readonly #repository: Repository;
  readonly #lock: Lock;
  readonly #graceMs: number;
  readonly #rewriteBelow: number;
  readonly #signal: AbortSignal;
  readonly #progress: (text: string) => void;
  readonly #givenUp: string[] = [];
  #deleted = { packs: 0, bytes: 0 };
  #waiting = 0;

  constructor(
    repository: Repository,
    lock: Lock,
    { graceMs = hourMs, rewriteBelow = 0.6 }: PruneOptions,
    signal: AbortSignal,
    progress: (text: string) => void,
  ) {
    this.#repository = repository;
    this.#lock = lock;
    this.#graceMs = graceMs;
    this.#rewriteBelow = rewriteBelow;
    this.#signal = signal;
    this.#progress = progress;
  }

  async run(): Promise<Pruned> {
    const { keys, options } = this.#repository;
    const { store, random } = options;
    this.#progress('finishing what an earlier prune began');
    await this.#sweepAll();
    this.#progress('looking for what no backup needs');
    const { marks } = await findMarks(store, keys, this.#signal);
    const contents = await this.#withUse(marks);
    const marked = new Set(marks.flatMap(({ packs }) => packs));
    const writers = await this.#liveWriters();
    const { unneeded, poor } = this.#choose(contents, marked, Math.min(...writers.map(({ since }) => since)));
    const rewritten = await this.#rewrite(contents, poor);
    const packs = [...unneeded, ...rewritten.packs];
    if (packs.length > 0) await putMark(store, keys, random.id(), { reason: 'prune', packs }, this.#signal);
    await this.#sweepAll();
    await this.#tidy();
    return {
      deletedPacks: this.#deleted.packs,
      deletedBytes: this.#deleted.bytes,
      rewrittenBytes: rewritten.bytes,
      waitingPacks: this.#waiting,
      givenUp: this.#givenUp,
    };
  }

  /** What is there, and which of it backups need. */
  async #withUse(marks: readonly Mark[], own?: string): Promise<Contents> {
    const { manifests, damaged } = await listBackups(this.#repository, this.#signal);
    const [unreadable] = damaged;
    if (unreadable) throw unknownNeeds(unreadable.id, unreadable.error);
    const contents = await readContents(this.#repository, marks, this.#signal, own);
    const { table } = contents;
    // A list that many backups share is read once.
    for (const manifest of manifests) {
      const reader = new ChunkReader(this.#repository, table, this.#signal);
      for (const ref of streamsOf(manifest)) {
        const list = ref.list.map((id) => Buffer.from(id, 'hex'));
        const isThere = list.every((id) => table.get(id) !== undefined);
        const isNew = list.map((id) => table.use(id)).some(Boolean);
        if (isThere && !isNew) continue;
        try {
          for await (const { id } of reader.listed(ref, manifest.id)) table.use(id);
        } catch (error) {
          if (error instanceof IoError && error.code === 'DAMAGED') throw unknownNeeds(manifest.id, error);
          throw error;
        }
      }
    }
    return contents;
  }

  /** @param since packs from then on are of those who are at work: to mark them would only mean to copy them later */
  #choose(
    { table, packs }: Contents,
    marked: ReadonlySet<string>,
    since: number,
  ): { readonly unneeded: readonly string[]; readonly poor: readonly string[] } {
    const used = table.usedBytes();
    const free = [...packs].filter(
      ([name, { modifiedAt }]) => !marked.has(name) && table.hasPack(name) && modifiedAt < since,
    );
    const unneeded = free.filter(([name]) => !used.has(name)).map(([name]) => name);
    const poor = free
      .filter(([name, { sizeBytes }]) => used.has(name) && (used.get(name) ?? 0) < this.#rewriteBelow * sizeBytes)
      .map(([name]) => name);
    return { unneeded, poor };
  }

  /** Copies what is needed of these packs into new ones. One that is damaged is left as it is. */
  async #rewrite(
    { table }: Contents,
    poor: readonly string[],
  ): Promise<{ readonly packs: readonly string[]; readonly bytes: number }> {
    const writer = new ChunkWriter(this.#repository, table, [], this.#signal);
    const done: string[] = [];
    try {
      for (const [at, name] of poor.entries()) {
        this.#progress(`rewriting packs, ${at + 1} of ${poor.length}`);
        if (await this.#copy(table, name, writer)) done.push(name);
      }
      await writer.finish();
    } finally {
      await writer.settle();
    }
    return { packs: done, bytes: writer.added.storedBytes };
  }

  async #copy(table: Contents['table'], name: string, writer: ChunkWriter): Promise<boolean> {
    const bytes = await unlessGone(packBytesOf(this.#repository, name, this.#signal));
    if (!bytes) return false;
    const sealed = [];
    for (const id of table.idsIn(name, (candidate) => table.isUsed(candidate))) {
      const place = table.get(id);
      if (!place) return false;
      const box = Buffer.from(bytes.subarray(place.offset, place.offset + place.boxBytes));
      if (!(await openChunk(this.#repository.keys, id, box, place.plainBytes))) return false;
      sealed.push({ kind: chunkKinds.data, id, plainBytes: place.plainBytes, box });
    }
    for (const chunk of sealed) await writer.addSealed(chunk);
    return true;
  }

  async #sweepAll(): Promise<void> {
    this.#waiting = 0;
    const { store } = this.#repository.options;
    const { marks, damaged } = await findMarks(store, this.#repository.keys, this.#signal);
    if (marks.length + damaged.length === 0) return;
    const holders = await this.#liveWriters();
    const now = await this.#lock.storeNow(this.#signal);
    // Nobody can act on a mark that cannot be read, unless who put it still does.
    if (holders.length === 0) for (const key of damaged) await store.delete(key, this.#signal);
    for (const mark of marks) {
      const isKnown = holders.every(({ avoids }) => avoids.includes(mark.id));
      if (isKnown && (mark.reason === 'damaged' || now - mark.at >= this.#graceMs)) await this.#sweep(mark);
      else if (mark.reason === 'prune') this.#waiting += mark.packs.length;
    }
  }

  async #sweep(mark: Mark): Promise<void> {
    const { store } = this.#repository.options;
    let { contents, needed } = await this.#neededBy(mark);
    const toCopy = mark.packs.filter((name) => needed.has(name));
    if (toCopy.length > 0) {
      await this.#rewrite(contents, toCopy);
      ({ contents, needed } = await this.#neededBy(mark));
    }
    const there = mark.packs.filter((name) => contents.packs.has(name));
    const toDelete = there.filter((name) => !needed.has(name));
    this.#progress(`deleting ${toDelete.length} packs`);
    for (const name of toDelete) {
      await store.delete(packKey(name), this.#signal);
      this.#deleted.packs += 1;
      this.#deleted.bytes += contents.packs.get(name)?.sizeBytes ?? 0;
    }
    // What cannot be copied, because it is damaged, stays set aside.
    if (toDelete.length === there.length) await store.delete(markKey(mark.id), this.#signal);
  }

  async #neededBy(mark: Mark): Promise<{ readonly contents: Contents; readonly needed: ReadonlyMap<string, number> }> {
    const { marks } = await findMarks(this.#repository.options.store, this.#repository.keys, this.#signal);
    const contents = await this.#withUse(marks, mark.id);
    return { contents, needed: contents.table.usedBytes() };
  }

  /** Writers that may rely on what a mark names; those that have not been heard of are given up. */
  async #liveWriters(): Promise<readonly Holder[]> {
    const options = lockOptions(this.#repository);
    const writers = (await this.#lock.holders(this.#signal)).filter(
      ({ id, kind, isBroken }) => id !== this.#lock.id && kind !== 'prune' && !isBroken,
    );
    const live: Holder[] = [];
    for (const writer of writers) {
      if (writer.ageMs <= options.leaseMs) {
        live.push(writer);
        continue;
      }
      await breakLock(options, writer.id, this.#signal);
      this.#givenUp.push(writer.by);
    }
    return live;
  }

  /** Index objects that name what is gone, or that are many, become few; locks of those given up are forgotten. */
  async #tidy(): Promise<void> {
    const { store } = this.#repository.options;
    const now = await this.#lock.storeNow(this.#signal);
    for await (const { key, modifiedAt } of store.list('locks/', this.#signal))
      if (key.endsWith('.broken') && now - modifiedAt > forgottenMs) await store.delete(key, this.#signal);
    const contents = await readContents(this.#repository, [], this.#signal);
    const isTidy = contents.indexes.length <= manyIndexes && contents.unindexed.length === 0;
    if (this.#deleted.packs === 0 && isTidy) return;
    const packs = [...contents.indexed.values(), ...contents.unindexed];
    const written = new Set(await putIndexes(this.#repository, packs, this.#signal));
    // Those that cannot be read are replaced, too: what they named is in the packs.
    for (const key of contents.indexes) if (!written.has(key)) await store.delete(key, this.#signal);
  }
}

/** One prune at a time, so that none does the work of another. */
async function beAlone(repository: Repository, lock: Lock, signal: AbortSignal): Promise<void> {
  const options = lockOptions(repository);
  for (const { id, kind, by, ageMs, isBroken } of await lock.holders(signal)) {
    if (id === lock.id || kind !== 'prune' || isBroken) continue;
    if (ageMs > options.leaseMs) {
      await breakLock(options, id, signal);
      continue;
    }
    const { where } = repository.options.store;
    const hint = `Wait until it is done, or ${Math.ceil((options.leaseMs - ageMs) / 60_000)} minutes when that machine is off.`;
    throw storeError('BUSY', 'prune', where, `${by} is pruning ${where} already`, hint);
  }
}

const unknownNeeds = (id: string, cause: IoError): IoError =>
  storeError(
    'DAMAGED',
    'prune',
    id,
    `nothing was deleted: the backup ${id} is damaged, so what it needs is not known (${cause.message})`,
    `Forget the backup ${id}, or back its volume up once more, then prune again.`,
    cause,
  );
