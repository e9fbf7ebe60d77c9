/** What each layout asks for: how many devices, and of which file system. */
import type { PoolLayout } from '#events/values/pool.ts';

export const fewestDevices: Readonly<Record<PoolLayout, number>> = {
  single: 1,
  mirror: 2,
  raidz1: 2,
  raidz2: 3,
  raidz3: 4,
  raid1c3: 3,
  raid1c4: 4,
  raid10: 2,
};

const MiB = 2 ** 20;

/** A pool in one file: smaller ones are full as soon as they are made, or their file system is not made at all. */
export const minFilePoolBytes: Readonly<Record<'btrfs' | 'zfs', number>> = { btrfs: 1024 * MiB, zfs: 128 * MiB };
export const leastFilePoolBytes = Math.min(...Object.values(minFilePoolBytes));

/** File systems that have the layout, the usual one first. RAID 5 and 6 of btrfs lose data when the power goes. */
export function driversOf(layout: PoolLayout): readonly ('btrfs' | 'zfs')[] {
  if (layout === 'single' || layout === 'mirror') return ['btrfs', 'zfs'];
  return layout.startsWith('raidz') ? ['zfs'] : ['btrfs'];
}
