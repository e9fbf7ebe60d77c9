/** What waits to be proposed: in order, in batches of a bounded size, each for one term. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Proposals, type Proposal } from '#io/log/raft/member/proposals.ts';

const proposal = (id: number, options: { term?: number; entries?: number; bytes?: number } = {}): Proposal => ({
  id,
  term: options.term,
  entries: Array.from({ length: options.entries ?? 1 }, () => new Uint8Array(options.bytes ?? 10)),
});

const proposalsOf = (all: readonly Proposal[]): Proposals => {
  const proposals = new Proposals();
  for (const one of all) proposals.add(one);
  return proposals;
};

const ids = (batch: readonly Proposal[]): number[] => batch.map(({ id }) => id);

test('what waits goes as one batch, in the order in which it came', () => {
  const proposals = proposalsOf([proposal(1), proposal(2), proposal(3)]);
  expect(ids(proposals.takeBatch())).toEqual([1, 2, 3]);
  expect(proposals.takeBatch()).toEqual([]);
});

test('a batch ends at about 512 entries, and at about 256 KiB', () => {
  const many = proposalsOf(Array.from({ length: 5 }, (_, id) => proposal(id, { entries: 200 })));
  expect(ids(many.takeBatch())).toEqual([0, 1, 2]);
  expect(ids(many.takeBatch())).toEqual([3, 4]);
  const large = proposalsOf(Array.from({ length: 3 }, (_, id) => proposal(id, { bytes: 200_000 })));
  expect(ids(large.takeBatch())).toEqual([0, 1]);
  expect(ids(large.takeBatch())).toEqual([2]);
});

test('one that is larger than a batch goes alone', () => {
  const proposals = proposalsOf([proposal(1, { bytes: 8_000_000 }), proposal(2)]);
  expect(ids(proposals.takeBatch())).toEqual([1]);
  expect(ids(proposals.takeBatch())).toEqual([2]);
});

test('what was decided in another term is in another batch', () => {
  const proposals = proposalsOf([
    proposal(1, { term: 3 }),
    proposal(2, { term: 3 }),
    proposal(3, { term: 4 }),
    proposal(4),
  ]);
  expect(ids(proposals.takeBatch())).toEqual([1, 2]);
  expect(ids(proposals.takeBatch())).toEqual([3]);
  expect(ids(proposals.takeBatch())).toEqual([4]);
});

test('what had no room goes first when there is', () => {
  const proposals = proposalsOf([proposal(1), proposal(2)]);
  const batch = proposals.takeBatch();
  proposals.add(proposal(3));
  proposals.putBack(batch);
  expect(ids(proposals.takeBatch())).toEqual([1, 2, 3]);
});

test('whatever comes, everything leaves once and in order', () => {
  const one = fc.record({ term: fc.constantFrom(1, 2), entries: fc.nat(300), bytes: fc.nat(2000) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), fc.array(fc.boolean(), { maxLength: 10 }), (all, refusals) => {
      const proposals = proposalsOf(all.map((options, id) => proposal(id, options)));
      const left: number[] = [];
      for (let batch = proposals.takeBatch(), n = 0; batch.length > 0; batch = proposals.takeBatch(), n++) {
        expect(new Set(batch.map(({ term }) => term)).size).toBe(1);
        if (refusals[n] === true) proposals.putBack(batch);
        else left.push(...ids(batch));
      }
      expect(left).toEqual(all.map((_, id) => id));
    }),
  );
});
