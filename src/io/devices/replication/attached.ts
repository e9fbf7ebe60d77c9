/** A pool as it was opened: its volumes, guarded by the port of replication that goes with them. */
import type { VolumePort } from '../volumes/port.ts';
import type { ReplicationPort } from './port.ts';

const attached = new WeakMap<VolumePort, ReplicationPort>();

export function withReplication(volumes: VolumePort, replication: ReplicationPort): VolumePort {
  const guarded = replication.guard(volumes);
  attached.set(guarded, replication);
  return guarded;
}

/** Undefined where nothing was attached. */
export const replicationOf = (volumes: VolumePort): ReplicationPort | undefined => attached.get(volumes);
