import type { Decisions } from '../commands.ts';
import { draft, drafts, missing, nameTaken, newMetadata, systemNamespace, unchanged, withNamed } from '../drafting.ts';
import { idOf } from '#events/envelope.ts';
import { reject } from '../rejection.ts';
import type { nodeCommands } from './commands.ts';
import { counted } from '../counted.ts';

export const nodeDecisions: Decisions<keyof typeof nodeCommands> = {
  'join-node': {
    scope: ({ node }) => ({ verb: 'report', kind: 'node', node }),
    decide: ({ input }, lab) => {
      if (lab.get(input.node)) return unchanged;
      if (lab.byName('node', systemNamespace, input.name)) return nameTaken('node', input.name);
      const metadata = newMetadata(idOf(input.node), input.name, systemNamespace, input.labels);
      return drafts(draft(input.node, 'node.joined', { metadata, addresses: input.addresses, facts: input.facts }));
    },
  },

  /** The node says that it is there, and what it is; only what is new becomes an event. */
  'report-node': {
    scope: ({ node }) => ({ verb: 'report', kind: 'node', node }),
    decide: ({ input }, lab) => {
      const node = lab.get(input.node);
      if (!node) return missing('node', systemNamespace, input.node);
      const known = JSON.stringify([node.context.addresses, node.context.facts]);
      const isNew = JSON.stringify([input.addresses, input.facts]) !== known;
      return drafts(
        node.state === 'down' ? [draft(input.node, 'node.came-up', {})] : [],
        isNew ? [draft(input.node, 'node.facts-changed', { addresses: input.addresses, facts: input.facts })] : [],
      );
    },
  },

  'report-node-down': {
    scope: () => ({ verb: 'govern', kind: 'node' }),
    decide: ({ input }, lab) =>
      lab.get(input.node)?.state === 'up'
        ? drafts(draft(input.node, 'node.went-down', { lastSeenAt: input.lastSeenAt }))
        : unchanged,
  },

  'note-pool-fill': {
    scope: () => ({ verb: 'govern', kind: 'node' }),
    decide: ({ input: { node, isFull, ...fill } }, lab) => {
      const known = lab.get(node);
      if (!known || Object.hasOwn(known.context.fullPools, fill.pool) === isFull) return unchanged;
      return drafts(draft(node, isFull ? 'node.pool-filled' : 'node.pool-eased', fill));
    },
  },

  'cordon-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withNamed(lab, 'node', { namespace: systemNamespace, name: input.name }, (node) =>
        node.context.cordoned ? unchanged : drafts(draft(node.stream, 'node.cordoned', {})),
      ),
  },

  'uncordon-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withNamed(lab, 'node', { namespace: systemNamespace, name: input.name }, (node) =>
        node.context.cordoned ? drafts(draft(node.stream, 'node.uncordoned', {})) : unchanged,
      ),
  },

  'remove-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withNamed(lab, 'node', { namespace: systemNamespace, name: input.name }, (node) => {
        if (node.state !== 'down') {
          return reject(
            'NOT_NOW',
            `Node ${input.name} is up.`,
            'Stop its daemon first; a node that answers is not removed.',
          );
        }
        const volumes = lab.referrers(node.stream, 'volume');
        const instances = lab.referrers(node.stream, 'instance');
        const first = volumes[0] ?? instances[0];
        if (first) {
          const held = [
            ...(volumes.length > 0 ? [counted(volumes.length, 'volume')] : []),
            ...(instances.length > 0 ? [counted(instances.length, 'instance')] : []),
          ].join(' and ');
          return reject(
            'NOT_EMPTY',
            `Node ${input.name} still holds ${held}, for example ${first.kind} ${first.context.metadata.name}.`,
            'Remove or move them first: their data would be lost.',
          );
        }
        return drafts(draft(node.stream, 'node.removed', {}));
      }),
  },
};
