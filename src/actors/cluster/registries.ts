/**
 * Logins of registries. One for each registry, for the whole lab: any node may have to pull an image. The password is
 * kept as a blob, encrypted with the key of the lab; history, views and answers have the name of the user alone.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, unchanged } from '../drafting.ts';
import { reject } from '../rejection.ts';
import type { RegistryAccess } from './machine.ts';
import { clusterStream } from './stream.ts';

const mostRegistries = 100;

/** Own keys only: names of hosts come from outside. */
export function registryAccess(registry: string, lab: LabView): RegistryAccess | undefined {
  const known = lab.get(clusterStream)?.context.registries ?? {};
  return Object.hasOwn(known, registry) ? known[registry] : undefined;
}

export const registryDecisions: Decisions<'open-registry' | 'close-registry'> = {
  'open-registry': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input, blob }, lab) => {
      const cluster = lab.get(clusterStream);
      if (!cluster) return reject('NOT_FOUND', 'There is no lab yet.', 'Start floatlabd: its first start makes one.');
      const { registry, username, password } = input;
      const known = registryAccess(registry, lab);
      if (!known && Object.keys(cluster.context.registries).length >= mostRegistries) {
        return reject(
          'TOO_MANY',
          `The lab has logins of ${mostRegistries} registries.`,
          'Forget those that nobody needs: floatlab registry ls shows them.',
        );
      }
      const secret = blob(utf8ToBytes(JSON.stringify({ password })));
      if (known?.username === username && known.secret === secret) return unchanged;
      return drafts(draft(clusterStream, 'cluster.registry-opened', { registry, username, secret }));
    },
  },

  'close-registry': {
    scope: () => ({ verb: 'write', kind: 'cluster' }),
    decide: ({ input: { registry } }, lab) =>
      registryAccess(registry, lab)
        ? drafts(draft(clusterStream, 'cluster.registry-closed', { registry }))
        : reject(
            'NOT_FOUND',
            `The lab has no login of registry ${registry}.`,
            'floatlab registry ls shows what there is.',
          ),
  },
};
