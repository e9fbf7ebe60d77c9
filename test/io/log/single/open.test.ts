/** Opening the log of one node: what is judged, what is refused, and in which words. */
import { beforeEach, describe, expect, test } from 'vitest';
import { asIndex, type LabEvent, type StreamId } from '#events/envelope.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { keyOf, makeRecord, packEntry } from '#io/log/codec.ts';
import type { EventLog, LogError } from '#io/log/port.ts';
import { openSingleLog, type SingleLogOptions } from '#io/log/single/open.ts';
import { storeWatermark } from '#io/log/single/watermark.ts';
import type { Op } from '#io/stores/port.ts';
import { SimDisk } from '#io/stores/sim.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import { settle, VirtualClock } from '#test/io/stores/virtual-clock.ts';

const clock = new VirtualClock();
const random = seededRandom(1);
let disk: SimDisk;
let markDisk: SimDisk;
beforeEach(() => {
  disk = new SimDisk({ clock, random, latencyMs: 0 });
  markDisk = new SimDisk({ clock, random, latencyMs: 0 });
});

const open = (options: Partial<SingleLogOptions> = {}): Promise<EventLog> => {
  disk.crash('process');
  markDisk.crash('process');
  return openSingleLog({ store: disk.open(), watermark: storeWatermark(markDisk.open()), clock, random, ...options });
};
/** A closed log with these entries, each a list of streams. */
const logOf = async (...entries: StreamId[][]): Promise<void> => {
  const log = await open();
  for (const streams of entries) await log.append(entryFor(streams), never);
  await log.close();
};
const change = async (ops: readonly Op[]): Promise<void> => {
  disk.crash('process');
  await disk.open().batch(ops, { sync: true });
};
const record = (first: number, versions: readonly number[], streams: StreamId[]): Op => {
  const key = keyOf(first);
  return { put: key, value: makeRecord(key, versions, packEntry(entryFor(streams))) };
};
const indicesOf = async (log: EventLog): Promise<number[]> => {
  const events: LabEvent[] = [];
  for await (const slice of log.read(asIndex(0), log.head)) events.push(...slice);
  return events.map(({ index }) => index);
};

describe('A log is refused as damaged', () => {
  test('when events in the middle are missing; the error names them', async () => {
    await logOf(['volume:a'], ['volume:a', 'volume:b'], ['volume:a']);
    await change([{ del: keyOf(2) }]);
    await expect(open()).rejects.toMatchObject({
      code: 'DAMAGED',
      message: 'the event log is damaged at event 2: events 2 to 3 are missing',
      hint: expect.stringContaining('restore the directory from the newest backup'),
    });
  });

  test('when the first event is missing', async () => {
    await logOf(['volume:a'], ['volume:a']);
    await change([{ del: keyOf(1) }]);
    await expect(open()).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('at event 1') });
  });

  test('when an event stands there twice', async () => {
    await logOf(['volume:a', 'volume:b'], ['volume:a']);
    await change([record(2, [2], ['volume:b'])]);
    await expect(open()).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('once more') });
  });

  test('when a bit has flipped, in an event or in the identity', async () => {
    for (const index of [0, 2]) {
      await logOf(['volume:a'], ['volume:a', 'volume:b'], ['volume:a']);
      disk.flipBit(keyOf(index));
      await expect(open()).rejects.toMatchObject({
        code: 'DAMAGED',
        message: expect.stringContaining(`at event ${index}`),
      });
      disk = new SimDisk({ clock, random, latencyMs: 0 });
      markDisk = new SimDisk({ clock, random, latencyMs: 0 });
    }
  });

  test('when something stands there that is no event', async () => {
    await logOf(['volume:a']);
    await change([{ put: Uint8Array.of(1, 2, 3), value: Uint8Array.of(1) }]);
    await expect(open()).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('no event') });
  });

  test('when its identity is missing', async () => {
    await logOf(['volume:a']);
    await change([{ del: keyOf(0) }]);
    await expect(open()).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('identity') });
  });

  test('when the versions of a stream do not follow one another', async () => {
    await logOf(['volume:a'], ['volume:a']);
    await change([record(2, [3], ['volume:a'])]);
    await expect(open()).rejects.toMatchObject({
      code: 'DAMAGED',
      message: 'event 2 is version 3 of volume:a, but version 2 comes next',
    });
  });
});

describe('A log is refused as shortened', () => {
  test('when it ends before its watermark; the error says how much is lost', async () => {
    await logOf(['volume:a'], ['volume:a'], ['volume:a']);
    disk.deleteTail(2);
    await expect(open()).rejects.toMatchObject({
      code: 'SHORTENED',
      message: 'the event log ends at event 1, but its watermark has seen event 3: 2 or more events are lost',
    });
  });

  test('when it ends before what the state database knows', async () => {
    await logOf(['volume:a']);
    const heads = new Map<StreamId, number>([['volume:a', 4]]);
    await expect(open({ heads, headsAt: 4 })).rejects.toMatchObject({
      code: 'SHORTENED',
      message: expect.stringContaining('the state database has seen event 4'),
    });
  });
});

test('a log written in a later format asks for an upgrade', async () => {
  await logOf(['volume:a']);
  const { crc32 } = await import('node:zlib');
  const key = keyOf(2);
  const value = Buffer.from([0, 0, 0, 0, 2, 1, 0, 1, 0, 0, 0, 0xc0]);
  value.writeUInt32LE(crc32(value.subarray(4), crc32(key)), 0);
  await change([{ put: key, value }]);
  await expect(open()).rejects.toMatchObject({ code: 'TOO_NEW', hint: expect.stringContaining('Install') });
});

test('a refused log is not changed', async () => {
  await logOf(['volume:a'], ['volume:a']);
  await change([{ del: keyOf(1) }]);
  const size = disk.size;
  await expect(open()).rejects.toMatchObject({ code: 'DAMAGED' });
  expect(disk.size).toBe(size);
});

test('versions go on from the state database, and only what lies behind it is unpacked', async () => {
  await logOf(['volume:a', 'volume:b'], ['volume:a'], ['volume:b']);
  // A wrong head of a stream shows that events before `headsAt` were not counted again.
  const heads = new Map<StreamId, number>([
    ['volume:a', 17],
    ['volume:b', 1],
  ]);
  const log = await open({ heads, headsAt: 3 });
  const ask = (stream: StreamId, version: number) =>
    log.append(entryFor([stream], { expect: [[stream, version]] }), never);
  expect(await ask('volume:a', 2)).toEqual({ conflict: 'volume:a' });
  expect(await ask('volume:a', 17)).toEqual({ index: 5 });
  expect(await ask('volume:b', 2)).toEqual({ index: 6 });
  expect([...heads.values()]).toEqual([17, 1]);
});

test('a state database that ends within an entry, or belongs to another log, is told apart from a damaged log', async () => {
  await logOf(['volume:a', 'volume:b'], ['volume:a']);
  const hint = expect.stringContaining('Delete the state database');
  await expect(open({ heads: new Map(), headsAt: 1 })).rejects.toMatchObject({ code: 'DAMAGED', hint });
  await expect(open({ heads: new Map(), headsAt: 2 })).rejects.toMatchObject({ code: 'DAMAGED', hint });
});

test('a first start that was cut short at any point is a first start again', async () => {
  const log = await open();
  await log.close();
  // The identity was written, the watermark was not.
  markDisk = new SimDisk({ clock, random, latencyMs: 0 });
  const again = await open();
  expect(await again.append(entryFor(['volume:a']), never)).toEqual({ index: 1 });
});

test('a bit that flips while the log is open is noticed when the event is read', async () => {
  await logOf(['volume:a'], ['volume:b']);
  const log = await open();
  disk.flipBit(keyOf(2));
  await expect(indicesOf(log)).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('event 2') });
});

test('an end that vanishes while the log is open is noticed when it is read', async () => {
  await logOf(['volume:a'], ['volume:b'], ['volume:c']);
  const log = await open();
  disk.deleteTail(2);
  await expect(indicesOf(log)).rejects.toMatchObject({
    code: 'DAMAGED',
    message: 'the event log is damaged at event 2: events 2 to 3 are missing',
  });
});

test('a follower that is stopped while it catches up gets nothing more', async () => {
  await logOf(...Array.from({ length: 2000 }, (): StreamId[] => ['volume:a']));
  const log = await open();
  const stop = new AbortController();
  let slices = 0;
  for await (const slice of log.follow(asIndex(0), stop.signal)) {
    expect(slice.events).toHaveLength(500);
    slices++;
    stop.abort();
  }
  expect(slices).toBe(1);
});

describe('A write that fails', () => {
  test('breaks the log for good, for everybody, and is reported once', async () => {
    const broken: LogError[] = [];
    const log = await open({ onBroken: (error) => broken.push(error) });
    await log.append(entryFor(['volume:a']), never);
    const following = (async () => {
      for await (const slice of log.follow(asIndex(1), never)) expect(slice.events).toEqual([]);
    })();
    await settle();
    disk.failNextWrite('ENOSPC');
    const first = log.append(entryFor(['volume:a']), never);
    await Promise.resolve();
    const conflicting = log.append(entryFor(['volume:a'], { expect: [['volume:a', 0]] }), never);
    const many = Array.from({ length: 600 }, () => log.append(entryFor(['volume:a']), never));
    for (const waiting of [first, conflicting, ...many, following]) {
      await expect(waiting).rejects.toMatchObject({ code: 'BROKEN', message: expect.stringContaining('ENOSPC') });
    }
    await expect(log.append(entryFor(['volume:b']), never)).rejects.toMatchObject({ code: 'BROKEN' });
    await expect(log.readIndex(never)).rejects.toMatchObject({ code: 'BROKEN' });
    await expect(indicesOf(log)).rejects.toMatchObject({ code: 'BROKEN' });
    expect(broken).toHaveLength(1);
    expect(log.head).toBe(1);
    await log.close();
  });

  test('of the watermark breaks it too', async () => {
    const broken: LogError[] = [];
    const log = await open({ onBroken: (error) => broken.push(error) });
    await log.append(entryFor(['volume:a']), never);
    markDisk.failNextWrite('EIO');
    await clock.advance(2000);
    expect(broken.map(({ code }) => code)).toEqual(['BROKEN']);
    await expect(log.append(entryFor(['volume:a']), never)).rejects.toMatchObject({ code: 'BROKEN' });
    await log.close();
    const again = await open();
    expect(again.head).toBe(1);
  });
});

test('the only node leads, in term 1, until the signal aborts', async () => {
  const log = await open({ node: 'node-1' });
  const stop = new AbortController();
  const seen: unknown[] = [];
  const watching = (async () => {
    for await (const leadership of log.leadership(stop.signal)) seen.push(leadership);
  })();
  await log.append(entryFor(['volume:a']), never);
  await settle();
  stop.abort();
  await watching;
  expect(seen).toEqual([{ term: 1, leader: 'node-1', mine: true }]);
});

test('a thousand may wait under one signal without a warning', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on('warning', listen);
  const log = await open();
  const { signal } = new AbortController();
  const following = Array.from({ length: 20 }, () => log.follow(asIndex(0), signal)[Symbol.asyncIterator]());
  for (const follower of following) await follower.next();
  const waiting = following.map((follower) => follower.next());
  await Promise.all(Array.from({ length: 1000 }, () => log.append(entryFor(['volume:a']), signal)));
  await Promise.all(waiting);
  await settle();
  process.off('warning', listen);
  expect(warnings).toEqual([]);
});
