/** What every engine of the event log promises. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asIndex, type Entry, type Index, type LabEvent, type StreamId } from '#events/envelope.ts';
import type { EventLog } from '#io/log/port.ts';
import { entryFor } from '#test/io/log/entries.ts';

export interface LogUnderTest {
  /** Opens the log, an empty one at first; again after `close` with what was in it. */
  open(): Promise<EventLog>;
  dispose(): Promise<void>;
}

export function eventLogContract(title: string, setup: () => Promise<LogUnderTest>): void {
  describe(`${title} keeps the promises of an event log:`, { timeout: 120_000 }, () => {
    let subject: LogUnderTest;
    let log: EventLog;
    let ending: AbortController;
    beforeEach(async () => {
      subject = await setup();
      log = await subject.open();
      ending = new AbortController();
    });
    afterEach(async () => {
      ending.abort();
      await log.close();
      await subject.dispose();
    });

    const append = (entry: Entry) => log.append(entry, ending.signal);
    const stored = (after = 0, upTo: number = log.head) => collect(log.read(asIndex(after), asIndex(upTo)));

    test('a new log is empty', async () => {
      expect(log.head).toBe(0);
      expect(await log.readIndex(ending.signal)).toBe(0);
      expect(await stored()).toEqual([]);
    });

    test('an entry gets consecutive indices, and its streams their next versions', async () => {
      expect(await append(entryFor(['volume:a', 'volume:b', 'volume:a']))).toEqual({ index: 3 });
      expect(await append(entryFor(['volume:b']))).toEqual({ index: 4 });
      expect(log.head).toBe(4);
      expect((await stored()).map((event) => [event.index, event.stream, event.version])).toEqual([
        [1, 'volume:a', 1],
        [2, 'volume:b', 1],
        [3, 'volume:a', 2],
        [4, 'volume:b', 2],
      ]);
    });

    test('an event tells who did what, when and why', async () => {
      await append(entryFor(['operation:a'], { command: 'c1', because: { free: 17 }, at: 1234, text: 'hello' }));
      expect(await stored()).toEqual([
        {
          id: 'c1/0',
          stream: 'operation:a',
          type: 'operation.failed',
          schema: 1,
          data: { problem: { code: 'TEST', message: 'hello 0' } },
          version: 1,
          index: 1,
          command: 'c1',
          by: 'user:admin',
          cause: 'test',
          correlation: 'correlation',
          at: 1234,
          because: { free: 17 },
        },
      ]);
    });

    test('the first stream that is not at the expected version is the conflict, and nothing is appended', async () => {
      await append(entryFor(['volume:a', 'volume:b']));
      const expected: Entry['expect'] = [
        ['volume:a', 1],
        ['volume:b', 0],
        ['volume:c', 7],
      ];
      expect(await append(entryFor(['volume:a', 'volume:z'], { expect: expected }))).toEqual({ conflict: 'volume:b' });
      expect(log.head).toBe(2);
      expect(await append(entryFor(['volume:z'], { expect: [['volume:z', 0]] }))).toEqual({ index: 3 });
    });

    test('a stream that was only read is checked too', async () => {
      await append(entryFor(['node:n']));
      const read = (version: number) => entryFor(['volume:a'], { expect: [['node:n', version]] });
      expect(await append(read(0))).toEqual({ conflict: 'node:n' });
      expect(await append(read(1))).toEqual({ index: 2 });
    });

    test('appends that follow one another without waiting see one another', async () => {
      const answers = Array.from({ length: 100 }, (_, i) =>
        append(entryFor(['volume:a'], { expect: [['volume:a', i]] })),
      );
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, i) => ({ index: i + 1 })));
    });

    test('of several that expect the same, the first wins', async () => {
      const answers = Array.from({ length: 5 }, () => append(entryFor(['volume:a'], { expect: [['volume:a', 0]] })));
      expect(await Promise.all(answers)).toEqual([{ index: 1 }, ...Array(4).fill({ conflict: 'volume:a' })]);
    });

    test('a conflict is answered only once what it was judged against is durable', async () => {
      let durable = false;
      const winner = append(entryFor(['volume:a'], { expect: [['volume:a', 0]] })).then(() => (durable = true));
      const loser = append(entryFor(['volume:a'], { expect: [['volume:a', 0]] })).then(() => durable);
      expect(await loser).toBe(true);
      await winner;
    });

    test('a stream that has ended may begin again at version 1, and no version of its first life counts any more', async () => {
      await append(entryFor(['volume:a', 'volume:b']));
      await append(entryFor(['volume:a'], { ends: ['volume:a'] }));
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 2]] }))).toEqual({ conflict: 'volume:a' });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 0]] }))).toEqual({ index: 4 });
      expect((await stored(3)).map(({ version }) => version)).toEqual([1]);
      expect(await append(entryFor(['volume:b'], { expect: [['volume:b', 1]] }))).toEqual({ index: 5 });
    });

    test('an entry that comes to nothing ends no stream', async () => {
      await append(entryFor(['volume:a']));
      const late = entryFor(['volume:b'], { expect: [['volume:a', 7]], ends: ['volume:a'] });
      expect(await append(late)).toEqual({ conflict: 'volume:a' });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 1]] }))).toEqual({ index: 2 });
    });

    test('what has ended is still over after closing and opening', async () => {
      await append(entryFor(['volume:a', 'volume:b']));
      await append(entryFor(['volume:a'], { ends: ['volume:a'], because: { why: 'test' } }));
      await log.close();
      log = await subject.open();
      expect((await stored()).at(-1)).toMatchObject({ version: 2, because: { why: 'test' } });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 2]] }))).toEqual({ conflict: 'volume:a' });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 0]] }))).toEqual({ index: 4 });
      expect((await stored(3)).map(({ version }) => version)).toEqual([1]);
    });

    test('what was acknowledged is at or below the head and the read index', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const answer = await append(entryFor([`volume:${i}`]));
          const { index } = answer as { index: Index };
          expect(log.head).toBeGreaterThanOrEqual(index);
          expect(await log.readIndex(ending.signal)).toBeGreaterThanOrEqual(index);
          expect((await stored(index - 1, index)).map((event) => event.stream)).toEqual([`volume:${i}`]);
        }),
      );
    });

    test('an entry that is too large or empty is refused, and the log goes on', async () => {
      const huge = entryFor(['volume:a'], { text: 'x'.repeat(2 * 1024 * 1024) });
      await expect(append(huge)).rejects.toMatchObject({ name: 'LogError', code: 'REFUSED' });
      await expect(append(entryFor([]))).rejects.toMatchObject({ code: 'REFUSED' });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 0]] }))).toEqual({ index: 1 });
    });

    test('whoever gives up waiting gets the reason of the signal', async () => {
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(log.append(entryFor(['volume:a']), signal)).rejects.toThrow('enough');
      const abort = new AbortController();
      const waiting = log.append(entryFor(['volume:a']), abort.signal);
      abort.abort(new Error('too slow'));
      await expect(waiting).rejects.toThrow('too slow');
      expect(await append(entryFor(['volume:b']))).toHaveProperty('index');
    });

    test('a read gives what lies between, in slices that split no entry', async () => {
      for (let i = 0; i < 30; i++) await append(entryFor(Array(70).fill('volume:a') as StreamId[]));
      const slices: (readonly LabEvent[])[] = [];
      for await (const slice of log.read(asIndex(0), log.head)) slices.push(slice);
      expect(slices.flat().map(({ index }) => index)).toEqual(Array.from({ length: 2100 }, (_, i) => i + 1));
      expect(slices.length).toBeGreaterThan(1);
      for (const slice of slices) expect(slice.at(-1)?.index).toSatisfy((last: number) => last % 70 === 0);
      expect((await stored(100, 105)).map(({ index }) => index)).toEqual([101, 102, 103, 104, 105]);
      expect(await stored(5, 5)).toEqual([]);
    });

    test('reading or following past the head is an error', async () => {
      await append(entryFor(['volume:a']));
      await expect(stored(0, 2)).rejects.toMatchObject({ name: 'LogError', code: 'PAST_HEAD' });
      const following = collectSome(log.follow(asIndex(2), ending.signal), 1);
      await expect(following).rejects.toMatchObject({ code: 'PAST_HEAD' });
    });

    test('a follower gets what is stored, a bookmark, and then what comes', async () => {
      await append(entryFor(['volume:a', 'volume:b']));
      await append(entryFor(['volume:a']));
      const follower = log.follow(asIndex(0), ending.signal)[Symbol.asyncIterator]();
      const next = async () => {
        const { value } = (await follower.next()) as { value: { upTo: Index; events: readonly LabEvent[] } };
        return [value.upTo, value.events.map(({ index }) => index)] as const;
      };
      const before: number[] = [];
      for (;;) {
        const [upTo, indices] = await next();
        before.push(...indices);
        expect(upTo).toBe(before.at(-1));
        if (indices.length === 0) break;
      }
      expect(before).toEqual([1, 2, 3]);
      const waiting = next();
      await append(entryFor(['volume:c', 'volume:d']));
      expect(await waiting).toEqual([5, [4, 5]]);
    });

    test('a follower at the head gets its bookmark at once', async () => {
      await append(entryFor(['volume:a']));
      const [first] = await collectSome(log.follow(asIndex(1), ending.signal), 1);
      expect(first).toEqual({ upTo: 1, events: [] });
    });

    test('a follower may start within an entry, and gets the rest of it', async () => {
      await append(entryFor(['volume:a', 'volume:b', 'volume:c']));
      const [first] = await collectSome(log.follow(asIndex(1), ending.signal), 1);
      expect(first?.events.map(({ index }) => index)).toEqual([2, 3]);
    });

    test('following ends when the signal aborts, also while it waits', async () => {
      const stop = new AbortController();
      const following = collectSlices(log.follow(asIndex(0), stop.signal));
      await append(entryFor(['volume:a']));
      await turn();
      stop.abort();
      expect((await following).flatMap(({ events }) => events)).toHaveLength(1);
    });

    test('followers get every event once and in order, wherever they start and however they dawdle', async () => {
      const anyFollower = fc.record({ after: fc.double({ min: 0, max: 1, noNaN: true }), dawdle: fc.nat(3) });
      const anyStep = fc.record({
        streams: fc.array(fc.constantFrom<StreamId>('volume:a', 'volume:b', 'volume:c'), {
          minLength: 1,
          maxLength: 4,
        }),
        stale: fc.boolean(),
        wait: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyStep, { minLength: 1, maxLength: 25 }),
          fc.array(anyFollower, { maxLength: 4 }),
          async (steps, followers) => {
            const stop = new AbortController();
            const begun = log.head;
            const versions = new Map<StreamId, number>();
            for (const event of await stored()) versions.set(event.stream, event.version);
            const starts = followers.map(({ after }) => Math.floor(after * begun));
            const following = followers.map(({ dawdle }, i) =>
              follow(log.follow(asIndex(starts[i] as number), stop.signal), dawdle),
            );
            const answers: Promise<{ index: Index } | { conflict: StreamId }>[] = [];
            const wanted: ('index' | 'conflict')[] = [];
            for (const { streams, stale, wait } of steps) {
              const first = streams[0] as StreamId;
              const current = versions.get(first) ?? 0;
              answers.push(append(entryFor(streams, { expect: [[first, stale ? current + 1 : current]] })));
              wanted.push(stale ? 'conflict' : 'index');
              if (!stale) for (const stream of streams) versions.set(stream, (versions.get(stream) ?? 0) + 1);
              if (wait) await turn();
            }
            expect((await Promise.all(answers)).map((answer) => Object.keys(answer)[0])).toEqual(wanted);
            const all = await stored();
            expect(all.map(({ index }) => index)).toEqual(Array.from({ length: log.head }, (_, i) => i + 1));
            for (const [i, follower] of following.entries()) {
              while ((follower.events.at(-1)?.index ?? starts[i]) !== log.head) await turn();
              expect(follower.events).toEqual(all.slice(starts[i]));
            }
            stop.abort();
            await Promise.all(following.map(({ done }) => done));
          },
        ),
        { numRuns: 30 },
      );
    });

    test('a follower that sleeps through thousands of events misses none', async () => {
      const follower = log.follow(asIndex(0), ending.signal)[Symbol.asyncIterator]();
      await follower.next();
      const large = 'x'.repeat(4000);
      for (let i = 0; i < 3; i++) {
        await Promise.all(Array.from({ length: 1000 }, () => append(entryFor(['volume:a'], { text: large }))));
      }
      let seen = 0;
      while (seen < 3000) {
        const { value } = (await follower.next()) as { value: { events: readonly LabEvent[] } };
        for (const event of value.events) expect(event.index).toBe(++seen);
      }
      const bookmark = await follower.next();
      expect(bookmark.value).toEqual({ upTo: 3000, events: [] });
      await follower.return?.();
    });

    test('somebody leads', async () => {
      const [first] = await collectSome(log.leadership(ending.signal), 1);
      expect(first?.term).toBeGreaterThanOrEqual(1);
    });

    test('everything is still there after closing and opening, and versions go on', async () => {
      await append(entryFor(['volume:a', 'volume:b']));
      await append(entryFor(['volume:a']));
      const before = await stored();
      await log.close();
      log = await subject.open();
      expect(log.head).toBe(3);
      expect(await stored()).toEqual(before);
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 1]] }))).toEqual({ conflict: 'volume:a' });
      expect(await append(entryFor(['volume:a'], { expect: [['volume:a', 2]] }))).toEqual({ index: 4 });
    });

    test('closing waits for what is under way; afterwards the log is closed to all', async () => {
      const answers = Array.from({ length: 10 }, (_, i) => append(entryFor([`volume:${i}`])));
      await log.close();
      expect(await Promise.all(answers)).toHaveLength(10);
      await expect(append(entryFor(['volume:a']))).rejects.toMatchObject({ code: 'CLOSED' });
      await expect(log.readIndex(ending.signal)).rejects.toMatchObject({ code: 'CLOSED' });
      await expect(stored(0, 1)).rejects.toMatchObject({ code: 'CLOSED' });
      log = await subject.open();
      expect(log.head).toBe(10);
    });
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function collect(slices: AsyncIterable<readonly LabEvent[]>): Promise<LabEvent[]> {
  const events: LabEvent[] = [];
  for await (const slice of slices) events.push(...slice);
  return events;
}

async function collectSlices<T>(slices: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const slice of slices) all.push(slice);
  return all;
}

async function collectSome<T>(slices: AsyncIterable<T>, count: number): Promise<T[]> {
  const some: T[] = [];
  for await (const slice of slices) {
    some.push(slice);
    if (some.length === count) break;
  }
  return some;
}

/** Collects events in the background, and rests after each slice for so many turns. */
function follow(slices: AsyncIterable<{ events: readonly LabEvent[] }>, dawdle: number) {
  const events: LabEvent[] = [];
  const done = (async () => {
    for await (const slice of slices) {
      events.push(...slice.events);
      for (let i = 0; i < dawdle; i++) await turn();
    }
  })();
  return { events, done };
}
