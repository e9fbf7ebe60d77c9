/** What every store of backups promises, real or simulated. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectStore, StoredObject } from '#io/devices/backup/store/port.ts';

export interface ObjectStoreUnderTest {
  readonly store: ObjectStore;
  dispose(): Promise<void>;
}

const { signal } = new AbortController();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function objectStoreContract(title: string, setup: () => Promise<ObjectStoreUnderTest>): void {
  describe(`${title} keeps the promises of a store of objects:`, () => {
    let subject: ObjectStoreUnderTest;
    let store: ObjectStore;
    const keys = async (prefix: string): Promise<readonly string[]> =>
      (await all(store.list(prefix, signal))).map(({ key }) => key).toSorted();
    beforeEach(async () => {
      subject = await setup();
      ({ store } = subject);
    });
    afterEach(() => subject.dispose());

    test('what is not there is said to be missing', async () => {
      expect(await keys('')).toEqual([]);
      expect(await store.head('packs/none', signal)).toBeUndefined();
      await expect(store.get('packs/none', signal)).rejects.toMatchObject({ name: 'IoError', code: 'MISSING' });
      await store.delete('packs/none', signal);
    });

    test('what was put is there, whole, and can be read in pieces', async () => {
      expect(await store.put('packs/ab/one', bytes('0123456789'), signal)).toBe('stored');
      expect(new Uint8Array(await store.get('packs/ab/one', signal))).toEqual(bytes('0123456789'));
      const part = async (from: number, to: number) =>
        new TextDecoder().decode(await store.get('packs/ab/one', signal, { from, to }));
      expect(await part(2, 5)).toBe('234');
      expect(await part(7, 100)).toBe('789');
      await expect(part(10, 12)).rejects.toMatchObject({ code: 'INVALID' });
      expect(await store.head('packs/ab/one', signal)).toMatchObject({ key: 'packs/ab/one', sizeBytes: 10 });
    });

    test('an object never takes the place of another one', async () => {
      await store.put('config', bytes('first'), signal);
      expect(await store.put('config', bytes('second, and longer'), signal)).toBe('exists');
      expect(new TextDecoder().decode(await store.get('config', signal))).toBe('first');
      await store.delete('config', signal);
      expect(await store.put('config', bytes('second'), signal)).toBe('stored');
      expect(new TextDecoder().decode(await store.get('config', signal))).toBe('second');
    });

    test('an empty object is one', async () => {
      expect(await store.put('empty', new Uint8Array(), signal)).toBe('stored');
      expect(await store.get('empty', signal)).toHaveLength(0);
      expect(await store.head('empty', signal)).toMatchObject({ sizeBytes: 0 });
    });

    test('lists are whole, and of one folder alone', async () => {
      const names = ['packs/ab/two', 'packs/ab/one', 'packs/b', 'packs-not', 'index/x', 'packs/ab.c', 'packs/ab/one.d'];
      for (const name of names) await store.put(name, bytes(name), signal);
      const found = await all(store.list('packs/', signal));
      expect(found.map(({ key }) => key).toSorted()).toEqual(
        names.filter((name) => name.startsWith('packs/')).toSorted(),
      );
      expect(found.map(({ key, sizeBytes }) => key.length === sizeBytes)).not.toContain(false);
      expect(await keys('')).toEqual(names.toSorted());
      await store.delete('packs/b', signal);
      expect(await keys('packs/')).not.toContain('packs/b');
    });

    test('of many, none is left out', async () => {
      const names = Array.from({ length: 40 }, (_, n) => `index/${String(n).padStart(4, '0')}`);
      await Promise.all(names.map((name) => store.put(name, bytes(name), signal)));
      expect(await keys('index/')).toEqual(names);
    });

    test('times are those of the store: what was put later is not older', async () => {
      await store.put('locks/a.1', bytes('1'), signal);
      await store.put('locks/b.1', bytes('1'), signal);
      const [a, b] = await Promise.all(['locks/a.1', 'locks/b.1'].map((key) => store.head(key, signal)));
      expect(a?.modifiedAt).toBeGreaterThan(1_600_000_000_000);
      expect(b?.modifiedAt).toBeGreaterThanOrEqual(a?.modifiedAt ?? Number.NaN);
      expect(await all(store.list('locks/', signal))).toContainEqual(a);
    });

    test('of several who put the same key, one does', async () => {
      const puts = await Promise.allSettled(['a', 'b', 'c'].map((text) => store.put('config', bytes(text), signal)));
      const stored = new TextDecoder().decode(await store.get('config', signal));
      const said = puts.map((put) => (put.status === 'fulfilled' ? put.value : (put.reason as { code: string }).code));
      expect(said[['a', 'b', 'c'].indexOf(stored)]).toBe('stored');
      for (const word of said) expect(['stored', 'exists', 'DAMAGED']).toContain(word);
    });

    test('a large object comes back as it was', async () => {
      const large = Buffer.alloc(6 * 2 ** 20, 'not a block long ');
      await store.put('packs/large', large, signal);
      const back = await store.get('packs/large', signal);
      expect(large.equals(back)).toBe(true);
    });

    test.each(['', '/', '../a', 'a/../b', 'a//b', 'A', 'a b', '.hidden', 'a/', 'a\nb', 'a/b/c/d/e'])(
      'no key: %j',
      async (key) => {
        await expect(store.put(key, bytes('x'), signal)).rejects.toMatchObject({ code: 'INVALID' });
        await expect(store.get(key, signal)).rejects.toMatchObject({ code: 'INVALID' });
        await expect(store.delete(key, signal)).rejects.toMatchObject({ code: 'INVALID' });
      },
    );

    test('what is cancelled ends', async () => {
      const aborted = AbortSignal.abort();
      await expect(store.put('a', bytes('x'), aborted)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(store.get('a', aborted)).rejects.toMatchObject({ code: 'ABORTED' });
      await expect(all(store.list('', aborted))).rejects.toMatchObject({ code: 'ABORTED' });
    });
  });
}

async function all(objects: AsyncIterable<StoredObject>): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of objects) found.push(object);
  return found;
}
