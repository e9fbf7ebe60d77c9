import { streamOf, type AnyDraft } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import type { Decisions } from '../commands.ts';
import { refuseBeside, volumesOf } from '../backup/requests.ts';
import { draft, drafts, nameTaken, newMetadata, unchanged, withNamed } from '../drafting.ts';
import { withMember } from '../node/known.ts';
import { poolStream } from '../pool/stream.ts';
import { reject } from '../rejection.ts';
import type { scheduleCommands } from './commands.ts';
import { backupRun, lagOf } from './backups.ts';
import { changedSpec, refuseOwned, refuseTimes, targetFor } from './change.ts';
import { missedRuns, nextRun } from './next.ts';
import { snapshotLag, snapshotRun } from './snapshots.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'schedule', namespace }) as const;

/** The schedule's own time zone, or the lab's. */
const zoneOf = (spec: ScheduleSpec, lab: LabView): string =>
  spec.timeZone ?? lab.get(clusterStream)?.context.timeZone ?? 'UTC';

/** What a run begins, as far as it can begin now; of what it cannot its next run comes. */
function workOf(spec: ScheduleSpec, id: Ask<unknown>['id'], now: number, lab: LabView): readonly AnyDraft[] {
  if (spec.action === 'backup') return backupRun(spec, { id, now }, lab);
  if (spec.pool === undefined) return snapshotRun(spec, { id, now }, lab);
  const pool = lab.get(spec.pool);
  const isIdle = (pool?.state === 'online' || pool?.state === 'degraded') && pool.context.scrub?.state !== 'running';
  return isIdle ? [draft(pool.stream, 'pool.scrub-requested', { action: 'start' })] : [];
}

/** Whether its runs have come to nothing for too long. @param intervalMs from one run to the next */
function behind(schedule: ActorState<'schedule'>, intervalMs: number, now: number, lab: LabView): readonly AnyDraft[] {
  switch (schedule.context.spec.action) {
    case 'backup':
      return lagOf(schedule, intervalMs, now, lab);
    case 'snapshot':
      return snapshotLag(schedule, intervalMs, now, lab);
    case 'scrub':
      return [];
  }
}

export const scheduleDecisions: Decisions<keyof typeof scheduleCommands> = {
  'create-schedule': {
    scope: write,
    decide: ({ input, id, now }, lab) => {
      const untimely = refuseTimes(input);
      if (untimely) return untimely;
      if ([input.volume, input.app, input.pool].filter((of) => of !== undefined).length !== 1)
        return reject('INVALID', 'A schedule is of one volume, of one app, or of one pool: name exactly one of them.');
      if (lab.byName('schedule', input.namespace, input.name)) return nameTaken('schedule', input.name);
      const target = input.backupTo === undefined ? undefined : targetFor(lab, input.backupTo);
      if (target && 'rejected' in target) return target;
      if (target && input.pool !== undefined) return reject('INVALID', 'A pool is scrubbed, and not backed up.');
      const { keep, testRestoreEveryMs } = input;
      if (!target && (keep !== undefined || testRestoreEveryMs !== undefined))
        return reject(
          'INVALID',
          'How long something stays, and how often it is restored as a test, is said of backups: this makes none.',
          'Name their target with backupTo. How long snapshots stay is said by their volume.',
        );
      const created = (of: Pick<ScheduleSpec, 'volume' | 'app' | 'pool'>): Decision => {
        const spec: ScheduleSpec = {
          cron: input.cron,
          ...(input.timeZone === undefined ? {} : { timeZone: input.timeZone }),
          action: target ? 'backup' : of.pool === undefined ? 'snapshot' : 'scrub',
          ...of,
          ...(target ? { target: target.stream } : {}),
          ...(keep === undefined ? {} : { keep }),
          ...(testRestoreEveryMs === undefined ? {} : { testRestoreEveryMs }),
        };
        return drafts(
          draft(streamOf('schedule', id(0)), 'schedule.created', {
            metadata: newMetadata(id(0), input.name, input.namespace),
            spec,
            dueAt: nextRun(input.cron, zoneOf(spec, lab), now),
          }),
        );
      };
      const { namespace, volume = '', app, pool } = input;
      if (pool !== undefined) {
        const [nodeName = '', poolName = ''] = pool.split('/');
        return withMember(lab, nodeName, ({ stream: node }) => {
          const found = lab.get(poolStream(node, poolName));
          if (!found) return reject('NOT_FOUND', `There is no pool ${pool}.`, 'floatlab pool ls shows what is there.');
          if (found.context.driver === 'dir')
            return reject('UNSUPPORTED', `Pool ${pool} is a plain folder: it cannot be scrubbed.`);
          return created({ pool: found.stream });
        });
      }
      return app === undefined
        ? withNamed(
            lab,
            'volume',
            { namespace, name: volume },
            (of) => (target && refuseBeside([of], target)) ?? created({ volume: of.stream }),
          )
        : withNamed(
            lab,
            'app',
            { namespace, name: app },
            ({ stream }) => (target && refuseBeside(volumesOf(stream, lab), target)) ?? created({ app: stream }),
          );
    },
  },

  'change-schedule': {
    scope: write,
    decide: ({ input, now }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) => {
        const { stream, state, context } = schedule;
        const spec = changedSpec(schedule, input, lab);
        if ('rejected' in spec) return spec;
        if (spec === context.spec) return unchanged;
        const owned = refuseOwned(schedule, lab);
        if (owned) return owned;
        const isAsBefore = spec.cron === context.spec.cron && spec.timeZone === context.spec.timeZone;
        // A run that is due already stays due.
        const isDue = state === 'active' && context.dueAt <= now;
        const dueAt = isAsBefore || isDue ? context.dueAt : nextRun(spec.cron, zoneOf(spec, lab), now);
        return drafts(draft(stream, 'schedule.changed', { spec, dueAt }));
      }),
  },

  'suspend-schedule': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) =>
        schedule.state === 'suspended' ? unchanged : drafts(draft(schedule.stream, 'schedule.suspended', {})),
      ),
  },

  'resume-schedule': {
    scope: write,
    decide: ({ input, now }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) => {
        if (schedule.state === 'active') return unchanged;
        const { spec } = schedule.context;
        return drafts(
          draft(schedule.stream, 'schedule.resumed', { dueAt: nextRun(spec.cron, zoneOf(spec, lab), now) }),
        );
      }),
  },

  'remove-schedule': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) => drafts(draft(schedule.stream, 'schedule.removed', {}))),
  },

  /**
   * The run that is due, and the next time. Runs that were missed (the lab was off, the clock jumped) are made up for
   * by this single one. A volume that cannot be snapshotted now is skipped, in a set as well: its next run comes.
   */
  'fire-schedule': {
    scope: () => ({ verb: 'govern', kind: 'schedule' }),
    decide: ({ input, id, now }, lab) => {
      const schedule = lab.get(input.schedule);
      if (schedule?.state !== 'active' || schedule.context.dueAt !== input.dueAt || now < input.dueAt) return unchanged;
      const { spec } = schedule.context;
      const zone = zoneOf(spec, lab);
      const missed = missedRuns(spec.cron, zone, input.dueAt, now, 1000);
      // Not up to the next one, which may be far where runs were missed.
      const intervalMs = nextRun(spec.cron, zone, input.dueAt) - input.dueAt;
      return drafts(
        draft(schedule.stream, 'schedule.fired', {
          scheduledFor: input.dueAt,
          missed,
          dueAt: nextRun(spec.cron, zone, now),
        }),
        workOf(spec, id, now, lab),
        // While the lab was off nothing could be taken, and this run makes up for that.
        missed > 0 && spec.action === 'snapshot' ? [] : behind(schedule, intervalMs, now, lab),
      );
    },
  },
};
