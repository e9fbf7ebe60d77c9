/** What a power cut leaves of the watermark: only what was synced counts there. */
import { beforeEach, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Plan } from '#io/log/raft/plan.ts';
import type { StoredState } from '#io/log/raft/small-records.ts';
import { WatermarkFile, type Mark } from '#io/log/raft/watermark.ts';
import { WatermarkKeeper } from '#io/log/raft/watermark-keeper.ts';
import { SimDirectory } from '#io/stores/directory-sim.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import { VirtualClock } from '#test/io/stores/virtual-clock.ts';
import { entriesAt, firstConfiguration } from './member.ts';

const suspicion = { term: 3, lastIndex: 20, lastTerm: 2 };
const first: Mark = { incarnation: 'attic-1', term: 3, vote: undefined, lastIndex: 10, lastTerm: 2, suspicion };
const state: StoredState = { term: 3, vote: undefined, commit: 0, suspicion };
const appending = (from: number, count: number): Plan => ({
  install: undefined,
  entries: entriesAt({ index: from - 1, term: 2 }, 3, count),
  replacedFrom: undefined,
  last: { index: from + count - 1, term: 3 },
  hardState: undefined,
  suspicion: undefined,
});

let medium: SimMedium;
let files: SimDirectory;
let keeper: WatermarkKeeper;

beforeEach(async () => {
  medium = new SimMedium({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0 });
  files = new SimDirectory(medium);
  const { file } = await WatermarkFile.open(files.open());
  await file.create(first);
  keeper = new WatermarkKeeper(file, first);
});

/** Without the note. */
async function synced(): Promise<Mark> {
  const image = files.image();
  files.restore(image.map(([name, bytes]) => [name, Uint8Array.from(bytes).fill(0, 8192)]));
  const { mark } = await WatermarkFile.open(files.open());
  files.restore(image);
  return mark as Mark;
}

async function noted(): Promise<Mark> {
  return (await WatermarkFile.open(files.open())).mark as Mark;
}

test('what is appended is noted, and synced when it has become much', async () => {
  await keeper.raise(state, appending(11, 1));
  expect((await noted()).lastIndex).toBe(11);
  expect((await synced()).lastIndex).toBe(10);
  await keeper.raise(state, appending(12, 4000));
  expect((await synced()).lastIndex).toBe(10);
  await keeper.raise(state, appending(4012, 200));
  expect((await synced()).lastIndex).toBe(4211);
  await keeper.raise(state, appending(4212, 1));
  expect((await synced()).lastIndex).toBe(4211);
  expect((await noted()).lastIndex).toBe(4212);
});

test('few entries are much when they are large', async () => {
  const plan = appending(11, 1);
  await keeper.raise(state, {
    ...plan,
    entries: plan.entries.map((entry) => ({ ...entry, data: new Uint8Array(2 ** 20) })),
  });
  expect((await synced()).lastIndex).toBe(11);
});

test('a term, a vote, a suspicion and a snapshot are synced at once', async () => {
  const plan = { ...appending(11, 0), last: { index: 11, term: 3 } };
  const states: StoredState[] = [
    { ...state, term: 4 },
    { ...state, term: 4, vote: asPeer('b') },
    { ...state, term: 4, vote: asPeer('b'), suspicion: undefined },
  ];
  for (const next of states) {
    await keeper.raise(next, plan);
    const { term, vote, suspicion: suspected } = next;
    expect(await synced()).toEqual({ ...first, term, vote, suspicion: suspected, lastIndex: 11, lastTerm: 3 });
  }
  const install = { index: 30, term: 4, configuration: firstConfiguration };
  await keeper.raise(states[2] as StoredState, { ...plan, install, last: { index: 30, term: 4 } });
  expect(await synced()).toMatchObject({ lastIndex: 30, lastTerm: 4 });
});

test('lowering is synced at once, and leaves a suspicion as it is', async () => {
  await keeper.lower({ index: 7, term: 1 });
  expect(await synced()).toEqual({ ...first, lastIndex: 7, lastTerm: 1 });
  expect(keeper.lastIndex).toBe(7);
});

test('a note that failed is told by the next call', async () => {
  medium.failNextWrite('EIO');
  await keeper.raise(state, appending(11, 1));
  await expect(keeper.raise(state, appending(12, 1))).rejects.toMatchObject({ cause: { code: 'EIO' } });
  await expect(keeper.settle()).rejects.toMatchObject({ cause: { code: 'EIO' } });
});

test('settling syncs what was only noted', async () => {
  await keeper.raise(state, appending(11, 1));
  await keeper.settle();
  expect((await synced()).lastIndex).toBe(11);
  const image = files.image();
  await keeper.settle();
  expect(files.image()).toEqual(image);
});

test('with a clock, what is stored in one moment is noted once, and syncing leaves nothing to note', async () => {
  const clock = new VirtualClock();
  const { file } = await WatermarkFile.open(files.open());
  const patient = new WatermarkKeeper(file, first, clock);
  await patient.raise(state, appending(11, 1));
  await patient.raise(state, appending(12, 1));
  expect((await noted()).lastIndex).toBe(10);
  expect(await clock.step()).toBe(true);
  await patient.raise(state, appending(13, 1));
  expect((await noted()).lastIndex).toBe(12);
  await patient.settle();
  expect((await synced()).lastIndex).toBe(13);
  expect(await clock.step()).toBe(false);
});
