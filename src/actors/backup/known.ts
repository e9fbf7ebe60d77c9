/** What everybody asks of backups: which count, what they still read, what goes when one ends. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';

type Backup = ActorState<'backup'>;

/** It was read back, and nothing has been heard against it since. */
export const counts = ({ state, context }: Backup): boolean =>
  context.verifiedAt !== null && ['verified', 'verifying', 'unverified'].includes(state);

/** It is in its target, whole as far as anybody knows. */
export const isWritten = ({ state }: Backup): boolean => ['verified', 'verifying', 'unverified'].includes(state);

/** On its way: another one of the same volume would only wait behind it. */
export const isUnderWay = ({ state, context }: Backup): boolean =>
  ['waiting', 'writing'].includes(state) || (state === 'failed' && context.retryAt !== null);

/** Newest first. */
export const backupsOf = (volume: StreamId<'volume'>, lab: LabView): readonly Backup[] =>
  lab
    .referrers(volume, 'backup')
    .toSorted((a, b) => (b.context.takenAt ?? b.context.requestedAt) - (a.context.takenAt ?? a.context.requestedAt));

/** Which are read from this snapshot, now or in a while. */
export const readersOf = (snapshot: StreamId<'snapshot'>, lab: LabView): readonly Backup[] =>
  lab.referrers(snapshot, 'backup');

/** A snapshot that was taken for backups alone, once no other one reads it. */
export function needlessSnapshot({ stream, context }: Backup, lab: LabView): readonly AnyDraft[] {
  const snapshot = context.snapshot === null ? undefined : lab.get(context.snapshot);
  if (snapshot?.context.reason !== 'backup' || !['available', 'failed'].includes(snapshot.state)) return [];
  if (readersOf(snapshot.stream, lab).some((other) => other.stream !== stream)) return [];
  return [draft(snapshot.stream, 'snapshot.removal-requested', { because: 'the backup has ended' })];
}

export const canceled: Problem = { code: 'CANCELED', message: 'The backup was canceled.' };

/** Whoever waits for it hears at once what became of it. */
export const operationsEnded = (stream: StreamId<'backup'>, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  lab
    .referrers(stream, 'operation')
    .filter(({ state }) => state === 'running')
    .map((operation) => draft(operation.stream, 'operation.failed', { problem }));

/** Restores that read it must not lose it. */
export const restoresOf = (backup: StreamId<'backup'>, lab: LabView): readonly ActorState<'transfer'>[] =>
  lab.referrers(backup, 'transfer');
