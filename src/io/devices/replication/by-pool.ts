/** One port over several drivers: each call goes to the driver of its pool. A pool without one has no streams of its own. */
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
  /** @throws IoError UNSUPPORTED */
  const at = (op: string, pool: string): ReplicationPort => {
    const port = portOf(pool);
    if (port) return port;
    throw new IoError('UNSUPPORTED', {
      op,
      target: pool,
      message: `the pool ${pool} has no streams of its own`,
      hint: 'Replicate its volumes file by file, or move them to btrfs or zfs.',
    });
  };

  return {
    abilities: async (pool, call) => at('abilities', pool).abilities(pool, call),
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
