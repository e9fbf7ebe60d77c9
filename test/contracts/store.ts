/** What every store promises, real or simulated. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Op, Range, Store } from '#io/stores/port.ts';

export interface StoreUnderTest {
  /** Opens the same data; rejects with LOCKED while it is open. */
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

export function storeContract(title: string, setup: () => Promise<StoreUnderTest>): void {
  describe(`${title} keeps the promises of a store:`, { timeout: 30_000 }, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      subject = await setup();
      store = await subject.open();
    });
    afterEach(async () => {
      await store.close();
      await subject.dispose();
    });

    test('a value comes back as it was put, and a key that was never put is undefined', async () => {
      await store.batch([put('a', 'one'), put('empty', '')], { sync: true });
      expect(text(await store.get(bytes('a')))).toBe('one');
      expect(text(await store.get(bytes('empty')))).toBe('');
      expect(await store.get(bytes('b'))).toBeUndefined();
    });

    test('later operations of a batch win over earlier ones', async () => {
      await store.batch([put('a', '1'), del('a'), put('b', '1'), put('b', '2'), del('never')], { sync: false });
      expect(await all(store, {})).toEqual([['b', '2']]);
    });

    test('a batch takes the bytes as they are at the call, and hands out bytes of the caller', async () => {
      const key = bytes('key');
      const value = bytes('value');
      const done = store.batch([{ put: key, value }], { sync: false });
      key.fill(0);
      value.fill(0);
      await done;
      const got = await store.get(bytes('key'));
      expect(text(got)).toBe('value');
      got?.fill(0);
      for await (const slice of store.range({})) for (const [, other] of slice) other.fill(0);
      expect(text(await store.get(bytes('key')))).toBe('value');
    });

    test('batches take effect in the order of the calls, also when nobody waits in between', async () => {
      // Threads that write at once seldom overtake each other: many tries.
      for (let round = 0; round < 50; round++) {
        const calls = Array.from({ length: 20 }, (_, i) => store.batch([put('a', String(i))], { sync: i % 3 === 0 }));
        await Promise.all(calls);
        expect(text(await store.get(bytes('a')))).toBe('19');
      }
    });

    test('ranges are in bytewise order and hold exactly what a sorted map would', async () => {
      const anyKey = fc.uint8Array({ minLength: 1, maxLength: 3 });
      const anyOp = fc.oneof(
        fc.record({ put: anyKey, value: fc.uint8Array({ maxLength: 4 }) }, { noNullPrototype: true }),
        fc.record({ del: anyKey }, { noNullPrototype: true }),
      );
      const anyRange = fc.record(
        { gte: anyKey, lt: anyKey, reverse: fc.boolean(), limit: fc.integer({ min: 1, max: 5 }) },
        { requiredKeys: [], noNullPrototype: true },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(anyOp, { maxLength: 30 }), anyRange, anyRange, async (ops, range, cleared) => {
          await store.clear({});
          await store.batch(ops, { sync: false });
          const model = modelOf(ops);
          expect(await all(store, range)).toEqual(inRange(model, range));
          const gone = inRange(model, cleared).map(([key]) => key);
          await store.clear(cleared);
          expect(await all(store, {})).toEqual(inRange(model, {}).filter(([key]) => !gone.includes(key)));
        }),
        { numRuns: 60 },
      );
    });

    test('a long range comes in slices, complete and in order in both directions', async () => {
      const keys = Array.from({ length: 2500 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      await store.batch(
        keys.map((key) => put(key, key)),
        { sync: false },
      );
      expect((await all(store, {})).map(([key]) => key)).toEqual(keys);
      expect((await all(store, { reverse: true })).map(([key]) => key)).toEqual(keys.toReversed());
      for await (const slice of store.range({})) expect(slice.length).toBeLessThanOrEqual(1000);
    });

    test('a range shows what was there when it began', async () => {
      const keys = Array.from({ length: 1500 }, (_, i) => `k${String(i).padStart(5, '0')}`);
      await store.batch(
        keys.map((key) => put(key, 'old')),
        { sync: false },
      );
      const seen: string[] = [];
      for await (const slice of store.range({})) {
        if (seen.length === 0) await store.batch([put('k01400', 'new'), del('k01401'), put('z', '')], { sync: false });
        seen.push(...slice.map(([, value]) => text(value)));
      }
      expect(seen).toEqual(keys.map(() => 'old'));
    });

    test('a range can be left early', async () => {
      await store.batch([put('a', '1'), put('b', '2')], { sync: false });
      for await (const slice of store.range({ limit: 1 })) {
        expect(slice).toHaveLength(1);
        break;
      }
      await store.batch([put('c', '3')], { sync: true });
      expect(await all(store, {})).toHaveLength(3);
    });

    test('everything is still there after closing and opening', async () => {
      await store.batch([put('synced', '1')], { sync: true });
      await store.batch([put('not synced', '2')], { sync: false });
      await store.close();
      store = await subject.open();
      expect(await all(store, {})).toEqual([
        ['not synced', '2'],
        ['synced', '1'],
      ]);
    });

    test('a second process is refused, and told what to do', async () => {
      const second = subject.open();
      await expect(second).rejects.toMatchObject({ name: 'StoreError', code: 'LOCKED' });
      await expect(second).rejects.toHaveProperty('hint', expect.stringMatching(/\w/));
      await store.batch([put('a', '1')], { sync: true });
      expect(await all(store, {})).toHaveLength(1);
    });

    test('a closed store refuses to work, and closes twice', async () => {
      await store.close();
      await store.close();
      await expect(store.get(bytes('a'))).rejects.toMatchObject({ code: 'FAILED' });
      await expect(store.batch([put('a', '1')], { sync: false })).rejects.toMatchObject({ code: 'FAILED' });
      await expect(all(store, {})).rejects.toMatchObject({ code: 'FAILED' });
    });
  });
}

const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const text = (from: Uint8Array | undefined): string => (from ? Buffer.from(from).toString('latin1') : 'undefined');
const put = (key: string, value: string): Op => ({ put: bytes(key), value: bytes(value) });
const del = (key: string): Op => ({ del: bytes(key) });

async function all(store: Store, range: Range): Promise<(readonly [key: string, value: string])[]> {
  const found: [string, string][] = [];
  for await (const slice of store.range(range)) {
    for (const [key, value] of slice) found.push([text(key), text(value)]);
  }
  return found;
}

function modelOf(ops: readonly Op[]): Map<string, string> {
  const model = new Map<string, string>();
  for (const op of ops) {
    if ('put' in op) model.set(text(op.put), text(op.value));
    else model.delete(text(op.del));
  }
  return model;
}

/** Latin-1 strings compare as their bytes do. */
function inRange(model: Map<string, string>, range: Range): (readonly [string, string])[] {
  const from = range.gte && text(range.gte);
  const to = range.lt && text(range.lt);
  const found = [...model]
    .filter(([key]) => (from === undefined || key >= from) && (to === undefined || key < to))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (range.reverse ? found.toReversed() : found).slice(0, range.limit ?? Infinity);
}
