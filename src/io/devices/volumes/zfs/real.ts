/**
 * Volumes on zfs: OpenZFS, and zfs-fuse, which lacks half of the commands. One driver for both: what the tools can they
 * are asked (`parse.ts`), and no version is compared. Where things are is in `layout.ts`.
 *
 * Everything is done by steps that a crash may interrupt anywhere. Each step leaves something that the next call
 * recognizes: a private name or a user property. Calls on one volume wait for one another; what moves history between
 * datasets (clones, roll-backs, removals) happens one at a time in a pool.
 *
 * There is no state here besides the locks: what exists is what zfs says, at every call. Everything is done by commands,
 * also what concerns files, so that `run` may well execute them in another machine.
 */
import type { Call } from '../../call.ts';
import { IoError, asIoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import { deadline } from '../deadline.ts';
import { knownPool, missingPool } from '../known-pool.ts';
import { keyedLock } from '../lock.ts';
import { checkDatasetName, checkSnapshotName, describe } from '../names.ts';
import { noPlaces, type OwnPlaces } from '../own-places.ts';
import type { Dataset, PoolInfo, VolumePort } from '../port.ts';
import { checkSpec } from '../spec.ts';
import { adopt, checkNative, release, undo } from './adopt.ts';
import { findCandidates } from './candidates.ts';
import type { NewestKnown } from './changes.ts';
import { readChanges, writtenSince } from './changes.ts';
import type { Settings, Zfs } from './commands.ts';
import { zfsCommands } from './commands.ts';
import { withHint } from './errors.ts';
import { info } from './info.ts';
import { property, stashName, zpoolOf } from './layout.ts';
import { listVolumes } from './list.ts';
import { make, settleMaking, stranger } from './make.ts';
import { ensureMounted } from './mounting.ts';
import { ownValue } from './parse.ts';
import { canTrim, checkPoolId, readPool, readPoolId } from './pools.ts';
import { alreadyTaken, isPresent, missing, mustHave, taken, unsupported } from './refusals.ts';
import { destroyQuietly, destroyVolume, removeSnapshots, settleLeaving } from './remove.ts';
import { readerOf } from './reader.ts';
import { lastRollback, rollBack, settle } from './rollback.ts';
import { checkRoot } from './root.ts';
import type { Site, StepHook, ZfsPool } from './site.ts';
import { refuseChildren, reread } from './site.ts';
import type { Entry, Present, Snap, Volume } from './state.ts';
import { foreign, listed, readSnap, readVolume, snapInfo } from './state.ts';
import { takeTogether } from './together.ts';

export interface ZfsVolumesOptions {
  readonly pools: readonly ZfsPool[];
  readonly run?: RunCommand;
  /** Told after each step of what takes several; for tests that crash there. */
  readonly step?: StepHook;
  /** What is not to be adopted. */
  readonly ownPlaces?: OwnPlaces;
}

export function zfsVolumes(options: ZfsVolumesOptions): VolumePort {
  const run = options.run ?? runCommand;
  const step = options.step ?? (() => undefined);
  const ownPlaces = options.ownPlaces ?? noPlaces;
  const oneAtATime = keyedLock();
  const lastSeen = new Map<string, PoolInfo>();
  const newest = new Map<string, NewestKnown>();
  for (const { root } of options.pools) checkRoot('zfs volumes', root);

  const poolOf = (name: string, op: string): ZfsPool =>
    knownPool(options.pools, name, missingPool(name, op, withHint('POOL_MISSING')));

  /** Checks the name, waits for its turn, finds the volume; what was interrupted is finished first. */
  async function on<T>(
    op: string,
    of: Dataset,
    call: Call,
    body: (site: Site, volume: Volume) => Promise<T>,
    strict: 'strict' | 'lenient' = 'strict',
  ): Promise<T> {
    checkDatasetName(op, of);
    const target = describe(of);
    const within = deadline(call, op, target);
    return oneAtATime(target, within, async () => {
      try {
        const pool = poolOf(of.pool, op);
        const zfs = zfsCommands(run, target, within);
        const found = await readVolume(zfs, pool.root, of.name, op, strict);
        const poolId =
          found.poolId === undefined ? await readPoolId(zfs, pool, op) : checkPoolId(pool, found.poolId, op);
        const site: Site = { op, zfs, within, pool, poolId, target, step };
        return await body(site, await settled(site, found));
      } catch (error) {
        throw asIoError(error, op, target);
      }
    });
  }

  /** What is left of an interrupted call; nearly always there is nothing to do. */
  async function settled(site: Site, found: Volume): Promise<Volume> {
    const { home, next, live } = found;
    const isPending =
      live && [property.pending, property.making].some((name) => ownValue(live.properties, name) !== undefined);
    const isLeaving = home && (found.trash || ownValue(home.properties, property.leaving) !== undefined);
    const hasStash = found.snaps.some((snap) => snap.name === stashName && snap.dataset === live?.dataset);
    if (!next && !isPending && !isLeaving && !hasStash) return found;
    try {
      return await structural(site, async () =>
        settleMaking(site, await settle(site, await settleLeaving(site, found))),
      );
    } catch (error) {
      // A read-only pool can still be read, as long as the volume is in its place.
      if (live && asIoError(error, site.op, site.target).code === 'READ_ONLY') return found;
      throw error;
    }
  }

  /** One at a time in a pool. Taken inside of the lock of a volume, and never the other way round. */
  const structural = <T>(site: Site, body: () => Promise<T>): Promise<T> =>
    oneAtATime(`${site.pool.name}/`, site.within, body);

  /** Like `on`, for work that needs a volume. @throws IoError MISSING */
  const onExisting = <T>(
    op: string,
    of: Dataset,
    call: Call,
    body: (site: Site, volume: Present) => Promise<T>,
  ): Promise<T> =>
    on(op, of, call, async (site, volume) => {
      if (isPresent(volume)) return body(site, volume);
      throw missing(site);
    });

  const port: VolumePort = {
    async pools(call) {
      const infos: PoolInfo[] = [];
      for (const pool of options.pools) {
        const info = await poolInfo(pool, call);
        lastSeen.set(pool.name, info);
        infos.push(info);
      }
      return infos;
    },

    async create(of, spec, call) {
      checkSpec('create', of, spec);
      return on('create', of, call, async (site, found) => {
        const volume = await cleared(site, found);
        const begin = (settings: Settings) => site.zfs.create(volume.names.fresh, settings);
        return info(await make(site, volume, spec, begin), site);
      });
    },

    async clone(from, snapshot, into, spec, call) {
      checkDatasetName('clone', from);
      checkSnapshotName('clone', snapshot);
      checkSpec('clone', into, spec);
      if (from.pool !== into.pool) {
        const message = `${describe(into)} would be in another pool than ${describe(from)}`;
        throw new IoError('INVALID', { op: 'clone', target: describe(into), message });
      }
      return on('clone', into, call, async (site, found) => {
        const volume = await cleared(site, found);
        const made = await structural(site, () =>
          make(site, volume, spec, async (settings) => {
            const parent = await readVolume(site.zfs, site.pool.root, from.name, 'clone');
            const snap = mustHave(site, await settle(site, await settleLeaving(site, parent)), snapshot);
            // zfs-fuse would mount it at once, and then could not rename it.
            await site.zfs.clone(`${snap.dataset}@${snap.name}`, volume.names.fresh, { ...settings, canmount: 'off' });
          }),
        );
        return info(made, site);
      });
    },

    inspect: (of, call) =>
      on('inspect', of, call, async (site, volume) => (isPresent(volume) ? info(volume, site) : undefined)),

    mount: (of, call) =>
      onExisting('mount', of, call, async (site, volume) => {
        await ensureMounted(site, volume.live);
        return info(volume, site);
      }),

    list: (name, call) => onPool('list', name, call, (zfs, pool) => listVolumes(zfs, pool)),

    changes: (name, call) =>
      onPool('changes', name, call, async (zfs, pool) => {
        if (!(await zfs.tools()).written)
          throw unsupported('changes', name, 'does not know what was written since a snapshot');
        const known = newest.get(name) ?? new Map();
        newest.set(name, known);
        return readChanges(zfs, pool.root, known);
      }),

    async snapshot(of, name, call) {
      checkSnapshotName('snapshot', name);
      return onExisting('snapshot', of, call, async (site, volume) => {
        const known = alreadyTaken(site, volume, name);
        if (known) return snapInfo(known);
        refuseChildren(site, volume.live.dataset, volume.children);
        const full = `${volume.live.dataset}@${name}`;
        await site.zfs.snapshot([full], { [property.volume]: of.name });
        return snapInfo(await readSnap(site.zfs, full, of.name));
      });
    },

    async snapshotTogether(of, name, call) {
      const op = 'snapshotTogether';
      checkSnapshotName(op, name);
      for (const one of of) checkDatasetName(op, one);
      const [first, ...others] = of;
      if (!first) return [];
      const target = of.map(describe).join(', ');
      if (others.some(({ pool }) => pool !== first.pool)) {
        const message = `${target} are not in one pool: there is no moment that they share`;
        throw new IoError('INVALID', { op, target, message });
      }
      return onPool(op, first.pool, call, async (zfs, pool, within) => {
        if (!(await zfs.tools()).snapshotsMany)
          throw unsupported(op, first.pool, 'cannot take several snapshots in one moment');
        const names = [...new Set(of.map((one) => one.name))];
        const find = async (volume: string): Promise<readonly [Site, Present]> => {
          const dataset = { pool: first.pool, name: volume };
          const site: Site = { op, zfs, within, pool, poolId: '', target: describe(dataset), step };
          const found = await settled(site, await readVolume(zfs, pool.root, volume, op));
          if (isPresent(found)) return [site, found];
          throw missing(site);
        };
        // In a fixed order, so that two of these never wait for each other.
        const locked = async (left: readonly string[]): Promise<readonly Snap[]> => {
          const [next, ...rest] = left;
          return next === undefined
            ? takeTogether(zfs, name, names, find)
            : oneAtATime(describe({ pool: first.pool, name: next }), within, () => locked(rest));
        };
        const taken = await locked(names.toSorted());
        return of.flatMap((one) => taken.slice(names.indexOf(one.name), names.indexOf(one.name) + 1)).map(snapInfo);
      });
    },

    snapshots: (of, call) => onExisting('snapshots', of, call, async (_, volume) => listed(volume).map(snapInfo)),

    foreignSnapshots: (of, call) =>
      onExisting('foreignSnapshots', of, call, async (_, volume) => foreign(volume).map(snapInfo)),

    async snapshotPath(of, name, call) {
      checkSnapshotName('snapshotPath', name);
      return onExisting('snapshotPath', of, call, (site, volume) =>
        readerOf(site, volume, mustHave(site, volume, name)),
      );
    },

    async writtenSince(of, name, call) {
      checkSnapshotName('writtenSince', name);
      return onExisting('writtenSince', of, call, (site, { live, ...volume }) =>
        writtenSince(site.zfs, live.dataset, mustHave(site, { ...volume, live }, name)),
      );
    },

    async removeSnapshots(of, names, call) {
      for (const name of names) checkSnapshotName('removeSnapshots', name);
      return on('removeSnapshots', of, call, (site, volume) =>
        structural(site, () => removeSnapshots(site, volume, names)),
      );
    },

    async rollback(of, to, stash, call) {
      checkSnapshotName('rollback', to);
      checkSnapshotName('rollback', stash);
      if (to === stash) {
        const message = `a rollback to ${to} cannot keep the present as ${to}`;
        throw new IoError('INVALID', { op: 'rollback', target: describe(of), message });
      }
      return onExisting('rollback', of, call, async (site, volume) => {
        const done = listed(volume).find((snap) => snap.name === stash);
        const last = lastRollback(volume);
        if (done && last?.to === to && last.stash === stash) return snapInfo(done);
        if (volume.snaps.some((snap) => snap.name === stash)) throw taken(site, stash);
        const snap = mustHave(site, volume, to);
        const after = await structural(site, () => rollBack(site, volume, snap, stash));
        return snapInfo(mustHave(site, after, stash));
      });
    },

    adopt: (native, of, call) =>
      on('adopt', of, call, async (site, found) => {
        if (found.record && found.live?.dataset === native) return info({ ...found, live: found.live }, site);
        const volume = await withoutReleased(site, found);
        if (isPresent(volume) || volume.stranger !== undefined || volume.lines.length > 0) {
          await checkNative(site, volume, native);
          throw new IoError('EXISTS', {
            op: 'adopt',
            target: site.target,
            message: `there is already a dataset ${site.target}`,
          });
        }
        await adopt(site, volume, native, ownPlaces());
        return info(await reread(site, volume), site);
      }),

    candidates: (name, call) => onPool('candidates', name, call, (zfs, pool) => findCandidates(zfs, pool, ownPlaces())),

    release: (of, call) =>
      on(
        'release',
        of,
        call,
        async (site, volume) => {
          if (volume.fresh && ownValue(volume.fresh.properties, property.adopted) !== undefined)
            await undo(site, volume, volume.fresh);
          if (!volume.record && volume.live) {
            throw new IoError('INVALID', {
              op: 'release',
              target: site.target,
              message: `${site.target} was made by FloatLab: there is nothing to give it back to`,
              hint: 'Destroy it, when its files are not needed any more.',
            });
          }
          await structural(site, () => release(site, volume));
        },
        'lenient',
      ),

    destroy: (of, { scrub }, call) =>
      on('destroy', of, call, async (site, volume) => {
        if (volume.record && volume.live) {
          throw new IoError('INVALID', {
            op: 'destroy',
            target: site.target,
            message: `${volume.live.dataset} was there before FloatLab, which does not destroy it`,
            hint: 'Release the volume; then destroy the dataset with `zfs destroy`.',
          });
        }
        if (scrub && volume.live && !(await canTrim(site.zfs, zpoolOf(volume.names.root)))) {
          throw unsupported(
            'destroy',
            of.pool,
            'cannot make its disks forget what was destroyed',
            'It can when all disks can trim, and zfs_trim_extent_bytes_min of the module zfs is at most 4096. Or destroy without scrubbing.',
          );
        }
        if (volume.fresh) await discardFresh(site, volume, volume.fresh);
        if (volume.live || (!volume.record && (volume.home || volume.lines.length > 0)))
          await structural(site, () => destroyVolume(site, volume, scrub));
      }),
  };
  return port;

  async function onPool<T>(
    op: string,
    name: string,
    call: Call,
    body: (zfs: Zfs, pool: ZfsPool, within: Site['within']) => Promise<T>,
  ): Promise<T> {
    const within = deadline(call, op, name);
    try {
      within.check();
      const pool = poolOf(name, op);
      const zfs = zfsCommands(run, name, within);
      await readPoolId(zfs, pool, op);
      return await body(zfs, pool, within);
    } catch (error) {
      throw asIoError(error, op, name);
    }
  }

  async function poolInfo(pool: ZfsPool, call: Call): Promise<PoolInfo> {
    const { name } = pool;
    try {
      return await readPool(zfsCommands(run, name, deadline(call, 'pools', name)), pool);
    } catch (error) {
      const problem = asIoError(error, 'pools', name);
      if (!absent.has(problem.code)) throw problem;
      const { sizeBytes = 0, usedBytes = 0, can = canNothing } = lastSeen.get(name) ?? {};
      return { name, driver: 'zfs', sizeBytes, usedBytes, state: 'unavailable', can };
    }
  }

  /** For a volume that is to be made: what an interrupted release or adoption has left is out of the way. */
  async function cleared(site: Site, found: Volume): Promise<Volume> {
    const volume = await withoutReleased(site, found);
    if (volume.fresh) await discardFresh(site, volume, volume.fresh);
    return volume;
  }

  async function withoutReleased(site: Site, volume: Volume): Promise<Volume> {
    if (!volume.record || volume.live) return volume;
    await structural(site, () => release(site, volume));
    return reread(site, volume);
  }

  async function discardFresh(site: Site, volume: Volume, fresh: Entry): Promise<void> {
    if (ownValue(fresh.properties, property.adopted) !== undefined) await undo(site, volume, fresh);
    else if (ownValue(fresh.properties, property.volume) === volume.names.volume) await destroyQuietly(site, fresh);
    else throw stranger(site, fresh.dataset);
  }
}

/** A pool that answers like this is there no more, or not of use; other errors are not about the pool. */
const absent: ReadonlySet<string> = new Set(['POOL_MISSING', 'MISSING', 'DAMAGED', 'TIMED_OUT']);
const canNothing: PoolInfo['can'] = {
  ...{ quota: true, changes: false, recordSize: true, compression: ['off'], copyOnWrite: true },
  ...{ together: false, scrubbedDestroy: false },
};
