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
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import { deadline } from '../deadline.ts';
import { isForeign } from '../foreign.ts';
import { keyedLock } from '../lock.ts';
import { checkDatasetName, checkSamePool, checkSnapshotName, describe, isDatasetName } from '../names.ts';
import { noPlaces, type OwnPlaces } from '../own-places.ts';
import type { Dataset, PoolInfo, VolumePort } from '../port.ts';
import { checkCompression, checkSpec } from '../spec.ts';
import { compressions, findAbilities } from './abilities.ts';
import { adopt } from './adopt.ts';
import { readAdopted } from './adopted.ts';
import { findCandidates } from './candidates.ts';
import { findChanges } from './changes.ts';
import { btrfsCommands } from './commands.ts';
import { adjust, describeDataset, exists, makeDataset } from './dataset.ts';
import { end } from './ending.ts';
import { stepError } from './errors.ts';
import { fileExists } from './image.ts';
import { refuseInUse, refuseNested } from './in-the-way.ts';
import { datasetPaths, hasFolder, hasSubvolume } from './layout.ts';
import type { DatasetPaths } from './layout.ts';
import type { BtrfsPool, OpenPool } from './pool.ts';
import { openPool } from './pool.ts';
import { lastRollback, rollBack, settle } from './rollback.ts';
import type { Site, StepHook } from './site.ts';
import { listForeign, listSnapshots, removeSnapshots, snapInfo, snapshotOf, writtenSince } from './snapshots.ts';

export interface BtrfsVolumesOptions {
  readonly pools: readonly BtrfsPool[];
  readonly run?: RunCommand;
  /** Told after each step that a crash may follow; for tests that crash there. */
  readonly step?: StepHook;
  /** Where the kernel tells of itself and of the disks. Default `/sys`. */
  readonly sys?: string;
  /** What is not to be adopted. */
  readonly ownPlaces?: OwnPlaces;
}

export function btrfsVolumes(options: BtrfsVolumesOptions): VolumePort {
  const run = options.run ?? runCommand;
  const step = options.step ?? (() => undefined);
  const sys = options.sys ?? '/sys';
  const ownPlaces = options.ownPlaces ?? noPlaces;
  const oneAtATime = keyedLock();
  const lastSeen = new Map<string, PoolInfo>();

  /** Checks the name, finds the pool, waits for its turn, finishes what was interrupted; then does the work. */
  async function on<T>(op: string, of: Dataset, call: Call, body: (site: Site) => Promise<T>): Promise<T> {
    checkDatasetName(op, of);
    const target = describe(of);
    const within = deadline(call, op, target);
    return oneAtATime(target, within, async () => {
      try {
        const pool = await openPool(options.pools, of.pool, op);
        const btrfs = btrfsCommands(run, target, within);
        const site = await find({ op, target, name: of.name, pool, btrfs, run, within, step, oneAtATime });
        within.check();
        return await body(site);
      } catch (error) {
        throw stepError(error, op, target);
      }
    });
  }

  /** Like `on`, for work that needs a dataset. @throws IoError MISSING */
  const onExisting = <T>(op: string, of: Dataset, call: Call, body: (site: Site) => Promise<T>): Promise<T> =>
    on(op, of, call, async (site) => {
      if (await exists(site)) return body(site);
      throw new IoError('MISSING', { op, target: describe(of), message: `there is no dataset ${describe(of)}` });
    });

  /** Like `on`, for work on a whole pool. */
  async function onPool<T>(
    op: string,
    name: string,
    call: Call,
    body: (pool: OpenPool, within: Deadline) => Promise<T>,
  ): Promise<T> {
    const within = deadline(call, op, name);
    try {
      within.check();
      return await body(await openPool(options.pools, name, op), within);
    } catch (error) {
      throw stepError(error, op, name);
    }
  }

  return {
    pools: (call) => Promise.all(options.pools.map(({ name }) => poolInfo(name, call))),

    async create(of, spec, call) {
      checkSpec('create', of, spec);
      return on('create', of, call, async (site) => {
        checkCompression('create', of, spec, await compressions(sys));
        if (await exists(site)) await adjust(site, spec);
        else await makeDataset(site, spec, (path) => site.btrfs.createSubvolume(path));
        return describeDataset(site);
      });
    },

    async clone(from, snapshot, into, spec, call) {
      checkDatasetName('clone', from);
      checkSnapshotName('clone', snapshot);
      checkSpec('clone', into, spec);
      checkSamePool('clone', [from, into]);
      // It may be in the middle of a roll-back, which is finished first. What it has is looked at below.
      if (from.name !== into.name) await on('clone', from, call, () => Promise.resolve());
      return on('clone', into, call, async (site) => {
        checkCompression('clone', into, spec, await compressions(sys));
        if (await exists(site)) await adjust(site, spec);
        else {
          const paths = datasetPaths(site.pool.path, from.name);
          const source = await snapshotOf({ ...site, target: describe(from), paths }, snapshot);
          await makeDataset(site, spec, (path) =>
            oneAtATime(into.pool, site.within, () => site.btrfs.snapshot(source, path, 'writable')),
          );
        }
        return describeDataset(site);
      });
    },

    inspect: (of, call) =>
      on('inspect', of, call, async (site) => ((await exists(site)) ? describeDataset(site) : undefined)),

    // A subvolume is there as soon as its pool is mounted.
    mount: (of, call) => onExisting('mount', of, call, describeDataset),

    list: (name, call) =>
      onPool('list', name, call, async (pool, within) => [...(await datasetsOf(pool, within)).keys()]),

    changes: (name, call) =>
      onPool('changes', name, call, async (pool, within) =>
        findChanges(pool, btrfsCommands(run, name, within), await datasetsOf(pool, within)),
      ),

    async snapshot(of, name, call) {
      checkSnapshotName('snapshot', name);
      return onExisting('snapshot', of, call, async (site) => {
        const path = site.paths.snapshot(name);
        if (!(await hasSubvolume(path))) {
          await refuseNested(site, site.paths.live);
          await oneAtATime(of.pool, site.within, () => site.btrfs.snapshot(site.paths.live, path, 'read-only'));
        }
        return snapInfo(name, await site.btrfs.show(path), 'snapshot');
      });
    },

    async snapshotTogether(of, name, call) {
      checkSnapshotName('snapshotTogether', name);
      for (const dataset of of) checkDatasetName('snapshotTogether', dataset);
      deadline(call, 'snapshotTogether', name).check();
      throw new IoError('UNSUPPORTED', {
        op: 'snapshotTogether',
        target: name,
        message: 'btrfs cannot take snapshots of several subvolumes in one moment',
        hint: 'Stop the app for the moment that they take, or keep its data in one volume.',
      });
    },

    snapshots: (of, call) => onExisting('snapshots', of, call, listSnapshots),

    foreignSnapshots: (of, call) => onExisting('foreignSnapshots', of, call, listForeign),

    async snapshotPath(of, name, call) {
      checkSnapshotName('snapshotPath', name);
      return onExisting('snapshotPath', of, call, (site) => snapshotOf(site, name));
    },

    async writtenSince(of, name, call) {
      checkSnapshotName('writtenSince', name);
      return onExisting('writtenSince', of, call, (site) => writtenSince(site, name));
    },

    async removeSnapshots(of, names, call) {
      for (const name of names) checkSnapshotName('removeSnapshots', name);
      return on('removeSnapshots', of, call, (site) => removeSnapshots(site, names));
    },

    async rollback(of, to, stash, call) {
      const refuse = (code: 'INVALID' | 'EXISTS' | 'MISSING', message: string) =>
        new IoError(code, { op: 'rollback', target: describe(of), message });
      checkSnapshotName('rollback', to);
      checkSnapshotName('rollback', stash);
      if (to === stash) throw refuse('INVALID', `a rollback to ${to} cannot keep the present as ${to}`);
      return onExisting('rollback', of, call, async (site) => {
        const { paths, btrfs } = site;
        if (await hasSubvolume(paths.snapshot(stash))) {
          const last = await lastRollback(paths);
          if (last?.to !== to || last.stash !== stash)
            throw refuse('EXISTS', `${describe(of)} already has a snapshot ${stash}`);
        } else {
          if (!(await hasSubvolume(paths.snapshot(to))))
            throw refuse('MISSING', `${describe(of)} has no snapshot ${to}`);
          await refuseNested(site, paths.live);
          await refuseInUse(site, paths.live);
          await oneAtATime(of.pool, site.within, () => rollBack(site, { to, stash }));
        }
        return snapInfo(stash, await btrfs.show(paths.snapshot(stash)), 'rollback');
      });
    },

    adopt: (native, of, call) =>
      on('adopt', of, call, (site) =>
        oneAtATime(`${of.pool} adopt`, site.within, async () =>
          describeDataset(await adopt(site, native, ownPlaces())),
        ),
      ),

    candidates: (name, call) =>
      onPool('candidates', name, call, async (pool, within) =>
        findCandidates(pool, btrfsCommands(run, name, within), within, ownPlaces()),
      ),

    release: (of, call) =>
      on('release', of, call, async (site) => {
        if (!site.adopted && (await exists(site)))
          throw wrongEnd(site, 'FloatLab made it, it was not adopted', 'Destroy it instead.');
        await end(site, { scrub: false });
      }),

    destroy: (of, how, call) =>
      on('destroy', of, call, async (site) => {
        if (site.adopted) throw wrongEnd(site, 'it was adopted, FloatLab did not make it', 'Release it instead.');
        if (how.scrub && !(await findAbilities(sys, site.pool)).scrubbedDestroy) throw cannotScrub(site);
        await end(site, how);
      }),
  };

  async function poolInfo(name: string, call: Call): Promise<PoolInfo> {
    try {
      const within = deadline(call, 'pools', name);
      const pool = await openPool(options.pools, name, 'pools');
      const { sizeBytes, usedBytes, missingBytes } = await btrfsCommands(run, name, within).filesystemUsage(pool.path);
      const state = missingBytes > 0 || pool.mount.readOnly ? 'degraded' : 'online';
      const can = await findAbilities(sys, pool);
      const info: PoolInfo = { name, driver: 'btrfs', sizeBytes, usedBytes, state, can };
      lastSeen.set(name, info);
      return info;
    } catch (error) {
      const problem = stepError(error, 'pools', name);
      if (!absent.has(problem.code)) throw problem;
      const { sizeBytes = 0, usedBytes = 0, can = await findAbilities(sys, undefined) } = lastSeen.get(name) ?? {};
      return { name, driver: 'btrfs', sizeBytes, usedBytes, state: 'unavailable', can };
    }
  }
}

/** A pool that answers like this is there no more, or not of use; other errors are not about the pool. */
const absent: ReadonlySet<string> = new Set(['POOL_MISSING', 'MISSING', 'DAMAGED', 'TIMED_OUT']);

/** The dataset as it is once what was interrupted is finished. */
async function find(where: Omit<Site, 'paths' | 'adopted'>): Promise<Site> {
  const look = async (): Promise<Site> => {
    const places = datasetPaths(where.pool.path, where.name);
    const adopted = (await hasFolder(places.home)) ? await readAdopted(places.adopted) : undefined;
    return { ...where, adopted, paths: datasetPaths(where.pool.path, where.name, adopted?.path) };
  };
  const site = await look();
  if (!(await hasFolder(site.paths.home)) || !(await hasFolder(site.paths.snapshots))) return site;
  try {
    await settle(site);
  } catch (error) {
    // What was adopted may be lost for good; it can be given up all the same.
    const isLost = where.op === 'release' && error instanceof IoError && error.code === 'DAMAGED';
    if (!isLost) throw error;
  }
  return site.adopted ? look() : site;
}

/** All datasets of a pool, sorted by name. */
async function datasetsOf(pool: OpenPool, within: Deadline): Promise<ReadonlyMap<string, DatasetPaths>> {
  const found = new Map<string, DatasetPaths>();
  const volumes = join(pool.path, 'floatlab', 'volumes');
  const entries = await readdir(volumes, { withFileTypes: true });
  for (const { name } of entries
    .filter((entry) => entry.isDirectory())
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    within.check();
    if (!isDatasetName(name)) continue;
    const paths = datasetPaths(pool.path, name);
    if ((await mayBeSubvolume(paths.live)) || (await mayBeSubvolume(paths.old))) {
      found.set(name, paths);
      continue;
    }
    // One whose note cannot be read is there, too: it says so itself, and hides no others.
    if (await fileExists(paths.adopted)) {
      const adopted = await readAdopted(paths.adopted).catch(() => undefined);
      found.set(name, datasetPaths(pool.path, name, adopted?.path));
    }
  }
  return found;
}

/** What cannot be looked at is there, too. */
const mayBeSubvolume = (path: string): Promise<boolean> =>
  hasSubvolume(path).catch((error: unknown) => !isForeign(error));

const wrongEnd = ({ op, target }: Site, why: string, hint: string): IoError =>
  new IoError('INVALID', { op, target, message: `${op} of ${target} is refused: ${why}`, hint });

const cannotScrub = ({ op, target, pool }: Site): IoError =>
  new IoError('UNSUPPORTED', {
    op,
    target,
    message: `the disks of the pool ${pool.name} cannot be told to forget what is deleted`,
    hint: 'Destroy it without scrubbing. Only disks that can be trimmed forget, and a pool in a file is not on its own.',
  });
