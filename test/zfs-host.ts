/** The OpenZFS of this machine itself, for tests: pools on files in a folder of its own. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipes } from '#io/devices/replication/pipe.ts';
import { run } from '#io/devices/run.ts';
import { ownMounts } from './own-mounts.ts';
import type { ZfsMachine } from './zfs-fixture.ts';

/** Whether the kernel here has OpenZFS. */
export const hasHostZfs = (): boolean => existsSync('/dev/zfs');

/** Its pools go with it, as does its folder. */
export async function hostZfs(): Promise<ZfsMachine> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-host-zfs-'));
  const within = (file: string, ...args: string[]) =>
    run(file, args, { signal: new AbortController().signal, timeoutMs: 60_000 });
  let users = 0;
  return {
    kind: 'OpenZFS',
    run,
    pipes,
    folder,
    write: (path, text) => writeFile(path, text),
    read: (path) => readFile(path, 'utf8').catch(() => undefined),
    fits: (path, bytes) => fits(path, bytes),
    async use(path) {
      const place = join(folder, `user-${++users}`);
      await mkdir(place);
      await within('mount', '--bind', path, place);
      const container = await ownMounts(place);
      await within('umount', place);
      return () => container.end();
    },
    async dispose() {
      // Of all pools here those are the test's that lie on its files.
      for (const pool of (await within('zpool', 'list', '-H', '-o', 'name')).stdout.split('\n').filter(Boolean)) {
        const { stdout } = await within('zpool', 'list', '-vHP', pool);
        if (stdout.includes(`${folder}/`)) await within('zpool', 'destroy', '-f', pool);
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes so many random bytes, to the disk. @returns whether they fitted */
export async function fits(path: string, bytes: number): Promise<boolean> {
  try {
    await writeFile(path, randomBytes(bytes), { flush: true });
    return true;
  } catch (error) {
    const { EDQUOT, ENOSPC } = constants.errno;
    if ([-EDQUOT, -ENOSPC].includes((error as NodeJS.ErrnoException).errno ?? 0)) return false;
    throw error;
  }
}
