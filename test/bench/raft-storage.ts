/**
 * How fast the durable log of a member stores entries, beside bare LevelDB in the same run: jobs of n entries of 256 B
 * each, one after another, against synced batches of n values of the same size, in turns, on the disk that holds the
 * directory for temporary files.
 *
 *   npx tsx test/bench/raft-storage.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer, type Entry } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import { entryKey } from '#io/log/raft/keys.ts';
import { createStorage } from '#io/log/raft/open.ts';
import type { RaftStorage } from '#io/log/raft/storage.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import type { Store } from '#io/stores/port.ts';
import { median, type Row } from './table.ts';

const entryBytes = 256;
const rounds = 15;

/** @param durationMs of one round of one of the two */
export async function benchRaftStorage(durationMs = 200): Promise<readonly Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-bench-'));
  const level = await openLevel(join(dir, 'level'));
  const { storage } = await createStorage(
    { store: await openLevel(join(dir, 'raft')), directory: await openDirectory(join(dir, 'files')) },
    { cluster: 'bench', generation: 1, node: 'bench', incarnation: 'bench-1' },
    configurationOf([asPeer('bench-1')]),
  );
  const log = new Log(storage);
  const bare = new Bare(level);
  const rows: Row[] = [];
  for (const size of [1, 64, 256, 512]) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      theirs.push(await perSecond(() => bare.write(size), size, durationMs));
      ours.push(await perSecond(() => log.write(size), size, durationMs));
    }
    rows.push({
      what: `entries stored, ${size} ${size === 1 ? 'entry' : 'entries'} a job, ${entryBytes} B`,
      value: median(ours),
      unit: '/s',
      peer: median(theirs),
      peerIs: 'bare LevelDB, synced batches of the same size',
    });
  }
  await storage.close();
  await level.close();
  await rm(dir, { recursive: true });
  return rows;
}

async function perSecond(write: () => Promise<void>, size: number, durationMs: number): Promise<number> {
  const from = performance.now();
  let count = 0;
  while (performance.now() < from + durationMs) {
    await write();
    count += size;
  }
  return (count * 1000) / (performance.now() - from);
}

class Bare {
  readonly #store: Store;
  #index = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  write(size: number): Promise<void> {
    const ops = Array.from({ length: size }, () => ({
      put: entryKey(++this.#index),
      value: new Uint8Array(entryBytes).fill(this.#index),
    }));
    return this.#store.batch(ops, { sync: true });
  }
}

class Log {
  readonly #storage: RaftStorage;
  /** Of the snapshot with which a group begins. */
  #index = 1;

  constructor(storage: RaftStorage) {
    this.#storage = storage;
  }

  write(size: number): Promise<void> {
    const entries = Array.from({ length: size }, (): Entry => {
      const index = ++this.#index;
      return { type: 'data', term: 1, index, data: new Uint8Array(entryBytes).fill(index) };
    });
    const mark = { job: 1, term: 1, vote: undefined, lastIndex: this.#index, lastTerm: 1 };
    const job: StoreJob = {
      snapshot: undefined,
      hardState: { term: 1, vote: undefined, commit: Math.max(0, this.#index - 2 * size) },
      entries,
      suspicion: undefined,
      thenSend: [],
      mark: { ...mark, snapshotIndex: undefined, suspect: undefined },
    };
    return this.#storage.store([job]);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rows = await benchRaftStorage();
  console.table(
    rows.map(({ what, value, peer = Number.NaN }) => ({
      what,
      'entries/s': Math.round(value),
      'bare LevelDB/s': Math.round(peer),
      ratio: (value / peer).toFixed(2),
    })),
  );
}
