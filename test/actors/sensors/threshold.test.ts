import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOver } from '#actors/sensors/threshold.ts';

const limit = { from: 0.9, until: 0.85 };

test('a threshold is crossed at one share and left below a smaller one', () => {
  const told: boolean[] = [];
  let over = false;
  for (const used of [89, 90, 86, 85, 84, 89, 90]) told.push((over = isOver(over, used, 100, limit)));
  expect(told).toEqual([false, true, true, true, false, false, true]);
});

test('what moves around one value is told once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 86, max: 94 }), { maxLength: 50 }), (samples) => {
      let over = false;
      let changes = 0;
      for (const used of samples) {
        const next = isOver(over, used, 100, limit);
        if (next !== over) changes++;
        over = next;
      }
      expect(changes).toBeLessThanOrEqual(1);
    }),
  );
});

test('of a size that nobody knows no share is known: what was, stays', () => {
  expect([isOver(true, 1, 0, limit), isOver(false, 1, 0, limit), isOver(false, 1, Number.NaN, limit)]).toEqual([
    true,
    false,
    false,
  ]);
});
