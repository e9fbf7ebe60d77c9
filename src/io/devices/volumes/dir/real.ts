/**
 * Volumes on any file system that has folders: the last resort, where there is neither zfs nor btrfs. A snapshot is a
 * copy, a clone too; a size is only what somebody wished for, and nothing enforces it.
 *
 * Everything is done by steps that a crash may interrupt anywhere: a copy is made under a private name, brought to the
 * disk, and gets its name by one rename. What is left of an interrupted call is finished or thrown away by the next
 * one. Calls that change a dataset wait for one another, and a pool makes one copy at a time; calls that only read do
 * not wait for a copy. There is no state here besides locks and remembered numbers.
 */
import { readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import type { Call } from '../../call.ts';
import { realClock } from '../../clock/real.ts';
import type { IoErrorCode } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import { deadline } from '../deadline.ts';
import { isForeign } from '../foreign.ts';
import { keyedLock } from '../lock.ts';
import { checkDatasetName, checkSnapshotName, describe, isDatasetName } from '../names.ts';
import { noPlaces, type OwnPlaces } from '../own-places.ts';
import type { Dataset, DatasetInfo, DatasetSpec, PoolAbilities, PoolInfo, VolumePort } from '../port.ts';
import { checkCompression, checkSpec } from '../spec.ts';
import { adoptFolder, checkNative, findCandidates } from './adoption.ts';
import type { Content } from './content.ts';
import { adoptedPath, contentOf, findContent } from './content.ts';
import { stepError, withHint } from './errors.ts';
import { discard, emptyTrash, removeTaken, settle } from './ending.ts';
import { datasetPaths, filesIn, hasFile, hasFolder } from './layout.ts';
import { giveAgain, makeDataset, makeEmpty } from './making.ts';
import type { DirPool, OpenDirPool } from './pool.ts';
import { findAbilities, openDirPool, refuseMounts, unknownAbilities } from './pool.ts';
import { isRollingBack, lastRollback, rollBack } from './rollback.ts';
import type { Site, StepHook } from './site.ts';
import { refusal, refuseOpened, refuseUsed } from './site.ts';
import { findSnapshot, listSnapshots, takeSnapshot } from './snapshots.ts';
import { dirTools } from './tools.ts';
import { rememberedUsage } from './usage.ts';

export interface DirVolumesOptions {
  readonly pools: readonly DirPool[];
  readonly run?: RunCommand;
  /** Told after each step of what changes something; for tests that crash there. */
  readonly step?: StepHook;
  /** What is not to be adopted. */
  readonly ownPlaces?: OwnPlaces;
}

export function dirVolumes(options: DirVolumesOptions): VolumePort {
  const run = options.run ?? runCommand;
  const step = options.step ?? (() => undefined);
  const ownPlaces = options.ownPlaces ?? noPlaces;
  const oneAtATime = keyedLock();
  const seenIds = new Map<string, string>();
  const lastSeen = new Map<string, PoolInfo>();
  const usage = rememberedUsage(realClock);
  /** By the identity of the pool. */
  const abilities = new Map<string, PoolAbilities>();

  async function siteOf(op: string, of: Dataset, within: Deadline): Promise<Site> {
    const target = describe(of);
    within.check();
    const pool = await openDirPool(options.pools, of.pool, op, seenIds);
    const paths = datasetPaths(pool.path, of.name);
    return { op, of, target, pool, paths, within, step, run, tools: dirTools(run, target, within) };
  }

  /** Waits for its turn, finishes what was interrupted; then does the work. For what changes something. */
  async function on<T>(op: string, of: Dataset, within: Deadline, body: (site: Site) => Promise<T>): Promise<T> {
    const target = describe(of);
    return oneAtATime(target, within, async () => {
      let site: Site | undefined;
      try {
        site = await siteOf(op, of, within);
        if (await hasFolder(site.paths.home)) await settle(site);
        within.check();
        return await body(site);
      } catch (error) {
        const problem = stepError(error, op, target);
        // A full disk is not left full. After the others the next call cleans up, because this one has no time left.
        // So it does where that fails: what is told is why the call failed.
        if (site && !cutOff.has(problem.code)) await settle(site).catch(() => undefined);
        throw problem;
      } finally {
        usage.forget(target);
      }
    });
  }

  /**
   * Does not wait for a copy that is being made. What looks missing, or is in the middle of a rollback, is looked at
   * again when its turn has come.
   */
  async function read<T>(op: string, of: Dataset, within: Deadline, body: (site: Site) => Promise<T>): Promise<T> {
    try {
      const site = await siteOf(op, of, within);
      if (!(await isRollingBack(site.paths))) {
        const found = await body(site);
        if (found !== undefined && !(await isRollingBack(site.paths))) return found;
      }
    } catch (error) {
      const problem = stepError(error, op, describe(of));
      if (problem.code !== 'MISSING' && problem.code !== 'DAMAGED') throw problem;
    }
    return on(op, of, within, body);
  }

  /** One deadline for the whole call. @throws IoError INVALID */
  function begin(op: string, of: Dataset, call: Call): Deadline {
    checkDatasetName(op, of);
    return deadline(call, op, describe(of));
  }

  const oneCopyAtATime = <T>({ of, within }: Site, body: () => Promise<T>): Promise<T> =>
    oneAtATime(of.pool, within, body);

  async function info(site: Site, { path, isAdopted }: Content): Promise<DatasetInfo> {
    const usedBytes = await usedBytesOf(site, path);
    return { path, usedBytes, sizeBytes: undefined, ...(isAdopted ? { adopted: path } : {}) };
  }

  const usedBytesOf = (site: Site, path: string): Promise<number> =>
    usage.bytes(site.target, site.within, () => site.tools.usage(path));

  /** Makes the dataset, or finds it there. */
  async function provide(site: Site, spec: DatasetSpec, fill: (files: string) => Promise<void>): Promise<DatasetInfo> {
    checkCompression(site.op, site.of, spec, unknownAbilities.compression);
    const there = await findContent(site);
    if (there) await giveAgain(there.path, spec);
    else await makeDataset(site, spec, fill);
    return info(site, await contentOf(site));
  }

  /**
   * Better no copy than a file system that other programs find full while it is attempted.
   * @param neededBytes what the copy will take @throws IoError NO_SPACE
   */
  async function refuseFull(site: Site, neededBytes: () => Promise<number>): Promise<void> {
    const { pool, target } = site;
    if ((await abilitiesOf(pool, site)).copyOnWrite) return;
    const { blocks, bfree, bavail, bsize } = await statfs(pool.path);
    const [used, free] = [(blocks - bfree) * bsize, bavail * bsize];
    // Nothing in it can take more than all of it: then there is no need to look.
    const needed = used <= free ? 0 : await neededBytes();
    if (needed <= free) return;
    const message = `a copy of ${target} takes ${formatSize(needed)}, and ${pool.name} has ${formatSize(free)} left`;
    throw refusal(site, 'NO_SPACE', message, withHint('NO_SPACE').hint);
  }

  async function abilitiesOf(
    pool: OpenDirPool,
    { tools, within }: Pick<Site, 'tools' | 'within'>,
  ): Promise<PoolAbilities> {
    return oneAtATime(`abilities of ${pool.id}`, within, async () => {
      const known = abilities.get(pool.id);
      if (known) return known;
      // Then nothing can be tried, and nothing can be written either.
      if (pool.mount.readOnly) return lastSeen.get(pool.name)?.can ?? unknownAbilities;
      const found = await findAbilities(pool, tools);
      abilities.set(pool.id, found);
      return found;
    });
  }

  async function poolInfo(name: string, call: Call): Promise<PoolInfo> {
    try {
      const within = deadline(call, 'pools', name);
      within.check();
      const pool = await openDirPool(options.pools, name, 'pools', seenIds);
      const { blocks, bfree, bsize } = await within.race(statfs(pool.path));
      const can = await abilitiesOf(pool, { tools: dirTools(run, name, within), within });
      const state = pool.mount.readOnly ? 'degraded' : 'online';
      return { name, driver: 'dir', sizeBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, state, can };
    } catch (error) {
      const problem = stepError(error, 'pools', name);
      if (!absent.has(problem.code)) throw problem;
      const { sizeBytes = 0, usedBytes = 0, can = unknownAbilities } = lastSeen.get(name) ?? {};
      return { name, driver: 'dir', sizeBytes, usedBytes, state: 'unavailable', can };
    }
  }

  return {
    async pools(call) {
      const infos: PoolInfo[] = [];
      for (const { name } of options.pools) {
        const found = await poolInfo(name, call);
        lastSeen.set(name, found);
        infos.push(found);
      }
      return infos;
    },

    async create(of, spec, call) {
      const within = begin('create', of, call);
      checkSpec('create', of, spec);
      return on('create', of, within, (site) => provide(site, spec, makeEmpty));
    },

    async clone(from, snapshot, into, spec, call) {
      checkDatasetName('clone', from);
      checkSnapshotName('clone', snapshot);
      const within = begin('clone', into, call);
      checkSpec('clone', into, spec);
      if (from.pool !== into.pool) {
        const message = `${describe(into)} is in another pool than ${describe(from)}`;
        throw refusal({ op: 'clone', target: describe(into) }, 'INVALID', message, 'A clone stays in the pool.');
      }
      const isThere = await read('clone', into, within, findContent);
      const source = isThere ? undefined : await read('clone', from, within, (site) => sourceOf(site, snapshot));
      return on('clone', into, within, (site) =>
        provide(site, spec, async (files) => {
          const gone = () => refusal(site, 'MISSING', `the snapshot ${snapshot} of ${describe(from)} is gone`);
          if (!source) throw gone();
          await oneCopyAtATime(site, async () => {
            await refuseFull(site, () => site.tools.usage(source.files));
            await site.tools.copy(source.files, files, 'still');
            await site.tools.flush(files);
          });
          // Removing one begins with a rename: what still has its name was whole all the time.
          if ((await findSnapshot(source.paths, snapshot))?.guid !== source.guid) throw gone();
        }),
      );
    },

    inspect: async (of, call) =>
      read('inspect', of, begin('inspect', of, call), async (site) => {
        const content = await findContent(site);
        return content && info(site, content);
      }),

    mount: async (of, call) =>
      read('mount', of, begin('mount', of, call), async (site) => info(site, await contentOf(site))),

    async list(name, call) {
      const within = deadline(call, 'list', name);
      try {
        within.check();
        const { path } = await openDirPool(options.pools, name, 'list', seenIds);
        const found: string[] = [];
        for (const entry of await readdir(join(path, 'floatlab', 'volumes'), { withFileTypes: true })) {
          within.check();
          if (!entry.isDirectory() || !isDatasetName(entry.name)) continue;
          if (await isDataset(path, entry.name)) found.push(entry.name);
        }
        return found.toSorted();
      } catch (error) {
        throw stepError(error, 'list', name);
      }
    },

    changes: (name) => cannot('changes', name, 'whether files have changed is not known without looking at them'),

    async snapshot(of, name, call) {
      checkSnapshotName('snapshot', name);
      return on('snapshot', of, begin('snapshot', of, call), async (site) => {
        const { path } = await contentOf(site);
        const there = await findSnapshot(site.paths, name);
        if (there) return there;
        await refuseMounts('snapshot', path);
        return oneCopyAtATime(site, async () => {
          await refuseFull(site, () => usedBytesOf(site, path));
          return takeSnapshot(site, path, name);
        });
      });
    },

    async snapshotTogether(of, name) {
      for (const one of of) checkDatasetName('snapshotTogether', one);
      checkSnapshotName('snapshotTogether', name);
      return cannot('snapshotTogether', of[0]?.pool ?? name, 'copies are not made in one moment');
    },

    snapshots: async (of, call) =>
      read('snapshots', of, begin('snapshots', of, call), async (site) => {
        await contentOf(site);
        return listSnapshots(site.paths);
      }),

    foreignSnapshots: async (of, call) =>
      read('foreignSnapshots', of, begin('foreignSnapshots', of, call), async (site) => {
        await contentOf(site);
        return [];
      }),

    async snapshotPath(of, name, call) {
      checkSnapshotName('snapshotPath', name);
      return read('snapshotPath', of, begin('snapshotPath', of, call), async (site) => {
        await contentOf(site);
        if (await findSnapshot(site.paths, name)) return filesIn(site.paths.snapshot(name));
        throw refusal(site, 'MISSING', `${site.target} has no snapshot ${name}`);
      });
    },

    async writtenSince(of, name, call) {
      checkSnapshotName('writtenSince', name);
      return read('writtenSince', of, begin('writtenSince', of, call), async (site) => {
        await contentOf(site);
        if (await findSnapshot(site.paths, name)) return 'unknown' as const;
        throw refusal(site, 'MISSING', `${site.target} has no snapshot ${name}`);
      }).then(() => undefined);
    },

    async removeSnapshots(of, names, call) {
      for (const name of names) checkSnapshotName('removeSnapshots', name);
      const within = begin('removeSnapshots', of, call);
      return on('removeSnapshots', of, within, (site) => removeTaken(site, names));
    },

    async rollback(of, to, stash, call) {
      checkSnapshotName('rollback', to);
      checkSnapshotName('rollback', stash);
      const message = `a rollback to ${to} cannot keep the present as ${to}`;
      if (to === stash) throw refusal({ op: 'rollback', target: describe(of) }, 'INVALID', message);
      return on('rollback', of, begin('rollback', of, call), async (site) => {
        const { paths, target } = site;
        const { path } = await contentOf(site);
        if (await findSnapshot(paths, stash)) {
          const last = await lastRollback(paths);
          if (last?.to !== to || last.stash !== stash)
            throw refusal(site, 'EXISTS', `${target} already has a snapshot ${stash}`);
        } else {
          if (!(await findSnapshot(paths, to))) throw refusal(site, 'MISSING', `${target} has no snapshot ${to}`);
          await refuseMounts('rollback', path);
          await refuseUsed(site, path);
          await refuseOpened(site, path);
          await oneCopyAtATime(site, async () => {
            await refuseFull(site, () => site.tools.usage(filesIn(paths.snapshot(to))));
            await rollBack(site, path, { to, stash });
          });
        }
        const kept = await findSnapshot(paths, stash);
        if (kept) return kept;
        throw refusal(site, 'DAMAGED', `the snapshot ${stash} of ${target} is gone at once`);
      });
    },

    async adopt(native, of, call) {
      const within = begin('adopt', of, call);
      checkNative({ op: 'adopt', target: describe(of) }, native);
      return on('adopt', of, within, (site) =>
        // Two volumes must not adopt one folder at the same time.
        oneAtATime(`adoptions of ${of.pool}`, within, async () => {
          await adoptFolder(site, native, ownPlaces());
          return info(site, await contentOf(site));
        }),
      );
    },

    async candidates(name, call) {
      const within = deadline(call, 'candidates', name);
      try {
        within.check();
        const pool = await openDirPool(options.pools, name, 'candidates', seenIds);
        const site = { op: 'candidates', target: name, pool, within, tools: dirTools(run, name, within) };
        return await findCandidates(site, ownPlaces());
      } catch (error) {
        throw stepError(error, 'candidates', name);
      }
    },

    release: async (of, call) =>
      on('release', of, begin('release', of, call), async (site) => {
        await emptyTrash(site);
        if ((await adoptedPath(site.paths)) !== undefined) return discard(site, { scrub: false });
        if (await hasFolder(site.paths.live))
          throw refusal(site, 'INVALID', `${site.target} was not adopted: FloatLab made it`, 'Destroy it instead.');
      }),

    destroy: async (of, how, call) =>
      on('destroy', of, begin('destroy', of, call), async (site) => {
        await emptyTrash(site);
        if (!(await hasFolder(site.paths.home))) return;
        const adopted = await adoptedPath(site.paths);
        if (adopted !== undefined)
          throw refusal(
            site,
            'INVALID',
            `${site.target} is ${adopted}, which FloatLab did not make`,
            'Release it instead.',
          );
        if (how.scrub && !(await abilitiesOf(site.pool, site)).scrubbedDestroy)
          throw refusal(
            site,
            'UNSUPPORTED',
            `${site.pool.path} does not write files in place: what was in them would stay on the disk`,
            'Destroy it without overwriting, and overwrite the whole disk before you give it away.',
          );
        await discard(site, how);
      }),
  };
}

/** A pool that answers like this is there no more, or not of use; other errors are not about the pool. */
const absent: ReadonlySet<string> = new Set(['POOL_MISSING', 'MISSING', 'DAMAGED', 'TIMED_OUT']);

const cannot = async (op: string, target: string, why: string): Promise<never> => {
  throw refusal({ op, target }, 'UNSUPPORTED', `a plain folder cannot do that: ${why}`);
};

/** Of these the daemon has no time left, or does not know what happened. */
const cutOff: ReadonlySet<IoErrorCode> = new Set(['ABORTED', 'TIMED_OUT', 'FAILED']);

/** What a clone begins with. */
async function sourceOf(site: Site, snapshot: string) {
  await contentOf(site);
  const { paths, target } = site;
  const found = await findSnapshot(paths, snapshot);
  if (!found) throw refusal(site, 'MISSING', `${target} has no snapshot ${snapshot}`);
  return { paths, guid: found.guid, files: filesIn(paths.snapshot(snapshot)) };
}

/** Without complaining about what is not ours. What cannot be looked at is there: it says itself what is wrong. */
async function isDataset(poolPath: string, name: string): Promise<boolean> {
  const { live, adopted, stashFiles } = datasetPaths(poolPath, name);
  for (const [isThere, path] of [
    [hasFolder, live],
    [hasFile, adopted],
    [hasFolder, stashFiles],
  ] as const)
    if (await isThere(path).catch((error: unknown) => !isForeign(error))) return true;
  return false;
}
