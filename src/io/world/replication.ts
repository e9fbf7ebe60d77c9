/**
 * Replication of a simulated machine: one port over its pools, each of its own kind. What is in the pools outlives a
 * daemon; what a daemon has in hand ends with it, at the next step.
 */
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { replicationByPool, type ReplicationOfDriver } from '../devices/replication/by-pool.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import { simReplication } from '../devices/replication/sim/backend.ts';
import type { SimVolumes } from '../devices/volumes/sim.ts';

export interface WorldReplicationOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly volumes: SimVolumes;
}

export function worldReplication({ clock, random, volumes }: WorldReplicationOptions): ReplicationPort {
  const ports = new Map<string, ReplicationOfDriver>();
  return replicationByPool(() =>
    [...volumes.inside].flatMap(([name, pool]) => {
      if (pool.driver === 'dir') return [];
      const own = { inside: new Map([[name, pool]]), usedBy: (path: string) => volumes.usedBy?.(path) };
      const known = ports.get(name) ?? { pools: [name], port: simReplication({ clock, random, volumes: own }) };
      ports.set(name, known);
      return [known];
    }),
  );
}
