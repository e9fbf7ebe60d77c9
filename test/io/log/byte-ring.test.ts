/** Copies of the newest byte strings: each is as it was put, until newer ones need its room. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteRing } from '#io/log/byte-ring.ts';

const capacity = 64;
const longest = 40;

test('whatever is not older than the oldest reads as it was put, and the newest are never older', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: longest }), { minLength: 1, maxLength: 60 }), (strings) => {
      const ring = new ByteRing(capacity);
      const put: { readonly at: number; readonly bytes: Uint8Array }[] = [];
      for (const bytes of strings) {
        put.push({ at: ring.put(bytes), bytes });
        for (const { at, bytes: was } of put)
          if (at >= ring.oldest) expect([...ring.view(at, was.length)]).toEqual([...was]);
        // What a gap at the end of the block takes from them is less than the string that did not fit there.
        let sumBytes = 0;
        for (const { at, bytes: was } of put.toReversed()) {
          sumBytes += was.length;
          if (sumBytes <= capacity - longest) expect(at).toBeGreaterThanOrEqual(ring.oldest);
        }
      }
    }),
  );
});

test('what changes at its owner does not change here', () => {
  const ring = new ByteRing(8);
  const bytes = Uint8Array.of(1, 2, 3);
  const at = ring.put(bytes);
  bytes.fill(0);
  expect([...ring.view(at, 3)]).toEqual([1, 2, 3]);
});

test('what is larger than the ring is not kept, and nothing from before it', () => {
  const ring = new ByteRing(8);
  const before = ring.put(Uint8Array.of(1));
  const large = ring.put(new Uint8Array(9));
  expect(before).toBeLessThan(ring.oldest);
  expect(large).toBeLessThan(ring.oldest);
  const after = ring.put(Uint8Array.of(7, 8));
  expect(after).toBeGreaterThanOrEqual(ring.oldest);
  expect([...ring.view(after, 2)]).toEqual([7, 8]);
});
