import { expect, test } from 'vitest';
import type { Entry } from '#events/raft/entry.ts';
import { entryRecord } from '#io/log/raft/entry-codec.ts';
import { entryKey } from '#io/log/raft/keys.ts';
import { EntryScan, type Scanned } from '#io/log/raft/scan.ts';
import { entriesAt, firstConfiguration } from './member.ts';

const ofTerm = (term: number, from: number, to: number) => entriesAt({ index: from - 1, term }, term, to - from + 1);

/** Each entry as if it followed on the one before it in the list. */
function scan(start: { index: number; term: number }, entries: readonly Entry[], termBefore = 0): Scanned {
  const judge = new EntryScan({ ...start, configuration: firstConfiguration }, 0);
  let before = termBefore;
  for (const entry of entries) {
    const key = entryKey(entry.index);
    judge.take(key, entryRecord(key, before, entry));
    before = entry.term;
  }
  return judge.end();
}

const indexesOf = ({ entries }: Scanned) => entries.map(({ index }) => index);

test('an empty log ends where it starts', () => {
  expect(scan({ index: 5, term: 2 }, [])).toMatchObject({
    base: { index: 5, term: 2 },
    last: { index: 5, term: 2 },
    isBroken: false,
  });
});

test('entries before the start are kept if they lead up to it', () => {
  const kept = scan({ index: 5, term: 1 }, [...ofTerm(1, 3, 5), ...ofTerm(2, 6, 7)], 1);
  expect(kept.base).toEqual({ index: 2, term: 1 });
  expect(indexesOf(kept)).toEqual([3, 4, 5, 6, 7]);
  expect(indexesOf(scan({ index: 5, term: 1 }, [...ofTerm(1, 2, 3), ...ofTerm(1, 5, 6)], 1))).toEqual([5, 6]);
});

test('old entries of another log than the snapshot are dropped', () => {
  for (const old of [ofTerm(1, 1, 3), ofTerm(1, 1, 2)]) {
    const scanned = scan({ index: 3, term: 2 }, old);
    expect(indexesOf(scanned)).toEqual([]);
    expect(scanned).toMatchObject({ base: { index: 3, term: 2 }, last: { index: 3, term: 2 }, findings: [] });
  }
});

test('what follows on another log than the snapshot is no part of this one', () => {
  const scanned = scan({ index: 3, term: 2 }, ofTerm(1, 1, 5));
  expect(scanned).toMatchObject({ isBroken: true, last: { index: 3, term: 2 }, tail: 5 });
});

test('a term never falls within a log', () => {
  const scanned = scan({ index: 0, term: 0 }, [...ofTerm(3, 1, 2), ...ofTerm(2, 3, 4)]);
  expect(indexesOf(scanned)).toEqual([1, 2]);
  expect(scanned.isBroken).toBe(true);
});

test('the furthest entry is seen behind the damage too', () => {
  const scanned = scan({ index: 0, term: 0 }, [...ofTerm(1, 1, 2), ...ofTerm(4, 5, 9)]);
  expect(scanned).toMatchObject({ last: { index: 2, term: 1 }, furthest: { index: 9, term: 4 }, tail: 9 });
  expect(scanned.findings).toEqual([
    { kind: 'gap', explain: expect.stringMatching(/^Entries 3 to 4 are missing: .*entry 2/) },
  ]);
});

test('a key that no entry has is passed over', () => {
  const judge = new EntryScan({ index: 0, term: 0, configuration: firstConfiguration }, 0);
  judge.take(Uint8Array.of(1, 2), new Uint8Array(50));
  expect(judge.end()).toMatchObject({ isBroken: false, findings: [], tail: 0 });
});
