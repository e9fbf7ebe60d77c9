import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { ReplicaPoint, SyncReason } from '#events/replica.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * The life of a replica. Its work belongs to its own node, which fetches what the volume has gained.
 *
 *   idle ⇄ syncing          back off after a failure that may pass
 *    │  ↘     ↙
 *    │   failed             waits for a person
 *    ├→ resyncing → idle    what its volume does not have is put aside
 *    ├→ taking-over → promoted   it is the volume from then on (volume/handover.ts)
 *    ├→ paused              by a person
 *    ├→ orphaned            its volume is lost, and it holds what there is
 *    ▼
 *   removing → removed
 */
export interface Replica {
  readonly metadata: Metadata;
  readonly volume: StreamId<'volume'>;
  readonly node: StreamId<'node'>;
  readonly pool: string;
  readonly dataset: string;
  /** Index of its assignment. */
  readonly epoch: Index;
  /** A person asked for it: only a person removes it. */
  readonly manual: boolean;
  /** The snapshot that it holds; null before the first. */
  readonly cursor: ReplicaPoint | null;
  /** What it is being brought to. */
  readonly sync: Sync | null;
  /**
   * What it may hold although nobody said so: syncs that ended without a word, because they were cancelled. The volume
   * keeps these snapshots until the next word, or the two might have nothing in common.
   */
  readonly unsaid: readonly string[];
  readonly problem: Problem | null;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number | null;
  /** When it was last asked to sync, and when that last went well. */
  readonly requestedAt: number | null;
  readonly syncedAt: number | null;
  /** Since when it is on its way to something newer, through all failures; null: it was not asked to since the last one. */
  readonly wantedSince: number | null;
  /** Who has paused it; null while it is not. */
  readonly pausedBy: string | null;
  /** Since when its volume has gone on without it, of one that is behind for longer than it should be. */
  readonly behindSince: number | null;
  /** Since when more than its volume allows may be lost with it, and how much that is; null: not, or not for long. */
  readonly exposed: { readonly since: number; readonly maxMs: number } | null;
  readonly resync: Resync | null;
  /** The last ones that went well, the newest last. */
  readonly syncs: readonly PastSync[];
  /** Fixed with its first stream. */
  readonly compressed: boolean | null;
}

export interface Sync {
  readonly snapshot: StreamId<'snapshot'>;
  readonly to: ReplicaPoint;
  readonly reason: SyncReason;
  readonly full: boolean;
}

export interface PastSync {
  readonly requestedAt: number;
  readonly tookMs: number;
  readonly bytes: number;
}

export interface Resync {
  readonly keep: boolean;
  readonly aside: string;
  readonly purgeAt: number;
}

/** More than ever end without a word one after the other. */
const mostUnsaid = 16;
const mostSyncs = 5;

const pastSync = ({ requestedAt }: Replica, at: number, bytes: number): PastSync => ({
  requestedAt: requestedAt ?? at,
  tookMs: at - (requestedAt ?? at),
  bytes,
});

/** It was under way, and nobody will say how it ended. */
const leave = ({ sync, unsaid }: Replica): Pick<Replica, 'sync' | 'unsaid'> => ({
  sync: null,
  unsaid: sync ? [...new Set([...unsaid, sync.to.guid])].slice(-mostUnsaid) : unsaid,
});

export const replicaMachine = setup({
  types: {} as {
    context: Replica;
    input: EventOf<'replica.requested'>;
    events: Extract<LabEvent, { type: `replica.${string}` }>;
    meta: { work: WorkName };
  },
  guards: {
    mayTryAgain: ({ event }) => event.type === 'replica.sync-failed' && event.data.retryAt !== null,
  },
  actions: {
    begin: assign(({ context, event }) => {
      if (event.type !== 'replica.sync-requested') return {};
      const { snapshot, to, reason, full } = event.data;
      const wantedSince = context.wantedSince ?? event.at;
      return { sync: { snapshot, to, reason, full }, requestedAt: event.at, wantedSince };
    }),
    arrive: assign(({ context, event }) =>
      event.type === 'replica.synced'
        ? {
            ...{ cursor: context.sync?.to ?? context.cursor, sync: null, unsaid: [], problem: null },
            ...{ failures: 0, retryAt: null, syncedAt: event.at, behindSince: null, wantedSince: null },
            compressed: context.compressed ?? event.data.compressed ?? null,
            syncs: [...context.syncs, pastSync(context, event.at, event.data.bytes)].slice(-mostSyncs),
          }
        : {},
    ),
    fail: assign(({ context, event }) =>
      event.type === 'replica.sync-failed'
        ? {
            ...leave(context),
            problem: event.data.problem,
            failures: context.failures + 1,
            retryAt: event.data.retryAt,
          }
        : {},
    ),
    leave: assign(({ context }) => leave(context)),
    forget: assign({ problem: null, failures: 0, retryAt: null, pausedBy: null }),
    pause: assign(({ event }) => (event.type === 'replica.paused' ? { pausedBy: event.by } : {})),
    separate: assign(({ event }) => (event.type === 'replica.resync-requested' ? { resync: event.data } : {})),
    follow: assign(({ event }) =>
      event.type === 'replica.resynced'
        ? {
            ...{ dataset: event.data.dataset, cursor: event.data.cursor, resync: null, unsaid: [] },
            ...{ problem: null, failures: 0, retryAt: null },
          }
        : {},
    ),
    stay: assign(({ event }) =>
      event.type === 'replica.resync-failed' ? { problem: event.data.problem, resync: null } : {},
    ),
    orphan: assign(({ context, event }) =>
      event.type === 'replica.orphaned' ? { ...leave(context), problem: event.data.problem, resync: null } : {},
    ),
  },
}).createMachine({
  id: 'replica',
  context: ({ input: { data, index } }) => ({
    metadata: data.metadata,
    volume: data.volume,
    node: data.node,
    pool: data.pool,
    dataset: data.dataset,
    epoch: index,
    manual: data.manual,
    cursor: data.holds ?? null,
    sync: null,
    unsaid: [],
    problem: null,
    failures: 0,
    retryAt: null,
    requestedAt: null,
    syncedAt: null,
    wantedSince: null,
    behindSince: null,
    exposed: null,
    pausedBy: null,
    resync: null,
    syncs: [],
    compressed: data.compressed ?? null,
  }),
  initial: 'idle',
  on: {
    'replica.fell-behind': { actions: assign(({ event }) => ({ behindSince: event.data.since })) },
    'replica.loss-exceeded': {
      actions: assign(({ event }) => ({ exposed: { since: event.at, maxMs: event.data.maxMs } })),
    },
    'replica.loss-recovered': { actions: assign({ exposed: null }) },
    // Its node is out of the lab, or its pool is lost.
    'replica.removed': '.removed',
  },
  states: {
    idle: {
      on: {
        'replica.sync-requested': { target: 'syncing', actions: 'begin' },
        'replica.resync-requested': { target: 'resyncing', actions: 'separate' },
        'replica.takeover-began': 'taking-over',
        'replica.paused': { target: 'paused', actions: 'pause' },
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
        'replica.removal-requested': 'removing',
      },
    },
    syncing: {
      meta: { work: 'sync-replica' },
      on: {
        'replica.synced': { target: 'idle', actions: 'arrive' },
        'replica.sync-failed': [
          { guard: 'mayTryAgain', target: 'idle', actions: 'fail' },
          { target: 'failed', actions: 'fail' },
        ],
        'replica.sync-cancelled': { target: 'idle', actions: 'leave' },
        'replica.paused': { target: 'paused', actions: ['leave', 'pause'] },
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
        'replica.removal-requested': { target: 'removing', actions: 'leave' },
      },
    },
    failed: {
      on: {
        'replica.sync-requested': { target: 'syncing', actions: ['forget', 'begin'] },
        'replica.resync-requested': { target: 'resyncing', actions: 'separate' },
        'replica.resumed': { target: 'idle', actions: 'forget' },
        'replica.paused': { target: 'paused', actions: 'pause' },
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
        'replica.removal-requested': 'removing',
      },
    },
    paused: {
      on: {
        'replica.resumed': { target: 'idle', actions: 'forget' },
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
        'replica.removal-requested': 'removing',
      },
    },
    resyncing: {
      meta: { work: 'resync-replica' },
      on: {
        'replica.resynced': { target: 'idle', actions: 'follow' },
        'replica.resync-failed': { target: 'failed', actions: 'stay' },
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
        'replica.removal-requested': 'removing',
      },
    },
    // What is done meanwhile is work of its volume.
    'taking-over': {
      on: {
        'replica.takeover-ended': 'idle',
        'replica.promoted': 'promoted',
        'replica.orphaned': { target: 'orphaned', actions: 'orphan' },
      },
    },
    orphaned: { on: { 'replica.removal-requested': 'removing' } },
    removing: { meta: { work: 'remove-replica' } },
    removed: { type: 'final' },
    promoted: { type: 'final' },
  },
});
