/**
 * One port over several drivers: each call goes to the driver of its pool. Names of pools are unique on a node.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { IoError } from '../error.ts';
import { answering } from './answering.ts';
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
  { clock = realClock }: VolumesByPoolOptions = {},
): VolumePort {
  const inTime = answering(clock);
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

  /** @throws IoError POOL_MISSING; TIMED_OUT and ABORTED in time, even when the file system of the pool hangs */
  const on = async <T>(op: string, pool: string, call: Call, ask: (port: VolumePort) => Promise<T>): Promise<T> => {
    const port = portOf(op, pool);
    return inTime(op, pool, call, () => ask(port));
  };

  /** Half of the time: whoever asks has an answer before his own runs out. */
  const askFor = async ({ pools, port }: PoolsOfDriver, call: Call): Promise<readonly PoolInfo[]> => {
    const within = deadline({ ...call, timeoutMs: call.timeoutMs / 2 }, 'pools', pools.join(', '), clock);
    within.check();
    const half = { ...call, timeoutMs: within.timeoutMs };
    return within.race(inTime('pools', pools.join(', '), half, () => port.pools(half)));
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

    create: (of, spec, call) => on('create', of.pool, call, (port) => port.create(of, spec, call)),
    clone: async (from, snapshot, into, spec, call) => {
      checkSamePool('clone', [from, into]);
      return on('clone', into.pool, call, (port) => port.clone(from, snapshot, into, spec, call));
    },
    inspect: (of, call) => on('inspect', of.pool, call, (port) => port.inspect(of, call)),
    mount: (of, call) => on('mount', of.pool, call, (port) => port.mount(of, call)),
    list: (pool, call) => on('list', pool, call, (port) => port.list(pool, call)),
    changes: (pool, call) => on('changes', pool, call, (port) => port.changes(pool, call)),
    snapshot: (of, name, call) => on('snapshot', of.pool, call, (port) => port.snapshot(of, name, call)),
    snapshotTogether: async (of, name, call) => {
      checkSamePool('snapshotTogether', of);
      const [first] = of;
      if (first === undefined) return [];
      return on('snapshotTogether', first.pool, call, (port) => port.snapshotTogether(of, name, call));
    },
    snapshots: (of, call) => on('snapshots', of.pool, call, (port) => port.snapshots(of, call)),
    foreignSnapshots: (of, call) => on('foreignSnapshots', of.pool, call, (port) => port.foreignSnapshots(of, call)),
    snapshotPath: (of, name, call) => on('snapshotPath', of.pool, call, (port) => port.snapshotPath(of, name, call)),
    writtenSince: (of, name, call) => on('writtenSince', of.pool, call, (port) => port.writtenSince(of, name, call)),
    removeSnapshots: (of, names, call) =>
      on('removeSnapshots', of.pool, call, (port) => port.removeSnapshots(of, names, call)),
    rollback: (of, to, stash, call) => on('rollback', of.pool, call, (port) => port.rollback(of, to, stash, call)),
    adopt: (native, of, call) => on('adopt', of.pool, call, (port) => port.adopt(native, of, call)),
    candidates: (pool, call) => on('candidates', pool, call, (port) => port.candidates(pool, call)),
    release: (of, call) => on('release', of.pool, call, (port) => port.release(of, call)),
    destroy: (of, how, call) => on('destroy', of.pool, call, (port) => port.destroy(of, how, call)),
  };
}
