/**
 * Volumes beside replication: what a peer still needs is not removed, what is being sent neither, and a volume does not
 * change below a decision about its role. zfs itself honours its holds; here they hold on every file system, and the
 * refusal says who needs what.
 */
import type { Call } from '../call.ts';
import type { Dataset, VolumePort } from '../volumes/port.ts';
import type { Found, Hands } from './backend.ts';
import { refusal } from './refusals.ts';

export interface Guarding {
  turn<T>(op: string, of: Dataset, call: Call, body: (found: Found, hands: Hands) => Promise<T>): Promise<T>;
  /** As `turn`, for whom it does not matter what is there. */
  alone<T>(op: string, of: Dataset, call: Call, body: (hands: Hands) => Promise<T>): Promise<T>;
  isSent(of: Dataset, guid: string): boolean;
}

export function guarded(volumes: VolumePort, { turn, alone, isSent }: Guarding): VolumePort {
  /** @throws IoError HELD, BUSY */
  const refuseNeeded = (of: Dataset, { bases }: Found, hands: Hands, names?: readonly string[]): void => {
    for (const { kind, name, guid, peers } of bases) {
      if (kind !== 'snapshot' || (names && !names.includes(name))) continue;
      if (isSent(of, guid)) throw refusal(hands, 'BUSY', `${name} is being sent`, 'Wait for the transfer, or end it.');
      if (peers.length === 0) continue;
      const hint = 'Let the replicas catch up, or remove them.';
      throw refusal(hands, 'HELD', `${name} is needed for replication to ${peers.join(', ')}`, hint);
    }
  };
  /** @throws IoError EXISTS */
  const refuseReplica = ({ role }: Found, hands: Hands): void => {
    if (role === 'replica')
      throw refusal(hands, 'EXISTS', 'there is a replica of this name', 'Promote or discard the replica.');
  };
  /** As long as is left of the call. */
  const left = (call: Call, { within }: Hands): Call => ({ ...call, timeoutMs: within.timeoutMs });

  return {
    ...volumes,
    create: (of, spec, call) =>
      turn('create', of, call, async (found, hands) => {
        refuseReplica(found, hands);
        return volumes.create(of, spec, left(call, hands));
      }),
    clone: (from, snapshot, into, spec, call) =>
      turn('clone', into, call, async (found, hands) => {
        refuseReplica(found, hands);
        return volumes.clone(from, snapshot, into, spec, left(call, hands));
      }),
    adopt: (native, of, call) =>
      turn('adopt', of, call, async (found, hands) => {
        refuseReplica(found, hands);
        return volumes.adopt(native, of, left(call, hands));
      }),
    snapshot: (of, name, call) => alone('snapshot', of, call, (hands) => volumes.snapshot(of, name, left(call, hands))),
    rollback: (of, to, stash, call) =>
      alone('rollback', of, call, (hands) => volumes.rollback(of, to, stash, left(call, hands))),
    removeSnapshots: (of, names, call) =>
      turn('removeSnapshots', of, call, async (found, hands) => {
        // Of a replica nothing is removed here: for this port it does not exist.
        if (found.role !== 'volume') return volumes.removeSnapshots(of, names, left(call, hands));
        const isNeeded = (name: string): boolean =>
          found.bases.some(
            (base) =>
              base.name === name && base.kind === 'snapshot' && (base.peers.length > 0 || isSent(of, base.guid)),
          );
        const free = names.filter((name) => !isNeeded(name));
        if (free.length > 0) await volumes.removeSnapshots(of, free, left(call, hands));
        refuseNeeded(of, found, hands, names);
      }),
    release: (of, call) =>
      turn('release', of, call, async (found, hands) => {
        if (found.role === 'volume') refuseNeeded(of, found, hands);
        return volumes.release(of, left(call, hands));
      }),
    destroy: (of, how, call) =>
      turn('destroy', of, call, async (found, hands) => {
        if (found.role === 'volume') refuseNeeded(of, found, hands);
        return volumes.destroy(of, how, left(call, hands));
      }),
  };
}
