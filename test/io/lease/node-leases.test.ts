/** What the rest of a node knows, when the thread of leases says nothing any more. */
import { expect, test } from 'vitest';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import { NodeLeases } from '#io/lease/node-leases.ts';
import type { ToLeases } from '#io/lease/protocol.ts';

function leasesAt(time: { nowMs: number; readonly isGone?: boolean }, applied = { entry: 100, event: 90 }) {
  const said: ToLeases[] = [];
  const leases = new NodeLeases({
    settings: defaultLeaseSettings,
    bootTime: { nowMs: () => time.nowMs },
    say: (message) => {
      if (time.isGone) return false;
      said.push(message);
      return true;
    },
    applied: () => ({ ...applied }),
  });
  return { leases, said };
}

test('a lease is over in time, whatever the thread said last', () => {
  const time = { nowMs: 5000 };
  const { leases } = leasesAt(time);
  expect([leases.own.state, leases.isSafeToStart(90), leases.granted]).toEqual(['none', false, undefined]);
  const own = { state: 'held', untilMs: 12_000, requiredIndex: 40, denied: undefined } as const;
  leases.hear({ say: 'report', report: { own, term: undefined, rows: [] } });
  expect([leases.own.state, leases.isSafeToStart(90)]).toEqual(['held', true]);
  time.nowMs = 11_980;
  expect(leases.own.state).toBe('held');
  time.nowMs = 11_990;
  expect([leases.own.state, leases.isSafeToStart(90)]).toEqual(['lapsed', false]);
});

test('each question gets its own answer', async () => {
  const { leases, said } = leasesAt({ nowMs: 0 });
  const [refused, curtailed] = [leases.refuse('vega'), leases.curtail('polaris')];
  expect(said).toEqual([
    { do: 'refuse', id: 1, node: 'vega' },
    { do: 'curtail', id: 2, node: 'polaris' },
  ]);
  leases.hear({ say: 'expires', id: 2, byMs: 9000 });
  leases.hear({ say: 'expires', id: 1, byMs: undefined });
  expect([await refused, await curtailed]).toEqual([undefined, 9000]);
});

test('nobody waits for a thread that is gone, or was never there', async () => {
  const { leases } = leasesAt({ nowMs: 0 });
  const asked = [leases.refuse('vega'), leases.curtail('polaris')];
  leases.end();
  expect(await Promise.all([...asked, leases.refuse('vega')])).toEqual([undefined, undefined, undefined]);
  expect(await leasesAt({ nowMs: 0, isGone: true }).leases.refuse('vega')).toBeUndefined();
});

test('it is safe to start things when the fold has what the log had come to, and that does not run away from it', () => {
  const applied = { entry: 39, event: 30 };
  const { leases } = leasesAt({ nowMs: 0 }, applied);
  const hold = (requiredIndex: number): void => {
    const own = { state: 'held', untilMs: 12_000, requiredIndex, denied: undefined } as const;
    leases.hear({ say: 'report', report: { own, term: undefined, rows: [] } });
  };
  const safe = (...folded: readonly number[]) => folded.map((event) => leases.isSafeToStart(event));
  hold(40);
  expect(safe(30, 1000)).toEqual([false, false]);
  Object.assign(applied, { entry: 40, event: 31 });
  expect(safe(30, 31)).toEqual([false, true]);
  Object.assign(applied, { entry: 900, event: 800 });
  expect(safe(30, 31)).toEqual([false, true]);
  // After a lapse.
  hold(901);
  expect(safe(800)).toEqual([false]);
  Object.assign(applied, { entry: 902, event: 803 });
  expect(safe(802, 803)).toEqual([false, true]);
});
