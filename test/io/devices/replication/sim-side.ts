/** A simulated pool with the hands that the contract of replication asks for. */
import type { ReplicationPort } from '#io/devices/replication/port.ts';
import type { Clock } from '#io/devices/clock/port.ts';
import type { Random } from '#io/devices/random/port.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Hands } from '#io/devices/replication/backend.ts';
import type { SimVolumes } from '#io/devices/volumes/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import type { SideUnderTest } from '#test/contracts/replication.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';

export type MakePort = (options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly volumes: SimVolumes;
  readonly step?: Hands['step'];
}) => ReplicationPort;

export function simSide(driver: 'btrfs' | 'zfs' | 'dir', seed: number, make: MakePort): SideUnderTest {
  const clock = selfWindingClock();
  const random = seededRandom(seed);
  const pool = `pool-${seed}`;
  const sim = simVolumes({ clock, random, pools: [{ name: pool, sizeBytes: 256 * 2 ** 20, driver }] });
  let user: string | undefined;
  sim.usedBy = (path) => (user === path ? 'a container' : undefined);
  const reopen: SideUnderTest['reopen'] = (step) => {
    const replication = make({ clock, random, volumes: sim, ...(step ? { step } : {}) });
    return { replication, volumes: replication.guard(sim) };
  };
  let count = 0;
  return {
    pool,
    ...reopen(),
    reopen,
    ...(driver === 'dir' ? { hasNoSizes: true as const } : {}),
    writeAt: async (folder, file, text) => sim.writeAt(folder, file, text),
    fillAt: async (folder, file, bytes) => sim.writeAt(folder, file, 'x'.repeat(bytes)),
    readAt: async (folder, file) => (sim.filesAt(folder) ?? sim.snapshotFilesAt(folder))?.get(file),
    use: async (path) => {
      user = path;
      return async () => void (user = undefined);
    },
    makeNative: async () => sim.addNative(pool, `native-${++count}`).native,
    removeByForce: async (of, guid) => {
      const dataset = sim.inside.get(of.pool)?.datasets.get(of.name);
      if (dataset) dataset.snapshots = dataset.snapshots.filter(({ info }) => info.guid !== guid);
    },
  };
}
