/** The newest entries in memory: always those that were appended last, in slices without a gap, within bounds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HistoryTail, sliceBytes, sliceEntries } from '#io/log/raft/history/tail.ts';

const entry = (index: number, size = 1) => ({ index, term: 1, bytes: new Uint8Array(size) });

test('whoever keeps up is served from memory, without a gap', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 }),
      fc.nat(),
      (batches, from) => {
        const tail = new HistoryTail();
        let last = 0;
        for (const count of batches) {
          tail.add(Array.from({ length: count }, (_, n) => entry(last + 1 + n)));
          last += count;
        }
        let at = from % last;
        for (let slice = tail.after(at); slice; slice = tail.after(at)) {
          expect(slice[0]?.index).toBe(at + 1);
          expect(slice.length).toBeLessThanOrEqual(sliceEntries);
          at += slice.length;
        }
        // What is not here any more is asked of the segments; nothing else is missing.
        expect(at === last || last - at > sliceEntries).toBe(true);
        expect(tail.after(last)).toBeUndefined();
      },
    ),
  );
});

test('large entries come one by one, and old ones go', () => {
  const tail = new HistoryTail();
  for (let index = 1; index <= 5; index++) tail.add([entry(index, sliceBytes - 1)]);
  expect(tail.after(0)).toBeUndefined();
  expect(tail.after(4)?.map(({ index }) => index)).toEqual([5]);
  expect(tail.after(3)?.map(({ index }) => index)).toEqual([4]);
});

test('behind a gap it begins anew, and what comes again is passed over', () => {
  const tail = new HistoryTail();
  tail.add([entry(1), entry(2)]);
  tail.add([entry(2), entry(3)]);
  expect(tail.after(0)?.map(({ index }) => index)).toEqual([1, 2, 3]);
  tail.add([entry(9)]);
  expect(tail.after(0)).toBeUndefined();
  expect(tail.after(8)?.map(({ index }) => index)).toEqual([9]);
});
