import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultLeaseSettings, renewEveryMs, waitMs } from '#events/lease/settings.ts';

const { leaseMs, killMs } = defaultLeaseSettings;

test('a leader waits 14.7 seconds for a lease of ten', () => {
  expect(waitMs(defaultLeaseSettings, leaseMs)).toBeCloseTo(14_666.7, 1);
});

test('a lease of which one renewal is lost goes on', () => {
  expect(2 * renewEveryMs(defaultLeaseSettings)).toBeLessThan(leaseMs);
});

test('whatever the clocks show within their error, the lease is over and enforced when the leader says so', () => {
  const rate = fc.double({ min: 0.9, max: 1.1, noNaN: true });
  fc.assert(
    fc.property(rate, rate, fc.integer({ min: 1, max: 600_000 }), (holders, leaders, lengthMs) => {
      const enforcedAfterMs = (lengthMs + killMs) / holders;
      const saidAfterMs = waitMs(defaultLeaseSettings, lengthMs) / leaders;
      expect(saidAfterMs).toBeGreaterThanOrEqual(enforcedAfterMs - 1e-6);
    }),
  );
});
