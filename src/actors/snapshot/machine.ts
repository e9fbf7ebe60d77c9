import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 *   taking → available → removing → removed
 *      └──→ failed ──────────────────┘
 */
export interface Snapshot {
  readonly metadata: Metadata;
  readonly volume: StreamId<'volume'>;
  readonly reason: SnapshotReason;
  readonly note: string | null;
  readonly requestedAt: number;
  /** The file system's identity of it and its time; null until it is taken. */
  readonly guid: string | null;
  readonly takenAt: number | null;
  readonly problem: Problem | null;
}

export const snapshotMachine = setup({
  types: {} as {
    context: Snapshot;
    input: EventOf<'snapshot.requested'>;
    events: Extract<LabEvent, { type: `snapshot.${string}` }>;
    meta: { work: WorkName };
  },
}).createMachine({
  id: 'snapshot',
  context: ({ input: { data, at } }) => ({
    metadata: data.metadata,
    volume: data.volume,
    reason: data.reason,
    note: data.note ?? null,
    requestedAt: at,
    guid: null,
    takenAt: null,
    problem: null,
  }),
  initial: 'taking',
  states: {
    taking: {
      meta: { work: 'take-snapshot' },
      on: {
        'snapshot.taken': {
          target: 'available',
          actions: assign(({ event }) => ({ guid: event.data.guid, takenAt: event.data.takenAt })),
        },
        'snapshot.failed': { target: 'failed', actions: assign(({ event }) => ({ problem: event.data.problem })) },
        // Its volume is deleted: whatever was made goes with it.
        'snapshot.removed': 'removed',
      },
    },
    available: { on: { 'snapshot.removal-requested': 'removing', 'snapshot.removed': 'removed' } },
    failed: { on: { 'snapshot.removal-requested': 'removing', 'snapshot.removed': 'removed' } },
    removing: {
      meta: { work: 'remove-snapshot' },
      on: { 'snapshot.removed': 'removed' },
    },
    removed: { type: 'final' },
  },
});
