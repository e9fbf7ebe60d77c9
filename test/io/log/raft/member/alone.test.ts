import { expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { isAloneWithLoss } from '#io/log/raft/member/alone.ts';

const [a, b, c] = [asPeer('a.1'), asPeer('b.1'), asPeer('c.1')];

test('what the only voter has lost nobody else has', () => {
  const status = { isSuspect: true, peer: a, configuration: configurationOf([a]) };
  expect(isAloneWithLoss(status, 0)).toBe(true);
  expect(isAloneWithLoss(status, 1)).toBe(true);
  expect(isAloneWithLoss({ ...status, isSuspect: false }, 0)).toBe(false);
});

test('the founder of a lab of three waits for the others, who have what it lost', () => {
  expect(isAloneWithLoss({ isSuspect: true, peer: a, configuration: configurationOf([a, b, c]) }, 2)).toBe(false);
});

test('also when it has lost the entry by which they came', () => {
  expect(isAloneWithLoss({ isSuspect: true, peer: a, configuration: configurationOf([a]) }, 2)).toBe(false);
});
