/** Files that are on their way: what they need must not go, and when it goes all the same they fail. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { readersOf } from '../backup/known.ts';
import { draft, drafts, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { snapshotOf } from './machine.ts';

/** @param of a volume, or one of its snapshots */
export const transfersOf = (of: StreamId<'volume' | 'snapshot'>, lab: LabView): readonly ActorState<'transfer'>[] =>
  lab.referrers(of, 'transfer');

const doing = { restore: 'being restored', export: 'being exported', import: 'being imported' } as const;

/** What is read or written at this moment must not go. */
export function beingTransferred(
  { stream, context }: ActorState<'volume'>,
  lab: LabView,
): ReturnType<typeof reject> | undefined {
  const [first] = transfersOf(stream, lab);
  if (!first) return undefined;
  return reject(
    'VOLUME_IN_USE',
    `Files of volume ${context.metadata.name} are ${doing[first.context.task.do]}.`,
    'Try again when that is done: floatlab operation ls.',
  );
}

/** Why a snapshot must not go. */
export function beingRead(snapshot: StreamId<'snapshot'>, named: string, lab: LabView) {
  const [backup] = readersOf(snapshot, lab);
  if (backup) {
    const { name } = backup.context.metadata;
    return reject(
      'NOT_NOW',
      `Backup ${name} is written from snapshot ${named}.`,
      `End it: floatlab backup cancel ${name}.`,
    );
  }
  const [first] = transfersOf(snapshot, lab);
  if (!first) return undefined;
  return reject(
    'NOT_NOW',
    `Files of snapshot ${named} are ${doing[first.context.task.do]}.`,
    'Try again when that is done: floatlab operation ls.',
  );
}

/** Why a transfer that nobody wants any more has ended. */
export const canceled: Problem = {
  code: 'CANCELED',
  message: 'It was canceled, and the volume is as it was before.',
};

/** It has failed; whoever waits for it hears so at once. */
export const failedDrafts = (transfer: ActorState<'transfer'>, problem: Problem, lab: LabView): readonly AnyDraft[] => {
  const { volume, task } = transfer.context;
  const isClosed = task.do === 'import' && lab.get(volume)?.state === 'importing';
  // What was to be filled is gone: that is said at once, and not found by chance later.
  const isGone = isClosed && problem.code === 'MISSING';
  return [
    ...lab
      .referrers(transfer.stream, 'operation')
      .filter(({ state }) => state === 'running')
      .map((operation) => draft(operation.stream, 'operation.failed', { problem })),
    ...(isClosed ? [draft(volume, 'volume.import-failed', { problem })] : []),
    ...(isGone ? [draft(volume, 'volume.found-wrong', { problem, isGone })] : []),
    draft(transfer.stream, 'transfer.failed', { problem }),
    ...needless(transfer, lab),
  ];
};

/** A snapshot that was taken for this one alone. */
export function needless(transfer: ActorState<'transfer'>, lab: LabView): readonly AnyDraft[] {
  const stream = snapshotOf(transfer.context);
  const snapshot = stream && lab.get(stream);
  if (snapshot?.context.reason !== 'export') return [];
  if (transfersOf(snapshot.stream, lab).some((other) => other.stream !== transfer.stream)) return [];
  return ['available', 'failed'].includes(snapshot.state)
    ? [draft(snapshot.stream, 'snapshot.removal-requested', { because: 'the export has ended' })]
    : [];
}

/** Of a snapshot that has just been taken: nobody waits for it any more. */
export function takenInVain(stream: StreamId<'snapshot'>, lab: LabView): readonly AnyDraft[] {
  if (lab.get(stream)?.context.reason === 'backup' && readersOf(stream, lab).length === 0)
    return [draft(stream, 'snapshot.removal-requested', { because: 'the backup has ended' })];
  if (lab.get(stream)?.context.reason !== 'export' || transfersOf(stream, lab).length > 0) return [];
  return [draft(stream, 'snapshot.removal-requested', { because: 'the export has ended' })];
}

/** The volume goes, and everything that is done to its files with it. */
export const transfersGoneWith = (volume: StreamId<'volume'>, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  transfersOf(volume, lab).flatMap((transfer) => [
    ...lab
      .referrers(transfer.stream, 'operation')
      .filter(({ state }) => state === 'running')
      .map((operation) => draft(operation.stream, 'operation.failed', { problem })),
    draft(transfer.stream, 'transfer.failed', { problem }),
  ]);

/** What it has brought is undone, by its node where that was at work; then it has failed. */
export function cancelTransfer(transfer: ActorState<'transfer'>, lab: LabView): Decision {
  if (transfer.state === 'canceling') return unchanged;
  const isWriting = transfer.state === 'restoring' || transfer.state === 'importing';
  return isWriting
    ? drafts(draft(transfer.stream, 'transfer.cancel-requested', {}))
    : drafts(failedDrafts(transfer, canceled, lab));
}
