/**
 * Backups: they begin once their snapshot is there, what failed is tried again, what was written is read back now and then,
 * what the retention of a target does not keep goes, and its room with the next prune. Whose node is away is given to
 * another one, where any can reach the target.
 */
import type { StreamId } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { homeOf, keeperOf } from '../backup-target/known.ts';
import { counts, isUnderWay } from '../backup/known.ts';
import { decideRetention } from '../retention/decide.ts';
import type { Policy, Proposal } from './policy.ts';

type Backup = ActorState<'backup'>;
type Target = ActorState<'backup-target'>;

const hourMs = 3_600_000;
/** Prunes read and rewrite: no more often than this by themselves. */
const pruneEveryMs = 24 * hourMs;
/** Failed ones stay to be seen, but not for ever. */
const keptFailures = 3;
const mostAtOnce = 200;

export const backupsPolicy: Policy = {
  name: 'backups',
  subjects: ['backup', 'backup-target'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'backup':
        return [...(after?.final ? [] : [event.stream]), (actor as Backup).context.target];
      case 'backup-target':
        // What was found there waits to be read back, and what failed may go on.
        return after?.final ? [] : [event.stream];
      case 'snapshot':
        return lab.referrers(event.stream, 'backup').map(({ stream }) => stream);
      case 'node':
        return before?.state === after?.state
          ? []
          : [...lab.list('backup-target'), ...lab.list('backup').filter(({ state }) => state === 'verifying')].map(
              ({ stream }) => stream,
            );
      default:
        return [];
    }
  },

  dueAt: (subject, lab) => {
    const backup = lab.get(subject as StreamId<'backup'>);
    if (backup?.kind === 'backup') return backupDueAt(backup, lab);
    const target = lab.get(subject as StreamId<'backup-target'>);
    return target?.kind === 'backup-target' ? targetDueAt(target, lab) : undefined;
  },

  propose: (subject, lab, _, now) => {
    const backup = lab.get(subject as StreamId<'backup'>);
    if (backup?.kind === 'backup') return ofBackup(backup, lab, now);
    const target = lab.get(subject as StreamId<'backup-target'>);
    return target?.kind === 'backup-target' ? ofTarget(target, lab, now) : [];
  },
};

function backupDueAt({ state, stream, context }: Backup, lab: LabView): number | undefined {
  if (state === 'failed' || state === 'unverified') return context.retryAt ?? undefined;
  const every = lab.get(context.target)?.context.spec.verifyEveryMs;
  if (state !== 'verified' || context.verifiedAt === null || every === undefined) return undefined;
  return isNewest(stream, lab) ? context.verifiedAt + every : undefined;
}

function ofBackup(backup: Backup, lab: LabView, now: number): readonly Proposal[] {
  const { stream, state, context } = backup;
  if (['waiting', 'writing', 'failed'].includes(state) && context.snapshot !== null) {
    const problem = whyNot(context.snapshot, lab);
    const because = { snapshot: lab.get(context.snapshot)?.state ?? 'gone' };
    if (problem) return [{ name: 'fail-backup', input: { backup: stream, problem }, because }];
    const isDue = state === 'waiting' || (state === 'failed' && context.retryAt !== null && context.retryAt <= now);
    return isDue && because.snapshot === 'available'
      ? [{ name: 'begin-backup', input: { backup: stream }, because: { ...because, failures: context.failures } }]
      : [];
  }
  const again = (because: Proposal['because']): readonly Proposal[] => [
    { name: 'reverify-backup', input: { backup: stream }, because },
  ];
  if (state === 'unverified') {
    // One that was found in a target of another lab is read back when somebody asks for it.
    return context.retryAt !== null && context.retryAt <= now ? again({ failures: context.failures }) : [];
  }
  if (state === 'verifying' && context.node !== null && lab.get(context.node)?.state !== 'up') {
    const target = lab.get(context.target);
    const other = target && homeOf(target) === undefined ? keeperOf(target, lab) : undefined;
    return other === undefined ? [] : again({ away: context.node });
  }
  const due = state === 'verified' ? backupDueAt(backup, lab) : undefined;
  return due !== undefined && due <= now ? again({ verifiedAt: context.verifiedAt }) : [];
}

/** Of its volume, in its target: it is what a restore would take. */
function isNewest(stream: StreamId<'backup'>, lab: LabView): boolean {
  const backup = lab.get(stream);
  if (!backup) return false;
  const { target, volume, volumeName, metadata, lab: of, takenAt } = backup.context;
  return !lab
    .referrers(volume ?? target, 'backup')
    .some(
      (other) =>
        counts(other) &&
        other.context.target === target &&
        other.context.volumeName === volumeName &&
        other.context.metadata.namespace === metadata.namespace &&
        other.context.lab === of &&
        (other.context.takenAt ?? 0) > (takenAt ?? 0),
    );
}

function targetDueAt({ state, context, stream }: Target, lab: LabView): number | undefined {
  if (state === 'unreachable') return context.retryAt ?? undefined;
  if (state !== 'ready') return undefined;
  const dues = [pruneDueAt(context), lab.referrers(stream, 'backup').length > 0 ? lab.at + hourMs : undefined];
  return dues.filter((due) => due !== undefined).toSorted((a, b) => a - b)[0];
}

/** Counted from the last one; the first comes a while after the target was added. */
const pruneDueAt = ({ spec, prunedAt, checkedAt, retryAt }: Target['context']): number | undefined =>
  spec.foreign || checkedAt === null ? undefined : (retryAt ?? (prunedAt ?? checkedAt) + pruneEveryMs);

function ofTarget(target: Target, lab: LabView, now: number): readonly Proposal[] {
  const { stream, state, context } = target;
  const recheck = (because: Proposal['because']): readonly Proposal[] => [
    { name: 'recheck-backup-target', input: { target: stream }, because },
  ];
  if (state === 'unchecked') return keeperOf(target, lab) === undefined ? [] : recheck({ state });
  if (state === 'unreachable')
    return context.retryAt !== null && context.retryAt <= now ? recheck({ failures: context.failures }) : [];
  if (state === 'checking' || state === 'pruning') {
    const isAway = context.node !== null && lab.get(context.node)?.state !== 'up';
    const other = isAway && homeOf(target) === undefined ? keeperOf(target, lab) : undefined;
    return other === undefined ? [] : recheck({ away: context.node });
  }
  if (context.spec.foreign) return [];
  const pruneDue = pruneDueAt(context);
  return [
    ...expired(target, lab, now),
    ...(pruneDue !== undefined && pruneDue <= now
      ? [{ name: 'begin-prune' as const, input: { target: stream }, because: { prunedAt: context.prunedAt } }]
      : []),
  ];
}

/** Only what was read back counts as kept: a backup that nobody could read must not drive out one that is good. */
function expired({ stream, context }: Target, lab: LabView, now: number): readonly Proposal[] {
  const rules = context.spec.keep === undefined ? 'none' : parseKeep(context.spec.keep);
  const all = lab.referrers(stream, 'backup');
  const byVolume = new Map<string, Backup[]>();
  for (const backup of all) {
    const { lab: of, metadata, volumeName } = backup.context;
    const key = JSON.stringify([of, metadata.namespace, volumeName]);
    byVolume.set(key, [...(byVolume.get(key) ?? []), backup]);
  }
  const gone = [...byVolume.values()].flatMap((backups) => {
    const good = backups.filter((backup) => counts(backup));
    const newest = Math.max(...good.map(({ context: { takenAt } }) => takenAt ?? 0), 0);
    const verdicts =
      typeof rules === 'string'
        ? []
        : decideRetention(
            rules,
            good.map((backup) => ({
              id: backup.stream,
              takenAt: backup.context.takenAt ?? backup.context.requestedAt,
              ...(backup.context.reason === 'manual' && backup.context.lab === null
                ? { protected: 'made by hand' }
                : {}),
              ...(backup.state === 'verifying' ? { protected: 'it is being read back' } : {}),
            })),
            now,
          );
    // What went wrong and was made good since: the last few are left to be looked at.
    const failed = backups
      .filter((backup) => ['failed', 'damaged'].includes(backup.state) && !isUnderWay(backup))
      .filter(({ context: { requestedAt } }) => requestedAt < newest)
      .toSorted((a, b) => b.context.requestedAt - a.context.requestedAt)
      .slice(keptFailures)
      .map((backup) => ({ id: backup.stream as string, reason: 'it failed, and later ones did not' }));
    return [...verdicts.filter(({ keep }) => !keep), ...failed];
  });
  if (gone.length === 0) return [];
  return [
    {
      name: 'expire-backups',
      input: {
        target: stream,
        backups: gone
          .slice(0, mostAtOnce)
          .map(({ id, reason }) => ({ backup: id as StreamId<'backup'>, because: reason.slice(0, 500) })),
      },
      because: { keep: context.spec.keep ?? null, of: all.length },
    },
  ];
}

function whyNot(stream: StreamId<'snapshot'>, lab: LabView): Problem | undefined {
  const snapshot = lab.get(stream);
  if (snapshot?.state === 'failed')
    return (
      snapshot.context.problem ?? { code: 'FAILED', message: 'The snapshot that it is written from was not taken.' }
    );
  if (snapshot && snapshot.state !== 'removing') return undefined;
  return {
    code: 'NOT_FOUND',
    message: 'The snapshot that it is written from is gone.',
    hint: 'Make another backup.',
  };
}
