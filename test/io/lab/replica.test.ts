import { describe, expect, test } from 'vitest';
import { asIndex, kinds, type LabEvent } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import { Replica } from '#io/lab/replica.ts';
import { stored, StateDatabase } from '#io/lab/state.ts';
import type { EventLog } from '#io/log/port.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { entriesOf, eventsOf } from '#test/bench/history.ts';

/** A log that holds these events and is read in slices of this size. */
function logOf(events: readonly LabEvent[], slice = 500) {
  async function* slices(after: number) {
    for (let from = after; from < events.length; from += slice) yield events.slice(from, from + slice);
  }
  const log = {
    head: asIndex(events.length),
    read: (after: number) => slices(after),
    follow: async function* (after: number) {
      for await (const found of slices(after)) yield { upTo: found.at(-1)?.index, events: found };
    },
  } as unknown as EventLog;
  return { log };
}

const stateOf = (parts: Partial<StateDatabase>): StateDatabase => parts as StateDatabase;

/** What nobody handled while the work went on. */
async function unhandledIn(work: () => Promise<unknown>): Promise<readonly unknown[]> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    process.off('unhandledRejection', note);
  }
  return unhandled;
}
const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const failing = (message: string) => () => Promise.reject(new Error(message));

const long = [...eventsOf(entriesOf(50_000))];

describe('A state database that fails while history is folded', { timeout: 30_000 }, () => {
  test('ends the start with its own message, also when the failure comes while the whole lab is being kept', async () => {
    const isKept = ({ lab }: Folded) => lab.index >= 50_000;
    const state = stateOf({
      save: (folded) => (isKept(folded) ? failing('disk full')() : Promise.resolve()),
      retain: () => later(20),
    });
    const replica = new Replica(logOf(long).log, state, new Folded());
    const unhandled = await unhandledIn(() => expect(replica.catchUp()).rejects.toThrow('disk full'));
    expect(unhandled).toEqual([]);
  });

  test('adds nothing to what a damaged log says', async () => {
    const { log } = logOf(long);
    log.read = async function* () {
      yield long.slice(0, 3000);
      throw new Error('the log is damaged');
    };
    const state = stateOf({ save: failing('disk full') });
    const unhandled = await unhandledIn(() =>
      expect(new Replica(log, state, new Folded()).catchUp()).rejects.toThrow('the log is damaged'),
    );
    expect(unhandled).toEqual([]);
  });

  test('adds nothing to what a listener says', async () => {
    const state = stateOf({ save: failing('disk full') });
    const replica = new Replica(logOf(long.slice(0, 10)).log, state, new Folded());
    replica.listen(() => {
      throw new Error('no listener like this');
    });
    const broken: unknown[] = [];
    const unhandled = await unhandledIn(async () => {
      replica.start((error) => broken.push(error));
      await later(5);
    });
    expect([broken.map(String), unhandled]).toEqual([['Error: no listener like this'], []]);
  });
});

describe('History', { timeout: 30_000 }, () => {
  const disk = () => new SimDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0 });

  async function contentOf(image: SimDisk): Promise<unknown> {
    image.crash('process');
    const state = new StateDatabase(image.open(), 'boot');
    const folded = await state.load();
    const activity: unknown[] = [];
    for await (const entry of state.logRows('activity', {})) activity.push(entry);
    return {
      index: folded.lab.index,
      actors: kinds.map((kind) => folded.lab.list(kind).map(stored)),
      rows: tableViews.map((view) => folded.rows(view)),
      commands: [...folded.lab.commands],
      activity,
    };
  }

  test('leaves the same behind whether it was folded at a start, in large batches, or followed as it came', async () => {
    const events = long.slice(0, 5000);
    const [caughtUp, followed] = [disk(), disk()];
    const first = new StateDatabase(caughtUp.open(), 'boot');
    const batches: number[] = [];
    const save = first.save.bind(first);
    first.save = (folded, steps, changes) => {
      batches.push(steps.length);
      return save(folded, steps, changes);
    };
    await new Replica(logOf(events).log, first, await first.load()).catchUp();
    expect(batches.length).toBeLessThan(events.length / 1000);

    const second = new StateDatabase(followed.open(), 'boot');
    const replica = new Replica(logOf(events, 97).log, second, await second.load());
    replica.start((error) => {
      throw error;
    });
    await replica.applied(asIndex(events.length));
    await replica.close();
    expect(await contentOf(caughtUp)).toEqual(await contentOf(followed));
  });
});
