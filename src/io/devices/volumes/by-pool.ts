/**
 * One port over several drivers: each call goes to the driver of its pool. Names of pools are unique on a node.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { IoError } from '../error.ts';
import { deadline } from './deadline.ts';
import { checkSamePool } from './names.ts';
import type { PoolInfo, VolumePort } from './port.ts';

export interface PoolsOfDriver {
  readonly pools: readonly string[];
  readonly port: VolumePort;
}

export interface VolumesByPoolOptions {
  readonly clock?: Clock;
}

/** @param given as they are, or asked at every call: pools come and go while a node runs */
export function volumesByPool(
  given: readonly PoolsOfDriver[] | (() => readonly PoolsOfDriver[]),
  { clock }: VolumesByPoolOptions = {},
): VolumePort {
  const all = typeof given === 'function' ? given : () => given;
  const lastSeen = new Map<string, PoolInfo>();
  const names = all().flatMap(({ pools }) => pools);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`two pools are called ${twice}`);

  /** @throws IoError POOL_MISSING */
  const portOf = (op: string, pool: string): VolumePort => {
    const port = all().find(({ pools }) => pools.includes(pool))?.port;
    if (port) return port;
    const message = `this node has no pool ${JSON.stringify(pool)}`;
    throw new IoError('POOL_MISSING', { op, target: pool, message });
  };

  /** Half of the time: whoever asks has an answer before his own runs out. */
  const askFor = async ({ pools, port }: PoolsOfDriver, call: Call): Promise<readonly PoolInfo[]> => {
    const within = deadline({ ...call, timeoutMs: call.timeoutMs / 2 }, 'pools', pools.join(', '), clock);
    within.check();
    return within.race(port.pools({ ...call, timeoutMs: within.timeoutMs }));
  };

  return {
    /**
     * A driver that fails or hangs does not hide the others; its pools are unavailable then, as they were seen last.
     * @throws IoError when no driver says anything, and none ever has
     */
    async pools(call) {
      deadline(call, 'pools', 'all', clock).check();
      const drivers = all();
      const told = await Promise.allSettled(drivers.map((driver) => askFor(driver, call)));
      const infos = drivers.flatMap(({ pools }, n): readonly PoolInfo[] => {
        const outcome = told[n];
        if (outcome?.status === 'fulfilled') return outcome.value;
        return pools.flatMap((name): readonly PoolInfo[] => {
          const info = lastSeen.get(name);
          return info ? [{ ...info, state: 'unavailable' }] : [];
        });
      });
      for (const info of infos) lastSeen.set(info.name, info);
      const failed = told.find((outcome) => outcome.status === 'rejected');
      if (failed && infos.length === 0) throw failed.reason;
      return infos;
    },

    create: async (of, spec, call) => portOf('create', of.pool).create(of, spec, call),
    clone: async (from, snapshot, into, spec, call) => {
      checkSamePool('clone', [from, into]);
      return portOf('clone', into.pool).clone(from, snapshot, into, spec, call);
    },
    inspect: async (of, call) => portOf('inspect', of.pool).inspect(of, call),
    mount: async (of, call) => portOf('mount', of.pool).mount(of, call),
    list: async (pool, call) => portOf('list', pool).list(pool, call),
    changes: async (pool, call) => portOf('changes', pool).changes(pool, call),
    snapshot: async (of, name, call) => portOf('snapshot', of.pool).snapshot(of, name, call),
    snapshotTogether: async (of, name, call) => {
      checkSamePool('snapshotTogether', of);
      const [first] = of;
      return first === undefined ? [] : portOf('snapshotTogether', first.pool).snapshotTogether(of, name, call);
    },
    snapshots: async (of, call) => portOf('snapshots', of.pool).snapshots(of, call),
    foreignSnapshots: async (of, call) => portOf('foreignSnapshots', of.pool).foreignSnapshots(of, call),
    snapshotPath: async (of, name, call) => portOf('snapshotPath', of.pool).snapshotPath(of, name, call),
    writtenSince: async (of, name, call) => portOf('writtenSince', of.pool).writtenSince(of, name, call),
    removeSnapshots: async (of, names, call) => portOf('removeSnapshots', of.pool).removeSnapshots(of, names, call),
    rollback: async (of, to, stash, call) => portOf('rollback', of.pool).rollback(of, to, stash, call),
    adopt: async (native, of, call) => portOf('adopt', of.pool).adopt(native, of, call),
    candidates: async (pool, call) => portOf('candidates', pool).candidates(pool, call),
    release: async (of, call) => portOf('release', of.pool).release(of, call),
    destroy: async (of, how, call) => portOf('destroy', of.pool).destroy(of, how, call),
  };
}
