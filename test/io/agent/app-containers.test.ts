import { afterEach, beforeEach, expect, test } from 'vitest';
import { interleave } from '#io/agent/app-containers.ts';
import type { LiveLogLine } from '#io/contract/live.ts';

const line = (service: string, text: string): LiveLogLine => ({ service, at: 1, stream: 'stdout', text });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function* breaking(): AsyncGenerator<LiveLogLine> {
  yield line('a', 'one');
  await Promise.resolve();
  throw new Error('the engine went away');
}

async function* lasting(): AsyncGenerator<LiveLogLine> {
  for (let n = 0; n < 3; n++) {
    await turn();
    yield line('b', String(n));
  }
}

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

test('lines of several services come as they are written, to the end of the last', async () => {
  const lines: string[] = [];
  for await (const { service, text } of interleave([lasting(), lasting()])) lines.push(service + text);
  expect(lines.toSorted()).toEqual(['b0', 'b0', 'b1', 'b1', 'b2', 'b2']);
});

test('a source that breaks while the reader is slow breaks the reading, and nothing else', async () => {
  const read = async (): Promise<void> => {
    for await (const _ of interleave([breaking()])) {
      for (let n = 0; n < 5; n++) await turn();
    }
  };
  await expect(read()).rejects.toThrow('the engine went away');
  expect(unhandled).toEqual([]);
});

test('a reader that leaves early is not called back by what breaks later', async () => {
  for await (const _ of interleave([breaking(), lasting()])) break;
  for (let n = 0; n < 5; n++) await turn();
  expect(unhandled).toEqual([]);
});
