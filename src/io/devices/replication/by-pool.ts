/** One port over several drivers: each call goes to the driver of its pool. */
import { IoError } from '../error.ts';
import type { Dataset, VolumePort } from '../volumes/port.ts';
import type { ReplicationPort } from './port.ts';

export interface ReplicationOfDriver {
  readonly pools: readonly string[];
  readonly port: ReplicationPort;
}

/** @param given as they are, or asked at every call: pools come and go while a node runs */
export function replicationByPool(
  given: readonly ReplicationOfDriver[] | (() => readonly ReplicationOfDriver[]),
): ReplicationPort {
  const drivers = typeof given === 'function' ? given : () => given;
  const portOf = (pool: string): ReplicationPort | undefined =>
    drivers().find(({ pools }) => pools.includes(pool))?.port;
  /** @throws IoError POOL_MISSING */
  const at = (op: string, pool: string): ReplicationPort => {
    const port = portOf(pool);
    if (port) return port;
    throw new IoError('POOL_MISSING', {
      op,
      target: pool,
      message: `this node has no pool ${pool} that is open`,
      hint: 'floatlab pool ls shows those that there are.',
    });
  };

  return {
    abilities: async (pool, call, format) => at('abilities', pool).abilities(pool, call, format),
    replicas: async (pool, call) => at('replicas', pool).replicas(pool, call),
    bases: async (of, call) => at('bases', of.pool).bases(of, call),
    protect: async (of, guid, peer, call) => at('protect', of.pool).protect(of, guid, peer, call),
    unprotect: async (of, peer, except, call) => at('unprotect', of.pool).unprotect(of, peer, except, call),
    send: async (of, what, how, call) => at('send', of.pool).send(of, what, how, call),
    receive: async (into, what, bytes, call) => at('receive', into.pool).receive(into, what, bytes, call),
    abandon: async (of, call) => at('abandon', of.pool).abandon(of, call),
    seal: async (of, epoch, call) => at('seal', of.pool).seal(of, epoch, call),
    promote: async (of, epoch, spec, call) => at('promote', of.pool).promote(of, epoch, spec, call),
    demote: async (of, how, call) => at('demote', of.pool).demote(of, how, call),
    setAside: async (of, how, call) => at('setAside', of.pool).setAside(of, how, call),
    removeSnapshots: async (of, names, call) => at('removeSnapshots', of.pool).removeSnapshots(of, names, call),
    discard: async (of, epoch, call) => at('discard', of.pool).discard(of, epoch, call),

    guard(volumes) {
      const guards = new Map<ReplicationPort, VolumePort>();
      const guard = ({ pool }: Pick<Dataset, 'pool'>): VolumePort => {
        const port = portOf(pool);
        if (!port) return volumes;
        const known = guards.get(port) ?? port.guard(volumes);
        guards.set(port, known);
        return known;
      };
      return {
        ...volumes,
        create: async (of, spec, call) => guard(of).create(of, spec, call),
        inspect: async (of, call) => guard(of).inspect(of, call),
        mount: async (of, call) => guard(of).mount(of, call),
        list: async (pool, call) => guard({ pool }).list(pool, call),
        changes: async (pool, call) => guard({ pool }).changes(pool, call),
        snapshotTogether: async (all, name, call) =>
          (all[0] ? guard(all[0]) : volumes).snapshotTogether(all, name, call),
        snapshots: async (of, call) => guard(of).snapshots(of, call),
        foreignSnapshots: async (of, call) => guard(of).foreignSnapshots(of, call),
        snapshotPath: async (of, name, call) => guard(of).snapshotPath(of, name, call),
        clone: async (from, snapshot, into, spec, call) => guard(into).clone(from, snapshot, into, spec, call),
        adopt: async (native, of, call) => guard(of).adopt(native, of, call),
        snapshot: async (of, name, call) => guard(of).snapshot(of, name, call),
        rollback: async (of, to, stash, call) => guard(of).rollback(of, to, stash, call),
        removeSnapshots: async (of, names, call) => guard(of).removeSnapshots(of, names, call),
        release: async (of, call) => guard(of).release(of, call),
        destroy: async (of, how, call) => guard(of).destroy(of, how, call),
      };
    },
  };
}
