/** Entries that are appended once more: the same are passed over, others are never taken. */
import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '#io/log/raft/history/segment.ts';
import type { Directory } from '#io/stores/directory.ts';
import { simDirectory } from '../snapshots/crash-points.ts';
import { begin, described, entries, filesOf, historyUpTo, readAll, reopen } from './samples.ts';

const ofTerm = (term: number, list: readonly HistoryEntry[]): readonly HistoryEntry[] =>
  list.map((entry) => ({ ...entry, term }));

describe('A history of which the group has given up the end', () => {
  const given = async () => {
    const disk = simDirectory();
    const { history } = await begin(disk.open());
    await history.append(ofTerm(1, entries(1, 3)));
    await history.sync();
    return { disk, history };
  };

  test('does not go on with what took its place, and says what to do', async () => {
    const { disk, history } = await given();
    const before = filesOf(disk);
    const other = ofTerm(2, entries(3, 4));
    const refusal = history.append(other);
    await expect(refusal).rejects.toMatchObject({
      name: 'LogError',
      code: 'DAMAGED',
      message: expect.stringMatching(/entry 3 .*term 1.*term 2/),
      hint: expect.stringMatching(/new incarnation/),
    });
    const error: unknown = await refusal.catch((reason: unknown) => reason);
    // Nor later, whatever is appended: what follows on the other one must not follow on this one.
    await expect(history.append(ofTerm(2, entries(4, 4)))).rejects.toBe(error);
    await expect(history.sync()).rejects.toBe(error);
    expect(filesOf(disk)).toEqual(before);
    expect(await readAll(history)).toEqual(described(ofTerm(1, entries(1, 3))));
  });

  test('is found out by the next process, and if the overlap ends before it does', async () => {
    const { disk } = await given();
    for (const other of [ofTerm(2, entries(3, 4)), ofTerm(2, entries(2, 2)), ofTerm(2, entries(3, 3))]) {
      disk.crash('process');
      const { history } = await reopen(disk.open());
      await expect(history.append(other)).rejects.toMatchObject({ code: 'DAMAGED' });
    }
  });

  test('is found out by the content alone', async () => {
    const { history } = await given();
    const [last] = ofTerm(1, entries(3, 3)) as [HistoryEntry];
    const changed = { ...last, bytes: Uint8Array.from([...last.bytes, 1]) };
    await expect(history.append([changed])).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/other content/),
    });
  });
});

test('an entry that differs is found in every segment, and where many are appended at once', async () => {
  for (let at = 1; at <= 40; at++) {
    for (const [from, to] of [
      [1, 45],
      [at, at],
      [Math.max(1, at - 3), 40],
    ] as const) {
      const disk = simDirectory();
      const history = await historyUpTo(disk.open(), 40);
      const list = entries(from, to).map((entry) => (entry.index === at ? { ...entry, term: entry.term + 1 } : entry));
      await expect(history.append(list)).rejects.toMatchObject({
        code: 'DAMAGED',
        message: expect.stringContaining(`entry ${at} `),
      });
      expect(history.last).toBe(40);
    }
  }
});

test('what cannot be compared any more is passed over: dropped, missing and damaged segments', async () => {
  const disk = simDirectory();
  const history = await historyUpTo(disk.open(), 40);
  const [first, second, third] = history.manifest();
  await history.dropBelow((first?.last ?? 0) + 1, new Uint8Array());
  disk.lose(`${String(second?.first).padStart(16, '0')}.segment`);
  disk.makeUnreadable(`${String(third?.first).padStart(16, '0')}.segment`, 0);
  const other = entries(1, third?.last ?? 0).map((entry) => ({ ...entry, term: entry.term + 1 }));
  await history.append(other);
  await history.append(entries(1, 45));
  expect(history.last).toBe(45);
});

test('what is appended once more is read once, however it comes', async () => {
  const disk = simDirectory();
  await (await historyUpTo(disk.open(), 40)).close();
  const reads: string[] = [];
  const { history } = await reopen(counting(disk.open(), reads));
  reads.length = 0;
  for (const entry of entries(1, 40)) await history.append([entry]);
  expect(reads).toHaveLength(history.manifest().length + 1);
  await history.append(entries(38, 60));
  expect(reads.length).toBeLessThanOrEqual(history.manifest().length + 2);
  expect(await readAll(history)).toEqual(described(entries(1, 60)));
});

function counting(directory: Directory, reads: string[]): Directory {
  return {
    list: () => directory.list(),
    read: (name) => directory.read(name),
    stream: (name, from) => {
      reads.push(name);
      return directory.stream(name, from);
    },
    replace: (name, bytes) => directory.replace(name, bytes),
    writeAt: (name, offset, bytes) => directory.writeAt(name, offset, bytes),
    sync: (name) => directory.sync(name),
    rename: (from, to) => directory.rename(from, to),
    delete: (name) => directory.delete(name),
    close: () => directory.close(),
  };
}
