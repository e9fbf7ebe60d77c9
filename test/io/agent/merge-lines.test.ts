import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mergeLines, type OpenLines } from '#io/agent/merge-lines.ts';

interface Line {
  readonly at: number;
  readonly text: string;
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const never = new Promise<never>(() => {});

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
let others: NodeJS.UnhandledRejectionListener[] = [];

beforeEach(() => {
  others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note);
});
afterEach(() => {
  process.removeAllListeners('unhandledRejection');
  for (const other of others) process.on('unhandledRejection', other);
  unhandled.length = 0;
});

/** A service that has written at these times; then it is followed as `live` says. */
const service = (name: string, times: readonly number[], live?: () => AsyncIterable<Line>): OpenLines<Line> =>
  async function* (caughtUp) {
    for (const at of times) {
      await turn();
      yield { at, text: name };
    }
    caughtUp();
    if (live) yield* live();
  };

async function collect(lines: AsyncIterable<Line>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const seen: string[] = [];
  for await (const { at, text } of lines) if (seen.push(`${at}${text}`) >= count) break;
  return seen;
}

test('what services wrote comes in the order of time, each service in its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.nat(50)), { maxLength: 5 }), async (logs) => {
      const sorted = logs.map((times) => times.toSorted((a, b) => a - b));
      const lines: Line[] = [];
      for await (const line of mergeLines(sorted.map((times, n) => service(String(n), times)))) lines.push(line);
      expect(lines.map(({ at }) => at)).toEqual(sorted.flat().toSorted((a, b) => a - b));
      sorted.forEach((times, n) =>
        expect(lines.filter(({ text }) => text === String(n)).map(({ at }) => at)).toEqual(times),
      );
    }),
    { numRuns: 30 },
  );
});

test('old lines come by their time also when the log is followed, then new ones as they are written', async () => {
  async function* soon(): AsyncGenerator<Line> {
    await turn();
    yield { at: 900, text: 'b' };
    await never;
  }
  const slow = service('a', [1204, 1207], () => ({ [Symbol.asyncIterator]: () => ({ next: () => never }) }));
  const lines = mergeLines([slow, service('b', [1203, 1205, 1206], soon)]);
  // A quiet service that is live holds nobody back, whatever the clocks say.
  expect(await collect(lines, 6)).toEqual(['1203b', '1204a', '1205b', '1206b', '1207a', '900b']);
});

test('however long the logs are, what is held is a line for each service', async () => {
  const asked = [0, 0, 0];
  const endless = (n: number): OpenLines<Line> =>
    async function* () {
      for (;;) {
        asked[n] = (asked[n] ?? 0) + 1;
        yield await Promise.resolve({ at: asked[n] ?? 0, text: String(n) });
      }
    };
  let taken = 0;
  for await (const _ of mergeLines([0, 1, 2].map(endless))) {
    await turn();
    if (++taken === 30) break;
    expect(asked.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(taken + 6);
  }
});

test('a service that is quiet costs nothing while another one talks', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const heapMiB = (): number => {
    gc();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const quiet: OpenLines<Line> = async function* (caughtUp) {
    caughtUp();
    yield await never;
  };
  const loud: OpenLines<Line> = async function* (caughtUp) {
    caughtUp();
    for (let at = 0; ; at++) yield await Promise.resolve({ at, text: 'x' });
  };
  let before = 0;
  let count = 0;
  for await (const _ of mergeLines([quiet, loud])) {
    if (++count === 1000) before = heapMiB();
    if (count === 101_000) break;
  }
  expect(heapMiB() - before).toBeLessThan(10);
});

test('a service whose log breaks while the reader is slow breaks the reading, and nothing else', async () => {
  async function* breaking(): AsyncGenerator<Line> {
    yield { at: 1, text: 'a' };
    await Promise.resolve();
    throw new Error('the engine went away');
  }
  const read = async (): Promise<void> => {
    for await (const _ of mergeLines([breaking])) for (let n = 0; n < 5; n++) await turn();
  };
  await expect(read()).rejects.toThrow('the engine went away');
  // A reader that leaves early is not called back by what breaks later.
  for await (const _ of mergeLines([breaking, service('b', [0, 1, 2])])) break;
  for (let n = 0; n < 5; n++) await turn();
  expect(unhandled).toEqual([]);
});
