/** How messages of consensus reach the other members: in order for each lane, or not at all. */
import type { Message, MessageType } from '#events/raft/message.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { SnapshotPointer } from '../storage.ts';

/**
 * Votes, heartbeats and reads have a connection of their own, so that no entry on its way delays them; whatever must
 * stay in order with entries goes with these.
 */
export type Lane = 'consensus' | 'log';

const onLog: ReadonlySet<MessageType> = new Set(['append', 'append-response', 'snapshot']);

export const laneOf = ({ type }: Message): Lane => (onLog.has(type) ? 'log' : 'consensus');

/** A message of consensus; with a leader's snapshot, what its file is. */
export interface Parcel {
  readonly message: Message;
  readonly pointer?: SnapshotPointer;
}

export interface Transport {
  /** Takes it, or says that it has no room, or no way. What was taken may be lost all the same. */
  send(parcel: Parcel): boolean;
  /** What was taken in this turn leaves, as one frame for each peer and lane. */
  flush(): void;
  /** Called once. What came as one frame comes at once. `onLost`: the connection to a peer broke; what was under way is lost. */
  receive(onParcels: (parcels: readonly Parcel[]) => void, onLost: (peer: PeerId) => void): void;
  close(): Promise<void>;
}
