/** What the nodes that work on backups say. */
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { backoffOf, waitsForPerson } from '../backup-target/known.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, withVisit } from '../drafting.ts';
import type { backupCommands } from './commands.ts';
import { needlessSnapshot, operationsEnded } from './known.ts';
import { testRetryOf } from './restore-tests.ts';

type Reports = Extract<keyof typeof backupCommands, `report-${string}`>;

const reported = ({ backup }: { backup: StreamId<'backup'> }, lab: LabView) =>
  ({ verb: 'report', kind: 'backup', node: lab.get(backup)?.context.node ?? 'node:' }) as const;

export const reportDecisions: Decisions<Reports> = {
  'report-backup-written': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) => {
        const { takenAt, sizeBytes, addedBytes } = input;
        return drafts(
          draft(backup.stream, 'backup.written', { takenAt, sizeBytes, addedBytes }),
          needlessSnapshot(backup, lab),
        );
      }),
  },

  'report-backup-failed': {
    scope: reported,
    decide: ({ input, now }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) => {
        const { problem } = input;
        // What it is read from will not come back; whatever is wrong with the target may.
        const retryAt = problem.code === 'NOT_FOUND' ? null : retryOf(backup, problem, now);
        return drafts(
          draft(backup.stream, 'backup.failed', { problem, retryAt }),
          retryAt === null ? needlessSnapshot(backup, lab) : [],
        );
      }),
  },

  'report-backup-verified': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) =>
        drafts(draft(backup.stream, 'backup.verified', { readBytes: input.readBytes }), caughtUp(backup, lab)),
      ),
  },

  'report-backup-damaged': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) =>
        drafts(draft(backup.stream, 'backup.found-damaged', { problem: input.problem })),
      ),
  },

  'report-backup-verify-failed': {
    scope: reported,
    decide: ({ input, now }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) =>
        drafts(
          draft(backup.stream, 'backup.verify-failed', {
            problem: input.problem,
            retryAt: retryOf(backup, input.problem, now),
          }),
        ),
      ),
  },

  'report-restore-tested': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) => {
        const { files, folders, bytes, digest } = input;
        return drafts(
          draft(backup.stream, 'backup.restore-tested', { files, folders, bytes, digest }),
          caughtUp(backup, lab),
        );
      }),
  },

  'report-restore-test-failed': {
    scope: reported,
    decide: ({ input: { backup: stream, visit, problem }, now }, lab) =>
      withVisit(lab, stream, visit, (backup) =>
        drafts(
          draft(stream, 'backup.restore-test-failed', { problem, retryAt: testRetryOf(backup, problem, now) }),
          // It is still verified: whoever waits would take that for the answer.
          operationsEnded(stream, problem, lab),
        ),
      ),
  },

  'report-backup-removed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.backup, input.visit, (backup) => drafts(draft(backup.stream, 'backup.removed', {}))),
  },
};

const retryOf = ({ stream, context }: ActorState<'backup'>, { code }: Problem, now: number): number | null =>
  waitsForPerson(code) ? null : now + backoffOf(stream, context.failures + 1);

/** Schedules that this volume was late for are late no longer. */
function caughtUp({ context }: ActorState<'backup'>, lab: LabView) {
  return [context.volume, context.appStream]
    .flatMap((of) => (of === null ? [] : lab.referrers(of, 'schedule')))
    .filter(({ context: schedule }) => schedule.behindSince !== null && schedule.spec.target === context.target)
    .map(({ stream }) => draft(stream, 'schedule.caught-up', {}));
}
