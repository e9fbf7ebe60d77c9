/** One row a target of backups: where it is, how it is, how many backups the lab has there. Its keys are nowhere in it. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { homeOfStore } from '#actors/backup-target/known.ts';
import type { TargetSpec } from '#events/backup-target.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { storeWords } from '../backup-words.ts';
import { defineProjection, type Rows } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface BackupTargetRow {
  readonly id: StreamId<'backup-target'>;
  readonly name: string;
  readonly state: string;
  readonly since: number;
  readonly createdAt: number;
  /** In words. */
  readonly where: string;
  readonly store: TargetSpec['store'];
  /** The node that has the folder; null: every node reaches it. */
  readonly home: Ref | null;
  /** It belongs to another lab, and is only read. */
  readonly isForeign: boolean;
  /** It is lent to another lab: how much that may keep there, and whether it may delete. Its token is nowhere. */
  readonly lent: { readonly quotaBytes: number; readonly appendOnly: boolean } | null;
  readonly keep: string | null;
  readonly verifyEveryMs: number | null;
  readonly testRestoreEveryMs: number | null;
  readonly limitBytesPerSecond: number | null;
  /** Id of the repository there, hex. */
  readonly repository: string | null;
  readonly checkedAt: number | null;
  readonly prunedAt: number | null;
  readonly failures: number;
  readonly retryAt: number | null;
  readonly problem: Problem | null;
  /** That the lab knows of. */
  readonly backups: number;
}

export const backupTargetsView = defineProjection<BackupTargetRow>({
  name: 'backup-targets',
  version: 2,
  keeps: 'table',
  apply: (rows, { before, after }, lab) => {
    if (after?.kind === 'backup-target') return put(rows, after as ActorState<'backup-target'>, lab);
    if (after?.kind !== 'backup') return;
    const row = rows.get((after as ActorState<'backup'>).context.target);
    const change = Number(!after.final) - Number(before !== undefined);
    if (row && change !== 0) rows.put(row.id, { ...row, backups: row.backups + change });
  },
  scope: () => ({ verb: 'read', kind: 'backup-target', namespace: 'system' }),
});

function put(rows: Rows<BackupTargetRow>, target: ActorState<'backup-target'>, lab: LabView): void {
  const { stream, state, since, createdAt, context, final } = target;
  if (final) return rows.delete(stream);
  const { metadata, spec, repository, checkedAt, prunedAt, failures, retryAt, problem } = context;
  const home = refTo(lab, homeOfStore(spec.store));
  rows.put(stream, {
    id: stream,
    name: metadata.name,
    ...{ state, since, createdAt, store: spec.store, home },
    where: storeWords(spec.store, home?.name),
    isForeign: spec.foreign ?? false,
    lent: spec.lent ? { quotaBytes: spec.lent.quotaBytes, appendOnly: spec.lent.appendOnly } : null,
    keep: spec.keep ?? null,
    verifyEveryMs: spec.verifyEveryMs ?? null,
    testRestoreEveryMs: spec.testRestoreEveryMs ?? null,
    limitBytesPerSecond: spec.limitBytesPerSecond ?? null,
    ...{ repository, checkedAt, prunedAt, failures, retryAt, problem },
    backups: rows.get(stream)?.backups ?? 0,
  });
}
