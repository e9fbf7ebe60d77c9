/** What is told to be lost at most is never less than what really would be: over clocks, looks, streams and restarts. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { heard } from '#actors/replica/attested.ts';
import { attestedAtMs, lastWriteMs, lossByEnd, possibleLossMs } from '#actors/replica/loss.ts';
import { attest, notAttesting, type Attesting, type Shown } from '#actors/sensors/attesting.ts';
import { defaultLeaseSettings as settings, waitMs } from '#events/lease/settings.ts';

describe('possible loss', () => {
  test('is infinite while nobody has attested anything', () => {
    expect(possibleLossMs(undefined, 1000, settings)).toBe(Number.POSITIVE_INFINITY);
  });

  test('grows with time, and shrinks with a later attestation', () => {
    const time = fc.nat(1e9);
    fc.assert(
      fc.property(time, time, time, (attested, now, later) => {
        const loss = possibleLossMs(attested, now, settings);
        expect(possibleLossMs(attested, now + later, settings)).toBeGreaterThanOrEqual(loss);
        expect(possibleLossMs(attested + later, now, settings)).toBeLessThanOrEqual(loss);
        expect(loss).toBeGreaterThanOrEqual(now - attested);
      }),
    );
  });

  test('ends to grow once whoever held the lease can write no more, and not before', () => {
    const leased = { is: 'leased', arrivedAtMs: 1000, lengthMs: settings.leaseMs } as const;
    const endMs = 1000 + waitMs(settings, settings.leaseMs);
    expect(lastWriteMs(leased, endMs - 1, settings)).toBe(endMs - 1);
    expect(lastWriteMs(leased, endMs + 60_000, settings)).toBe(endMs);
    expect(lastWriteMs({ is: 'unbound' }, 99_000, settings)).toBe(99_000);
    expect(lastWriteMs({ is: 'fenced', atMs: 5000 }, 99_000, settings)).toBe(5000);
  });

  test('that is told after the end is less by the time for which nobody wrote, as far as clocks can tell', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(5000), rate, rate, (wrote, idle, way, theirs, mine) => {
        // Attested at 0; the last write at `wrote`, which the one who asks knows; asked after `idle`, answered after `way`.
        const lossMs = possibleLossMs(0, (wrote + idle + way) * theirs, settings);
        const [lastWrite, askedAtMs] = [wrote * mine, (wrote + idle) * mine];
        const loss = lossByEnd({ lossMs, askedAtMs }, lastWrite, settings);
        expect(loss).toBeGreaterThanOrEqual(wrote - 0.001);
        expect(loss).toBeLessThanOrEqual(lossMs);
      }),
    );
  });

  test('that was told before the end stays as it was told', () => {
    expect(lossByEnd({ lossMs: 7000, askedAtMs: 1000 }, 2000, settings)).toBe(7000);
  });
});

/** As wrong as leases bear. */
const rate = fc.double({ min: 1 - settings.clockError, max: 1 + settings.clockError, noNaN: true });

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(8000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('snapshot' as const), ms: fc.nat(3000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), which: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), ms: fc.nat(2000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const) }) },
);

interface Snap {
  readonly guid: string;
  readonly sequence: number;
  /** True time up to which it has what was written. */
  readonly hasUpTo: number;
}

test('is never less than what was really lost, whatever clocks, looks, streams and restarts do', () => {
  fc.assert(
    fc.property(
      fc.record({ of: rate, at: rate, ahead: fc.integer({ min: -1e7, max: 1e7 }), delayMs: fc.nat(40_000) }),
      fc.array(step, { minLength: 5, maxLength: 60 }),
      ({ of, at, ahead, delayMs }, steps) => {
        // True time is `now`; each node reads it as its own boot time, in units of 10 ms.
        let now = 0;
        const unit = (ms: number): number => Math.floor(ms / 10) * 10;
        const volumeTime = (): number => unit(1e6 + now * of);
        const replicaTime = (): number => unit(1e6 + ahead + now * at);
        const writes: number[] = [];
        let snaps: Snap[] = [];
        let index = 1;
        let attesting: Attesting = notAttesting;
        let cursor: Snap | undefined;
        let kept: ReadonlyMap<string, number> = new Map();
        /** What a look finds: what was written long enough ago is in it for certain, of the rest nothing. */
        const look = (): void => {
          const moment = { atMs: volumeTime(), index };
          const newest = snaps.at(-1);
          const seen = writes.filter((when) => when <= now - delayMs);
          const changed = newest === undefined || seen.some((when) => when > newest.hasUpTo);
          // The delay is told by a clock as well, and the slowest one is waited for.
          const shown: Shown = {
            since: newest?.guid,
            changed,
            asOfMs: moment.atMs - delayMs * (1 + settings.clockError),
          };
          now += 5;
          attesting = attest(attesting, moment, shown, snaps, new Set(cursor ? [cursor.guid] : []));
        };
        const judge = (): void => {
          const loss = possibleLossMs(cursor && kept.get(cursor.guid), replicaTime(), settings);
          const lost = writes.filter((when) => when > (cursor?.hasUpTo ?? -1));
          const [first] = lost;
          const last = lost.at(-1);
          if (first !== undefined && last !== undefined) expect(loss).toBeGreaterThanOrEqual(last - first);
          if (first !== undefined) expect(loss).toBeGreaterThanOrEqual(now - first);
        };
        for (const what of steps) {
          now += 1;
          switch (what.do) {
            case 'wait':
              now += what.ms;
              break;
            case 'write':
              writes.push(now);
              break;
            case 'look':
              look();
              break;
            case 'snapshot': {
              const sequence = ++index;
              now += what.ms;
              snaps.push({ guid: `g${sequence}`, sequence, hasUpTo: now });
              break;
            }
            case 'remove':
              snaps = snaps.filter((snap) => snap !== snaps.at(-1) || snap === cursor);
              break;
            case 'sync':
              cursor = snaps.at(-1 - what.which) ?? cursor;
              break;
            case 'ask': {
              const askedAtMs = replicaTime();
              now += what.ms;
              const nowOfVolume = volumeTime();
              const news = new Map(
                [...attesting.until].map(([guid, atMs]) => [
                  guid,
                  attestedAtMs({ askedAtMs, ageMs: Math.max(0, nowOfVolume - atMs) }),
                ]),
              );
              now += what.ms;
              kept = heard(kept, news, new Set(cursor ? [cursor.guid] : []));
              break;
            }
            case 'restart':
              attesting = notAttesting;
              break;
          }
          judge();
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('a look that finds nothing new, and one that finds another snapshot, say how far each goes', () => {
  const none = new Set<string>();
  const first = [{ guid: 'a', sequence: 4 }];
  let known = attest(notAttesting, { atMs: 1000, index: 9 }, { since: 'a', changed: false, asOfMs: 1000 }, first, none);
  expect(known.until).toEqual(new Map([['a', 1000]]));
  known = attest(known, { atMs: 2000, index: 9 }, { since: 'a', changed: true, asOfMs: 2000 }, first, none);
  expect(known.until).toEqual(new Map([['a', 1000]]));
  const second = [...first, { guid: 'b', sequence: 10 }];
  known = attest(known, { atMs: 3000, index: 12 }, { since: 'b', changed: true, asOfMs: 3000 }, second, none);
  expect(known.until.get('b')).toBe(2000);
});

test('what was there before this node began to look is not taken for new', () => {
  const old = [{ guid: 'a', sequence: 4 }];
  const known = attest(
    notAttesting,
    { atMs: 1000, index: 9 },
    { since: 'a', changed: true, asOfMs: 0 },
    old,
    new Set(),
  );
  expect(known.until.size).toBe(0);
});
