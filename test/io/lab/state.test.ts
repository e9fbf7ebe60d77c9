import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds } from '#events/envelope.ts';
import { toBytes } from '#io/lab/bytes.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import { stored, StateDatabase } from '#io/lab/state.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { entriesOf, eventsOf } from '#test/bench/history.ts';
import { history } from '#test/golden/history.ts';

const events = history();
const disk = (): SimDisk => new SimDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0, rotation: 0.2 });
const all = (folded: Folded): unknown => ({
  actors: kinds.map((kind) => folded.lab.list(kind).map(stored)),
  rows: tableViews.map((view) => folded.rows(view)),
  index: folded.lab.index,
});

async function foldAndSave(state: StateDatabase, folded: Folded, upTo: number, slice: number): Promise<void> {
  while (folded.lab.index < upTo) {
    const from: number = folded.lab.index;
    const steps = events.slice(from, Math.min(upTo, from + slice)).map((event) => folded.fold(event));
    await state.save(folded, steps, folded.takeChanges());
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('the state database', { timeout: 30_000 }, () => {
  test('goes on after a crash of the process as if nothing had happened', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: events.length }),
        fc.integer({ min: 1, max: 9 }),
        async (cut, slice) => {
          const image = disk();
          const first = new StateDatabase(image.open(), 'boot-1');
          await foldAndSave(first, await first.load(), cut, slice);
          image.crash('process');
          const second = new StateDatabase(image.open(), 'boot-1');
          const folded = await second.load();
          expect(folded.lab.index).toBe(cut);
          await foldAndSave(second, folded, events.length, slice);
          const whole = new Folded();
          for (const event of events) whole.fold(event);
          expect(all(folded)).toEqual(all(whole));
          expect([...folded.lab.commands]).toEqual([...whole.lab.commands]);
        },
      ),
      { numRuns: 10 },
    );
  });

  test('is made again after the machine went down, because nothing in it was synced', async () => {
    const image = disk();
    const first = new StateDatabase(image.open(), 'boot-1');
    await foldAndSave(first, await first.load(), 40, 5);
    image.crash('power');
    expect((await new StateDatabase(image.open(), 'boot-2').load()).lab.index).toBe(0);
  });

  test('is made again when the log that it was folded from ends before it, and says so', async () => {
    const image = disk();
    const first = new StateDatabase(image.open(), 'boot-1');
    await foldAndSave(first, await first.load(), 40, 5);
    image.crash('process');
    expect((await new StateDatabase(image.open(), 'boot-1').load(40)).lab.index).toBe(40);
    image.crash('process');
    const told: string[] = [];
    const warn = (message: string): void => void told.push(message);
    expect((await new StateDatabase(image.open(), 'boot-1', { warn }).load(39)).lab.index).toBe(0);
    expect(told).toEqual([expect.stringContaining('it has seen event 40, and the log ends at event 39')]);
  });

  test('is made again when one of its batches is missing, of whichever index', async () => {
    const writes = Math.ceil(events.length / 5);
    for (let missing = 0; missing < writes - 1; missing += 9) {
      const image = disk();
      const store = image.open();
      let count = 0;
      const lossy = new Proxy(store, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          // As LevelDB does when a record of its log is damaged: that batch is not there, and the next one is.
          if (name === 'batch')
            return (ops: never, options: { readonly sync: boolean }) =>
              !options.sync && count++ === missing ? Promise.resolve() : target.batch(ops, options);
          return value.bind(target) as unknown;
        },
      });
      const first = new StateDatabase(lossy, 'boot-1');
      await foldAndSave(first, await first.load(), events.length, 5);
      image.crash('process');
      const second = new StateDatabase(image.open(), 'boot-1');
      expect((await second.load()).lab.index).toBe(0);
    }
  });

  test('is kept over a reboot when it was closed in order', async () => {
    const image = disk();
    const first = new StateDatabase(image.open(), 'boot-1');
    await foldAndSave(first, await first.load(), 40, 5);
    await first.close();
    expect((await new StateDatabase(image.open(), 'boot-2').load()).lab.index).toBe(40);
  });

  test('gives rows that accumulate by index, in any range and direction, however they came in', async () => {
    const whole = new Folded();
    for (const event of events) whole.fold(event);
    const changes = whole.takeChanges();
    const groups = (['activity', 'audit'] as const).flatMap((view) => {
      const found = new Map<string, (readonly [index: number, row: object])[]>();
      for (const [key, row] of changes.get(view)?.put ?? []) {
        const at = key.lastIndexOf('|');
        const group = key.slice(0, Math.max(at, 0));
        found.set(group, [...(found.get(group) ?? []), [Number(key.slice(at + 1)), row]]);
      }
      return [...found].map(([group, rows]) => ({ view, group, rows }));
    });
    const activity = groups.filter(({ view }) => view === 'activity');
    const fewOrMany = (max: number) => fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max }));
    const bound = fc.integer({ min: 0, max: events.length + 1 });
    const asked = fc.record(
      {
        of: fc.oneof(fc.constantFrom(...activity), fc.constantFrom(...groups)),
        range: fc.record(
          { after: bound, before: bound, reverse: fc.boolean(), limit: fewOrMany(100) },
          { requiredKeys: [], noNullPrototype: true },
        ),
      },
      { noNullPrototype: true },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fewOrMany(100), { minLength: 1, maxLength: 5 }),
        fc.array(asked, { minLength: 20, maxLength: 20 }),
        async (slices, questions) => {
          const image = disk();
          const writer = new StateDatabase(image.open(), 'boot-1');
          const folded = await writer.load();
          for (let n = 0; folded.lab.index < events.length; n++) {
            const slice = slices[n % slices.length] ?? 1;
            await foldAndSave(writer, folded, Math.min(folded.lab.index + slice, events.length), slice);
          }
          image.crash('process');
          const state = new StateDatabase(image.open(), 'boot-1');
          for (const { of, range } of questions) {
            const { after = 0, before = Infinity, reverse = false, limit = Infinity } = range;
            const wanted = of.rows.filter(([index]) => index > after && index < before);
            const expected = (reverse ? wanted.toReversed() : wanted).slice(0, limit);
            expect(await collect(state.logRows(of.view, { ...range, group: of.group }))).toEqual(expected);
          }
        },
      ),
      { numRuns: 10 },
    );
  });

  test('remembers as many commands as the lab, and no more', async () => {
    const long = [...eventsOf(entriesOf(13_000))];
    const image = disk();
    const state = new StateDatabase(image.open(), 'boot-1');
    const folded = await state.load();
    for (let from = 0; from < long.length; from += 700) {
      const steps = long.slice(from, from + 700).map((event) => folded.fold(event));
      await state.save(folded, steps, folded.takeChanges());
    }
    image.crash('process');
    const store = image.open();
    const again = await new StateDatabase(store, 'boot-1').load();
    expect(folded.lab.commands.size).toBe(10_000);
    expect([...again.lab.commands]).toEqual([...folded.lab.commands]);
    const stored = await collect(store.range({ gte: toBytes('c|'), lt: toBytes('c}') }));
    expect(stored.flat().length).toBeLessThan(17);
  });

  test('answers about the past from the newest retained checkpoint', async () => {
    const state = new StateDatabase(disk().open(), 'boot-1');
    const folded = await state.load();
    await foldAndSave(state, folded, 30, 30);
    await state.retain({ lab: folded.lab, rows: (view) => folded.rows(view) });
    const then = all(folded);
    await foldAndSave(state, folded, 60, 30);
    const recalled = await state.recall(folded.lab.index);
    expect(all(recalled)).toEqual(then);
  });

  test('the past is the same from whichever checkpoint it is told', async () => {
    const state = new StateDatabase(disk().open(), 'boot-1');
    const folded = await state.load();
    const kept: (readonly [typeof folded.lab.index, unknown])[] = [];
    for (let upTo = 40; upTo < events.length; upTo += 40) {
      await foldAndSave(state, folded, upTo, 40);
      await state.retain({ lab: folded.lab, rows: (view) => folded.rows(view) });
      kept.push([folded.lab.index, all(folded)]);
    }
    await foldAndSave(state, folded, events.length, 40);
    const now = all(folded);
    for (const [index, then] of kept) {
      const recalled = await state.recall(index);
      expect(all(recalled)).toEqual(then);
      for (const event of events.slice(index)) recalled.fold(event);
      expect(all(recalled)).toEqual(now);
    }
  });
});
