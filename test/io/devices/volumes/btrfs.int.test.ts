/** The contract on a real pool. What only btrfs can get wrong is in the files beside this one. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { OwnPlace } from '#io/devices/volumes/own-places.ts';
import { patient, volumesContract } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { localHands } from './local-hands.ts';

describeReal('btrfs volumes', missingBtrfs(), () => {
  volumesContract({
    driver: 'btrfs',
    can: {
      ...{ quota: true, changes: true, recordSize: false, copyOnWrite: true, together: false },
      compression: ['off', 'zstd', 'gzip'],
      // Its disk is a file.
      scrubbedDestroy: false,
    },
    countsSnapshots: true,
    others: ['snapshot'],
    runs: 4,
    commands: 12,
    setup: async () => {
      const pool = await tempPool();
      const own: OwnPlace[] = [];
      const open = () => pool.open({ ownPlaces: () => own });
      let count = 0;
      const unused = () => join(pool.mountpoint, 'theirs', `data-${++count}`);
      await mkdir(join(pool.mountpoint, 'theirs'));
      return {
        ...localHands,
        pool: 'test',
        volumes: open(),
        reopen: open,
        own,
        makeNative: async () => {
          const path = unused();
          await pool.tool('btrfs', 'subvolume', 'create', path);
          return { native: path, path };
        },
        missingNative: join(pool.mountpoint, 'theirs', 'nothing'),
        makeNoNative: async () => {
          const path = unused();
          await mkdir(path);
          return path;
        },
        foreignSnapshot: async (of) => {
          const { path } = await pool.volumes.mount(of, patient());
          const name = unused();
          await pool.tool('btrfs', 'subvolume', 'snapshot', '-r', path, name);
          return {
            name,
            exists: () => Promise.resolve(existsSync(name)),
            remove: async () => void (await pool.tool('btrfs', 'subvolume', 'delete', name)),
          };
        },
        settle: async () => void (await pool.tool('btrfs', 'filesystem', 'sync', pool.mountpoint)),
        surroundings: async () =>
          execFileSync('find', [pool.folder, '-name', 'pool.img', '-o', '-printf', '%P %y %s %T@\n']).toString(),
        moment: (n) => setTimeout(n * 4),
        unplug: pool.unmount,
        plugIn: pool.mount,
        dispose: pool.dispose,
      };
    },
  });
});
