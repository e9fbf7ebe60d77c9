import { expect, test } from 'vitest';
import { planOf } from '#io/log/raft/plan.ts';
import { entriesAt, firstConfiguration, jobsOf, nothing } from './member.ts';

const start = { index: 2, term: 1 };
const stored = { index: 8, term: 2 };
const hardState = (term: number) => ({ term, vote: undefined, commit: 2 });
const jobs = (...parts: Parameters<typeof jobsOf>[1]) => jobsOf({ ...nothing, last: stored }, parts).jobs;
const indexesOf = (entries: readonly { readonly index: number; readonly term: number }[]) =>
  entries.map(({ index, term }) => `${index} (${term})`);

test('no jobs come to nothing', () => {
  expect(planOf([], start, stored)).toMatchObject({ entries: [], replacedFrom: undefined, last: stored });
});

test('appending replaces nothing', () => {
  const plan = planOf(
    jobs({ entries: entriesAt(stored, 2, 2) }, { entries: entriesAt({ index: 10, term: 2 }, 3, 1) }),
    start,
    stored,
  );
  expect(indexesOf(plan.entries)).toEqual(['9 (2)', '10 (2)', '11 (3)']);
  expect(plan.replacedFrom).toBeUndefined();
  expect(plan.last).toEqual({ index: 11, term: 3 });
});

test('of what is replaced twice the later counts, and the lowest place where anything was replaced', () => {
  const first = { hardState: hardState(3), entries: entriesAt({ index: 4, term: 1 }, 3, 4) };
  const second = { hardState: hardState(4), entries: entriesAt({ index: 6, term: 3 }, 4, 1) };
  const plan = planOf(jobs(first, second), start, stored);
  expect(indexesOf(plan.entries)).toEqual(['5 (3)', '6 (3)', '7 (4)']);
  expect(plan.replacedFrom).toBe(5);
  expect(plan.last).toEqual({ index: 7, term: 4 });
  expect(plan.hardState).toEqual(hardState(4));
  const lower = { hardState: hardState(5), entries: entriesAt({ index: 2, term: 1 }, 5, 1) };
  expect(planOf(jobs(first, second, lower), start, stored)).toMatchObject({
    replacedFrom: 3,
    last: { index: 3, term: 5 },
  });
});

test('a snapshot takes the place of everything before it', () => {
  const snapshot = { index: 20, term: 4, configuration: firstConfiguration };
  const before = { entries: entriesAt({ index: 4, term: 1 }, 3, 4) };
  const plan = planOf(jobs(before, { snapshot }, { entries: entriesAt(snapshot, 4, 1) }), start, stored);
  expect(plan.install).toBe(snapshot);
  expect(plan.replacedFrom).toBeUndefined();
  expect(indexesOf(plan.entries)).toEqual(['21 (4)']);
});

test('the last word about a suspicion counts', () => {
  const suspicion = { term: 2, lastIndex: 9, lastTerm: 2 };
  expect(planOf(jobs({ suspicion }, { suspicion: 'cleared' }, {}), start, stored).suspicion).toBe('cleared');
  expect(planOf(jobs({ suspicion: 'cleared' }, { suspicion }), start, stored).suspicion).toBe(suspicion);
});

test('a gap, within a job or before it, and an entry that a snapshot holds break an invariant', () => {
  const [first, , third] = entriesAt(stored, 2, 3);
  if (!first || !third) throw new Error('three entries were made');
  for (const entries of [[first, third], [third], entriesAt({ index: 1, term: 1 }, 3, 1)]) {
    expect(() => planOf(jobs({ entries }), start, stored)).toThrow(
      expect.objectContaining({ name: 'ConsensusBroken' }),
    );
  }
});
