/** What the history promises, in every directory. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packHead, unpackHead } from '#io/log/raft/history/head.ts';
import type { History } from '#io/log/raft/history/history.ts';
import { beginHistory } from '#io/log/raft/history/open.ts';
import type { Directory } from '#io/stores/directory.ts';
import type { DirectoryUnderTest } from '#test/contracts/directory.ts';
import {
  begin,
  described,
  entries,
  entryAt,
  readAll,
  reopen,
  smallSealing,
} from '#test/io/log/raft/history/samples.ts';

export function historyContract(title: string, setup: () => Promise<DirectoryUnderTest>): void {
  describe(`${title} keeps the history:`, { timeout: 60_000 }, () => {
    let subject: DirectoryUnderTest;
    let other: DirectoryUnderTest;
    let directory: Directory;
    let history: History;
    beforeEach(async () => {
      subject = await setup();
      other = await setup();
      directory = await subject.open();
      ({ history } = await begin(directory));
    });
    afterEach(async () => {
      await history.close();
      await subject.dispose();
      await other.dispose();
    });
    const again = async (acknowledged = 0) => {
      await history.close();
      directory = await subject.open();
      const opened = await reopen(directory, acknowledged);
      history = opened.history;
      return opened;
    };
    const names = async (): Promise<string[]> => (await directory.list()).map(({ name }) => name);
    /** As bytes, by name. */
    const files = async (from: Directory): Promise<Record<string, string>> => {
      const found: Record<string, string> = {};
      for (const { name } of await from.list())
        found[name] = Buffer.from((await from.read(name)) ?? []).toString('hex');
      return found;
    };

    test('where there is none it is said to be missing', async () => {
      const empty = await other.open();
      await expect(reopen(empty)).rejects.toMatchObject({ name: 'StoreError', code: 'MISSING' });
      await empty.close();
    });

    test('it begins empty, and gives back what was appended, also after closing and opening', async () => {
      expect([history.last, history.durable, history.floor.index]).toEqual([0, 0, 0]);
      expect(await readAll(history)).toEqual([]);
      await history.append(entries(1, 5));
      await history.append(entries(6, 43));
      expect(history.last).toBe(43);
      expect(await history.sync()).toBe(43);
      expect(await readAll(history)).toEqual(described(entries(1, 43)));
      const { findings } = await again(43);
      expect(findings).toEqual([]);
      expect(history.last).toBe(43);
      expect(await readAll(history)).toEqual(described(entries(1, 43)));
      expect(await history.verify()).toBeUndefined();
    });

    test('any part of it can be read', async () => {
      await history.append(entries(1, 43));
      for (const [after, upTo] of [
        [0, 1],
        [0, 8],
        [7, 9],
        [8, 16],
        [20, 43],
        [42, 43],
        [43, 43],
      ] as const)
        expect(await readAll(history, after, upTo)).toEqual(described(entries(after + 1, upTo)));
      await expect(readAll(history, 0, 44)).rejects.toMatchObject({ name: 'LogError', code: 'PAST_HEAD' });
    });

    test('what it has already is passed over, and a gap is refused without harm', async () => {
      await history.append(entries(1, 10));
      await history.append(entries(3, 12));
      await history.append(entries(1, 12));
      await history.append([]);
      const refused = { name: 'LogError', code: 'REFUSED' };
      await expect(history.append(entries(14, 15))).rejects.toMatchObject(refused);
      await expect(history.append([entryAt(13), entryAt(15)])).rejects.toMatchObject(refused);
      const tooLarge = { index: 13, term: 1, bytes: new Uint8Array(16 * 1024 * 1024) };
      await expect(history.append([tooLarge])).rejects.toMatchObject(refused);
      await history.append(entries(13, 14));
      expect(await readAll(history)).toEqual(described(entries(1, 14)));
      expect(await history.verify()).toBeUndefined();
    });

    test('segments are sealed by number and by size, whatever was appended at once', async () => {
      await history.append(entries(1, 43));
      await history.sync();
      const once = await files(directory);
      const second = await other.open();
      const { history: byOne } = await begin(second);
      for (const entry of entries(1, 43)) {
        await byOne.append([entry]);
        await byOne.sync();
      }
      expect(await files(second)).toEqual(once);
      await byOne.close();
      const sealed = history.manifest();
      expect(sealed.length).toBeGreaterThan(4);
      const counts = sealed.map(({ first, last }) => last - first + 1);
      expect(Math.max(...counts)).toBe(8);
      expect(Math.min(...counts)).toBeLessThan(8);
    });

    test('the manifest names each sealed segment by what is in its file', async () => {
      await history.append(entries(1, 43));
      let next = 1;
      for (const { first, last, sha256, sizeBytes } of history.manifest()) {
        expect(first).toBe(next);
        next = last + 1;
        const bytes = (await directory.read(`${String(first).padStart(16, '0')}.segment`)) ?? new Uint8Array();
        expect(bytes.length).toBe(sizeBytes);
        expect(createHash('sha256').update(bytes.subarray(0, -59)).digest('hex')).toBe(sha256);
        expect(Buffer.from(bytes.subarray(-32)).toString('hex')).toBe(sha256);
      }
      expect((await names()).length).toBe(history.manifest().length + 2);
    });

    test('old history is dropped by whole segments, and what is kept still verifies', async () => {
      await history.append(entries(1, 43));
      await history.sync();
      const [first, second] = history.manifest();
      expect(history.floorBelow((first?.last ?? 0) + 1)).toEqual({ index: first?.last, hash: first?.sha256 });
      const floor = await history.dropBelow((second?.last ?? 0) + 1, Uint8Array.of(1, 2, 3));
      expect(floor).toEqual({ index: second?.last, hash: second?.sha256, signature: Uint8Array.of(1, 2, 3) });
      for (const look of [async () => undefined, () => again(43)]) {
        await look();
        expect(history.floor).toEqual(floor);
        expect(await history.verify()).toBeUndefined();
        expect(await readAll(history)).toEqual(described(entries(floor.index + 1, 43)));
        await expect(readAll(history, floor.index - 1)).rejects.toMatchObject({ code: 'BELOW_FLOOR' });
      }
      expect(await history.dropBelow(floor.index, Uint8Array.of(9))).toEqual(floor);
      expect((await names()).length).toBe(history.manifest().length + 2);
      const all = await history.dropBelow(1000, new Uint8Array());
      expect(all.index).toBeGreaterThan(35);
      expect(history.manifest()).toEqual([]);
      expect(await readAll(history)).toEqual(described(entries(all.index + 1, 43)));
      await history.append(entries(44, 60));
      expect(await history.verify()).toBeUndefined();
    });

    test('it begins on another member from what a snapshot carries, as of any entry, and seals alike', async () => {
      await history.append(entries(1, 43));
      const source = history.source('attic');
      for (const index of [0, 1, 8, 20, 40, 41, 43]) {
        const head = unpackHead(packHead(await history.at(index)));
        const second = await other.open();
        const { history: joined } = await beginHistory(second, head, { sealing: smallSealing });
        expect(joined.last).toBe(index);
        await joined.append(entries(index + 1, 60));
        for (const segment of joined.missing()) {
          const receiver = await joined.receive(segment);
          for await (const piece of source.read(segment, 0)) expect(await receiver?.take(piece)).toBeUndefined();
          expect(await receiver?.finish()).toBeUndefined();
        }
        expect(await joined.verify()).toBeUndefined();
        expect(await readAll(joined)).toEqual(described(entries(1, 60)));
        for (const { name } of await second.list()) await second.delete(name);
        await joined.close();
      }
      await expect(history.at(44)).rejects.toMatchObject({ code: 'PAST_HEAD' });
      await history.dropBelow(20, new Uint8Array());
      await expect(history.at(1)).rejects.toMatchObject({ code: 'BELOW_FLOOR' });
    });

    test('a closed history refuses to be written', async () => {
      await history.close();
      await expect(history.append(entries(1, 1))).rejects.toMatchObject({ code: 'FAILED' });
      await expect(history.sync()).rejects.toMatchObject({ code: 'FAILED' });
    });
  });
}
