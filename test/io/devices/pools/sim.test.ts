/** The contract on the simulated twin. */
import { describe } from 'vitest';
import { simPools } from '#io/devices/pools/sim.ts';
import { poolsContract } from '#test/contracts/pools.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';

const GiB = 2 ** 30;

describe.each(['btrfs', 'zfs'] as const)('simulated pools of %s', (driver) => {
  poolsContract(async () => {
    const clock = selfWindingClock();
    const devices = ['/dev/sda', '/dev/sdb', '/dev/sdc', '/dev/sdd', '/dev/sde', '/dev/sdf'];
    const sim = simPools({
      clock,
      pools: () => ['tank', 'other'].map((name) => ({ name, driver, mountpoint: `/sim/${name}` })),
      disks: [
        ...devices.map((path) => ({ path, sizeBytes: 10 * GiB })),
        { path: '/dev/sdx', sizeBytes: 10 * GiB, holds: 'ext4 "backup"' },
        { path: '/dev/sdy', sizeBytes: 10 * GiB, usedBy: 'mounted at /' },
      ],
    });
    return {
      admin: sim,
      driver,
      reopen: () => sim,
      devices,
      full: '/dev/sdx',
      used: '/dev/sdy',
      look: async (path) => JSON.stringify(sim.disks.get(path)),
      fill: async (pool) => sim.occupy(pool, GiB),
      corrupt: async (path) => sim.corrupt(path),
      forbidWrites: undefined,
      lose: async (path) => sim.pullOut(path),
      canPause: true,
      file: { path: '/srv/pool.img', sizeBytes: GiB, grows: true },
      slowScrubs: async () => undefined,
      now: () => clock.now(),
      wait: () => new Promise((resolve) => clock.setTimeout(() => resolve(), 1000)),
      dispose: async () => undefined,
    };
  });
});
