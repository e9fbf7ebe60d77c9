/** The contract on simulated pools: as btrfs, as zfs, as plain folders. */
import { describe } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { OwnPlace } from '#io/devices/volumes/own-places.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import type { SimDriver } from '#io/devices/volumes/sim/pools.ts';
import type { Expected, VolumesUnderTest } from '#test/contracts/volumes.ts';
import { volumesContract } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

const expected: Readonly<Record<SimDriver, Expected>> = {
  btrfs: {
    driver: 'btrfs',
    can: {
      ...{ quota: true, changes: true, recordSize: false, copyOnWrite: true, together: false },
      compression: ['off', 'zstd', 'gzip'],
      scrubbedDestroy: true,
    },
    countsSnapshots: true,
    others: ['snapshot'],
  },
  zfs: {
    driver: 'zfs',
    can: {
      ...{ quota: true, changes: true, recordSize: true, copyOnWrite: true, together: true },
      compression: ['off', 'lz4', 'zstd', 'gzip'],
      scrubbedDestroy: false,
    },
    countsSnapshots: true,
    others: ['snapshot', 'hold'],
  },
  dir: {
    driver: 'dir',
    can: {
      ...{ quota: false, changes: false, recordSize: false, copyOnWrite: false, together: false },
      compression: [],
      scrubbedDestroy: true,
    },
    countsSnapshots: false,
    others: [],
  },
};

describe.each(['btrfs', 'zfs', 'dir'] as const)('simulated volumes on %s', (driver) => {
  volumesContract({ ...expected[driver], runs: 60, commands: 30, setup: async () => underTest(driver) });
});

function underTest(driver: SimDriver): VolumesUnderTest {
  const own: OwnPlace[] = [];
  const sim = simVolumes({
    clock: selfWindingClock(),
    random: seededRandom(1),
    pools: [{ name: 'test', sizeBytes: 256 * 2 ** 20, driver }],
    ownPlaces: () => own,
  });
  let count = 0;
  let user: { readonly path: string } | undefined;
  sim.usedBy = (path) => (user?.path === path ? 'a container' : undefined);
  const others: Pick<VolumesUnderTest, 'foreignSnapshot'> = {
    foreignSnapshot: async (of) => {
      const { name, guid } = sim.snapshotByOther(of, `theirs-${++count}`);
      return {
        name,
        exists: async () => sim.snapshotsByOthers('test').some((one) => one.guid === guid),
        remove: async () => sim.removeByOther('test', guid),
      };
    },
  };
  const holds: Pick<VolumesUnderTest, 'hold'> = {
    hold: async (of, snapshot) => {
      sim.hold(of, snapshot, true);
      return async () => sim.hold(of, snapshot, false);
    },
  };
  return {
    pool: 'test',
    volumes: sim,
    reopen: () => sim,
    writeAt: async (folder, file, text) => sim.writeAt(folder, file, text),
    readAt: async (folder, file) => (sim.filesAt(folder) ?? sim.snapshotFilesAt(folder))?.get(file),
    fitsAt: async (folder, file, bytes) => {
      try {
        sim.writeAt(folder, file, 'x'.repeat(bytes));
        return true;
      } catch {
        return false;
      }
    },
    ownerOf: async (folder) => sim.ownerAt(folder) ?? { uid: -1, gid: -1, mode: -1 },
    use: async (path) => {
      user = { path };
      return async () => void (user = undefined);
    },
    makeNative: async () => sim.addNative('test', `native-${++count}`),
    missingNative: driver === 'zfs' ? 'test/nothing' : '/sim/test/nothing',
    makeNoNative: async () => sim.addOther('test', `other-${++count}`),
    ...(driver === 'dir' ? {} : others),
    ...(driver === 'zfs' ? holds : {}),
    own,
    settle: async () => undefined,
    surroundings: async () =>
      JSON.stringify(sim.contents(), (_, value: unknown) =>
        value instanceof Map ? [...value] : typeof value === 'string' && value.length > 200 ? value.length : value,
      ),
    moment: async (n) => {
      for (let turns = 0; turns < n; turns++) await new Promise((resolve) => setImmediate(resolve));
    },
    unplug: async () => sim.setPool('test', 'unavailable'),
    plugIn: async () => {
      sim.setPool('test', 'online');
      if (driver === 'zfs') sim.unmountAll('test');
    },
    dispose: async () => undefined,
  };
}
