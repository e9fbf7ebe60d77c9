/** Programs of the host that have files of a volume open: what they write must not vanish below them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { missingExt4, tempDisk, tool } from './dir-pool.ts';

const MiB = 2 ** 20;
const spec = { sizeBytes: 32 * MiB };

interface Opened {
  readonly volumes: VolumePort;
  /** Of the pool, which is called `test`. */
  readonly folder: string;
  dispose(): Promise<unknown>;
}

const kinds = {
  btrfs: async (): Promise<Opened> => {
    const pool = await tempPool({ sizeBytes: 256 * MiB });
    const volumes = btrfsVolumes({ pools: [{ name: 'test', mountpoint: pool.mountpoint }] });
    return { volumes, folder: pool.mountpoint, dispose: () => pool.dispose() };
  },
  dir: async (): Promise<Opened> => {
    const disk = await tempDisk(64 * MiB);
    return { volumes: disk.volumes, folder: disk.path, dispose: () => disk.dispose() };
  },
};

for (const [kind, missing] of [
  ['btrfs', missingBtrfs()],
  ['dir', missingExt4()],
] as const)
  describeReal(`a program of the host that works in a volume on ${kind}`, missing, () => {
    let it: Opened;
    beforeAll(async () => {
      it = await kinds[kind]();
    });
    afterAll(() => it?.dispose());
    const ends: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0)) await end();
    });

    /** A shell that appends to a file for as long as it lives. */
    async function writes(file: string): Promise<() => Promise<unknown>> {
      const child = spawn('sh', ['-c', 'exec 3>>"$1"; echo open; echo more >&3; exec sleep 600', 'sh', file]);
      const gone = once(child, 'exit');
      const end = async () => {
        child.kill('SIGKILL');
        await gone;
      };
      ends.push(end);
      await once(child.stdout, 'data');
      return end;
    }

    async function volume(name: string): Promise<readonly [Dataset, string]> {
      const of = { pool: 'test', name };
      const { path } = await it.volumes.create(of, spec, patient());
      await writeFile(join(path, 'file'), 'one');
      await it.volumes.snapshot(of, 's', patient());
      return [of, path];
    }

    test('keeps it from being rolled back, and from being destroyed, and is named', async () => {
      const [of, path] = await volume('busy');
      const end = await writes(join(path, 'log'));
      const refused = it.volumes.rollback(of, 's', 'stash', patient());
      await expect(refused).rejects.toMatchObject({
        code: 'BUSY',
        message: expect.stringMatching(/process \d+ \(sleep\), which has .*log open/),
      });
      expect(await codeOf(it.volumes.destroy(of, { scrub: false }, patient()))).toBe('BUSY');
      expect(await readFile(join(path, 'log'), 'utf8')).toBe('more\n');
      await end();
      await it.volumes.rollback(of, 's', 'stash', patient());
      await it.volumes.destroy(of, { scrub: false }, patient());
    });

    test('in what was adopted is seen as well', async () => {
      const native = join(it.folder, 'theirs');
      if (kind === 'btrfs') await tool('btrfs', 'subvolume', 'create', native);
      else await mkdir(native);
      await writeFile(join(native, 'file'), 'one');
      const of = { pool: 'test', name: 'adopted' };
      await it.volumes.adopt(native, of, patient());
      await it.volumes.snapshot(of, 's', patient());
      await writes(join(native, 'log'));
      expect(await codeOf(it.volumes.rollback(of, 's', 'stash', patient()))).toBe('BUSY');
      expect(await readFile(join(native, 'log'), 'utf8')).toBe('more\n');
    });
  });
