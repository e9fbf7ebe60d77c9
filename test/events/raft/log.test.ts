/** The log in memory, and how far each thing about it has come. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer, isUpToDate, type Entry } from '#events/raft/entry.ts';
import { RaftLog } from '#events/raft/log.ts';
import { entriesAfter } from './messages.ts';

const configuration = configurationOf([asPeer('a')]);
const snapshotAt = (index: number, term: number) => ({ index, term, configuration });
const unlimited = Number.POSITIVE_INFINITY;

/** Durable, with these terms, after a snapshot at `from`. */
const logOf = (terms: readonly number[], from = 0, fromTerm = 0): RaftLog =>
  new RaftLog(snapshotAt(from, fromTerm), entriesAfter(from, ...terms));

const termsOf = (log: RaftLog): (number | undefined)[] =>
  Array.from({ length: log.last - log.first + 1 }, (_, at) => log.termAt(log.first + at));

const marks = (log: RaftLog) => {
  const { applied, applying, committed, durable, last } = log;
  return { applied, applying, committed, durable, last };
};

describe('where it begins and ends', () => {
  test('an empty one ends at its snapshot', () => {
    const log = logOf([], 7, 3);
    expect([log.first, log.last, log.lastTerm, log.termAt(7), log.termAt(6), log.termAt(8)]).toEqual([
      8,
      7,
      3,
      3,
      undefined,
      undefined,
    ]);
    expect(marks(log)).toEqual({ applied: 7, applying: 7, committed: 7, durable: 7, last: 7 });
  });

  test('one may reach back before its snapshot', () => {
    const log = new RaftLog(snapshotAt(5, 2), entriesAfter(2, 1, 2, 2, 3), { index: 2, term: 1 });
    expect([log.first, log.last, log.applied, log.termAt(2), log.termAt(3), log.termAt(6)]).toEqual([3, 6, 5, 1, 1, 3]);
  });

  test('one with a gap, or that ends before its snapshot, is refused', () => {
    expect(() => new RaftLog(snapshotAt(0, 0), entriesAfter(1, 1))).toThrow(/entry 2 stands at 1/);
    expect(() => new RaftLog(snapshotAt(3, 1), entriesAfter(5, 1), { index: 5, term: 1 })).toThrow(/begins after 5/);
    expect(() => new RaftLog(snapshotAt(9, 2), entriesAfter(2, 1), { index: 2, term: 1 })).toThrow(
      /before its snapshot/,
    );
  });
});

test('a log that says otherwise than its snapshot is refused', () => {
  expect(() => new RaftLog(snapshotAt(4, 2), entriesAfter(2, 1, 1), { index: 2, term: 1 })).toThrow(/another term/);
});

describe('another log is at least as up to date', () => {
  test.each([
    [3, 4, true],
    [2, 4, true],
    [1, 5, true],
    [4, 2, false],
    [3, 3, true],
    [4, 3, true],
    [2, 3, false],
  ])('when it ends at %i with term %i: %s (this one at 3 with term 3)', (index, term, is) => {
    expect(isUpToDate({ lastIndex: index, lastTerm: term }, logOf([1, 2, 3]).end)).toBe(is);
  });
});

describe('merging what a leader sends', () => {
  test.each([
    ['what is there already changes nothing', 1, [1, 2], [1, 1, 2, 2], 4],
    ['what follows is added', 4, [3, 3], [1, 1, 2, 2, 3, 3], 4],
    ['from the first difference on it is replaced', 2, [2, 3], [1, 1, 2, 3], 3],
    ['a difference at the start replaces all', 0, [4], [4], 0],
    ['nothing changes nothing', 4, [], [1, 1, 2, 2], 4],
  ])('%s', (_, after, terms, end, durable) => {
    const log = logOf([1, 1, 2, 2]);
    log.merge(entriesAfter(after, ...terms));
    expect(termsOf(log)).toEqual(end);
    expect(log.durable).toBe(durable);
    // What is new waits to be stored, and nothing else.
    expect(log.takeUnstored().map(({ index }) => index)).toEqual(
      Array.from({ length: end.length - durable }, (__, at) => durable + 1 + at),
    );
  });

  test('what is committed is never replaced: that would be the end', () => {
    const log = logOf([1, 1, 2, 2]);
    log.commitTo(3);
    expect(() => log.merge(entriesAfter(1, 1, 3))).toThrow(/entry 3 is committed/);
    log.merge(entriesAfter(3, 5));
    expect(termsOf(log)).toEqual([1, 1, 2, 5]);
  });

  test('what would leave a gap is refused', () => {
    expect(() => logOf([1, 1]).merge(entriesAfter(3, 2))).toThrow(/entry 4 would leave a gap after 2/);
  });

  test('a leader’s own log has no gap', () => {
    expect(() => logOf([1]).append(entriesAfter(2, 1))).toThrow(/entry 3 cannot follow 1/);
  });
});

describe('where two logs can agree at best', () => {
  test.each([
    // up to index, not above term: the answer
    [6, 9, 6, 5],
    [6, 4, 5, 3],
    [6, 3, 5, 3],
    [6, 2, 2, 1],
    [6, 1, 2, 1],
    [6, 0, 0, 0],
    [4, 9, 4, 3],
    [99, 9, 6, 5],
    [0, 9, 0, 0],
  ])('up to %i and not above term %i: at %i, of term %i', (index, term, at, itsTerm) => {
    expect(logOf([1, 1, 3, 3, 3, 5]).findConflict(index, term)).toEqual({ index: at, term: itsTerm });
  });

  test('never before what was compacted', () => {
    const log = new RaftLog(snapshotAt(3, 2), entriesAfter(3, 4, 4), { index: 3, term: 2 });
    expect(log.findConflict(5, 1)).toEqual({ index: 3, term: 2 });
    expect(log.findConflict(1, 1)).toEqual({ index: 1, term: 0 });
  });
});

describe('a slice', () => {
  test('has as many entries as fit, and one at least', () => {
    const log = new RaftLog(
      snapshotAt(0, 0),
      [100, 10, 10].map((size, at): Entry => ({ type: 'data', term: 1, index: at + 1, data: new Uint8Array(size) })),
    );
    const indices = (from: number, bytes: number, upTo?: number) =>
      log.slice(from, bytes, upTo).map(({ index }) => index);
    expect(indices(1, 1)).toEqual([1]);
    // An entry costs a little more than its bytes.
    expect(indices(1, 116)).toEqual([1]);
    expect(indices(1, 142)).toEqual([1, 2]);
    expect(indices(1, 141)).toEqual([1]);
    expect(indices(2, unlimited)).toEqual([2, 3]);
    expect(indices(1, unlimited, 2)).toEqual([1, 2]);
    expect(indices(4, unlimited)).toEqual([]);
  });

  test('of what was compacted cannot be had', () => {
    expect(() => logOf([1], 5, 1).slice(5, 10)).toThrow(/entry 5 was compacted/);
  });
});

describe('what was handed out to be stored', () => {
  test('is durable when the disk says so, and not what stands there by then', () => {
    const log = logOf([]);
    log.append(entriesAfter(0, 1, 1, 1));
    expect(log.hasUnstored).toBe(true);
    expect(log.takeUnstored()).toHaveLength(3);
    expect([log.hasUnstored, log.durable]).toEqual([false, 0]);
    log.durableTo(2, 1);
    expect(log.durable).toBe(2);
    log.merge(entriesAfter(1, 2));
    log.durableTo(2, 1);
    log.durableTo(3, 1);
    expect(log.durable).toBe(1);
    log.takeUnstored();
    log.durableTo(2, 2);
    expect(log.durable).toBe(2);
  });

  test('is not durable before it was handed out', () => {
    const log = logOf([]);
    log.append(entriesAfter(0, 1));
    log.durableTo(1, 1);
    expect(log.durable).toBe(0);
  });
});

describe('what is handed out to be applied', () => {
  test('is committed and durable, and handed out once', () => {
    const log = logOf([]);
    log.append(entriesAfter(0, 1, 1, 1));
    log.takeUnstored();
    log.commitTo(3);
    expect([log.hasUnapplied, log.takeUnapplied(unlimited)]).toEqual([false, []]);
    log.durableTo(2, 1);
    expect(log.takeUnapplied(unlimited).map(({ index }) => index)).toEqual([1, 2]);
    expect([log.hasUnapplied, log.applying, log.applied]).toEqual([false, 2, 0]);
    log.appliedTo(2);
    log.durableTo(3, 1);
    expect(log.takeUnapplied(unlimited).map(({ index }) => index)).toEqual([3]);
  });

  test('cannot have been applied before', () => {
    const log = logOf([1, 1]);
    log.commitTo(2);
    expect(() => log.appliedTo(1)).toThrow(/before it was handed out/);
  });

  test('the commit index never falls, and never runs past the log', () => {
    const log = logOf([1, 1]);
    log.commitTo(2);
    log.commitTo(1);
    expect(log.committed).toBe(2);
    expect(() => log.commitTo(3)).toThrow(/this log ends at 2/);
  });
});

describe('a snapshot from the leader', () => {
  test('replaces everything at once, and is in force when it is durable', () => {
    const log = logOf([1, 1, 2, 2]);
    log.commitTo(2);
    log.install(snapshotAt(9, 4));
    expect([log.first, log.last, log.lastTerm, log.installing?.index]).toEqual([10, 9, 4, 9]);
    expect(marks(log)).toMatchObject({ committed: 9, applied: 0 });
    log.append(entriesAfter(9, 4));
    expect(log.takeUnstored().map(({ index }) => index)).toEqual([10]);
    log.commitTo(10);
    expect(log.hasUnapplied).toBe(false);
    log.installed(9);
    log.durableTo(10, 4);
    expect(marks(log)).toEqual({ applied: 9, applying: 9, committed: 10, durable: 10, last: 10 });
    expect([log.installing, log.snapshot.index]).toEqual([undefined, 9]);
    expect(log.takeUnapplied(unlimited).map(({ index }) => index)).toEqual([10]);
  });

  test('leaves nothing durable of the log that it replaces', () => {
    const log = logOf([1, 1, 2, 2, 2, 2, 2]);
    log.commitTo(2);
    log.install(snapshotAt(5, 4));
    log.installed(5);
    log.append(entriesAfter(5, 4));
    log.commitTo(6);
    expect(marks(log)).toMatchObject({ durable: 5, committed: 6, last: 6 });
    expect(log.hasUnapplied).toBe(false);
  });

  test('another one that is durable does not count for it', () => {
    const log = logOf([]);
    log.install(snapshotAt(5, 1));
    log.install(snapshotAt(9, 1));
    log.installed(5);
    expect([log.applied, log.installing?.index]).toEqual([0, 9]);
  });

  test('that would undo what is committed is refused', () => {
    const log = logOf([1, 1]);
    log.commitTo(2);
    expect(() => log.install(snapshotAt(2, 1))).toThrow(/would undo/);
  });

  test('makes this member’s own snapshots and compactions wait', () => {
    const log = logOf([1, 1]);
    log.commitTo(2);
    log.takeUnapplied(unlimited);
    log.appliedTo(2);
    log.install(snapshotAt(9, 4));
    log.snapshotTaken(snapshotAt(2, 1));
    expect([log.snapshot.index, log.compact(9)]).toEqual([0, 9]);
    expect(log.first).toBe(10);
  });
});

describe('compaction', () => {
  function applied(): RaftLog {
    const log = logOf([1, 1, 2, 2]);
    log.commitTo(3);
    log.takeUnapplied(unlimited);
    log.appliedTo(3);
    return log;
  }

  test('goes no further than the durable snapshot', () => {
    const log = applied();
    expect(log.compact(3)).toBe(0);
    log.snapshotTaken(snapshotAt(2, 1));
    expect(log.compact(3)).toBe(2);
    expect([log.first, log.termAt(2), log.termAt(1), termsOf(log)]).toEqual([3, 1, undefined, [2, 2]]);
  });

  test('goes no further than asked, and not back', () => {
    const log = applied();
    log.snapshotTaken(snapshotAt(3, 2));
    expect([log.compact(1), log.first, log.compact(0), log.first]).toEqual([1, 2, 1, 2]);
  });

  test('leaves what is to be stored and applied as it was', () => {
    const log = applied();
    log.append(entriesAfter(4, 3));
    log.snapshotTaken(snapshotAt(3, 2));
    log.compact(3);
    expect(log.takeUnstored().map(({ index }) => index)).toEqual([5]);
    log.commitTo(4);
    expect(log.takeUnapplied(unlimited).map(({ index }) => index)).toEqual([4]);
  });

  test('an older snapshot than the newest changes nothing', () => {
    const log = applied();
    log.snapshotTaken(snapshotAt(3, 2));
    log.snapshotTaken(snapshotAt(2, 1));
    expect(log.snapshot.index).toBe(3);
  });
});

test('the marks keep their order, whatever happens to the log', () => {
  const op = fc.oneof(
    { weight: 4, arbitrary: fc.record({ merge: fc.nat(4), back: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ commit: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.constant('store' as const) },
    { weight: 3, arbitrary: fc.constant('durable' as const) },
    { weight: 3, arbitrary: fc.record({ take: fc.nat(60) }) },
    { weight: 3, arbitrary: fc.constant('applied' as const) },
    { weight: 1, arbitrary: fc.record({ snapshotBefore: fc.nat(3), keep: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ install: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.constant('installed' as const) },
  );
  fc.assert(
    fc.property(fc.array(op, { maxLength: 80 }), (ops) => {
      const log = logOf([]);
      let term = 1;
      const handedOut: number[] = [];
      for (const one of ops) {
        if (one === 'store') log.takeUnstored();
        else if (one === 'durable') log.durableTo(log.last, log.lastTerm);
        else if (one === 'applied') log.appliedTo(log.applying);
        else if (one === 'installed') log.installed(log.installing?.index ?? 0);
        else if ('merge' in one) {
          // A new leader's: it replaces what is not committed.
          const after = Math.max(log.committed, log.last - one.back);
          log.merge(entriesAfter(after, ...Array.from({ length: one.merge }, () => ++term)));
        } else if ('commit' in one) log.commitTo(Math.min(log.last, log.committed + one.commit));
        else if ('take' in one) handedOut.push(...log.takeUnapplied(one.take).map(({ index }) => index));
        else if ('install' in one) log.install(snapshotAt(log.committed + one.install, ++term));
        else {
          const index = log.applied - one.snapshotBefore;
          const itsTerm = log.termAt(index);
          if (itsTerm !== undefined) log.snapshotTaken(snapshotAt(index, itsTerm));
          log.compact(index - one.keep);
        }
        expect(log.applied).toBeLessThanOrEqual(log.applying);
        expect(log.applying).toBeLessThanOrEqual(log.committed);
        expect(log.committed).toBeLessThanOrEqual(log.last);
        expect(log.durable).toBeLessThanOrEqual(log.last);
        if (!log.installing) expect(log.applying).toBeLessThanOrEqual(log.durable);
        expect(log.first).toBeLessThanOrEqual(log.last + 1);
        expect(termsOf(log).every((one_) => one_ !== undefined)).toBe(true);
      }
      // Each once, in order.
      expect(handedOut).toEqual([...new Set(handedOut)].toSorted((one, other) => one - other));
    }),
    { numRuns: 500 },
  );
});
