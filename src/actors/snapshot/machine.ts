import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { HookOutcomes, SeenChange, SnapshotReason, SnapshotSet } from '#events/snapshot.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 *   taking → available ⇄ removing → removed       back: something else holds it
 *      └──→ failed ──────────────────┘
 */
export interface Snapshot {
  readonly metadata: Metadata;
  readonly volume: StreamId<'volume'>;
  readonly reason: SnapshotReason;
  readonly note: string | null;
  /** What its node had seen of the volume, of one that was taken because of a change. */
  readonly change: SeenChange | null;
  /** Those that belong together, and whether they are of one moment; null of one alone. */
  readonly set: SnapshotSet | null;
  readonly together: boolean | null;
  /** How the commands of the app ended around which it was taken. */
  readonly hooks: HookOutcomes | null;
  readonly requestedAt: number;
  /** Index of the event that asked for it: the order in which snapshots of a volume were asked for, and began. */
  readonly sequence: Index;
  /** The file system's identity of it and its time; null until it is taken. */
  readonly guid: string | null;
  readonly takenAt: number | null;
  /** The line of its volume's history in which it was asked for (`volume/lineage.ts`). */
  readonly lineage: number;
  readonly problem: Problem | null;
  /** Why it could not be removed, and when that was found; as long as it is to go, also while that is tried again. */
  readonly held: { readonly problem: Problem; readonly at: number } | null;
}

export const snapshotMachine = setup({
  types: {} as {
    context: Snapshot;
    input: EventOf<'snapshot.requested'>;
    events: Extract<LabEvent, { type: `snapshot.${string}` }>;
    meta: { work: WorkName };
  },
  guards: { wasTaken: ({ context }) => context.guid !== null },
  actions: {
    hold: assign(({ event }) =>
      event.type === 'snapshot.removal-refused' ? { held: { problem: event.data.problem, at: event.at } } : {},
    ),
    forget: assign({ held: null }),
  },
}).createMachine({
  id: 'snapshot',
  context: ({ input: { data, at, index } }) => ({
    metadata: data.metadata,
    volume: data.volume,
    reason: data.reason,
    note: data.note ?? null,
    change: data.change ?? null,
    set: data.set ?? null,
    together: null,
    hooks: null,
    requestedAt: at,
    sequence: index,
    guid: null,
    takenAt: null,
    lineage: data.lineage ?? 1,
    problem: null,
    held: null,
  }),
  initial: 'taking',
  on: {
    'snapshot.left-behind': { actions: assign(({ event }) => ({ volume: event.data.volume })) },
    'snapshot.noted': { actions: assign(({ event }) => ({ note: event.data.note })) },
  },
  states: {
    taking: {
      meta: { work: 'take-snapshot' },
      on: {
        'snapshot.taken': {
          target: 'available',
          actions: assign(({ event: { data } }) => ({
            guid: data.guid,
            takenAt: data.takenAt,
            together: data.together ?? null,
            hooks: data.hooks ?? null,
          })),
        },
        'snapshot.failed': { target: 'failed', actions: assign(({ event }) => ({ problem: event.data.problem })) },
        // Its volume is deleted: whatever was made goes with it.
        'snapshot.removed': 'removed',
      },
    },
    available: {
      on: {
        'snapshot.removal-requested': 'removing',
        'snapshot.removal-withdrawn': { actions: 'forget' },
        'snapshot.removed': 'removed',
        // By hand, or by another tool.
        'snapshot.found-gone': 'removed',
      },
    },
    failed: {
      on: {
        'snapshot.removal-requested': 'removing',
        'snapshot.removal-withdrawn': { actions: 'forget' },
        'snapshot.removed': 'removed',
      },
    },
    removing: {
      meta: { work: 'remove-snapshot' },
      on: {
        'snapshot.removed': 'removed',
        'snapshot.removal-refused': [
          { guard: 'wasTaken', target: 'available', actions: 'hold' },
          { target: 'failed', actions: 'hold' },
        ],
      },
    },
    removed: { type: 'final' },
  },
});
