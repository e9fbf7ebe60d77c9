/**
 * The last resort: where a machine has neither btrfs nor zfs, its volumes are plain folders. Such a node works, and
 * promises less; it says so at its start, on the overview and in `cluster status`.
 *
 * Decided once, by what is there at the first start: a kernel that has btrfs later does not turn folders with data in
 * them into something else, and a pool that was made on btrfs is never replaced by an empty folder.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../devices/error.ts';
import { run as runCommand, type RunCommand } from '../devices/run.ts';
import { replicated } from '../devices/replication/with-trees.ts';
import { prepareDirPool } from '../devices/volumes/dir/pool.ts';
import { dirVolumes } from '../devices/volumes/dir/real.ts';
import { refuseStranger, remember, rememberedId } from '../devices/volumes/identity.ts';
import { mountOf, parseMountinfo } from '../devices/volumes/mounts.ts';
import type { OwnPlaces } from '../devices/volumes/own-places.ts';
import { isThere } from '../stores/files.ts';
import type { GivenPool } from './node-pools.ts';
import type { PoolLog } from './pool.ts';
import { poolMemory, usualPool } from './pool-setting.ts';

const folderOf = (dataDir: string): string => join(dataDir, 'pool', 'dir');

/** Whether it has begun with plain folders. */
export const isPlain = async (dataDir: string): Promise<boolean> =>
  (await rememberedId(poolMemory(dataDir, usualPool), folderOf(dataDir))) !== undefined;

/**
 * Why this node has plain folders, if it has or gets them.
 * @returns undefined where there is a pool on btrfs already, or one can be made
 */
export async function lacksBtrfs(
  dataDir: string,
  signal: AbortSignal,
  run: RunCommand = runCommand,
): Promise<string | undefined> {
  const memory = poolMemory(dataDir, usualPool);
  if (await isPlain(dataDir)) return 'it began with plain folders';
  // What was made on btrfs is there, or is missed aloud: it is never begun anew.
  if ((await isThere(memory)) || (await isThere(join(dataDir, 'pool', 'pool.img')))) return undefined;
  const limits = { signal, timeoutMs: 10_000 };
  const tools = ['btrfs', 'mkfs.btrfs'];
  for (const tool of tools) {
    if (!(await runs(run(tool, ['--version'], limits)))) return `${tool} is not installed (btrfs-progs)`;
  }
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  if (mountOf(mounts, dataDir)?.type === 'btrfs') return undefined;
  // A module that is there is loaded by this, and where there is none nothing happens.
  await run('modprobe', ['--quiet', 'btrfs'], limits).catch(unlessForeseen);
  if (!/^\s*btrfs$/m.test(await readFile('/proc/filesystems', 'utf8'))) return 'the kernel has no btrfs';
  await run('modprobe', ['--quiet', 'loop'], limits).catch(unlessForeseen);
  return (await isThere('/dev/loop-control')) ? undefined : 'the machine has no loop devices';
}

/** Whether the program is there: that it cannot be started is an answer, too. */
async function runs(asked: ReturnType<RunCommand>): Promise<boolean> {
  try {
    return (await asked).exitCode === 0;
  } catch (error) {
    unlessForeseen(error);
    return false;
  }
}

function unlessForeseen(error: unknown): void {
  if (!(error instanceof IoError) || error.code === 'ABORTED') throw error;
}

/** Who has zpools means one of them, and has to say which. @throws IoError INVALID */
export async function refuseBesideZfs(lacks: string, signal: AbortSignal, run: RunCommand = runCommand): Promise<void> {
  const asked = run('zpool', ['list', '-H', '-o', 'name'], { signal, timeoutMs: 10_000 });
  const names = await asked.then(
    ({ exitCode, stdout }) => (exitCode === 0 ? stdout.split('\n').filter((name) => name.trim() !== '') : []),
    (error: unknown) => {
      unlessForeseen(error);
      return [];
    },
  );
  const [first] = names;
  if (first === undefined) return;
  throw new IoError('INVALID', {
    op: 'make a pool',
    target: first,
    message: `no pool can be made here, because ${lacks}; but there is zfs, with ${names.join(', ')}`,
    hint: `Name a dataset for volumes, which is made when it is not there: --pool zfs:${first}/floatlab`,
  });
}

/** @param lacks what the machine does not have, as part of a sentence */
export async function plainPool(
  dataDir: string,
  lacks: string,
  log: PoolLog,
  ownPlaces: OwnPlaces,
): Promise<{ readonly pool: GivenPool; readonly note: string }> {
  const folder = folderOf(dataDir);
  const memory = poolMemory(dataDir, usualPool);
  await refuseStranger(memory, folder);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  await prepareDirPool(folder);
  await remember(memory, folder);
  const note =
    `Volumes are plain folders here, because ${lacks}: their sizes are not enforced, and each snapshot is a copy. ` +
    'Make it a pool on btrfs or zfs, or name one with --pool at its start.';
  log.warn(note);
  const pool: GivenPool = {
    ...{ name: usualPool, driver: 'dir', origin: 'usual', where: folder },
    volumes: replicated(dirVolumes({ pools: [{ name: usualPool, folder }], ownPlaces })),
  };
  return { pool, note };
}
