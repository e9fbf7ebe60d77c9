/** The contract on a real pool. What only btrfs can get wrong is in the files beside this one. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { patient, volumesContract } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

describeReal('btrfs volumes', missingBtrfs(), () => {
  volumesContract({
    runs: 6,
    commands: 15,
    setup: async () => {
      const pool = await tempPool();
      const path = async (of: Dataset) => (await pool.volumes.inspect(of, patient()))?.path ?? '/nowhere';
      const text = (file: string) => readFile(file, 'utf8').catch(() => undefined);
      return {
        pool: 'test',
        volumes: pool.volumes,
        reopen: () => pool.open(),
        write: async (of, file, content) => writeFile(join(await path(of), file), content),
        read: async (of, file) => text(join(await path(of), file)),
        readSnapshot: async (of, snapshot, file) => text(join(await path(of), '..', 'snapshots', snapshot, file)),
        fits: async (of, file, bytes) => {
          try {
            await writeFile(join(await path(of), file), Buffer.alloc(bytes, 'x'), { flush: true });
            return true;
          } catch (error) {
            const { EDQUOT, ENOSPC } = constants.errno;
            if ([-EDQUOT, -ENOSPC].includes((error as NodeJS.ErrnoException).errno ?? 0)) return false;
            throw error;
          }
        },
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
