import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { TransferTask } from '#events/transfer.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';
import type { WorkName } from '../work.ts';

/**
 * Files on their way. An actor of its own: a volume may have several at a time, and each is begun, ended and waited for
 * by itself.
 *
 *   waiting ─┬→ restoring ─┐
 *            ├→ exporting ─┼→ finished
 *            └→ importing ─┘
 *      (any of them) → failed
 *      restoring, importing → canceling → failed
 *
 * It waits until the snapshot that it reads has been taken, or the volume that a backup comes into has been made. What writes is undone by its node before it is over; a
 * restore of which everything was copied already is finished instead, because that is not lost by anybody.
 */
export interface Transfer {
  readonly metadata: Metadata;
  readonly volume: StreamId<'volume'>;
  readonly task: TransferTask;
  readonly by: string;
  readonly begunAt: number | null;
}

/** The snapshot that it reads; an import reads none. */
export const snapshotOf = ({ task }: Pick<Transfer, 'task'>): StreamId<'snapshot'> | undefined =>
  task.do === 'import' ? undefined : task.snapshot;

/** The backup that an import brings back. */
export const backupOf = ({ task }: Pick<Transfer, 'task'>): StreamId<'backup'> | undefined =>
  task.do === 'import' ? task.backup?.of : undefined;

const ends = { 'transfer.finished': 'finished', 'transfer.failed': 'failed' } as const;

export const transferMachine = setup({
  types: {} as {
    context: Transfer;
    input: EventOf<'transfer.requested'>;
    events: Extract<LabEvent, { type: `transfer.${string}` }>;
    meta: { work: WorkName };
  },
  guards: {
    restores: ({ context }) => context.task.do === 'restore',
    exports: ({ context }) => context.task.do === 'export',
  },
  actions: { begin: assign(({ event }) => ({ begunAt: event.at })) },
}).createMachine({
  id: 'transfer',
  context: ({ input: { data, by } }) => ({
    metadata: data.metadata,
    volume: data.volume,
    task: data.task,
    by,
    begunAt: null,
  }),
  initial: 'waiting',
  states: {
    waiting: {
      on: {
        'transfer.began': [
          { guard: 'restores', target: 'restoring', actions: 'begin' },
          { guard: 'exports', target: 'exporting', actions: 'begin' },
          { target: 'importing', actions: 'begin' },
        ],
        'transfer.failed': 'failed',
      },
    },
    restoring: { meta: { work: 'restore-files' }, on: { ...ends, 'transfer.cancel-requested': 'canceling' } },
    exporting: { meta: { work: 'export-files' }, on: ends },
    importing: { meta: { work: 'import-files' }, on: { ...ends, 'transfer.cancel-requested': 'canceling' } },
    canceling: { meta: { work: 'cancel-transfer' }, on: ends },
    finished: { type: 'final' },
    failed: { type: 'final' },
  },
});
