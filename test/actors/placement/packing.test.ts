import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placingStrategy, type PlacingStrategy } from '#events/values/replication.ts';
import { fitting, harmonicClass, type Bin } from '#actors/placement/packing.ts';

const strategies = placingStrategy.options;

const bins = fc.uniqueArray(
  fc.record({
    node: fc.integer({ min: 0, max: 50 }).map((n) => `node:n${String(n).padStart(2, '0')}` as const),
    pool: fc.constantFrom('main', 'tank'),
    capacityBytes: fc.integer({ min: 1, max: 1000 }),
    heldBytes: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
  }),
  { selector: ({ node, pool }) => `${node}/${pool}`, maxLength: 12 },
);
const withRoom = bins.map((all): Bin[] =>
  all.map((bin) => ({
    ...bin,
    freeBytes: Math.max(0, bin.capacityBytes - bin.heldBytes.reduce((sum, bytes) => sum + bytes, 0)),
  })),
);
const bin = (name: string, freeBytes: number, heldBytes: readonly number[] = [], capacityBytes = 100): Bin => ({
  node: `node:${name}`,
  pool: 'main',
  freeBytes,
  capacityBytes,
  heldBytes,
});
const names = (strategy: PlacingStrategy, need: number, all: readonly Bin[]) =>
  fitting(strategy, need, all).map(({ node }) => node.slice('node:'.length));

describe('every strategy', () => {
  test('takes all that have room and nothing else, in an order that does not depend on theirs', () => {
    fc.assert(
      fc.property(fc.constantFrom(...strategies), fc.integer({ min: 1, max: 500 }), withRoom, (strategy, need, all) => {
        const chosen = fitting(strategy, need, all);
        expect(new Set(chosen)).toEqual(new Set(all.filter(({ freeBytes }) => freeBytes >= need)));
        expect(fitting(strategy, need, all.toReversed())).toEqual(chosen);
      }),
    );
  });

  test('of the best of the first leaves most, of the best of the second least', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), withRoom, (need, all) => {
        const free = fitting('most-free', need, all).map(({ freeBytes }) => freeBytes);
        expect(free[0]).toBe(free.length === 0 ? undefined : Math.max(...free));
        expect(fitting('bin-pack', need, all)[0]?.freeBytes).toBe(free.length === 0 ? undefined : Math.min(...free));
      }),
    );
  });
});

test('most free, best fit and first fit choose as they are called', () => {
  const all = [bin('b', 40), bin('a', 20), bin('c', 90)];
  expect(names('most-free', 15, all)).toEqual(['c', 'b', 'a']);
  expect(names('bin-pack', 15, all)).toEqual(['a', 'b', 'c']);
  expect(names('first-fit-decreasing', 15, all)).toEqual(['a', 'b', 'c']);
  expect(names('bin-pack', 30, all)).toEqual(['b', 'c']);
});

test('harmonic puts what is alike together, then begins an empty pool, and mixes only when it must', () => {
  const all = [bin('mixed', 55, [45]), bin('empty', 100), bin('alike', 40, [12, 11])];
  // An eighth of a pool: of the class of the small ones.
  expect(names('harmonic', 12, all)).toEqual(['alike', 'empty', 'mixed']);
  expect(names('harmonic', 45, all)).toEqual(['mixed', 'empty']);
});

test('the classes of harmonic are one for more than a half, one for more than a third, and so on', () => {
  expect([51, 50, 34, 33, 20, 17, 3, 1].map((bytes) => harmonicClass(bytes, 100))).toEqual([1, 2, 2, 3, 5, 5, 6, 6]);
});
