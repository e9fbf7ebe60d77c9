import { streamOf } from '#events/envelope.ts';
import type { Decisions } from '../commands.ts';
import type { LabView } from '../actor.ts';
import { defaultNamespace, draft, drafts, nameTaken, newMetadata, systemNamespace, withNamed } from '../drafting.ts';
import { counted } from '../counted.ts';
import { reject } from '../rejection.ts';

export const namespaceExists = (lab: LabView, name: string): boolean =>
  lab.byName('namespace', systemNamespace, name) !== undefined;

export const noNamespace = (name: string) =>
  reject('NOT_FOUND', `There is no namespace ${name}.`, `Create it first: floatlab namespace create ${name}.`);

export const namespaceDecisions: Decisions<'create-namespace' | 'delete-namespace'> = {
  'create-namespace': {
    scope: () => ({ verb: 'write', kind: 'namespace' }),
    decide: ({ input, id }, lab) => {
      if (namespaceExists(lab, input.name)) return nameTaken('namespace', input.name);
      return drafts(
        draft(streamOf('namespace', id(0)), 'namespace.created', {
          metadata: newMetadata(id(0), input.name, systemNamespace, input.labels),
        }),
      );
    },
  },

  'delete-namespace': {
    scope: () => ({ verb: 'write', kind: 'namespace' }),
    decide: ({ input }, lab) =>
      withNamed(lab, 'namespace', { namespace: systemNamespace, name: input.name }, (namespace) => {
        if (input.name === defaultNamespace || input.name === systemNamespace) {
          return reject(
            'BUILT_IN',
            `Namespace ${input.name} belongs to the lab and stays.`,
            'Remove what is in it instead.',
          );
        }
        const inside = (['app', 'volume', 'schedule'] as const).flatMap((kind) =>
          lab.list(kind).filter((actor) => actor.context.metadata.namespace === input.name),
        );
        const first = inside[0];
        if (first) {
          return reject(
            'NOT_EMPTY',
            `Namespace ${input.name} holds ${counted(inside.length, 'object')}, for example ${first.kind} ${first.context.metadata.name}.`,
            'Remove them first.',
          );
        }
        return drafts(draft(namespace.stream, 'namespace.deleted', {}));
      }),
  },
};
