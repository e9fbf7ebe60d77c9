/** What everybody asks about replicas: those of a volume, what they can be brought to, and what they still need. */
import type { StreamId } from '#events/envelope.ts';
import { idOf } from '#events/envelope.ts';
import type { ReplicaPoint } from '#events/replica.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isOnLine } from '../volume/lineage.ts';

type Replica = ActorState<'replica'>;
type Snapshot = ActorState<'snapshot'>;

export const replicasOf = (volume: StreamId<'volume'>, lab: LabView): readonly Replica[] =>
  lab.referrers(volume, 'replica');

/** Copies that follow the volume, or will again. */
export const isKept = ({ state }: Replica): boolean => state !== 'removing' && state !== 'orphaned';

export function pointOf({ context }: Snapshot): ReplicaPoint | undefined {
  const { metadata, guid, takenAt, lineage } = context;
  return guid === null || takenAt === null ? undefined : { guid, name: metadata.name, takenAt, lineage };
}

/** The newest snapshot that the present of the volume stands on. */
export function newestOf(volume: ActorState<'volume'>, lab: LabView): Snapshot | undefined {
  let newest: Snapshot | undefined;
  for (const snapshot of lab.referrers(volume.stream, 'snapshot')) {
    if (snapshot.state !== 'available' || !isOnLine(snapshot.context, volume.context.lineages)) continue;
    if (!newest || isNewer(snapshot, newest)) newest = snapshot;
  }
  return newest;
}

const isNewer = (a: Snapshot, b: Snapshot): boolean =>
  a.context.requestedAt > b.context.requestedAt ||
  (a.context.requestedAt === b.context.requestedAt && (a.context.takenAt ?? 0) > (b.context.takenAt ?? 0));

/** Guids of the snapshots that a replica stands on, or may stand on. */
const neededBy = ({ state, context: { cursor, sync, unsaid } }: Replica): readonly string[] =>
  state === 'removing' || state === 'orphaned'
    ? []
    : [...new Set([...(cursor ? [cursor.guid] : []), ...(sync ? [sync.to.guid] : []), ...unsaid])];

/** Names of the nodes whose replicas need this snapshot. */
export function needersOf(snapshot: Snapshot, lab: LabView): readonly string[] {
  const { guid, volume } = snapshot.context;
  if (guid === null) return [];
  return replicasOf(volume, lab)
    .filter((replica) => neededBy(replica).includes(guid))
    .map(({ context }) => lab.get(context.node)?.context.metadata.name ?? idOf(context.node));
}

/** By peer, as the file systems know them: what each still needs of a volume. */
export const neededOf = (volume: StreamId<'volume'>, lab: LabView): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(replicasOf(volume, lab).map((replica) => [idOf(replica.stream), neededBy(replica)]));

/** Whether the snapshot that it holds is one that the present of its volume stands on; of one that holds none: yes. */
export function isOnPresentLine({ context: { cursor, volume } }: Replica, lab: LabView): boolean {
  const of = cursor && lab.get(volume);
  if (!of) return true;
  const held = lab.referrers(volume, 'snapshot').find(({ context }) => context.guid === cursor.guid);
  return held === undefined || isOnLine(held.context, of.context.lineages);
}
