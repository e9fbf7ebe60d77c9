/** A lab of before there were several nodes: its log becomes the history of a group of one. */
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { Lab } from '#actors/lab.ts';
import { migrateSingleLog } from '#io/daemon/cluster/migrate.ts';
import { readLab } from '#io/daemon/read-lab.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { EventReader } from '#io/log/raft/engine/reading.ts';
import { openHistory } from '#io/log/raft/history/open.ts';
import { openStorage } from '#io/log/raft/open.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { entriesOf, eventsOf } from '#test/bench/history.ts';

const log = pino({ level: 'silent' });
const identity = { cluster: 'lab', generation: 1, node: 'attic', incarnation: 'disk' };
const { signal } = new AbortController();
const entries = [...entriesOf(3000)];
const events = [...eventsOf(entries)];
let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-migrate-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

/** As earlier versions wrote it: no entry says which streams it ends. */
async function writeOldLog(): Promise<void> {
  const single = await openSingleLog({
    store: await openLevel(join(dataDir, 'db', 'log')),
    watermark: await openWatermark(join(dataDir, 'db', 'watermark')),
    clock: realClock,
    random: realRandom,
  });
  const old = entries.map(({ ends: _, ...entry }) => ({ ...entry, expect: [] }));
  await Promise.all(old.map((entry) => single.append(entry, signal)));
  await single.close();
}

async function migrated(): Promise<{ readonly events: readonly LabEvent[]; readonly versions: Map<StreamId, number> }> {
  const { history } = await openHistory(await openDirectory(join(dataDir, 'log', 'history')));
  const reader = new EventReader(() => history);
  const versions = new Map<StreamId, number>();
  const head = await reader.catchUp(versions, 0);
  const found: LabEvent[] = [];
  for await (const slice of reader.read(0, head)) found.push(...slice);
  await history.close();
  return { events: found, versions };
}

test('every event keeps its place and its version, and what has ended is known to have ended', async () => {
  await writeOldLog();
  expect(await migrateSingleLog(dataDir, identity, log)).toBe(true);
  const found = await migrated();
  expect(found.events).toEqual(events);
  const lab = new Lab();
  for (const event of events) lab.fold(event);
  expect(found.versions).toEqual(lab.versions());
  expect((await readLab(dataDir, log)).index).toBe(events.length);
});

test('it happens once, and the old log stays beside', async () => {
  await writeOldLog();
  await migrateSingleLog(dataDir, identity, log);
  expect(await migrateSingleLog(dataDir, identity, log)).toBe(false);
  expect(await readdir(join(dataDir, 'db'))).toContain('log.before');
});

test('a start that was cut off in the middle begins again', async () => {
  await writeOldLog();
  await migrateSingleLog(dataDir, { ...identity, incarnation: 'other' }, log);
  await rename(join(dataDir, 'db', 'log.before'), join(dataDir, 'db', 'log'));
  await rename(join(dataDir, 'log'), join(dataDir, 'log.migrating'));
  expect(await migrateSingleLog(dataDir, identity, log)).toBe(true);
  expect((await migrated()).events).toEqual(events);
});

test('the group begins where the history ends, and is sound', async () => {
  await writeOldLog();
  await migrateSingleLog(dataDir, identity, log);
  const opened = await openStorage({
    store: await openLevel(join(dataDir, 'log', 'raft')),
    directory: await openDirectory(join(dataDir, 'log', 'watermark')),
  });
  expect(opened.findings).toEqual([]);
  expect(opened.start.suspect).toBeUndefined();
  expect(opened.start).toMatchObject({
    snapshot: { index: entries.length + 1, configuration: { voters: ['attic.disk'] } },
    entries: [],
  });
  await opened.storage.close();
});
