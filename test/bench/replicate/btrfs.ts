/** On btrfs, beside btrbk. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempPool } from '#test/pool-fixture.ts';
import type { Ends } from './ends.ts';
import { havePeer, piped, tool } from './programs.ts';

export async function btrfsEnds(sizeBytes: number, say: (line: string) => void): Promise<Ends> {
  const [here, there] = [await tempPool({ sizeBytes }), await tempPool({ sizeBytes })];
  const folders = {
    bare: join(there.mountpoint, 'bare'),
    btrbk: join(there.mountpoint, 'btrbk'),
    taken: join(here.mountpoint, 'btrbk'),
  };
  for (const folder of Object.values(folders)) await mkdir(folder);
  const name = await havePeer('btrbk', 'btrbk', /version (\S+?),?\s/, say);
  const settings = join(here.folder, 'btrbk.conf');
  return {
    kind: 'btrfs',
    pools: [here.mountpoint, there.mountpoint],
    seen: (path) => path,
    sync: async () => void (await tool('btrfs', 'filesystem', 'sync', here.mountpoint)),
    bare: {
      name: 'btrfs send | btrfs receive',
      async run({ dataset, snapshot, from }) {
        const at = (name: string): string => join(here.mountpoint, 'floatlab', 'volumes', dataset, 'snapshots', name);
        const sender = ['btrfs', 'send', '-q', ...(from === undefined ? [] : ['-p', at(from)]), at(snapshot)];
        await piped(join(here.folder, 'pipe'), sender, ['btrfs', 'receive', '-q', folders.bare]);
        await tool('btrfs', 'filesystem', 'sync', there.mountpoint);
      },
    },
    peer:
      name === undefined
        ? undefined
        : {
            name,
            async run({ dataset }) {
              const lines = [
                ...['timestamp_format long', 'incremental no', `volume ${here.mountpoint}`, ' snapshot_dir btrbk'],
                ...[
                  ` subvolume floatlab/volumes/${dataset}/live`,
                  '  snapshot_name data',
                  `  target ${folders.btrbk}`,
                  '',
                ],
              ];
              await writeFile(settings, lines.join('\n'));
              await tool('btrbk', '-q', '-c', settings, 'run');
              await tool('btrfs', 'filesystem', 'sync', there.mountpoint);
            },
          },
    async clean() {
      for (const folder of Object.values(folders))
        for (const one of await readdir(folder)) await tool('btrfs', 'subvolume', 'delete', '-c', join(folder, one));
      for (const { mountpoint } of [here, there]) await tool('btrfs', 'subvolume', 'sync', mountpoint);
    },
    async dispose() {
      for (const pool of [here, there]) await pool.dispose();
    },
  };
}
