/** The contract of replication on simulated pools: as btrfs, and as zfs. */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { replicationByPool } from '#io/devices/replication/by-pool.ts';
import { simReplication } from '#io/devices/replication/sim/backend.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import type { StreamAbilities } from '#io/devices/replication/port.ts';
import { replicationContract } from '#test/contracts/replication.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';
import { simSide } from './sim-side.ts';

const abilities: Readonly<Record<'btrfs' | 'zfs', StreamAbilities>> = {
  btrfs: { format: 'btrfs', resume: false, compressed: true, raw: false, bookmarks: false },
  zfs: { format: 'zfs', resume: true, compressed: true, raw: true, bookmarks: true },
};

describe.each(['btrfs', 'zfs'] as const)('simulated replication on %s', (driver) => {
  replicationContract({
    can: abilities[driver],
    length: 'whole',
    setup: async () => ({
      here: simSide(driver, 1, simReplication),
      there: simSide(driver, 2, simReplication),
      dispose: async () => undefined,
    }),
  });
});

test('plain folders have no streams of their own; a pool that is not open is missing, and its volumes are as they were', async () => {
  const [clock, random] = [selfWindingClock(), seededRandom(1)];
  const pools = [
    { name: 'plain', sizeBytes: 1e9, driver: 'dir' as const },
    { name: 'tank', sizeBytes: 1e9, driver: 'zfs' as const },
  ];
  const sim = simVolumes({ clock, random, pools });
  const port = simReplication({ clock, random, volumes: sim });
  const replication = replicationByPool([{ pools: ['tank'], port }]);
  expect(await codeOf(port.abilities('plain', patient()))).toBe('UNSUPPORTED');
  expect(await codeOf(replication.abilities('plain', patient()))).toBe('POOL_MISSING');
  const volumes = replication.guard(sim);
  for (const pool of ['plain', 'tank']) {
    const of = { pool, name: 'db' };
    await volumes.create(of, { sizeBytes: 1000 }, patient());
    const { guid } = await volumes.snapshot(of, 'one', patient());
    const held = pool === 'tank';
    expect(await codeOf(replication.protect(of, guid, 'vega', patient()))).toBe(held ? undefined : 'POOL_MISSING');
    expect(await codeOf(volumes.removeSnapshots(of, ['one'], patient()))).toBe(held ? 'HELD' : undefined);
  }
});
