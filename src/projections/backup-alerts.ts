/** What can be wrong with backups: each says what to do about it. */
import type { ActorState, LabView } from '#actors/actor.ts';
import { counts, isWritten } from '#actors/backup/known.ts';
import type { Alert } from './alerts.ts';
import { refTo } from './refs.ts';

export const backupRules = ['backup-failed', 'backup-damaged', 'backup-unverified', 'backup-restore-failed'] as const;
export const backupTargetRules = ['backup-target-unreachable', 'backup-prune-failed'] as const;

/** One failure passes; more are worth a look. */
const toleratedFailures = 2;

export function backupAlerts(backup: ActorState<'backup'>, lab: LabView): readonly Alert[] {
  const { state, context } = backup;
  const { metadata, problem, volumeName, target, retryAt, failures } = context;
  const untested = restoreAlerts(backup, lab);
  if (!problem || isMadeGood(backup, lab)) return untested;
  const { name } = metadata;
  const where = refTo(lab, target)?.name ?? 'a target that is gone';
  if (state === 'damaged') {
    return [
      {
        rule: 'backup-damaged',
        severity: 'critical',
        message: `Backup ${name} in ${where} cannot be restored: ${problem.message}`,
        hint: `Make another one: floatlab backup create ${volumeName} --to ${where}. Then look after the target.`,
      },
    ];
  }
  if (state === 'failed' && (retryAt === null || failures > toleratedFailures)) {
    return [
      {
        rule: 'backup-failed',
        severity: 'warning',
        message: `Volume ${volumeName} is not backed up to ${where}: ${problem.message}`,
        hint: problem.hint ?? `See: floatlab backup show ${name}.`,
      },
    ];
  }
  if (state === 'unverified' && (retryAt === null || failures > toleratedFailures)) {
    return [
      {
        rule: 'backup-unverified',
        severity: 'warning',
        message: `Whether backup ${name} in ${where} can be restored is not known: ${problem.message}`,
        hint: problem.hint ?? `Mend the cause, then: floatlab backup verify ${name}.`,
      },
      ...untested,
    ];
  }
  return untested;
}

/** Until it, or a later one of the same volume, came back. */
function restoreAlerts(backup: ActorState<'backup'>, lab: LabView): readonly Alert[] {
  const { metadata, target, failedTest } = backup.context;
  if (!failedTest || !isWritten(backup) || isMadeGood(backup, lab, failedTest.at)) return [];
  const where = refTo(lab, target)?.name ?? 'a target that is gone';
  const { code, message, hint } = failedTest.problem;
  return [
    {
      rule: 'backup-restore-failed',
      // What came back was another thing: whoever relies on it has none.
      severity: code === 'DAMAGED' ? 'critical' : 'warning',
      message: `Backup ${metadata.name} in ${where} could not be restored as a test: ${message}`,
      hint: hint ?? `Mend the cause, then: floatlab backup verify ${metadata.name} --restore.`,
    },
  ];
}

/** A later one of the same volume, in the same target, was read back; or came back since that time. */
function isMadeGood({ stream, context }: ActorState<'backup'>, lab: LabView, restoredSince?: number): boolean {
  const of = context.volume;
  if (of === null) return false;
  return lab
    .referrers(of, 'backup')
    .some(
      (other) =>
        other.stream !== stream &&
        counts(other) &&
        other.context.target === context.target &&
        (restoredSince === undefined
          ? other.context.requestedAt > context.requestedAt
          : (other.context.restoreTest?.at ?? 0) > restoredSince),
    );
}

export function backupTargetAlerts({ state, context }: ActorState<'backup-target'>): readonly Alert[] {
  const { metadata, problem } = context;
  if (!problem) return [];
  const { name } = metadata;
  const isAway = state === 'unreachable';
  return [
    {
      rule: isAway ? 'backup-target-unreachable' : 'backup-prune-failed',
      severity: 'warning',
      message: isAway
        ? `Backup target ${name} cannot be used: ${problem.message}`
        : `Backup target ${name} could not be pruned: ${problem.message}`,
      hint: problem.hint ?? `Mend the cause, then: floatlab backup target test ${name}.`,
    },
  ];
}
