/** Replication between two real btrfs pools, with the hands that the contract asks for. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { btrfsReplication } from '#io/devices/replication/btrfs/backend.ts';
import type { ReplicationUnderTest, SideUnderTest } from '#test/contracts/replication.ts';
import type { TempPool } from '#test/pool-fixture.ts';
import { tempPool } from '#test/pool-fixture.ts';
import { localHands } from '../volumes/local-hands.ts';

export const btrfsCan = { format: 'btrfs', resume: false, compressed: true, raw: false, bookmarks: false } as const;

export async function btrfsReplicationUnderTest(): Promise<ReplicationUnderTest> {
  const [here, there] = [await tempPool(), await tempPool()];
  return {
    here: btrfsSide(here),
    there: btrfsSide(there),
    async dispose() {
      for (const pool of [here, there]) await pool.dispose();
    },
  };
}

export function btrfsSide(pool: TempPool): SideUnderTest {
  const reopen: SideUnderTest['reopen'] = (step) => {
    const options = { pools: [{ name: 'test', mountpoint: pool.mountpoint }], ...(step ? { step } : {}) };
    const replication = btrfsReplication(options);
    return { replication, volumes: replication.guard(pool.open()) };
  };
  let count = 0;
  return {
    ...localHands,
    fillAt: async (folder, file, bytes) => void (await localHands.fitsAt(folder, file, bytes)),
    pool: 'test',
    ...reopen(),
    reopen,
    async makeNative() {
      const path = join(pool.mountpoint, 'theirs', `data-${++count}`);
      await mkdir(join(pool.mountpoint, 'theirs'), { recursive: true });
      await pool.tool('btrfs', 'subvolume', 'create', path);
      return path;
    },
  };
}
