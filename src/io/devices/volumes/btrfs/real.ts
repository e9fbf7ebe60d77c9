/**
 * Volumes on btrfs: a dataset is a writable subvolume with a quota group, a snapshot a read-only subvolume.
 *
 * Everything is done by steps that a crash may interrupt anywhere. Each step leaves something that the next call
 * recognizes: a private name (`new`, `rollback/`, `trash/`) that is finished or thrown away, never a dataset that
 * is half there. Calls on one dataset wait for one another; a pool takes one snapshot at a time, because each one
 * waits for the dirty data of its subvolume.
 *
 * There is no state here besides the locks: what exists is what the file system says, at every call.
 */
import { readdir, rename } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import { deadline } from '../deadline.ts';
import { keyedLock } from '../lock.ts';
import { checkDatasetName, checkSize, checkSnapshotName, describe, isDatasetName, isSnapshotName } from '../names.ts';
import type { Dataset, DatasetInfo, PoolInfo, SnapInfo, VolumePort } from '../port.ts';
import { btrfsCommands } from './commands.ts';
import { stepError } from './errors.ts';
import { datasetPaths, ensureFolder, hasFolder, hasSubvolume } from './layout.ts';
import type { SubvolumeDetails } from './parse.ts';
import type { BtrfsPool, OpenPool } from './pool.ts';
import { fromTop, openPool, userOf } from './pool.ts';
import { removeTree } from './remove-tree.ts';
import type { Site, StepHook } from './rollback.ts';
import { lastRollback, rollBack, settle } from './rollback.ts';

export interface BtrfsVolumesOptions {
  readonly pools: readonly BtrfsPool[];
  readonly run?: RunCommand;
  /** Told after each step of create, rollback and destroy; for tests that crash there. */
  readonly step?: StepHook;
}

interface Here extends Site {
  readonly pool: OpenPool;
}

export function btrfsVolumes(options: BtrfsVolumesOptions): VolumePort {
  const run = options.run ?? runCommand;
  const step = options.step ?? (() => undefined);
  const oneAtATime = keyedLock();
  const lastSeen = new Map<string, PoolInfo>();

  /** Checks the name, finds the pool, waits for its turn, finishes what was interrupted; then does the work. */
  async function on<T>(op: string, of: Dataset, call: Call, body: (here: Here) => Promise<T>): Promise<T> {
    checkDatasetName(op, of);
    const target = describe(of);
    const within = deadline(call, op, target);
    return oneAtATime(target, within, async () => {
      try {
        const pool = await openPool(options.pools, of.pool, op);
        const paths = datasetPaths(pool.path, of.name);
        const here: Here = { pool, paths, within, step, btrfs: btrfsCommands(run, target, within) };
        if ((await hasFolder(paths.home)) && (await hasFolder(paths.snapshots))) await settle(here);
        within.check();
        return await body(here);
      } catch (error) {
        throw stepError(error, op, target);
      }
    });
  }

  /** Like `on`, for work that needs a dataset. @throws IoError MISSING */
  const onExisting = <T>(op: string, of: Dataset, call: Call, body: (here: Here) => Promise<T>): Promise<T> =>
    on(op, of, call, async (here) => {
      if (await exists(here)) return body(here);
      throw new IoError('MISSING', { op, target: describe(of), message: `there is no dataset ${describe(of)}` });
    });

  return {
    async pools(call) {
      const infos: PoolInfo[] = [];
      for (const { name } of options.pools) {
        const info = await poolInfo(name, call);
        lastSeen.set(name, info);
        infos.push(info);
      }
      return infos;
    },

    async create(of, sizeBytes, call) {
      checkSize('create', of, sizeBytes);
      return on('create', of, call, async (here) => {
        if (await exists(here)) {
          const { limitBytes } = await here.btrfs.usage(here.paths.live);
          if (limitBytes !== sizeBytes) await here.btrfs.limit(here.paths.live, sizeBytes);
        } else {
          await makeDataset(here, sizeBytes);
        }
        return inspect(here);
      });
    },

    inspect: (of, call) => on('inspect', of, call, async (here) => ((await exists(here)) ? inspect(here) : undefined)),

    async list(name, call) {
      const within = deadline(call, 'list', name);
      try {
        within.check();
        const pool = await openPool(options.pools, name, 'list');
        const found: string[] = [];
        for (const entry of await readdir(join(pool.path, 'floatlab', 'volumes'), { withFileTypes: true })) {
          within.check();
          if (!entry.isDirectory() || !isDatasetName(entry.name)) continue;
          const { live, old } = datasetPaths(pool.path, entry.name);
          if ((await isSubvolume(live)) || (await isSubvolume(old))) found.push(entry.name);
        }
        return found.toSorted();
      } catch (error) {
        throw stepError(error, 'list', name);
      }
    },

    async snapshot(of, name, call) {
      checkSnapshotName('snapshot', name);
      return onExisting('snapshot', of, call, async (here) => {
        const path = here.paths.snapshot(name);
        if (!(await hasSubvolume(path))) {
          await refuseNested(here, 'snapshot');
          await oneAtATime(of.pool, here.within, () => here.btrfs.snapshot(here.paths.live, path, 'read-only'));
        }
        return snapInfo(name, await here.btrfs.show(path), 'snapshot');
      });
    },

    snapshots: (of, call) => onExisting('snapshots', of, call, listSnapshots),

    async removeSnapshot(of, name, call) {
      checkSnapshotName('removeSnapshot', name);
      return on('removeSnapshot', of, call, async (here) => {
        const path = here.paths.snapshot(name);
        if (!(await hasSubvolume(path))) return;
        await refuseInUse(here, path, 'removeSnapshot');
        await here.btrfs.deleteSubvolumes([path]);
      });
    },

    async rollback(of, to, stash, call) {
      const refuse = (code: 'INVALID' | 'EXISTS' | 'MISSING', message: string) =>
        new IoError(code, { op: 'rollback', target: describe(of), message });
      checkSnapshotName('rollback', to);
      checkSnapshotName('rollback', stash);
      if (to === stash) throw refuse('INVALID', `a rollback to ${to} cannot keep the present as ${to}`);
      return onExisting('rollback', of, call, async (here) => {
        const { paths, btrfs } = here;
        if (await hasSubvolume(paths.snapshot(stash))) {
          const last = await lastRollback(paths);
          if (last?.to !== to || last.stash !== stash)
            throw refuse('EXISTS', `${describe(of)} already has a snapshot ${stash}`);
        } else {
          if (!(await hasSubvolume(paths.snapshot(to))))
            throw refuse('MISSING', `${describe(of)} has no snapshot ${to}`);
          await refuseNested(here, 'rollback');
          await refuseInUse(here, paths.live, 'rollback');
          await oneAtATime(of.pool, here.within, () => rollBack(here, { to, stash }));
        }
        return snapInfo(stash, await btrfs.show(paths.snapshot(stash)), 'rollback');
      });
    },

    destroy: (of, call) =>
      on('destroy', of, call, async (here) => {
        const { pool, paths, btrfs } = here;
        const remove = async () => {
          await removeTree(pool, btrfs, paths.trash);
          await step('emptied');
        };
        const trash = join(pool.path, 'floatlab', 'trash');
        await ensureFolder(trash, 0o700);
        if (await hasFolder(paths.trash)) await remove();
        if (!(await hasFolder(paths.home))) return;
        await refuseInUse(here, paths.home, 'destroy');
        here.within.check();
        await rename(paths.home, paths.trash);
        await step('trashed');
        await btrfs.sync(pool.path);
        await step('forgotten');
        await remove();
      }),
  };

  async function poolInfo(name: string, call: Call): Promise<PoolInfo> {
    try {
      const within = deadline(call, 'pools', name);
      const pool = await openPool(options.pools, name, 'pools');
      const usage = await btrfsCommands(run, name, within).filesystemUsage(pool.path);
      const state = usage.missingBytes > 0 || pool.mount.readOnly ? 'degraded' : 'online';
      return { name, driver: 'btrfs', sizeBytes: usage.sizeBytes, usedBytes: usage.usedBytes, state };
    } catch (error) {
      const problem = stepError(error, 'pools', name);
      if (!absent.has(problem.code)) throw problem;
      const { sizeBytes = 0, usedBytes = 0 } = lastSeen.get(name) ?? {};
      return { name, driver: 'btrfs', sizeBytes, usedBytes, state: 'unavailable' };
    }
  }

  async function makeDataset(here: Here, sizeBytes: number): Promise<void> {
    const { paths, btrfs } = here;
    await ensureFolder(paths.home, 0o711);
    await ensureFolder(paths.snapshots, 0o700);
    await step('folders');
    const orphans = await readdir(paths.snapshots);
    if (orphans.length > 0) {
      throw new IoError('DAMAGED', {
        op: 'create',
        target: paths.home,
        message: `${paths.live} is missing, but ${orphans.length} of its snapshots are there: no empty dataset is made over them`,
        hint: `Make ${paths.live} from one of ${paths.snapshots} with \`btrfs subvolume snapshot\`, or move them away.`,
      });
    }
    if (await hasSubvolume(paths.fresh)) await btrfs.deleteSubvolumes([paths.fresh]);
    await btrfs.createSubvolume(paths.fresh);
    await step('made');
    await btrfs.limit(paths.fresh, sizeBytes);
    await step('limited');
    here.within.check();
    await rename(paths.fresh, paths.live);
    await step('named');
    await btrfs.sync(paths.live);
    await step('synced');
  }
}

/** A pool that answers like this is there no more, or not of use; other errors are not about the pool. */
const absent: ReadonlySet<string> = new Set(['POOL_MISSING', 'MISSING', 'DAMAGED', 'TIMED_OUT']);

const exists = ({ paths }: Here): Promise<boolean> => hasSubvolume(paths.live);

/** Without complaining about what is not ours. */
const isSubvolume = (path: string): Promise<boolean> => hasSubvolume(path).catch(() => false);

async function inspect({ paths, btrfs }: Here): Promise<DatasetInfo> {
  const { referencedBytes, limitBytes } = await btrfs.usage(paths.live);
  return { path: paths.live, usedBytes: referencedBytes, sizeBytes: limitBytes };
}

/** In the order of creation, which is the order of their generations: names and clocks may lie. */
async function listSnapshots(here: Here): Promise<readonly SnapInfo[]> {
  const { pool, paths, btrfs } = here;
  if (!(await hasFolder(paths.snapshots))) return [];
  const listed = await btrfs.list(pool.path, 'read-only snapshots');
  const folder = fromTop(pool, paths.snapshots);
  const found: { name: string; details: Pick<SubvolumeDetails, 'id' | 'cgen'>; info: SnapInfo }[] = [];
  for (const name of await readdir(paths.snapshots)) {
    if (!isSnapshotName(name) || !(await isSubvolume(paths.snapshot(name)))) continue;
    const rows = listed.filter(({ path }) => path === `${folder}/${name}`);
    const [row] = rows;
    // Asked for alone where the list is not clear: received whole, or another one's path imitates it.
    const details =
      rows.length === 1 && row?.createdAt !== undefined
        ? { ...row, createdAt: row.createdAt, readOnly: true }
        : await btrfs.show(paths.snapshot(name));
    if (details.readOnly) found.push({ name, details, info: snapInfo(name, details, 'snapshots') });
  }
  found.sort((a, b) => a.details.cgen - b.details.cgen || a.details.id - b.details.id);
  return found.map(({ info }) => info);
}

function snapInfo(
  name: string,
  details: Pick<SubvolumeDetails, 'uuid' | 'receivedUuid' | 'createdAt' | 'readOnly'>,
  op: string,
): SnapInfo {
  if (!details.readOnly) {
    const message = `${name} is writable: somebody changed it, it is not a snapshot any more`;
    throw new IoError('EXISTS', { op, target: name, message, hint: 'Move it out of the folder of FloatLab.' });
  }
  return { name, guid: details.receivedUuid ?? details.uuid, createdAt: details.createdAt };
}

/** A snapshot holds an empty folder in place of a subvolume inside it: the data would be missing without a word. */
async function refuseNested({ pool, paths, btrfs }: Here, op: string): Promise<void> {
  const nested = await btrfs.nested(paths.live);
  if (nested.length === 0) return;
  const shown = nested.slice(0, 3).map((path) => relative(fromTop(pool, paths.live), path));
  throw new IoError('INVALID', {
    op,
    target: paths.live,
    message: `${paths.live} has subvolumes of its own (${shown.join(', ')}): a snapshot cannot hold what is in them`,
    hint: 'Copy what they hold into plain folders and remove them.',
  });
}

async function refuseInUse({ pool }: Here, path: string, op: string): Promise<void> {
  const user = await userOf(pool, path);
  if (user === undefined) return;
  const message = `${path} is in use by ${user}`;
  throw new IoError('BUSY', { op, target: path, message, hint: 'Stop the app that uses it, then try again.' });
}
