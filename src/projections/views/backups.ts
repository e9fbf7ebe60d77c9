/** One row a backup: of what, where, how far it is, and whether it counts. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { counts } from '#actors/backup/known.ts';
import type { FailedTest, RestoreTest } from '#actors/backup/machine.ts';
import type { BackedUpApp, BackupSet } from '#events/backup.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection, type Rows } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface BackupRow {
  readonly id: StreamId<'backup'>;
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
  readonly since: number;
  readonly target: Ref;
  /** Its name in the target. */
  readonly object: string;
  /** What it is of, by the name that it had then; the volume itself where this lab has it. */
  readonly volumeName: string;
  readonly volume: Ref | null;
  /** Of the app, and what that calls the volume. */
  readonly app: BackedUpApp | null;
  /** Those of one app that belong together. */
  readonly set: BackupSet | null;
  /** The lab that made it, when it was found; null: this one. */
  readonly lab: string | null;
  readonly reason: string;
  readonly requestedAt: number;
  /** Of its content; null before it is written. */
  readonly takenAt: number | null;
  readonly sizeBytes: number | null;
  /** What it took in the target, beside what was there already. */
  readonly addedBytes: number | null;
  /** When it was last read back, and whole. */
  readonly verifiedAt: number | null;
  /** It was read back: it can be restored, as far as anybody knows. */
  readonly isGood: boolean;
  /** The last restore as a test that came back as it was backed up, */
  readonly restoreTest: RestoreTest | null;
  /** and what was wrong with the last one, where that is a later one. */
  readonly failedTest: FailedTest | null;
  readonly node: Ref | null;
  readonly failures: number;
  readonly retryAt: number | null;
  readonly problem: Problem | null;
}

export const backupsView = defineProjection<BackupRow>({
  name: 'backups',
  version: 2,
  keeps: 'table',
  apply: (rows, { after }, lab) => {
    if (after?.kind === 'backup') put(rows, after as ActorState<'backup'>, lab);
  },
  scope: (row) => ({ verb: 'read', kind: 'backup', namespace: row.namespace }),
});

function put(rows: Rows<BackupRow>, backup: ActorState<'backup'>, lab: LabView): void {
  const { stream, state, since, context, final } = backup;
  if (final) return rows.delete(stream);
  const { metadata, target, object, volumeName, volume, app, set, lab: of, reason, requestedAt, takenAt } = context;
  const { sizeBytes, addedBytes, verifiedAt, node, failures, retryAt, problem, restoreTest, failedTest } = context;
  rows.put(stream, {
    id: stream,
    namespace: metadata.namespace,
    name: metadata.name,
    ...{ state, since, object, volumeName, app, set, lab: of, reason, requestedAt, takenAt },
    target: refTo(lab, target) ?? { id: target, name: target },
    volume: volume === null || !lab.get(volume) ? null : refTo(lab, volume),
    ...{ sizeBytes, addedBytes, verifiedAt, failures, retryAt, problem, restoreTest, failedTest },
    isGood: counts(backup),
    node: refTo(lab, node),
  });
}
