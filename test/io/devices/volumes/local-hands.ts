/** The hands of a test on volumes whose files are on this machine's own file systems. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#io/devices/run.ts';
import type { VolumesUnderTest } from '#test/contracts/volumes.ts';
import { ownMounts } from '#test/own-mounts.ts';

type LocalHands = Pick<VolumesUnderTest, 'writeAt' | 'readAt' | 'fitsAt' | 'ownerOf' | 'use'>;

const block = randomBytes(2 ** 20);
const absent: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);
const full: ReadonlySet<unknown> = new Set([-constants.errno.EDQUOT, -constants.errno.ENOSPC]);

export const localHands: LocalHands = {
  writeAt: (folder, file, text) => writeFile(join(folder, file), text),

  async readAt(folder, file) {
    try {
      return await readFile(join(folder, file), 'utf8');
    } catch (error) {
      if (absent.has((error as NodeJS.ErrnoException).code)) return undefined;
      throw error;
    }
  },

  async fitsAt(folder, file, bytes) {
    const handle = await open(join(folder, file), 'w');
    try {
      for (let left = bytes; left > 0; left -= block.length) await handle.writeFile(block.subarray(0, left));
      await handle.sync();
      return true;
    } catch (error) {
      if (full.has((error as NodeJS.ErrnoException).errno)) return false;
      throw error;
    } finally {
      await handle.close();
    }
  },

  async ownerOf(folder) {
    const { uid, gid, mode } = await stat(folder);
    return { uid, gid, mode: mode & 0o7777 };
  },

  async use(folder) {
    const place = await mkdtemp(join(tmpdir(), 'floatlab-use-'));
    await tool('mount', '--bind', folder, place);
    const container = await ownMounts(place);
    await tool('umount', place);
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await container.end();
      // Not before: without its folder the kernel takes a mount away, in all namespaces.
      await rmdir(place);
    };
    return () => (stopping ??= stop());
  },
};

async function tool(file: string, ...args: string[]): Promise<void> {
  const ran = await run(file, args, { signal: new AbortController().signal, timeoutMs: 30_000 });
  if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`);
}
