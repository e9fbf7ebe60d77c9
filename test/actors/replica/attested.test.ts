/** What a node knows of its replicas, over restarts and boots. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { carriedOver, storedAttested, type Attested } from '#actors/replica/attested.ts';
import { clockToleranceMs } from '#events/values/clock.ts';

const known = (atMs: number): Attested => new Map([['r', { until: new Map([['g', atMs]]), endedMs: undefined }]]);
const untilOf = (attested: Attested): number | undefined => attested.get('r')?.until.get('g');

describe('what was attested', () => {
  test('is the same after a restart of the daemon', () => {
    const stored = storedAttested(known(4000), { boot: 'a', bootMs: 5000, wallMs: 1e12 });
    const after = carriedOver(stored, { boot: 'a', bootMs: 60_000, wallMs: 0, logAt: 0 });
    expect(after).toEqual(known(4000));
  });

  test('is never taken for younger after a boot, as long as clocks are no further apart than a lab bears', () => {
    const off = fc.integer({ min: -clockToleranceMs, max: clockToleranceMs });
    fc.assert(
      fc.property(fc.nat(1e7), fc.nat(1e9), fc.nat(1e8), off, off, off, (age, away, up, before, after, log) => {
        // True times: stored at 10^12, booted `away` later, read `up` after that.
        const stored = storedAttested(known(5e6 - age), { boot: 'a', bootMs: 5e6, wallMs: 1e12 + before });
        const now = 1e12 + away + up;
        const read = carriedOver(stored, { boot: 'b', bootMs: up, wallMs: now + after, logAt: now + log });
        const trueAt = up - (away + up) - age;
        const told = untilOf(read);
        if (told !== undefined) expect(told).toBeLessThanOrEqual(trueAt);
      }),
    );
  });

  test('is unknown after a boot with a clock that went back', () => {
    const stored = storedAttested(known(4000), { boot: 'a', bootMs: 5000, wallMs: 1e12 });
    expect(carriedOver(stored, { boot: 'b', bootMs: 100, wallMs: 1e12 - 1, logAt: 1e12 + 1000 }).size).toBe(0);
  });

  test('of a volume that is lost stays what it was, over a boot, too', () => {
    const lost: Attested = new Map([['r', { until: new Map([['g', 4000]]), endedMs: 9000 }]]);
    const stored = storedAttested(lost, { boot: 'a', bootMs: 20_000, wallMs: 1e12 });
    const after = carriedOver(stored, { boot: 'b', bootMs: 100, wallMs: 1e12 + 5e6, logAt: 0 }).get('r');
    expect((after?.endedMs ?? 0) - (after?.until.get('g') ?? 0)).toBe(5000);
  });
});
