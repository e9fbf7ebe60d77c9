/** On two pools of one zfs-fuse, which nobody else sees, beside syncoid. */
import { join } from 'node:path';
import { missingZfsFuse, zfsFuse } from '#test/zfs-fixture.ts';
import type { Ends } from './ends.ts';
import { havePeer, piped, tool } from './programs.ts';

/** @returns undefined, after words, where there is no zfs-fuse */
export async function zfsFuseEnds(sizeBytes: number, say: (line: string) => void): Promise<Ends | undefined> {
  const missing = missingZfsFuse();
  if (missing !== undefined) {
    say(`Without ${missing} nothing is measured on zfs-fuse.`);
    return undefined;
  }
  const zfs = await zfsFuse();
  const enter = ['nsenter', '--target', String(zfs.pid), '--mount', '--'] as const;
  const within = (...line: readonly string[]): Promise<string> => tool(enter[0], ...enter.slice(1), ...line);
  const [here, there] = [`here-${process.pid}`, `there-${process.pid}`];
  // Not in its private folders, which are memory.
  const folder = (await within('mktemp', '-d', '/var/tmp/floatlab-bench-zfs-XXXXXX')).trim();
  const dispose = async (): Promise<void> => {
    for (const zpool of [here, there]) await within('zpool', 'destroy', '-f', zpool).catch(() => '');
    await zfs.dispose();
    await tool('rm', '-r', folder);
  };
  try {
    for (const zpool of [here, there]) {
      const disk = join(folder, zpool);
      await within('truncate', '-s', String(sizeBytes), disk);
      await within('zpool', 'create', '-O', 'canmount=off', '-O', 'mountpoint=none', zpool, disk);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const name = await havePeer('syncoid', 'sanoid', /version (\S+)/, say);
  // Whoever sets a property waits for what was written before.
  const sync = async (zpool: string): Promise<void> =>
    void (await within('zfs', 'set', 'floatlab-bench:sync=1', zpool));
  const copies = ['bare', 'syncoid'].map((one) => `${there}/${one}`);
  return {
    kind: 'zfs-fuse',
    pools: [`zfs:${here}/floatlab`, `zfs:${there}/floatlab`],
    mountsOf: zfs.pid,
    seen: (path) => join('/proc', String(zfs.pid), 'root', path),
    sync: () => sync(here),
    bare: {
      name: 'zfs send | zfs receive',
      async run({ dataset, snapshot, from }) {
        const base = from === undefined ? [] : ['-i', `@${from}`];
        const sender = [...enter, 'zfs', 'send', ...base, `${here}/floatlab/${dataset}@${snapshot}`];
        await piped(join(folder, 'pipe'), sender, [...enter, 'zfs', 'receive', '-u', `${there}/bare`]);
        await sync(there);
      },
    },
    peer:
      name === undefined
        ? undefined
        : {
            name,
            async run({ dataset }) {
              const from = `${here}/floatlab/${dataset}`;
              await within('syncoid', '--quiet', '--no-sync-snap', '--recvoptions=u', from, `${there}/syncoid`);
              await sync(there);
            },
          },
    async clean() {
      for (const copy of copies) await within('zfs', 'destroy', '-r', copy).catch(() => '');
      await sync(there);
    },
    dispose,
  };
}
