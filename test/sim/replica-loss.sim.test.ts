/**
 * An app writes all the time, people take snapshots, nodes and daemons are killed and come back, and the clocks of the
 * machines are as wrong as leases bear. The oracle knows each write and when it was: whatever a node says would be lost
 * with its replica covers what really would be.
 */
import { describe, expect, test } from 'vitest';
import type { ReplicaLagRow } from '#io/contract/live.ts';
import { idOf } from '#events/envelope.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { OneMachine } from '#test/io/agent/one-machine.ts';

const drifts = [
  { rate: 1.1, aheadMs: 7_000_000 },
  { rate: 0.9, aheadMs: 0 },
  { rate: 0.95, aheadMs: 40_000_000 },
];
const rounds = 40;

interface Told {
  readonly wrong?: string;
  /** How often something was told, how often it was finite, and how often something really would have been lost. */
  readonly counts: { told: number; finite: number; lossy: number };
}

async function story(seed: number): Promise<Told> {
  const random = seededRandom(seed);
  const lab = await OneMachine.started(seed, 3, {
    drifts: (n) => drifts[n % drifts.length] ?? { rate: 1, aheadMs: 0 },
  });
  const home = random.pick(['atlas', 'vega', 'polaris']);
  await lab.must('label-node', { name: home, labels: { home: 'yes' } });
  const constraints = { labels: { home: 'yes' } };
  const replicas = { count: 2, on: 'change' as const };
  const snapshotOnChange = { settleMs: 20_000, minIntervalMs: 60_000 };
  await lab.must('create-volume', {
    name: 'data',
    spec: { sizeBytes: 2 ** 26, constraints, replicas, snapshotOnChange },
  });
  const volume = () => lab.lab.byName('volume', 'default', 'data');
  await lab.until('the volume is ready', () => volume()?.state === 'ready');
  const machine = lab.world.machines.find(({ name }) => name === home);
  const { pool, dataset, path } = volume()?.context ?? {};
  if (!machine || !pool || !dataset || !path) throw new Error('the volume is nowhere');
  const files = () => machine.volumes.filesAt(path);

  const writes = new Map<string, number>();
  const write = (): void => {
    const name = `w${writes.size}`;
    files()?.set(name, name);
    writes.set(name, lab.clock.now());
  };
  /** What each snapshot has, by its name. */
  const taken = new Map<string, ReadonlySet<string>>();
  const remember = (): void => {
    for (const { info, files: has } of machine.volumes.inside.get(pool)?.datasets.get(dataset)?.snapshots ?? [])
      if (!taken.has(info.name)) taken.set(info.name, new Set(has.keys()));
  };
  const counts = { told: 0, finite: 0, lossy: 0 };
  const judge = (): string | undefined => {
    remember();
    if (!lab.world.isUp) return undefined;
    const rows = lab.world.wired.lab.observed('replica-lag') as readonly (readonly [string, ReplicaLagRow])[];
    for (const [key, { at, snapshot, lossMs = Number.POSITIVE_INFINITY }] of rows) {
      const held = lab.lab.list('snapshot').find(({ context }) => context.guid === snapshot)?.context.metadata.name;
      const has = held === undefined ? undefined : taken.get(held);
      const first = [...writes].find(([name, when]) => when <= at && has?.has(name) !== true)?.[1];
      counts.told++;
      if (Number.isFinite(lossMs)) counts.finite++;
      if (first === undefined) continue;
      counts.lossy++;
      if (lossMs < at - first)
        return `${key} says ${lossMs} ms at ${at}, and would lose what was written since ${first}`;
    }
    return undefined;
  };

  let isStopped = false;
  for (let round = 0; round < rounds; round++) {
    for (let n = random.below(4); n > 0; n--) {
      write();
      await lab.clock.run(random.pick([3, 400, 5000]));
    }
    if (random.chance(0.2)) {
      await lab.must('take-snapshot', { name: 'data', as: `by-hand-${round}` }).catch(() => undefined);
      if (random.chance(0.3))
        await lab.must('remove-snapshot', { name: 'data', snapshot: `by-hand-${round}` }).catch(() => undefined);
    }
    if (random.chance(0.1)) await lab.restart(random.pick([1, 50, 30_000]));
    else if (random.chance(0.15)) {
      const node = lab.world.wired.nodes.get(home);
      if (isStopped) await lab.await(node?.start() ?? Promise.resolve());
      else await lab.await(node?.stop() ?? Promise.resolve());
      isStopped = !isStopped;
    }
    for (let moments = random.below(10); moments >= 0; moments--) {
      await lab.clock.run(random.pick([70, 1300, 9000, 40_000]));
      const wrong = judge();
      if (wrong !== undefined) return { wrong, counts };
    }
    if (!lab.world.wired.nodes.has(home)) isStopped = false;
  }
  return { counts };
}

describe('what is told to be lost with a replica', () => {
  test.each([1, 2])('covers what really would be, with clocks that are wrong (seed %i)', async (seed) => {
    const { wrong, counts } = await story(seed);
    expect(wrong).toBeUndefined();
    expect(counts.finite).toBeGreaterThan(counts.told / 3);
    expect(counts.lossy).toBeGreaterThan(20);
  });

  test('is a few seconds while the node of the volume answers, and grows when it does not any more', async () => {
    const lab = await OneMachine.started(7, 2);
    await lab.must('create-volume', {
      name: 'data',
      spec: { sizeBytes: 2 ** 26, replicas: { count: 1, on: 'change' } },
    });
    const replica = () => lab.lab.list('replica')[0];
    await lab.until('the replica holds something', () => (replica()?.context.cursor ?? null) !== null);
    const row = () =>
      new Map(lab.world.wired.lab.observed('replica-lag') as readonly (readonly [string, ReplicaLagRow])[]).get(
        replica()?.stream ?? '',
      );
    await lab.until('it is told', () => row()?.lossMs !== undefined);
    await lab.clock.run(60_000);
    expect(row()?.lossMs).toBeLessThan(12_000);
    expect(row()?.bytes).toBe(0);
    const node = lab.lab.list('volume')[0]?.context.node;
    const name = lab.world.machines.find(({ id }) => id === idOf(node ?? 'node:'))?.name ?? '';
    await lab.await(lab.world.wired.nodes.get(name)?.stop() ?? Promise.resolve());
    await lab.clock.run(120_000);
    expect(row()?.lossMs).toBeGreaterThan(120_000);
  });
});
