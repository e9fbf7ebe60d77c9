/** What the durable log of a member promises, on any store and any directory. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noMembers } from '#events/raft/configuration.ts';
import type { Entry } from '#events/raft/entry.ts';
import { packEntry } from '#io/log/raft/entry-codec.ts';
import { createStorage, openStorage, type StorageParts } from '#io/log/raft/open.ts';
import type { Opened } from '#io/log/raft/storage.ts';
import { differenceOf, judgeOpened } from '#test/io/log/raft/law.ts';
import {
  deedOf,
  entriesAt,
  firstConfiguration,
  identity,
  jobsOf,
  nothing,
  pointerTo,
  stepNames,
  storing,
  type Known,
  type Step,
} from '#test/io/log/raft/member.ts';

export interface RaftStorageUnderTest {
  /** Opens the same database and directory; rejects with LOCKED while they are open. */
  open(): Promise<StorageParts>;
  /** Empties both, which are closed. */
  clear(): Promise<void>;
  dispose(): Promise<void>;
}

export function raftStorageContract(title: string, setup: () => Promise<RaftStorageUnderTest>): void {
  describe(`${title} keeps the promises of a durable log:`, { timeout: 60_000 }, () => {
    let subject: RaftStorageUnderTest;
    let opened: Opened;
    const create = async () => createStorage(await subject.open(), identity, firstConfiguration);
    const reopen = async () => {
      await opened.storage.close();
      opened = await openStorage(await subject.open());
    };
    beforeEach(async () => {
      subject = await setup();
      opened = await create();
    });
    afterEach(async () => {
      await opened.storage.close();
      await subject.dispose();
    });
    const live = async (known: Known, ...steps: Step[]): Promise<Known> => {
      let at = known;
      for (const step of steps) {
        const deed = deedOf(at, step);
        if (!deed) continue;
        await deed.run(opened.storage);
        at = deed.next;
      }
      return at;
    };

    test('a new log is empty, knows whose it is, and begins with the first configuration', async () => {
      const { start } = opened;
      expect(opened.identity).toEqual(identity);
      expect(opened.findings).toEqual([]);
      expect(start).toEqual({
        hardState: { term: 1, vote: undefined, commit: 1 },
        snapshot: { index: 1, term: 1, configuration: firstConfiguration },
        entries: [],
      });
      expect(opened.storage.snapshot).toBeUndefined();
      await reopen();
      expect(opened.start).toEqual(start);
      expect(opened.findings).toEqual([]);
    });

    test('the log of a machine that belongs to no group yet begins before everything', async () => {
      await opened.storage.close();
      await subject.clear();
      opened = await createStorage(await subject.open(), identity, noMembers);
      const { start } = opened;
      expect(start).toEqual({
        hardState: { term: 0, vote: undefined, commit: 0 },
        snapshot: { index: 0, term: 0, configuration: noMembers },
        entries: [],
      });
      await reopen();
      expect(opened.start).toEqual(start);
      const meta = { index: 7, term: 3, configuration: firstConfiguration };
      const hardState = { term: 4, vote: undefined, commit: 7 };
      const joined = storing(nothing, [{ snapshot: meta, hardState, entries: entriesAt(meta, 4, 2) }]);
      await joined.run(opened.storage);
      await reopen();
      expect(judgeOpened(opened, joined.next)).toBe('exact');
    });

    test('where there is no log, opening one says so, and making one twice is refused', async () => {
      await opened.storage.close();
      const parts = await subject.open();
      await expect(createStorage(parts, identity, firstConfiguration)).rejects.toMatchObject({
        name: 'LogError',
        code: 'REFUSED',
      });
      await close(parts);
      await subject.clear();
      const empty = await subject.open();
      await expect(openStorage(empty)).rejects.toMatchObject({
        name: 'StoreError',
        code: 'MISSING',
        hint: expect.stringContaining('incarnation'),
      });
      await close(empty);
      opened = await create();
    });

    test('whatever is stored is found again, in whatever steps', async () => {
      const anyStep = fc.record(
        { what: fc.constantFrom(...stepNames), a: fc.nat(100), b: fc.nat(100) },
        { noNullPrototype: true },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), async (story) => {
          const known = await live(nothing, ...story);
          await reopen();
          expect(differenceOf(opened, known)).toBeUndefined();
          expect(opened.storage.snapshot).toEqual(known.pointer);
          await opened.storage.close();
          await subject.clear();
          opened = await create();
        }),
        { numRuns: 20 },
      );
    });

    test('jobs that are merged come to the same as one after another', async () => {
      const known = storing(nothing, [
        { hardState: { term: 1, vote: undefined, commit: 0 }, entries: entriesAt(nothing.last, 1, 9) },
        { hardState: { term: 2, vote: undefined, commit: 3 }, entries: entriesAt({ index: 5, term: 1 }, 2, 2) },
        { hardState: { term: 3, vote: undefined, commit: 3 }, entries: entriesAt({ index: 6, term: 2 }, 3, 1) },
      ]);
      await known.run(opened.storage);
      await reopen();
      expect(judgeOpened(opened, known.next)).toBe('exact');
      expect(opened.start.entries.map(({ term }) => term)).toEqual([1, 1, 1, 1, 2, 3]);
    });

    test('entries come back with the bytes that they were packed to', async () => {
      const known = await live(nothing, { what: 'term', a: 0, b: 0 }, { what: 'append', a: 3, b: 0 });
      await reopen();
      const packed = (entries: Iterable<Entry>) => [...entries].map((entry) => Buffer.from(packEntry(entry)));
      expect(packed(opened.start.entries)).toEqual(packed(known.entries.values()));
      expect(packed(opened.start.entries.map((entry) => ({ ...entry })))).toEqual(packed(known.entries.values()));
    });

    test('what was compacted is gone, and what was kept before the snapshot is the base of the log', async () => {
      const known = await live(
        nothing,
        { what: 'term', a: 0, b: 0 },
        ...Array.from({ length: 5 }, (): Step => ({ what: 'append', a: 3, b: 0 })),
      );
      const snapshot = { index: 12, term: 2, configuration: firstConfiguration };
      await expect(opened.storage.compact(10)).rejects.toMatchObject({ name: 'ConsensusBroken' });
      await opened.storage.snapshotMade(pointerTo(snapshot));
      await opened.storage.compact(7);
      expect(opened.storage.snapshot).toEqual(pointerTo(snapshot));
      await reopen();
      expect(opened.start.base).toEqual({ index: 7, term: 2 });
      expect(opened.start.snapshot).toEqual(snapshot);
      expect(opened.start.entries.map(({ index }) => index)).toEqual([
        8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      ]);
      await opened.storage.compact(12);
      await reopen();
      expect(opened.start.base).toBeUndefined();
      expect(judgeOpened(opened, { ...known, start: snapshot })).toBe('exact');
    });

    test('an older snapshot does not take the place of a newer one', async () => {
      await live(nothing, { what: 'term', a: 0, b: 0 }, { what: 'append', a: 3, b: 0 });
      const meta = (index: number) => ({ index, term: 2, configuration: firstConfiguration });
      await opened.storage.snapshotMade(pointerTo(meta(3)));
      await opened.storage.snapshotMade(pointerTo(meta(2)));
      expect(opened.storage.snapshot).toEqual(pointerTo(meta(3)));
      await reopen();
      expect(opened.storage.snapshot).toEqual(pointerTo(meta(3)));
    });

    test("a leader's snapshot takes the place of the whole log, and only when its file has arrived", async () => {
      const known = await live(nothing, { what: 'term', a: 0, b: 0 }, { what: 'append', a: 3, b: 0 });
      const installed = await live(known, { what: 'install', a: 1, b: 0 });
      await reopen();
      expect(judgeOpened(opened, installed)).toBe('exact');
      expect(opened.start.entries.length).toBe(2);
      const { index, term } = installed.last;
      const early = { snapshot: { index: index + 5, term: term + 1, configuration: firstConfiguration } };
      const { jobs } = jobsOf(installed, [early]);
      await expect(opened.storage.store(jobs)).rejects.toMatchObject({
        name: 'ConsensusBroken',
        message: expect.stringContaining('not arrived'),
      });
    });

    test('entries that would leave a gap, or replace what a snapshot holds, break the log at once', async () => {
      const known = await live(nothing, { what: 'term', a: 0, b: 0 }, { what: 'append', a: 3, b: 0 });
      const gap = storing(known, [{ entries: entriesAt({ index: 6, term: 2 }, 2, 1) }]);
      await expect(gap.run(opened.storage)).rejects.toMatchObject({ name: 'ConsensusBroken' });
      await expect(opened.storage.snapshotMade(pointerTo(nothing.start))).rejects.toMatchObject({
        name: 'ConsensusBroken',
      });
      await reopen();
      expect(judgeOpened(opened, known)).toBe('exact');
    });

    test('a member that is suspected is so until it is cleared, across restarts, and never of less', async () => {
      const known = await live(nothing, { what: 'term', a: 0, b: 0 }, { what: 'append', a: 3, b: 0 });
      const first = storing(known, [{ suspicion: { term: 1, lastIndex: 9, lastTerm: 1 } }]);
      await first.run(opened.storage);
      await storing(known, [{ suspicion: { term: 2, lastIndex: 7, lastTerm: 1 } }]).run(opened.storage);
      for (const _ of [1, 2]) {
        await reopen();
        expect(opened.start.suspect).toEqual({ term: 2, lastIndex: 9, lastTerm: 1 });
        expect(opened.findings.map(({ kind }) => kind)).toEqual(['still-suspect']);
      }
      const cleared = storing(known, [
        { hardState: { term: 3, vote: undefined, commit: 0 }, entries: entriesAt({ index: 2, term: 1 }, 3, 1) },
        { suspicion: 'cleared', hardState: { term: 3, vote: undefined, commit: 0 } },
      ]);
      await cleared.run(opened.storage);
      await reopen();
      expect(judgeOpened(opened, cleared.next)).toBe('exact');
    });

    test('a closed log refuses to work, and closes twice', async () => {
      const { storage } = opened;
      await storage.close();
      await storage.close();
      const appended = storing(nothing, [{ entries: entriesAt(nothing.last, 1, 1) }]);
      await expect(appended.run(storage)).rejects.toMatchObject({ code: 'FAILED' });
      await expect(storage.compact(0)).rejects.toMatchObject({ code: 'FAILED' });
    });
  });
}

async function close({ store, directory }: StorageParts): Promise<void> {
  await store.close();
  await directory.close();
}
