/**
 * Finds a pool before every call, by its identity: a folder below a mount point whose file system is gone must never be
 * mistaken for the pool, or data would go to the disk of the host.
 */
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import { IoError } from '../../error.ts';
import { ensurePoolId, poolIdOf } from '../identity.ts';
import { knownPool, missingPool, realFolder } from '../known-pool.ts';
import type { Mount } from '../mounts.ts';
import { isInside, mountOf, parseMountinfo } from '../mounts.ts';
import type { PoolAbilities } from '../port.ts';
import { withHint } from './errors.ts';
import { ensureFolder, hasFolder } from './layout.ts';
import type { Tools } from './tools.ts';

export interface DirPool {
  readonly name: string;
  /** Prepared by `prepareDirPool`. */
  readonly folder: string;
}

export interface OpenDirPool {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly id: string;
  readonly mount: Mount;
}

/** Makes a pool of a folder that is there, or finds it made; everything else in the folder stays as it is. */
export async function prepareDirPool(folder: string): Promise<void> {
  const path = await realpath(folder);
  await ensureFolder(join(path, 'floatlab'), 0o711);
  await ensureFolder(join(path, 'floatlab', 'volumes'), 0o711);
  await ensurePoolId(path);
  await syncDir(path);
}

/** @param seen ids by the name of the pool, of earlier calls @throws IoError POOL_MISSING, DAMAGED */
export async function openDirPool(
  pools: readonly DirPool[],
  name: string,
  op: string,
  seen: Map<string, string>,
): Promise<OpenDirPool> {
  const missing = missingPool(name, op, withHint('POOL_MISSING'));
  const path = await realFolder(name, knownPool(pools, name, missing).folder, missing);
  const isPrepared = (await hasFolder(join(path, 'floatlab'))) && (await hasFolder(join(path, 'floatlab', 'volumes')));
  const id = isPrepared ? await poolIdOf(path) : undefined;
  if (id === undefined) {
    throw missing(
      `the pool ${name} is not mounted or not prepared: ${path} has no floatlab/volumes, or no floatlab/pool.json`,
    );
  }
  if ((seen.get(name) ?? id) !== id)
    throw missing(`${path} is not the pool ${name} that was used before, but another one`);
  const mount = mountOf(await mounts(), path);
  if (!mount) throw missing(`the pool ${name} is gone: ${path} is on no file system`);
  seen.set(name, id);
  return { name, path, id, mount };
}

/** What is mounted, as this process sees it. */
export const mounts = async (): Promise<readonly Mount[]> =>
  parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));

/**
 * A copy would take what is mounted inside for a part of it, and a removal would remove that.
 * @throws IoError INVALID
 */
export async function refuseMounts(op: string, path: string): Promise<void> {
  const inside = (await mounts()).find(({ point }) => isInside(point, path));
  if (!inside) return;
  throw new IoError('INVALID', {
    op,
    target: path,
    message: `${inside.source} is mounted at ${inside.point}, inside of ${path}: it is no part of the volume`,
    hint: `Unmount it: umount ${inside.point}`,
  });
}

/** Nothing is known of a pool that was never there. */
export const unknownAbilities: PoolAbilities = {
  quota: false,
  changes: false,
  recordSize: false,
  compression: [],
  copyOnWrite: false,
  together: false,
  scrubbedDestroy: false,
};

/**
 * Tries whether files can share their blocks, in a folder of its own.
 * Where blocks are never shared and always written in place, overwriting a file leaves nothing of it.
 */
export async function findAbilities(pool: OpenDirPool, tools: Tools): Promise<PoolAbilities> {
  const folder = join(pool.path, 'floatlab', 'probe');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  try {
    await writeFile(join(folder, 'a'), Buffer.alloc(65_536, 'x'));
    const copyOnWrite = await tools.reflink(join(folder, 'a'), join(folder, 'b'));
    const scrubbedDestroy = /^(ext[234]|xfs)$/.test(pool.mount.type) && !copyOnWrite;
    return { ...unknownAbilities, copyOnWrite, scrubbedDestroy };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
