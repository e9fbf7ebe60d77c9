/** Events read back from the history: any stretch of them is that stretch of the whole, wherever segments end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { packEntry } from '#io/log/codec.ts';
import { unpackApplied } from '#io/log/raft/engine/applied.ts';
import { Applier } from '#io/log/raft/engine/applier.ts';
import { EventReader } from '#io/log/raft/engine/reading.ts';
import { firstHead } from '#io/log/raft/history/head.ts';
import type { History } from '#io/log/raft/history/history.ts';
import { beginHistory, openHistory } from '#io/log/raft/history/open.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { entryFor } from '#test/io/log/entries.ts';

const sealing = { entries: 7, bytes: 2000 };
const streams: readonly StreamId[] = ['volume:a', 'volume:b', 'volume:c'];
const noBytes = new Uint8Array(0);

/** What each entry of a consensus log is: events of so many streams, a conflict, or no command. */
type Kind = number | 'conflict' | 'empty';

const diskOf = () =>
  new SimMachineDisk({ clock: realClock, random: seededRandom(1), latencyMs: 0 }).directory('history');

interface Written {
  readonly history: History;
  readonly head: number;
  /** As of each event, the versions of the streams that live. */
  readonly versions: readonly ReadonlyMap<StreamId, number>[];
  close(): Promise<void>;
}

async function write(kinds: readonly Kind[], isReopened = false): Promise<Written> {
  const disk = diskOf();
  let { history } = await beginHistory(disk.open(), firstHead, { sealing });
  const living = new Map<StreamId, number>();
  const applier = new Applier(0, living);
  const versions: ReadonlyMap<StreamId, number>[] = [new Map()];
  for (const [at, kind] of kinds.entries()) {
    const count = typeof kind === 'number' ? kind : 1;
    const of = Array.from({ length: count }, (_, n) => streams[(at + n) % streams.length] as StreamId);
    const ends = at % 5 === 4 ? of.slice(0, 1) : [];
    const expects = kind === 'conflict' ? ([['volume:a', 999]] as const) : [];
    const data = kind === 'empty' ? noBytes : packEntry(entryFor(of, { command: `c${at}`, expect: expects, ends }));
    const { bytes } = applier.apply(kind === 'empty' ? 'empty' : 'data', data);
    await history.append([{ index: at + 1, term: 1, bytes }]);
    while (versions.length <= applier.head) versions.push(new Map(living));
  }
  await history.sync();
  if (isReopened) {
    await history.close();
    ({ history } = await openHistory(disk.open(), { sealing }));
  }
  return { history, head: applier.head, versions, close: () => history.close() };
}

async function read(reader: EventReader, after: number, upTo: number): Promise<LabEvent[]> {
  const events: LabEvent[] = [];
  for await (const slice of reader.read(after, upTo)) {
    expect(slice.length).toBeGreaterThan(0);
    events.push(...slice);
  }
  return events;
}

const kinds = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 4 }) },
    { weight: 1, arbitrary: fc.constantFrom('conflict' as const, 'empty' as const) },
  ),
  { maxLength: 60 },
);

test('any stretch of events equals that stretch of the whole, over sealed segments and the open one', async () => {
  await fc.assert(
    fc.asyncProperty(
      kinds,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
      async (all, isReopened, stretches) => {
        const { history, head, close } = await write(all, isReopened);
        const reader = new EventReader(() => history);
        const whole = await read(reader, 0, head);
        expect(whole.map(({ index }) => index)).toEqual(Array.from({ length: head }, (_, at) => at + 1));
        for (const [one, other] of stretches) {
          const [after, upTo] = [one % (head + 1), other % (head + 1)].toSorted((a, b) => a - b) as [number, number];
          // Also by a reader that has looked at nothing yet.
          for (const any of [reader, new EventReader(() => history)])
            expect(await read(any, after, upTo)).toEqual(whole.slice(after, upTo));
        }
        await close();
      },
    ),
    { numRuns: 60 },
  );
});

test('every event is found from every other, wherever its segment begins', async () => {
  const { history, head, close } = await write(
    Array.from({ length: 40 }, (_, at) => (at % 6 === 5 ? 'empty' : 1 + (at % 3))),
  );
  expect(history.manifest().length).toBeGreaterThan(3);
  for (let after = 0; after < head; after++) {
    const events = await read(new EventReader(() => history), after, after + 1);
    expect(events.map(({ index }) => index)).toEqual([after + 1]);
  }
  await close();
});

test('versions are brought up from any event, and end as they were when everything was written', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.nat(), async (all, from) => {
      const { history, head, versions, close } = await write(all);
      // Only whole entries are ever in the state beside it.
      const ends = await endsOfEntries(history);
      const after = ends[from % ends.length] as number;
      const found = new Map(versions[after]);
      expect(await new EventReader(() => history).catchUp(found, after)).toBe(head);
      expect(found).toEqual(versions[head]);
      await close();
    }),
    { numRuns: 60 },
  );
});

test('nobody goes on counting behind the end of a history', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.integer({ min: 1, max: 1000 }), async (all, more) => {
      const { history, head, close } = await write(all);
      const reader = new EventReader(() => history);
      expect(await reader.head()).toBe(head);
      await expect(reader.catchUp(new Map(), head + more)).rejects.toMatchObject({ code: 'DAMAGED' });
      await close();
    }),
    { numRuns: 30 },
  );
});

test('nothing is read where nothing is asked for, and a hole is told', async () => {
  const { history, head, close } = await write([2, 1, 3]);
  const reader = new EventReader(() => history);
  expect(await read(reader, 4, 4)).toEqual([]);
  await expect(read(reader, 0, head + 1)).rejects.toMatchObject({ code: 'DAMAGED' });
  await close();
});

async function endsOfEntries(history: History): Promise<readonly number[]> {
  const ends = [0];
  for await (const slice of history.read(0, history.last))
    for (const { index, bytes } of slice) ends.push(unpackApplied(index, bytes).head);
  return ends;
}
