/** What people read and write of pools. */
import { poolCommands } from '#actors/pool/commands.ts';
import type { PoolLayout } from '#events/values/pool.ts';

export const layoutWords: Readonly<Record<PoolLayout, string>> = {
  single: 'One copy: a disk that fails takes data along',
  mirror: 'Mirror: one disk may fail',
  raidz1: 'RAID-Z1 (zfs): one disk may fail',
  raidz2: 'RAID-Z2 (zfs): two disks may fail',
  raidz3: 'RAID-Z3 (zfs): three disks may fail',
  raid1c3: 'RAID1C3 (btrfs): two disks may fail',
  raid1c4: 'RAID1C4 (btrfs): three disks may fail',
  raid10: 'RAID10 (btrfs): striped mirrors',
};

/** Of a new pool. @returns undefined when it may be called so */
export function poolNameTrouble(name: string): string | undefined {
  const [issue] = poolCommands['create-pool'].shape.name.safeParse(name).error?.issues ?? [];
  return issue && `${issue.message.slice(0, 1).toUpperCase()}${issue.message.slice(1)}.`;
}

/** The first of these that no pool of the node has. */
export function freePoolName(taken: readonly string[]): string {
  const names = ['tank', ...Array.from({ length: taken.length }, (_, n) => `tank${n + 2}`)];
  return names.find((name) => !taken.includes(name)) ?? 'tank';
}
