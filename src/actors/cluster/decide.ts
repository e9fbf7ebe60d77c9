import { streamOf, type AnyDraft } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { defaultNamespace, draft, drafts, missing, newMetadata, systemNamespace, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { libraries } from '../libraries.ts';
import { checkTimeZone, nextRun } from '../schedule/next.ts';
import { isIn, rangeWords } from '../versions.ts';
import type { clusterCommands } from './commands.ts';
import { registryDecisions } from './registries.ts';
import { clusterStream } from './stream.ts';
import { tokenDecisions } from './tokens.ts';

export const clusterDecisions: Decisions<keyof typeof clusterCommands> = {
  ...tokenDecisions,
  ...registryDecisions,

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

  'change-bouncer': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input: { rules } }, lab) =>
      JSON.stringify(lab.get(clusterStream)?.context.bouncer) === JSON.stringify(rules)
        ? unchanged
        : drafts(draft(clusterStream, 'cluster.bouncer-changed', { rules })),
  },

  /** What has happened already; an older sight of the group, from a leader of before, changes nothing. */
  'record-members': {
    scope: () => ({ verb: 'govern', kind: 'cluster' }),
    decide: ({ input }, lab) => {
      const cluster = lab.get(clusterStream)?.context;
      const known = cluster?.members;
      const isOlder =
        input.generation < (cluster?.generation ?? 1) ||
        (known?.generation === input.generation &&
          input.term !== undefined &&
          known.term !== null &&
          input.term < known.term);
      if (isOlder) return reject('STALE', 'The consensus group has moved on since it was seen so.');
      const data = { ...input, voters: input.voters.toSorted(), learners: input.learners.toSorted() };
      const shown = (members: typeof known | typeof data): string =>
        JSON.stringify([members?.voters, members?.learners, members?.generation]);
      return shown(known) === shown(data) ? unchanged : drafts(draft(clusterStream, 'cluster.members-changed', data));
    },
  },

  /** Every node must be able to fold by it, also one that is down: it would come back and understand nothing. */
  'switch-fold-version': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input: { version } }, lab) => {
      const current = lab.get(clusterStream)?.context.fold.version ?? 1;
      if (version === current) return unchanged;
      if (version < current) {
        return reject(
          'NOT_NOW',
          `The lab folds by version ${current} and never goes back to ${version}.`,
          'What is folded by the newer one would read otherwise.',
        );
      }
      if (!libraries.has(version)) {
        return reject(
          'NOT_NOW',
          `The node that leads cannot fold by version ${version}: it knows up to ${Math.max(...libraries.keys())}.`,
          'Upgrade FloatLab on every node.',
        );
      }
      const behind = lab.list('node').filter(({ state, context: { facts } }) => {
        return state !== 'waiting' && !(facts.supports && isIn(version, facts.supports.fold));
      });
      if (behind.length === 0) return drafts(draft(clusterStream, 'cluster.fold-switched', { version }));
      const who = behind.slice(0, 5).map(({ context: { metadata, facts } }) => {
        return `${metadata.name} ${facts.supports ? `folds by ${rangeWords(facts.supports.fold)}` : 'does not say'}`;
      });
      const more = behind.length > 5 ? `, and ${behind.length - 5} more` : '';
      return reject(
        'NOT_NOW',
        `Not every node can fold by version ${version}: ${who.join(', ')}${more}.`,
        'Upgrade them, or remove those that will not come back.',
      );
    },
  },

  /** Written once, by the first leader after an offline recovery. */
  'record-recovery': {
    scope: () => ({ verb: 'govern', kind: 'cluster' }),
    decide: ({ input }, lab) => {
      const known = lab.get(clusterStream)?.context.generation ?? 1;
      if (input.generation === known) return unchanged;
      if (input.generation < known) {
        return reject('STALE', `The lab is in generation ${known}; ${input.generation} is long past.`);
      }
      const { survivor, ...recovered } = input;
      const recovery = draft(clusterStream, 'cluster.recovered', recovered);
      if (!survivor) return drafts(recovery);
      const keySha256 = lab.get(survivor.node)?.context.keySha256;
      if (!keySha256) return missing('node', systemNamespace, survivor.node);
      const rekeyed = draft(survivor.node, 'node.rekeyed', { keySha256, incarnation: survivor.incarnation });
      return drafts(recovery, rekeyed);
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
