import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Store } from '#io/stores/port.ts';
import { SimMedium } from '#io/stores/sim-medium.ts';
import { SimDisk, type SimDiskOptions } from '#io/stores/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { storeContract } from '#test/contracts/store.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

const diskOf = (options: Partial<SimDiskOptions> = {}) =>
  new SimDisk({ clock: new VirtualClock(), random: seededRandom(1), latencyMs: 0, ...options });

storeContract('The simulated disk', async () => {
  const disk = diskOf();
  return { open: async () => disk.open(), dispose: async () => undefined };
});

storeContract('The simulated disk with latency', async () => {
  const clock = new VirtualClock();
  const disk = diskOf({ clock, latencyMs: 5 });
  let running = true;
  const run = async () => {
    while (running) await clock.step();
  };
  const stopped = run();
  return {
    open: async () => disk.open(),
    dispose: async () => {
      running = false;
      await stopped;
    },
  };
});

test('a record that cannot be read fails whoever reads it or over it, until it is written anew', async () => {
  const disk = diskOf();
  expect(disk.makeUnreadable()).toBe(false);
  const store = disk.open();
  await store.batch([put(1), put(2), put(3)], { sync: true });
  expect(disk.makeUnreadable(Uint8Array.of(2))).toBe(true);
  const failed = { name: 'StoreError', code: 'FAILED', cause: { code: 'EIO' } };
  await expect(store.get(Uint8Array.of(2))).rejects.toMatchObject(failed);
  await expect(keys(store)).rejects.toMatchObject(failed);
  expect(await store.get(Uint8Array.of(1))).toBeDefined();
  await store.batch([put(2)], { sync: true });
  expect(await keys(store)).toEqual([1, 2, 3]);
});

test('without latency the disk uses no timers', async () => {
  const clock = new VirtualClock();
  const store = diskOf({ clock }).open();
  const writing = store.batch([put(1)], { sync: true });
  expect(clock.pending).toBe(0);
  await writing;
  expect(await keys(store)).toEqual([1]);
  expect(clock.pending).toBe(0);
});

test('with latency every call takes time of the simulated clock', async () => {
  const clock = new VirtualClock();
  const store = diskOf({ clock, latencyMs: 10 }).open();
  let done = false;
  const writing = store.batch([put(1)], { sync: true }).then(() => (done = true));
  await clock.advance(4);
  expect(done).toBe(false);
  await clock.advance(12);
  expect(done).toBe(true);
  await writing;
});

test('a power cut keeps all synced batches, and of the others all but the newest', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(fc.boolean(), { maxLength: 30 }), async (seed, syncs) => {
      const disk = diskOf({ random: seededRandom(seed) });
      const store = disk.open();
      for (const [i, sync] of syncs.entries()) await store.batch([put(2 * i), put(2 * i + 1)], { sync });
      disk.crash('power');
      const left = await keys(disk.open());
      expect(left).toEqual(Array.from({ length: left.length }, (_, i) => i));
      expect(left.length % 2).toBe(0);
      expect(left.length).toBeGreaterThanOrEqual(2 * (syncs.lastIndexOf(true) + 1));
    }),
  );
});

test('a power cut brings back what an unsynced batch had replaced or deleted', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const disk = diskOf({ random: seededRandom(seed) });
    const store = disk.open();
    await store.batch([put(1), put(2)], { sync: true });
    await store.batch([{ put: Uint8Array.of(1), value: Uint8Array.of(99) }, { del: Uint8Array.of(2) }], {
      sync: false,
    });
    disk.crash('power');
    const after = disk.open();
    outcomes.add(`${(await after.get(Uint8Array.of(1)))?.[0]} ${(await after.get(Uint8Array.of(2)))?.[0]}`);
  }
  expect([...outcomes].toSorted()).toEqual(['1 2', '99 undefined']);
});

test('after a power cut the disk is as it was after one of the newest batches, whatever these did', async () => {
  const anyKey = fc.integer({ min: 0, max: 3 }).map((n) => Uint8Array.of(n));
  const anyOp = fc.oneof(
    fc.record({ put: anyKey, value: fc.uint8Array({ minLength: 1, maxLength: 1 }) }, { noNullPrototype: true }),
    fc.record({ del: anyKey }, { noNullPrototype: true }),
  );
  const anyBatch = fc.record({ ops: fc.array(anyOp, { minLength: 1, maxLength: 6 }), sync: fc.nat(4) });
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.array(anyBatch, { maxLength: 12 }), async (seed, batches) => {
      const disk = diskOf({ random: seededRandom(seed) });
      const store = disk.open();
      let possible = [await contentOf(store)];
      for (const { ops, sync } of batches) {
        await store.batch(ops, { sync: sync === 0 });
        possible = [...(sync === 0 ? [] : possible), await contentOf(store)];
      }
      disk.crash('power');
      expect(possible).toContain(await contentOf(disk.open()));
    }),
    { numRuns: 300 },
  );
});

test('a killed process loses nothing that was answered', async () => {
  const disk = diskOf();
  const store = disk.open();
  for (let i = 0; i < 10; i++) await store.batch([put(i)], { sync: false });
  disk.crash('process');
  expect(await keys(disk.open())).toHaveLength(10);
});

test('a batch under way at a crash is there whole or not at all', async () => {
  const outcomes = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const clock = new VirtualClock();
    const disk = diskOf({ clock, random: seededRandom(seed), latencyMs: 10 });
    void disk.open().batch([put(1), put(2), put(3)], { sync: true });
    await clock.advance(1);
    disk.crash(seed % 2 === 0 ? 'process' : 'power');
    outcomes.add(disk.size);
  }
  expect([...outcomes].toSorted((a, b) => a - b)).toEqual([0, 3]);
});

test('calls on a handle of before the crash never resolve', async () => {
  for (const latencyMs of [0, 10]) {
    const clock = new VirtualClock();
    const disk = diskOf({ clock, latencyMs });
    const store = disk.open();
    let answers = 0;
    const answered = () => answers++;
    if (latencyMs > 0) {
      store.batch([put(1)], { sync: true }).then(answered, answered);
      store.get(Uint8Array.of(1)).then(answered, answered);
    }
    disk.crash('process');
    store.batch([put(2)], { sync: true }).then(answered, answered);
    store.get(Uint8Array.of(1)).then(answered, answered);
    keys(store).then(answered, answered);
    store.close().then(answered, answered);
    await clock.advance(1000);
    await settle();
    expect(answers).toBe(0);
    expect(await disk.open().close()).toBeUndefined();
  }
});

test('a failed write breaks the handle, and nobody knows what of it was written', async () => {
  const outcomes = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const disk = diskOf({ random: seededRandom(seed) });
    const store = disk.open();
    await store.batch([put(1)], { sync: true });
    disk.failNextWrite('ENOSPC');
    await expect(store.batch([put(2)], { sync: true })).rejects.toMatchObject({
      code: 'FAILED',
      cause: { code: 'ENOSPC' },
    });
    await expect(store.batch([put(3)], { sync: true })).rejects.toMatchObject({ code: 'FAILED' });
    expect(await keys(store)).toEqual([1]);
    disk.crash('process');
    outcomes.add((await keys(disk.open())).length);
  }
  expect([...outcomes].toSorted((a, b) => a - b)).toEqual([1, 2]);
});

test('a flipped bit changes exactly one bit of one value', async () => {
  const disk = diskOf();
  const store = disk.open();
  await store.batch([put(1), put(2), put(3)], { sync: true });
  expect(disk.flipBit(Uint8Array.of(2))).toBe(true);
  const value = (await store.get(Uint8Array.of(2)))?.[0] ?? 0;
  expect([1, 2, 4, 8, 16, 32, 64, 128]).toContain(value ^ 2);
  expect((await store.get(Uint8Array.of(1)))?.[0]).toBe(1);
  expect(disk.flipBit(Uint8Array.of(9))).toBe(false);
});

test('a lost tail is lost silently', async () => {
  const disk = diskOf();
  const store = disk.open();
  for (let i = 0; i < 5; i++) await store.batch([put(i)], { sync: true });
  disk.deleteTail(2);
  expect(await keys(store)).toEqual([0, 1, 2]);
});

test('with rotation a batch without sync can be lost although a later one with sync survives', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    const disk = diskOf({ random: seededRandom(seed), rotation: 0.5 });
    const store = disk.open();
    await store.batch([put(1)], { sync: false });
    await store.batch([put(2)], { sync: true });
    disk.crash('power');
    outcomes.add(String(await keys(disk.open())));
  }
  expect([...outcomes].toSorted()).toEqual(['1,2', '2']);
});

test('a torn batch leaves its first operations, the last of them perhaps cut off', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const clock = new VirtualClock();
    const disk = diskOf({ clock, random: seededRandom(seed), latencyMs: 10, torn: 1 });
    const store = disk.open();
    void store.batch(
      [1, 2].map((n) => ({ put: Uint8Array.of(n), value: new Uint8Array(2).fill(n) })),
      { sync: true },
    );
    await clock.advance(1);
    disk.crash('power');
    outcomes.add(
      disk
        .image()
        .map(([key, value]) => `${key[0]}:${value.length}`)
        .join(' '),
    );
  }
  expect([...outcomes].toSorted()).toEqual(['', '1:0', '1:1', '1:2', '1:2 2:0', '1:2 2:1', '1:2 2:2']);
});

test('a failed sync leaves a batch that is visible, and lost when the power fails', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const disk = diskOf({ random: seededRandom(seed) });
    const store = disk.open();
    disk.failNextSync();
    await store.batch([put(1)], { sync: false });
    await expect(store.batch([put(2)], { sync: true })).rejects.toMatchObject({
      code: 'FAILED',
      cause: { code: 'EIO' },
    });
    await expect(store.batch([put(3)], { sync: true })).rejects.toMatchObject({ code: 'FAILED' });
    expect(await keys(store)).toEqual([1, 2]);
    disk.crash(seed % 2 === 0 ? 'process' : 'power');
    outcomes.add(`${seed % 2 === 0 ? 'killed' : 'power'}: ${await keys(disk.open())}`);
  }
  expect([...outcomes].toSorted()).toEqual(['killed: 1,2', 'power: ', 'power: 1', 'power: 1,2']);
});

test('records that are lost, swapped or overwritten by another are so silently', async () => {
  const disk = diskOf();
  const store = disk.open();
  const content = () =>
    disk
      .image()
      .map(([key, value]) => `${key[0]}=${value[0]}`)
      .join();
  expect([disk.lose(), disk.swap(), disk.misdirect()]).toEqual([false, false, false]);
  await store.batch([put(1), put(2), put(3)], { sync: true });
  const image = disk.image();
  expect(disk.swap(Uint8Array.of(1), Uint8Array.of(3))).toBe(true);
  expect(content()).toBe('1=3,2=2,3=1');
  expect(disk.misdirect(Uint8Array.of(2), Uint8Array.of(3))).toBe(true);
  expect(content()).toBe('1=3,2=2,3=2');
  expect(disk.lose(Uint8Array.of(2))).toBe(true);
  expect(content()).toBe('1=3,3=2');
  disk.restore(image);
  expect(content()).toBe('1=1,2=2,3=3');
  disk.wipe();
  expect(content()).toBe('');
});

test('a stall holds up every call, and those of the next process, until it is over', async () => {
  const clock = new VirtualClock();
  const medium = new SimMedium({ clock, random: seededRandom(1), latencyMs: 0 });
  const disk = diskOf({ clock, medium });
  const release = medium.stall();
  void disk.open().batch([put(1)], { sync: true });
  await clock.advance(1000);
  expect(disk.size).toBe(0);
  disk.crash('process');
  const store = disk.open();
  let isDone = false;
  const writing = store.batch([put(2)], { sync: true }).then(() => (isDone = true));
  await clock.advance(1000);
  expect(isDone).toBe(false);
  release();
  await writing;
  expect(await store.get(Uint8Array.of(2))).toBeDefined();
});

test('the same seed loses the same batches', async () => {
  const run = async () => {
    const disk = diskOf({ random: seededRandom(7) });
    const store = disk.open();
    for (let i = 0; i < 20; i++) await store.batch([put(i)], { sync: i === 5 });
    disk.crash('power');
    return keys(disk.open());
  };
  expect(await run()).toEqual(await run());
});

const put = (n: number) => ({ put: Uint8Array.of(n), value: Uint8Array.of(n) });

async function keys(store: Store): Promise<number[]> {
  const found: number[] = [];
  for await (const slice of store.range({})) found.push(...slice.map(([key]) => key[0] ?? -1));
  return found;
}

async function contentOf(store: Store): Promise<string> {
  const found: string[] = [];
  for await (const slice of store.range({})) found.push(...slice.map(([key, value]) => `${key}=${value}`));
  return found.join();
}
