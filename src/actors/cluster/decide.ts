import { streamOf } from '#events/envelope.ts';
import type { Decisions } from '../commands.ts';
import { defaultNamespace, draft, drafts, newMetadata, systemNamespace, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { checkTimeZone } from '../schedule/next.ts';
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
    decide: ({ input }, lab) => {
      const wrong = checkTimeZone(input.timeZone);
      if (wrong !== undefined) return reject('INVALID', wrong, 'Give an IANA name, for example Europe/Berlin.');
      if (lab.get(clusterStream)?.context.timeZone === input.timeZone) return unchanged;
      return drafts(draft(clusterStream, 'cluster.settings-changed', { timeZone: input.timeZone }));
    },
  },
};
