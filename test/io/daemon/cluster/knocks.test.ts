import { expect, test } from 'vitest';
import { KnockLimit, knocksOfAll, knocksOfOne } from '#io/daemon/cluster/knocks.ts';

/** A door, and its clock. */
function door(): { readonly limit: KnockLimit; pass(ms: number): void } {
  let now = 1000;
  return { limit: new KnockLimit({ monotonicMs: () => now }), pass: (ms) => void (now += ms) };
}

/** @returns how many of so many are let through */
function many(count: number, knock: (n: number) => unknown): number {
  return Array.from({ length: count }, (_, n) => knock(n)).filter((refused) => refused === undefined).length;
}

test('one address is bounded, and takes nothing from another one', () => {
  const { limit, pass } = door();
  expect(many(500, () => limit.knock('192.0.2.7', false))).toBe(knocksOfOne.burst);
  expect(limit.knock('192.0.2.7', false)).toBe('address');
  expect(limit.knock('192.0.2.8', false)).toBeUndefined();
  pass(10_000);
  expect(many(500, () => limit.knock('192.0.2.7', false))).toBe(10 * knocksOfOne.perSecond);
});

test('a network of IPv6 is one place: whoever has one address there has all of them', () => {
  const { limit } = door();
  expect(many(500, (n) => limit.knock(`2001:db8::${n.toString(16)}`, false))).toBe(knocksOfOne.burst);
  expect(limit.knock('2001:db8:0:1::1', false)).toBeUndefined();
});

test('a crowd is bounded as a whole, and keeps out nobody who has a good token', () => {
  const { limit, pass } = door();
  const crowd = (n: number) => limit.knock(`10.0.${n >> 8}.${n & 255}`, false);
  expect(many(1000, crowd)).toBe(knocksOfAll.burst);
  expect(limit.knock('192.0.2.7', false)).toBe('all');
  expect(limit.knock('192.0.2.7', true)).toBeUndefined();
  expect(many(500, () => limit.knock('192.0.2.7', true))).toBe(knocksOfOne.burst - 1);
  pass(1000);
  expect(many(1000, crowd)).toBe(knocksOfAll.perSecond);
});

test('what a crowd of addresses leaves behind is bounded, and forgotten once it is quiet', () => {
  const { limit, pass } = door();
  const crowd = (n: number) => limit.knock(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, true);
  // Those beyond the first thousands are counted as one.
  const through = many(5000, crowd);
  expect(through).toBeLessThan(3000);
  expect(limit.knock('192.0.2.9', true)).toBe('address');
  pass(60_000);
  expect(many(200, () => limit.knock('192.0.2.9', true))).toBe(knocksOfOne.burst);
});
