/** The window of appends that are on their way. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Inflight } from '#events/raft/inflight.ts';

describe('the window', () => {
  test('is full by count', () => {
    const inflight = new Inflight(2, 1000);
    inflight.add(1, 1);
    expect(inflight.isFull).toBe(false);
    inflight.add(2, 1);
    expect(inflight.isFull).toBe(true);
  });

  test('is full by bytes, though one message of any size fits into an empty one', () => {
    const inflight = new Inflight(100, 10);
    expect(inflight.isFull).toBe(false);
    inflight.add(1, 5000);
    expect([inflight.isFull, inflight.bytes]).toEqual([true, 5000]);
  });

  test('is freed up to what was acknowledged, and not beyond', () => {
    const inflight = new Inflight(10, 1000);
    for (const last of [3, 6, 9]) inflight.add(last, 10);
    inflight.freeTo(2);
    expect(inflight.count).toBe(3);
    // In the middle of the second message: that is still on its way.
    inflight.freeTo(5);
    expect([inflight.count, inflight.bytes]).toEqual([2, 20]);
    inflight.freeTo(9);
    expect([inflight.count, inflight.bytes]).toEqual([0, 0]);
    inflight.freeTo(100);
    expect([inflight.count, inflight.bytes]).toEqual([0, 0]);
  });

  test('is empty after it was cleared', () => {
    const inflight = new Inflight(1, 1);
    inflight.add(1, 1);
    inflight.clear();
    expect([inflight.count, inflight.bytes, inflight.isFull]).toEqual([0, 0, false]);
  });
});

test('count and bytes are those of a plain list, whatever is added and freed', () => {
  const step = fc.oneof(
    fc.record({ entries: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ back: fc.nat(20) }),
    fc.constant('clear' as const),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 200 }),
      fc.array(step),
      (count, bytes, steps) => {
        const inflight = new Inflight(count, bytes);
        let model: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const one of steps) {
          if (one === 'clear') {
            inflight.clear();
            model = [];
          } else if ('back' in one) {
            inflight.freeTo(last - one.back);
            model = model.filter((message) => message.last > last - one.back);
          } else {
            last += one.entries;
            inflight.add(last, one.bytes);
            model.push({ last, bytes: one.bytes });
          }
          const sum = model.reduce((total, message) => total + message.bytes, 0);
          expect([inflight.count, inflight.bytes, inflight.isFull]).toEqual([
            model.length,
            sum,
            model.length >= count || sum >= bytes,
          ]);
        }
      },
    ),
  );
});
