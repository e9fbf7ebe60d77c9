/**
 * Backups: they begin once their snapshot is there, what failed is tried again, what was written is read back now and then,
 * what the retention of a target does not keep goes, and its room with the next prune. Whose node is away is given to
 * another one, where any can reach the target.
 */
import type { StreamId } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { homeOf, isThinnedHere, keeperOf } from '../backup-target/known.ts';
import { counts, isUnderWay, seriesOf } from '../backup/known.ts';
import { lostScratch, nextRestoreTest } from '../backup/restore-tests.ts';
import { termsOf } from '../backup/terms.ts';
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
      case 'schedule': {
        // What it says of its backups may be new.
        const seen = [before, after] as readonly (ActorState<'schedule'> | undefined)[];
        return event.type === 'schedule.fired' ? [] : seen.flatMap((schedule) => schedule?.context.spec.target ?? []);
      }
      case 'node':
        return before?.state === after?.state
          ? []
          : [
              ...lab.list('backup-target'),
              ...lab.list('backup').filter(({ state }) => state === 'verifying' || state === 'testing'),
            ].map(({ stream }) => stream);
      case 'pool':
        // What was being restored into it as a test is gone with it.
        return after && !after.final
          ? []
          : lab
              .list('backup')
              .filter(({ state }) => state === 'testing')
              .map(({ stream }) => stream);
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
  const lost = lostScratch(backup, lab);
  if (lost)
    return [{ name: 'fail-restore-test', input: { backup: stream, problem: lost }, because: { node: context.node } }];
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

function targetDueAt(target: Target, lab: LabView): number | undefined {
  const { state, context, stream } = target;
  if (state === 'unreachable') return context.retryAt ?? undefined;
  if (state !== 'ready') return undefined;
  const dues = [
    pruneDueAt(target),
    nextRestoreTest(target, lab)?.dueAt,
    lab.referrers(stream, 'backup').length > 0 ? lab.at + hourMs : undefined,
  ];
  return dues.filter((due) => due !== undefined).toSorted((a, b) => a - b)[0];
}

/** Counted from the last one; the first comes a while after the target was added. */
function pruneDueAt(target: Target): number | undefined {
  const { prunedAt, checkedAt, retryAt } = target.context;
  return isThinnedHere(target) && checkedAt !== null ? (retryAt ?? (prunedAt ?? checkedAt) + pruneEveryMs) : undefined;
}

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
  const test = nextRestoreTest(target, lab);
  const tests: readonly Proposal[] =
    test && test.dueAt <= now
      ? [{ name: 'begin-restore-test', input: { backup: test.backup }, because: { dueAt: test.dueAt } }]
      : [];
  if (!isThinnedHere(target)) return tests;
  const pruneDue = pruneDueAt(target);
  return [
    ...tests,
    ...expired(target, lab, now),
    ...(pruneDue !== undefined && pruneDue <= now
      ? [{ name: 'begin-prune' as const, input: { target: stream }, because: { prunedAt: context.prunedAt } }]
      : []),
  ];
}

/** Only what was read back counts as kept: a backup that nobody could read must not drive out one that is good. */
function expired(target: Target, lab: LabView, now: number): readonly Proposal[] {
  const { stream, context } = target;
  const all = lab.referrers(stream, 'backup');
  const byVolume = new Map<string, Backup[]>();
  for (const backup of all) {
    const key = seriesOf(backup);
    byVolume.set(key, [...(byVolume.get(key) ?? []), backup]);
  }
  const gone = [...byVolume.values()].flatMap((backups) => {
    const { keep } = termsOf(backups, target, lab);
    const rules = keep === undefined ? 'none' : parseKeep(keep);
    const good = backups.filter((backup) => counts(backup));
    // What is known to come back stays, until another one is known to.
    const proven = good
      .filter(({ context: { restoreTest } }) => restoreTest !== null)
      .toSorted((a, b) => (b.context.restoreTest?.at ?? 0) - (a.context.restoreTest?.at ?? 0))[0]?.stream;
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
              ...(backup.stream === proven ? { protected: 'it was restored as a test' } : {}),
              ...(backup.state === 'verifying' || backup.state === 'testing'
                ? { protected: 'it is being read back' }
                : {}),
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
    return [...verdicts.filter((verdict) => !verdict.keep), ...failed];
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
