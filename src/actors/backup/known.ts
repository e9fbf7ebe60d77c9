/** What everybody asks of backups: which count, what they still read, what goes when one ends. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';

type Backup = ActorState<'backup'>;

/** It was read back, and nothing has been heard against it since. */
export const counts = ({ state, context }: Backup): boolean => context.verifiedAt !== null && isWritten({ state });

/** It is in its target, whole as far as anybody knows. */
export const isWritten = ({ state }: Pick<Backup, 'state'>): boolean =>
  ['verified', 'verifying', 'unverified', 'testing'].includes(state);

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

/** What a restore of it takes at most, as far as one can tell: small files take more than they hold. */
export const scratchBytes = ({ context: { sizeBytes, volumeSpec } }: Pick<Backup, 'context'>): number =>
  Math.ceil((sizeBytes ?? volumeSpec.sizeBytes) * 1.25) + 128 * 1024 * 1024;

/** Those of one volume in one target, as one lab knows it: of them the newest is what a restore would take. */
export const seriesOf = ({ context }: Backup): string =>
  JSON.stringify([context.lab, context.metadata.namespace, context.volumeName]);

/** Restores that read it must not lose it. */
export const restoresOf = (backup: StreamId<'backup'>, lab: LabView): readonly ActorState<'transfer'>[] =>
  lab.referrers(backup, 'transfer');
