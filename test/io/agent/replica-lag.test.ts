/** A node asks what its replicas lack, and goes on telling it when nobody answers any more. */
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { ReplicaLagRow } from '#io/contract/live.ts';
import type { Attestation } from '#io/agent/attester.ts';
import { ReplicaLag, type ReplicaLagParts } from '#io/agent/replica-lag.ts';
import { simAttestations } from '#io/devices/attestations/sim.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const node = 'node:vega';
const stream = 'replica:one';

function lagging(answer: () => readonly Attestation[]) {
  const clock = new VirtualClock(Date.UTC(2026, 5, 1));
  const store = simAttestations();
  const rows = new Map<string, ReplicaLagRow>();
  const replica = {
    stream,
    state: 'idle',
    context: { volume: 'volume:data', cursor: { guid: 'aa' }, sync: null, unsaid: [] as string[] },
  };
  const lab = {
    view: { at: 0, referrers: () => [replica], get: () => ({ context: { node: 'node:atlas' } }) },
    observedRows: {
      put: (_: string, key: string, row: ReplicaLagRow) => rows.set(key, row),
      delete: (_: string, key: string) => rows.delete(key),
    },
  } as unknown as ReplicaLagParts['lab'];
  const begin = (): ReplicaLag =>
    new ReplicaLag({
      ...{ node, lab, store, clock, log: pino({ level: 'silent' }) },
      boot: { id: 'boot', time: { nowMs: () => Math.floor(clock.monotonicMs()) } },
      sources: { attested: async () => new Map([['one', answer()]]) },
    });
  return { clock, replica, begin, row: () => rows.get(stream) };
}

const away = (): never => {
  throw new Error('no link');
};

describe('what a replica lacks', () => {
  test('is what its volume has not attested, counted from the question', async () => {
    const it = lagging(() => [{ guid: 'aa', ageMs: 900, bytes: 4096 }]);
    const lag = it.begin();
    lag.start();
    await it.clock.run(100);
    expect(it.row()).toMatchObject({ snapshot: 'aa', bytes: 4096 });
    expect(it.row()?.lossMs).toBeGreaterThanOrEqual(900);
    expect(it.row()?.lossMs).toBeLessThan(1200);
    const stopped = lag.stop();
    await it.clock.run(100);
    await stopped;
    expect(it.row()).toBeUndefined();
  });

  test('grows when nobody answers, and is known to the next daemon', async () => {
    let answer: () => readonly Attestation[] = () => [{ guid: 'aa', ageMs: 0 }];
    const it = lagging(() => answer());
    const first = it.begin();
    first.start();
    await it.clock.run(100);
    answer = away;
    await it.clock.run(60_000);
    expect(it.row()?.lossMs).toBeGreaterThanOrEqual(55_000);
    // It is killed: nothing is written at the end.
    const second = it.begin();
    second.start();
    await it.clock.run(100);
    expect(it.row()?.lossMs).toBeGreaterThanOrEqual(60_000);
    expect(it.row()?.lossMs).toBeLessThan(80_000);
  });

  test('is unknown of a snapshot that nobody has attested, and known as soon as it holds one that was', async () => {
    const it = lagging(() => [{ guid: 'bb', ageMs: 0 }]);
    it.begin().start();
    await it.clock.run(6000);
    expect(it.row()?.lossMs).toBeUndefined();
    it.replica.context.cursor = { guid: 'bb' };
    await it.clock.run(6000);
    expect(it.row()?.lossMs).toBeDefined();
  });

  test('ends to grow when its volume is lost: somebody has said that nobody writes to it', async () => {
    let answer: () => readonly Attestation[] = () => [{ guid: 'aa', ageMs: 0 }];
    const it = lagging(() => answer());
    it.begin().start();
    await it.clock.run(100);
    answer = away;
    it.replica.state = 'orphaned';
    await it.clock.run(10_000);
    const told = it.row()?.lossMs;
    await it.clock.run(60_000);
    expect(it.row()?.lossMs).toBe(told);
  });
});
