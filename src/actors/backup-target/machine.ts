import type { TargetSpec } from '#events/backup-target.ts';
import type { EventOf, Index, LabEvent, StreamId } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * Where backups go, as far as the lab knows.
 *
 *   unchecked → checking ─→ ready ⇄ pruning
 *                  ↑  ↓      │
 *             unreachable ←──┘ when it is looked at again
 *      (any of them) → removed
 */
export interface BackupTarget {
  readonly metadata: Metadata;
  readonly spec: TargetSpec;
  /** Blob with the keys that open it. */
  readonly secrets: string | null;
  /** Which node looks after it at the moment, and the index at which it was told to. */
  readonly node: StreamId<'node'> | null;
  readonly epoch: Index | null;
  /** Id of the repository in it, hex; null before the first look. */
  readonly repository: string | null;
  readonly checkedAt: number | null;
  readonly prunedAt: number | null;
  readonly problem: Problem | null;
  readonly failures: number;
  readonly retryAt: number | null;
}

type Events = Extract<LabEvent, { type: `backup-target.${string}` }>;

export const backupTargetMachine = setup({
  types: {} as {
    context: BackupTarget;
    input: EventOf<'backup-target.added'>;
    events: Events;
    meta: { work: WorkName };
  },
  actions: {
    give: assign(({ event }) =>
      event.type === 'backup-target.check-requested' || event.type === 'backup-target.prune-requested'
        ? { node: event.data.node, epoch: event.index, retryAt: null }
        : {},
    ),
    change: assign(({ event }) =>
      event.type === 'backup-target.changed' ? { spec: event.data.spec, secrets: event.data.secrets ?? null } : {},
    ),
    arrive: assign(({ event }) =>
      event.type === 'backup-target.checked'
        ? { repository: event.data.repository ?? null, checkedAt: event.at, problem: null, failures: 0, retryAt: null }
        : {},
    ),
    pruned: assign(({ event }) => ({ prunedAt: event.at, problem: null, failures: 0, retryAt: null })),
    fail: assign(({ context, event }) =>
      event.type === 'backup-target.check-failed' || event.type === 'backup-target.prune-failed'
        ? { problem: event.data.problem, failures: context.failures + 1, retryAt: event.data.retryAt }
        : {},
    ),
  },
}).createMachine({
  id: 'backup-target',
  context: ({ input: { data } }) => ({
    metadata: data.metadata,
    spec: data.spec,
    secrets: data.secrets ?? null,
    ...{ node: null, epoch: null, repository: null, checkedAt: null, prunedAt: null },
    ...{ problem: null, failures: 0, retryAt: null },
  }),
  initial: 'unchecked',
  on: {
    'backup-target.removed': '.removed',
    'backup-target.changed': { target: '.unchecked', actions: 'change' },
    'backup-target.check-requested': { target: '.checking', actions: 'give' },
  },
  states: {
    unchecked: {},
    checking: {
      meta: { work: 'check-backup-target' },
      on: {
        // Another node takes over.
        'backup-target.check-requested': { target: 'checking', reenter: true, actions: 'give' },
        'backup-target.checked': { target: 'ready', actions: 'arrive' },
        'backup-target.check-failed': { target: 'unreachable', actions: 'fail' },
      },
    },
    ready: { on: { 'backup-target.prune-requested': { target: 'pruning', actions: 'give' } } },
    unreachable: {},
    pruning: {
      meta: { work: 'prune-backup-target' },
      on: {
        'backup-target.pruned': { target: 'ready', actions: 'pruned' },
        'backup-target.prune-failed': { target: 'ready', actions: 'fail' },
      },
    },
    removed: { type: 'final' },
  },
});
