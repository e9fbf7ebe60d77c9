/**
 * Turns the event log of before, which one node kept alone, into the history of a group of one: once, at the first start
 * of a version that has groups. Entries keep their places, versions and words; what is added is which streams each one
 * ends, which that log did not say. The old log stays beside, under another name.
 *
 *   db/log ─▶ log.migrating/{history, snapshots, raft} ─ renamed ─▶ log      db/log ─ renamed ─▶ db/log.before
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Lab } from '#actors/lab.ts';
import type { StreamId } from '#events/envelope.ts';
import { configurationOf } from '#events/raft/configuration.ts';
import { realClock } from '../../devices/clock/real.ts';
import { countOf, eventsOf, indexOf, keyOf, makeRecord, partsOf, withEnds } from '../../log/codec.ts';
import { packApplied } from '../../log/raft/engine/applied.ts';
import { HistoryKeeper } from '../../log/raft/engine/keeper.ts';
import { firstEntry } from '../../log/raft/engine/open.ts';
import { peerOf } from '../../log/raft/engine/peer.ts';
import type { HistoryEntry } from '../../log/raft/history/segment.ts';
import { foundUpon } from '../../log/raft/found.ts';
import { SnapshotFiles } from '../../log/raft/snapshots/snapshot-files.ts';
import type { Identity } from '../../log/raft/storage.ts';
import { checkRecord } from '../../log/single/scan.ts';
import { openDirectory } from '../../stores/directory-real.ts';
import { isThere, syncDir } from '../../stores/files.ts';
import { openLevel } from '../../stores/level.ts';
import type { Store } from '../../stores/port.ts';
import { logFolder } from './begin.ts';

const slice = 1000;

/** @returns whether there was something to turn. @throws LogError, StoreError; then everything is as it was */
export async function migrateSingleLog(dataDir: string, identity: Identity, log: Logger): Promise<boolean> {
  const before = join(dataDir, 'db', 'log');
  if (!(await isThere(before)) || (await isThere(logFolder(dataDir)))) return false;
  log.info('the event log is brought into the form for several nodes; this happens once');
  const making = `${logFolder(dataDir)}.migrating`;
  await rm(making, { recursive: true, force: true });
  const store = await openLevel(before);
  let events: number;
  try {
    events = await build(store, making, identity);
  } finally {
    await store.close();
  }
  await syncDir(making);
  await rename(making, logFolder(dataDir));
  await syncDir(dataDir);
  await rename(before, `${before}.before`);
  await syncDir(join(dataDir, 'db'));
  log.info({ events }, 'the event log is in the form for several nodes');
  return true;
}

async function build(store: Store, folder: string, identity: Identity): Promise<number> {
  const self = peerOf(identity.node, identity.incarnation);
  const founders = configurationOf([self]);
  const snapshots = await SnapshotFiles.open(await openDirectory(join(folder, 'snapshots')));
  const keeper = await HistoryKeeper.open({
    openDirectory: () => openDirectory(join(folder, 'history')),
    snapshots,
    clock: realClock,
    sources: () => [],
    note: () => {},
  });
  await keeper.beginAt(undefined, firstEntry(founders));
  let index = 1;
  let head = 0;
  let entries: HistoryEntry[] = [];
  for await (const record of recordsOf(store)) {
    index += 1;
    entries.push({ index, term: 1, bytes: packApplied({ kind: 'events', head, body: record }) });
    head += countOf(record);
    if (entries.length < slice) continue;
    await keeper.append(entries);
    entries = [];
  }
  await keeper.append(entries);
  const parts = {
    store: await openLevel(join(folder, 'raft')),
    directory: await openDirectory(join(folder, 'watermark')),
  };
  await foundUpon(keeper, parts, identity, { index, term: 1 }, 1);
  await keeper.close();
  return head;
}

/** Each as it was, with the streams that it ends: what the fold of everything says. */
async function* recordsOf(store: Store): AsyncGenerator<Uint8Array> {
  const lab = new Lab();
  let head = 0;
  for await (const found of store.range({})) {
    for (const [key, record] of found) {
      if (indexOf(key) === 0) continue;
      checkRecord(key, record, head + 1);
      const streams = new Set<StreamId>();
      for (const event of eventsOf(head + 1, record)) {
        lab.fold(event);
        streams.add(event.stream);
      }
      const { versions, packed } = partsOf(record);
      const ends = [...streams].filter((stream) => !lab.get(stream));
      yield ends.length === 0 ? record : makeRecord(keyOf(head + 1), versions, withEnds(packed, ends));
      head += countOf(record);
    }
  }
}
