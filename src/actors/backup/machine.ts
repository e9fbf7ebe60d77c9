import type { BackedUpApp, BackupSet } from '#events/backup.ts';
import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import { idOf } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import type { VolumeSpec } from '#events/volume.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * The life of a backup. It counts in `verified` alone.
 *
 *   waiting → writing → verifying → verified
 *      │         │ ↑        │ ↑        │
 *      │         ↓ │        ├─┼────────┴→ damaged   read back, and not whole
 *      └──────→ failed      ↓ │
 *                        unverified                 written or found; nobody could read it back yet
 *      (any of them) → removing → removed
 *
 * `testing` (from verified and unverified, and back): it is restored into a scratch volume, which is gone before
 * anything else happens to it. It waits for its snapshot. What failed and may pass is tried again at `retryAt`.
 */
export interface Backup {
  readonly metadata: Metadata;
  readonly target: StreamId<'backup-target'>;
  /** Its name in the target. */
  readonly object: string;
  /** Null: it was found, and is of a volume that this lab may not have. */
  readonly volume: StreamId<'volume'> | null;
  readonly volumeName: string;
  readonly volumeSpec: VolumeSpec;
  /** The lab that made it, as it calls itself; null: this one. */
  readonly lab: string | null;
  readonly app: BackedUpApp | null;
  readonly appStream: StreamId<'app'> | null;
  readonly set: BackupSet | null;
  /** Which it is written from; null once it is not needed any more. */
  readonly snapshot: StreamId<'snapshot'> | null;
  readonly reason: 'manual' | 'schedule';
  readonly requestedAt: number;
  /** Who works on it, and the index at which it was told to. */
  readonly node: StreamId<'node'> | null;
  readonly epoch: Index | null;
  /** Of its content. */
  readonly takenAt: number | null;
  readonly sizeBytes: number | null;
  readonly addedBytes: number | null;
  readonly verifiedAt: number | null;
  readonly problem: Problem | null;
  readonly failures: number;
  readonly retryAt: number | null;
  /** Pool in which it is being restored as a test; null: it is not. */
  readonly scratchPool: string | null;
  /** The last restore that came back as it was backed up. */
  readonly restoreTest: RestoreTest | null;
  /** The last one, where it failed. */
  readonly failedTest: FailedTest | null;
}

export interface RestoreTest {
  readonly at: number;
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  readonly digest: string;
}

export interface FailedTest {
  readonly at: number;
  readonly problem: Problem;
  /** In a row. */
  readonly failures: number;
  readonly retryAt: number | null;
}

type Events = Extract<LabEvent, { type: `backup.${string}` }>;
type Birth = EventOf<'backup.requested'> | EventOf<'backup.found'>;

const none = {
  ...{ node: null, epoch: null, addedBytes: null, verifiedAt: null },
  ...{ problem: null, failures: 0, retryAt: null },
  ...{ scratchPool: null, restoreTest: null, failedTest: null },
};

function born(event: Birth): Backup {
  if (event.type === 'backup.found') {
    const { metadata, target, object, lab, volumeName, spec, app = null, set = null, takenAt, sizeBytes } = event.data;
    return {
      ...none,
      ...{ metadata, target, object, lab, volumeName, volumeSpec: spec, app, set, takenAt, sizeBytes },
      ...{ volume: null, appStream: null, snapshot: null, reason: 'manual', requestedAt: event.at },
    };
  }
  const { metadata, target, volume, volumeName, spec, snapshot, app, set = null, reason } = event.data;
  return {
    ...none,
    ...{ metadata, target, volume, volumeName, volumeSpec: spec, snapshot, set, reason },
    ...{ object: idOf(event.stream), lab: null, requestedAt: event.at, takenAt: null, sizeBytes: null },
    app: app ? { name: app.name, key: app.key } : null,
    appStream: app?.stream ?? null,
  };
}

const again = {
  'backup.verify-requested': { target: 'verifying', actions: 'give' },
  'backup.restore-test-requested': { target: 'testing', actions: 'test' },
  // It could not begin.
  'backup.restore-test-failed': { actions: 'failTest' },
} as const;

export const backupMachine = setup({
  types: {} as { context: Backup; input: Birth; events: Events; meta: { work: WorkName } },
  actions: {
    give: assign(({ event }) =>
      event.type === 'backup.began' ||
      event.type === 'backup.verify-requested' ||
      event.type === 'backup.removal-requested'
        ? { node: event.data.node, epoch: event.index, retryAt: null }
        : {},
    ),
    write: assign(({ event }) =>
      event.type === 'backup.written'
        ? { ...event.data, snapshot: null, problem: null, failures: 0, retryAt: null }
        : {},
    ),
    verify: assign(({ event }) => ({ verifiedAt: event.at, problem: null, failures: 0, retryAt: null })),
    fail: assign(({ context, event }) =>
      event.type === 'backup.failed' || event.type === 'backup.verify-failed'
        ? { problem: event.data.problem, failures: context.failures + 1, retryAt: event.data.retryAt }
        : {},
    ),
    // Nothing more is read from its snapshot.
    giveUp: assign(({ event }) =>
      event.type === 'backup.failed' && event.data.retryAt === null ? { snapshot: null } : {},
    ),
    damage: assign(({ event }) =>
      event.type === 'backup.found-damaged'
        ? { problem: event.data.problem, retryAt: null, verifiedAt: null, scratchPool: null }
        : {},
    ),
    test: assign(({ event }) =>
      event.type === 'backup.restore-test-requested'
        ? { node: event.data.node, epoch: event.index, scratchPool: event.data.pool }
        : {},
    ),
    // All of it was read: nothing else says as much.
    pass: assign(({ event }) =>
      event.type === 'backup.restore-tested'
        ? {
            ...{ scratchPool: null, failedTest: null, verifiedAt: event.at },
            ...{ problem: null, failures: 0, retryAt: null },
            restoreTest: { at: event.at, ...event.data },
          }
        : {},
    ),
    failTest: assign(({ context, event }) =>
      event.type === 'backup.restore-test-failed'
        ? {
            scratchPool: null,
            failedTest: {
              ...{ at: event.at, problem: event.data.problem, retryAt: event.data.retryAt },
              failures: (context.failedTest?.failures ?? 0) + 1,
            },
          }
        : {},
    ),
    leave: assign({ snapshot: null, retryAt: null }),
  },
}).createMachine({
  id: 'backup',
  context: ({ input }) => born(input),
  initial: 'waiting',
  on: {
    'backup.removal-requested': { target: '.removing', actions: ['give', 'leave'] },
    'backup.forgotten': '.removed',
  },
  states: {
    waiting: {
      on: {
        'backup.began': { target: 'writing', actions: 'give' },
        'backup.failed': { target: 'failed', actions: ['fail', 'giveUp'] },
      },
    },
    writing: {
      meta: { work: 'write-backup' },
      on: {
        'backup.written': { target: 'verifying', actions: 'write' },
        'backup.failed': { target: 'failed', actions: ['fail', 'giveUp'] },
      },
    },
    failed: {
      on: {
        'backup.began': { target: 'writing', actions: 'give' },
        'backup.failed': { actions: ['fail', 'giveUp'] },
      },
    },
    verifying: {
      meta: { work: 'verify-backup' },
      on: {
        'backup.verified': { target: 'verified', actions: 'verify' },
        'backup.found-damaged': { target: 'damaged', actions: 'damage' },
        'backup.verify-failed': { target: 'unverified', actions: 'fail' },
        // Another node takes over.
        'backup.verify-requested': { target: 'verifying', reenter: true, actions: 'give' },
      },
    },
    unverified: { on: again },
    verified: { on: again },
    damaged: { on: { 'backup.verify-requested': again['backup.verify-requested'] } },
    testing: {
      meta: { work: 'test-restore' },
      on: {
        // Its scratch volume goes first.
        'backup.removal-requested': {},
        'backup.forgotten': {},
        'backup.restore-tested': { target: 'verified', actions: 'pass' },
        'backup.restore-test-failed': [
          { guard: ({ context }) => context.verifiedAt !== null, target: 'verified', actions: 'failTest' },
          // What is known of it stays known.
          { target: 'unverified', actions: 'failTest' },
        ],
        'backup.found-damaged': { target: 'damaged', actions: 'damage' },
      },
    },
    removing: {
      meta: { work: 'remove-backup' },
      on: { 'backup.removed': 'removed' },
    },
    removed: { type: 'final' },
  },
});
