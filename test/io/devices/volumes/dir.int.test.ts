/** The contract on plain folders, on an ext4 of its own. What only copies can get wrong is in the files beside this one. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { OwnPlace } from '#io/devices/volumes/own-places.ts';
import { volumesContract } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import { missingExt4, tempDisk } from './dir-pool.ts';
import { localHands } from './local-hands.ts';

describeReal('volumes in a plain folder', missingExt4(), () => {
  volumesContract({
    driver: 'dir',
    can: {
      ...{ quota: false, changes: false, recordSize: false, copyOnWrite: false, together: false },
      compression: [],
      // Its blocks are written in place.
      scrubbedDestroy: true,
    },
    countsSnapshots: false,
    others: [],
    runs: 4,
    commands: 12,
    setup: async () => {
      const pool = await tempDisk();
      const own: OwnPlace[] = [];
      const open = () => pool.open({ ownPlaces: () => own });
      let count = 0;
      return {
        ...localHands,
        pool: 'test',
        volumes: open(),
        reopen: open,
        own,
        makeNative: async () => {
          const path = join(pool.path, `native ${++count}`);
          await mkdir(path);
          return { native: path, path };
        },
        missingNative: join(pool.path, 'nothing'),
        makeNoNative: async () => {
          const path = join(pool.path, `file ${++count}`);
          await writeFile(path, 'a file');
          return path;
        },
        settle: async () => undefined,
        surroundings: async () =>
          execFileSync('find', [
            pool.folder,
            '-path',
            '*/floatlab/*',
            '-prune',
            '-o',
            '-name',
            'disk.img',
            '-o',
            '-printf',
            '%P %y %s %T@\n',
          ]).toString(),
        moment: (n) => setTimeout(n * 4),
        unplug: pool.unmount,
        plugIn: pool.mount,
        dispose: pool.dispose,
      };
    },
  });
});
