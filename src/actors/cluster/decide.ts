import { streamOf, type AnyDraft } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { defaultNamespace, draft, drafts, newMetadata, systemNamespace, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { checkTimeZone, nextRun } from '../schedule/next.ts';
import { clusterStream } from './stream.ts';

export const clusterDecisions: Decisions<'create-lab' | 'change-settings'> = {
  'create-lab': {
    scope: () => ({ verb: 'govern', kind: 'cluster' }),
    decide: ({ input, id }, lab) => {
      if (lab.get(clusterStream)) return unchanged;
      const wrong = checkTimeZone(input.timeZone);
      if (wrong !== undefined) return reject('INVALID', wrong);
      const namespaces = [defaultNamespace, systemNamespace].map((name, n) =>
        draft(streamOf('namespace', id(n + 1)), 'namespace.created', {
          metadata: newMetadata(id(n + 1), name, systemNamespace),
        }),
      );
      return drafts(
        draft(clusterStream, 'cluster.created', {
          metadata: newMetadata(id(0), input.name, systemNamespace),
          timeZone: input.timeZone,
        }),
        namespaces,
      );
    },
  },

  'change-settings': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input, now }, lab) => {
      const wrong = checkTimeZone(input.timeZone);
      if (wrong !== undefined) return reject('INVALID', wrong, 'Give an IANA name, for example Europe/Berlin.');
      if (lab.get(clusterStream)?.context.timeZone === input.timeZone) return unchanged;
      return drafts(
        draft(clusterStream, 'cluster.settings-changed', { timeZone: input.timeZone }),
        movedSchedules(input.timeZone, now, lab),
      );
    },
  },
};

/**
 * Schedules without a time zone of their own run by the lab's: what was calculated in the old one is calculated anew.
 * A run that is due already stays due; a suspended schedule gets its time when it goes on.
 */
const movedSchedules = (timeZone: string, now: number, lab: LabView): readonly AnyDraft[] =>
  lab.list('schedule').flatMap(({ stream, state, context: { spec, dueAt } }) => {
    if (state !== 'active' || spec.timeZone !== undefined || dueAt <= now) return [];
    const moved = nextRun(spec.cron, timeZone, now);
    return moved === dueAt ? [] : [draft(stream, 'schedule.changed', { spec, dueAt: moved })];
  });
