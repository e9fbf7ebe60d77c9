/** Stories of members, crashes and damage: the law of `law.ts` holds in all of them. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import { createStorage, openStorage } from '#io/log/raft/open.ts';
import type { Opened } from '#io/log/raft/storage.ts';
import type { Op } from '#io/stores/port.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import type { Crash } from '#io/stores/sim.ts';
import { settle, VirtualClock } from '#test/io/stores/virtual-clock.ts';
import { differenceOf, judgeOpened, judgeRefusal, type Outcome } from './law.ts';
import {
  deedOf,
  firstConfiguration,
  identity,
  nothing,
  rebuilt,
  rebuiltSlowly,
  stepNames,
  type Deed,
  type Known,
  type Step,
} from './member.ts';
import { imageAfter, recording } from './recording.ts';

const anyStep: fc.Arbitrary<Step> = fc.record(
  { what: fc.constantFrom(...stepNames), a: fc.nat(1000), b: fc.nat(1000) },
  { noNullPrototype: true },
);
const anyStory = fc.array(anyStep, { minLength: 1, maxLength: 40 });
const anySeed = fc.integer({ min: 1, max: 1_000_000 });

test('a process that is killed at any moment finds everything that it was told was stored', async () => {
  await crashes('process', 300);
});

test('so does one whose machine loses power', async () => {
  await crashes('power', 400);
});

test('a disk that tears the batch under way loses nothing either, or is noticed', async () => {
  await crashes('power', 500, 1);
});

test('a disk that fails, hangs or is full loses nothing that was acknowledged, and takes nothing more', async () => {
  const failures = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(anySeed, fc.array(anyStory, { minLength: 1, maxLength: 3 }), async (seed, lives) => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const disk = new SimMachineDisk({ clock, random: random.fork('disk'), latencyMs: 4 });
      let known = nothing;
      let opened = await until(clock, createStorage(partsOf(disk), identity, firstConfiguration));
      for (const story of lives) {
        const strikesAt = random.below(story.length);
        const fault = random.pick(['ENOSPC', 'EIO', 'sync', 'full', 'stall'] as const);
        let possible: Known[] = [];
        for (const [at, step] of story.entries()) {
          if (at === strikesAt) fail(disk, fault);
          const deed = deedOf(known, step);
          if (!deed) continue;
          try {
            await until(clock, deed.run(opened.storage));
            known = deed.next;
          } catch (error) {
            expect(error).toMatchObject({ name: 'StoreError', code: 'FAILED' });
            // Only once more, to see that it takes nothing.
            await expect(until(clock, deed.run(opened.storage))).rejects.toBe(error);
            failures.set(fault, (failures.get(fault) ?? 0) + 1);
            possible = [deed.next];
            break;
          }
        }
        disk.isFull = false;
        disk.crash(random.pick(['process', 'power'] as const));
        opened = await until(clock, openStorage(partsOf(disk)));
        expect(judgeOpened(opened, known, possible), JSON.stringify(opened.findings)).toBe('exact');
        known = [known, ...possible].find((one) => differenceOf(opened, one) === undefined) as Known;
      }
    }),
    { numRuns: 400 },
  );
  expect([...failures.keys()].toSorted()).toEqual(['EIO', 'ENOSPC', 'full', 'sync']);
});

function fail(disk: SimMachineDisk, fault: 'ENOSPC' | 'EIO' | 'sync' | 'full' | 'stall'): void {
  if (fault === 'full') disk.isFull = true;
  else if (fault === 'stall') disk.stall(5000);
  else if (fault === 'sync') disk.failNextSync();
  else disk.failNextWrite(fault);
}

async function crashes(kind: Crash, numRuns: number, torn = 0): Promise<void> {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(anySeed, fc.array(anyStory, { minLength: 1, maxLength: 3 }), async (seed, lives) => {
      const clock = new VirtualClock();
      const random = seededRandom(seed);
      const disk = new SimMachineDisk({ clock, random: random.fork('disk'), latencyMs: 4 });
      disk.database('raft', { torn });
      let known = nothing;
      let opened = await until(clock, createStorage(partsOf(disk), identity, firstConfiguration));
      for (const life of lives) {
        const { acknowledged, possible } = await interrupted(clock, random, opened, known, life);
        disk.crash(kind);
        opened = await until(clock, openStorage(partsOf(disk)));
        const outcome = judgeOpened(opened, acknowledged, possible);
        if (torn === 0) expect(outcome, JSON.stringify(opened.findings)).toBe('exact');
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome !== 'exact') return;
        known = [acknowledged, ...possible].find((one) => differenceOf(opened, one) === undefined) as Known;
      }
    }),
    { numRuns },
  );
  expect(outcomes.get('exact')).toBeGreaterThan(numRuns / 2);
}

/** Lives a story, and stops in the middle of a call. */
async function interrupted(
  clock: VirtualClock,
  random: SeededRandom,
  { storage }: Opened,
  known: Known,
  story: readonly Step[],
): Promise<{ readonly acknowledged: Known; readonly possible: readonly Known[] }> {
  let acknowledged = known;
  for (const [at, step] of story.entries()) {
    const deed = deedOf(acknowledged, step);
    if (!deed) continue;
    let isDone = false;
    const running = deed.run(storage).then(() => (isDone = true));
    if (at === story.length - 1) {
      running.catch(() => undefined);
      await clock.advance(random.below(16));
    } else await until(clock, running);
    if (!isDone) return { acknowledged, possible: [...tornStates(acknowledged, deed.next), deed.next] };
    acknowledged = deed.next;
  }
  return { acknowledged, possible: [] };
}

/** What a batch leaves of which only the first operations arrived; without tearing none of these is ever seen. */
function tornStates(before: Known, next: Known): readonly Known[] {
  const upTo = (known: Known, index: number, own = known): Known => {
    const last = known.entries.get(index) ?? known.start;
    return { ...own, entries: known.entries, last: { index: last.index, term: last.term } };
  };
  const states: Known[] = [];
  if (next.start === before.start)
    for (let index = next.last.index; index < before.last.index; index++) states.push(upTo(before, index));
  for (let index = next.start.index; index <= next.last.index; index++)
    states.push(upTo(next, index, { ...before, start: next.start, pointer: next.pointer }));
  return states;
}

test('no single damage is silent, whatever it is and wherever it strikes', async () => {
  const outcomes = new Map<string, Map<Outcome, number>>();
  await fc.assert(
    fc.asyncProperty(
      anySeed,
      anyStory,
      fc.constantFrom(...damages),
      fc.boolean(),
      async (seed, story, damage, closes) => {
        const lab = await lived(seed, story, closes);
        if (!(await damage.strike(lab))) return;
        const outcome = await outcomeOf(lab);
        const counts = outcomes.get(damage.name) ?? new Map<Outcome, number>();
        outcomes.set(damage.name, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
      },
    ),
    { numRuns: 1500 },
  );
  // Otherwise this test would prove nothing.
  for (const { name, isHarmless, isRefused } of damages) {
    const expected = isHarmless ? 'exact' : isRefused ? 'refused' : 'suspect';
    expect(outcomes.get(name)?.get(expected), name).toBeGreaterThan(0);
  }
});

test('a suspect that the group has brought back is as good as any other', async () => {
  await fc.assert(
    fc.asyncProperty(
      anySeed,
      anyStory,
      fc.constantFrom(...damages),
      fc.boolean(),
      async (seed, story, damage, slow) => {
        const lab = await lived(seed, story, false);
        if (!(await damage.strike(lab)) || (await outcomeOf(lab)) !== 'suspect') return;
        // Still a suspect, and of the same, however often it is started.
        const first = await openStorage(partsOf(lab.disk));
        expect(first.start.suspect).toEqual(lab.opened?.start.suspect);
        expect(first.findings.map(({ kind }) => kind)).toContain('still-suspect');
        const { start } = first;
        const { index, term } = start.entries.at(-1) ?? start.base ?? start.snapshot;
        const found: Known = {
          hardState: start.hardState,
          start: start.snapshot,
          pointer: first.storage.snapshot,
          entries: new Map(start.entries.map((entry) => [entry.index, entry])),
          last: { index, term },
          suspicion: start.suspect,
        };
        const nextTerm = Math.max(start.hardState.term, start.suspect?.term ?? 0) + 1;
        let known = found;
        for (const next of slow ? rebuiltSlowly : [rebuilt]) {
          const deed = next(known, nextTerm);
          await deed.run(first.storage);
          known = deed.next;
        }
        if (slow) await first.storage.close();
        lab.disk.crash('process');
        const opened = await openStorage(partsOf(lab.disk));
        expect(judgeOpened(opened, known)).toBe('exact');
        expect(opened.findings.filter(({ kind }) => kind !== 'damaged-entry')).toEqual([]);
      },
    ),
    { numRuns: 600 },
  );
});

test('damage after a power cut may only hide in what was stored since the watermark was synced', async () => {
  let hidden = 0;
  await fc.assert(
    fc.asyncProperty(anySeed, anyStory, fc.constantFrom(...damages), async (seed, story, damage) => {
      const lab = await lived(seed, story, false, 'power');
      if (!(await damage.strike(lab))) return;
      try {
        const opened = await openStorage(partsOf(lab.disk));
        if (differenceOf(opened, lab.known) === undefined) return;
        if (isBetween(opened, lab)) hidden++;
        else judgeOpened(opened, lab.synced, lab.possible);
      } catch (error) {
        judgeRefusal(error);
      }
    }),
    { numRuns: 600 },
  );
  expect(hidden).toBeGreaterThan(0);
});

/** Nothing is lost but what was stored since the watermark was synced: never a vote, never a suspicion. */
function isBetween({ start }: Opened, { known, synced, possible }: Lab): boolean {
  const { term, vote } = start.hardState;
  const isSame = term === known.hardState.term && vote === known.hardState.vote;
  if (!isSame || !isDeepStrictEqual(start.suspect, known.suspicion)) return false;
  const { index } = start.entries.at(-1) ?? start.base ?? start.snapshot;
  const isKnown = start.entries.every((entry) =>
    possible.some(({ entries }) => entries.get(entry.index)?.term === entry.term),
  );
  // A watermark that was lowered, before entries were replaced, promises no more than what stays.
  return isKnown && index >= Math.min(synced.last.index, ...possible.map(({ last }) => last.index));
}

interface Lab {
  readonly disk: SimMachineDisk;
  readonly random: SeededRandom;
  readonly known: Known;
  /** As of the last time that the watermark was synced. */
  readonly synced: Known;
  /** Every state since then. */
  readonly possible: readonly Known[];
  /** All that there ever were. */
  readonly states: readonly Known[];
  readonly batches: readonly (readonly Op[])[];
  /** Of database and directory, after each step. */
  readonly images: readonly ReturnType<SimMachineDisk['image']>[];
  opened?: Opened;
}

/** A member that lived without faults, and was then killed, or stopped in order. */
async function lived(seed: number, story: readonly Step[], closes: boolean, kind: Crash = 'process'): Promise<Lab> {
  const random = seededRandom(seed);
  const disk = new SimMachineDisk({ clock: new VirtualClock(), random: random.fork('disk'), latencyMs: 0 });
  const batches: Op[][] = [];
  const images: ReturnType<SimMachineDisk['image']>[] = [];
  const parts = partsOf(disk);
  const { storage } = await createStorage(
    { ...parts, store: recording(parts.store, batches) },
    identity,
    firstConfiguration,
  );
  let known = nothing;
  const states: Known[] = [];
  let synced = nothing;
  let possible: Known[] = [nothing];
  for (const step of story) {
    const deed: Deed | undefined = deedOf(known, step);
    if (!deed) continue;
    const { term, vote } = known.hardState;
    await deed.run(storage);
    const isSynced =
      deed.next.hardState.term !== term ||
      deed.next.hardState.vote !== vote ||
      deed.next.suspicion !== known.suspicion ||
      step.what === 'install';
    if (isSynced) {
      synced = deed.next;
      possible = [deed.next];
    } else {
      synced = lowered(synced, deed.next);
      possible.push(deed.next);
    }
    known = deed.next;
    states.push(known);
    images.push(disk.image());
  }
  if (closes) await storage.close();
  disk.crash(kind);
  return { disk, random, known, synced, possible, states, batches, images };
}

/** The watermark follows the log down, before the log is cut. */
function lowered(synced: Known, { entries, start }: Known): Known {
  let { index } = synced.last;
  while (index > start.index && entries.get(index) !== synced.entries.get(index)) index--;
  const { term } = entries.get(index) ?? start;
  return index === synced.last.index ? synced : { ...synced, last: { index, term } };
}

/**
 * Entries that were replaced may be back behind the end of the log, if they follow on what is there. Nothing that was
 * acknowledged is missing then: this is what a follower looks like that was never told to replace them.
 */
const revived = ({ known, states }: Lab): readonly Known[] =>
  states
    .filter(
      ({ entries, last }) => last.index > known.last.index && entries.get(known.last.index)?.term === known.last.term,
    )
    .map(({ entries, last }) => ({ ...known, entries, last }));

async function outcomeOf(lab: Lab): Promise<Outcome> {
  try {
    const opened = await openStorage(partsOf(lab.disk));
    lab.opened = opened;
    return judgeOpened(opened, lab.known, revived(lab));
  } catch (error) {
    return judgeRefusal(error);
  } finally {
    lab.disk.crash('process');
  }
}

interface Damage {
  readonly name: string;
  /** What it strikes is there more than once. */
  readonly isHarmless?: true;
  /** LevelDB itself can do nothing with it any more. */
  readonly isRefused?: true;
  /** @returns false when there was nothing to damage */
  strike(lab: Lab): Promise<boolean> | boolean;
}

const database = ({ disk }: Lab) => disk.database('raft');
const files = ({ disk }: Lab) => disk.directory('raft');

const damages: readonly Damage[] = [
  { name: 'a flipped bit in a record', strike: (lab) => database(lab).flipBit() },
  { name: 'a lost record', strike: (lab) => database(lab).lose() },
  { name: 'two swapped records', strike: (lab) => database(lab).swap() },
  { name: 'a misdirected write', strike: (lab) => database(lab).misdirect() },
  {
    name: 'a deleted database',
    strike: (lab) => {
      database(lab).wipe();
      return lab.known !== nothing;
    },
  },
  {
    name: 'a lost tail of entries',
    strike: (lab) => {
      const entries = database(lab)
        .image()
        .filter(([key]) => key[0] === 1);
      const lost = entries.slice(-1 - lab.random.below(3));
      for (const [key] of lost) database(lab).lose(key);
      return lost.length > 0;
    },
  },
  {
    name: 'lost batches, at the end or before others',
    strike: async (lab) => {
      // Not those that made the log.
      const { batches, random } = lab;
      const from = 1 + random.below(batches.length);
      const to = random.chance(0.3) ? batches.length : from + 1 + random.below(3);
      if (from >= batches.length) return false;
      database(lab).restore(await imageAfter([...batches.slice(0, from), ...batches.slice(to)]));
      return true;
    },
  },
  {
    name: 'a record that is cut off',
    strike: (lab) => {
      const image = database(lab).image();
      const [key, value] = lab.random.pick(image);
      const cut = value.slice(0, lab.random.below(value.length));
      database(lab).restore(image.map((entry) => (entry[0] === key ? [key, cut] : entry)));
      return true;
    },
  },
  {
    name: 'an old image of the database',
    strike: (lab) => {
      const old = lab.images[lab.random.below(lab.images.length + 1)];
      if (old) database(lab).restore(old.databases.get('raft') ?? []);
      return old !== undefined;
    },
  },
  {
    name: 'an old image of the files beside it',
    strike: (lab) => {
      const old = lab.images[lab.random.below(lab.images.length + 1)];
      if (old) files(lab).restore(old.directories.get('raft') ?? []);
      return old !== undefined;
    },
  },
  { name: 'a flipped bit in a file', isHarmless: true, strike: (lab) => files(lab).flipBit() },
  { name: 'a file that lost its end', isHarmless: true, strike: (lab) => files(lab).cutTail() },
  { name: 'a deleted file', strike: (lab) => files(lab).lose() },
  { name: 'a sector of a file that cannot be read', strike: (lab) => files(lab).makeUnreadable() },
  { name: 'a record that cannot be read', isRefused: true, strike: (lab) => database(lab).makeUnreadable() },
  { name: 'a misdirected sector', isHarmless: true, strike: (lab) => files(lab).misdirect() },
  {
    name: 'all files gone',
    strike: (lab) => {
      files(lab).wipe();
      return lab.known !== nothing;
    },
  },
];

const partsOf = (disk: SimMachineDisk) => ({
  store: disk.database('raft').open(),
  directory: disk.directory('raft').open(),
});

/** Moves time until the promise has settled. */
async function until<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = () => (isSettled = true);
  promise.then(settled, settled);
  await settle();
  while (!isSettled) if (!(await clock.step()) && !isSettled) throw new Error('nothing moves any more');
  return promise;
}
