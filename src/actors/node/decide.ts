import { idOf, type AnyDraft } from '#events/envelope.ts';
import type { ActorState } from '../actor.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, missing, nameTaken, newMetadata, relabelled, systemNamespace, unchanged } from '../drafting.ts';
import { limitsOf } from '../placement/capacity.ts';
import { reject } from '../rejection.ts';
import { admissionDecisions } from './admission.ts';
import type { nodeCommands } from './commands.ts';
import { isAway, isLight, isMember, membersOf, withMember } from './known.ts';
import { removalDecisions } from './removal.ts';
import { refuseLostVote } from './votes.ts';

export const nodeDecisions: Decisions<keyof typeof nodeCommands> = {
  ...admissionDecisions,
  ...removalDecisions,

  'join-node': {
    scope: ({ node }) => ({ verb: 'report', kind: 'node', node }),
    decide: ({ input }, lab) => {
      const { node, name, labels, ...said } = input;
      const known = lab.get(node);
      if (known) return isMember(known) ? drafts(rekeyed(known, said)) : reject('NOT_NOW', `Node ${name} waits.`);
      if (lab.byName('node', systemNamespace, name)) return nameTaken('node', name);
      const metadata = newMetadata(idOf(node), name, systemNamespace, labels);
      return drafts(draft(node, 'node.joined', { metadata, ...said }));
    },
  },

  /** The node says that it is there, and what it is; only what is new becomes an event. */
  'report-node': {
    scope: ({ node }) => ({ verb: 'report', kind: 'node', node }),
    decide: ({ input }, lab) => {
      const node = lab.get(input.node);
      if (!node || !isMember(node)) return missing('node', systemNamespace, input.node);
      const { addresses, facts, port } = node.context;
      const { node: _, ...said } = input;
      const isNew =
        JSON.stringify([said.addresses, said.facts]) !== JSON.stringify([addresses, facts]) ||
        (said.port ?? port) !== port;
      return drafts(
        isAway(node) ? [draft(input.node, 'node.came-up', {})] : [],
        isNew ? [draft(input.node, 'node.facts-changed', said)] : [],
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

  'report-node-clock': {
    scope: () => ({ verb: 'govern', kind: 'node' }),
    decide: ({ input: { node, aheadMs } }, lab) => {
      const known = lab.get(node);
      return known && isAway(known) && known.context.clockAheadMs === null
        ? drafts(draft(node, 'node.clock-differed', { aheadMs }))
        : unchanged;
    },
  },

  /** It says goodbye: its daemon ends on purpose. Whoever is taken for dead already is told apart from one that stopped. */
  'report-node-stopped': {
    scope: ({ node }) => ({ verb: 'report', kind: 'node', node }),
    decide: ({ input }, lab) => {
      const node = lab.get(input.node);
      if (!node || !isMember(node)) return missing('node', systemNamespace, input.node);
      return node.state === 'up' ? drafts(draft(input.node, 'node.stopped', {})) : unchanged;
    },
  },

  /** Said once of each outage: what takes long is told apart from a restart. */
  'note-lasting-outage': {
    scope: () => ({ verb: 'govern', kind: 'node' }),
    decide: ({ input }, lab) => {
      const node = lab.get(input.node);
      return node && isAway(node) && !node.context.downLasts
        ? drafts(draft(input.node, 'node.stayed-down', {}))
        : unchanged;
    },
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
      withMember(lab, input.name, (node) =>
        node.context.cordoned ? unchanged : drafts(draft(node.stream, 'node.cordoned', {})),
      ),
  },

  'uncordon-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withMember(lab, input.name, (node) =>
        node.context.cordoned ? drafts(draft(node.stream, 'node.uncordoned', {})) : unchanged,
      ),
  },

  'label-node': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input }, lab) =>
      withMember(lab, input.name, ({ stream, context }) => {
        const labels = relabelled(context.metadata.labels, input.labels);
        return labels ? drafts(draft(stream, 'node.labelled', { labels })) : unchanged;
      }),
  },

  'limit-pool': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input: { name, pool, ...changes } }, lab) =>
      withMember(lab, name, (node) => {
        const { pools } = node.context.facts;
        if (!pools.some((known) => known.name === pool)) {
          const there = pools.length === 0 ? 'It has none.' : `It has ${pools.map((known) => known.name).join(', ')}.`;
          return reject('NOT_FOUND', `Node ${name} has no pool ${pool}.`, there);
        }
        const before = limitsOf(pool, node);
        const after = { ...before, ...changes };
        const isSame = after.fillPercent === before.fillPercent && after.reserveBytes === before.reserveBytes;
        return isSame ? unchanged : drafts(draft(node.stream, 'node.pool-limited', { pool, ...after }));
      }),
  },

  'change-node-role': {
    scope: () => ({ verb: 'write', kind: 'node' }),
    decide: ({ input: { name, role } }, lab) =>
      withMember(lab, name, (node) => {
        if (node.context.role === role) return unchanged;
        if (role !== 'witness' && isLight(node.context.facts)) {
          return reject(
            'WITNESS_ONLY',
            `Node ${name} has neither a container engine nor a pool, like one that was started with --witness: it can only vote.`,
            `For another role its machine joins anew without --witness: floatlab node leave ${name}, ` +
              'empty its data directory, then join with a token of floatlab node token.',
          );
        }
        const others = membersOf(lab).filter(({ stream, context }) => {
          return stream !== node.stream && context.role !== 'learner';
        });
        if (role === 'learner' && others.length === 0) {
          return reject(
            'LAST_VOTER',
            `Node ${name} is the only one that may vote: somebody must decide.`,
            'Give another node the role any or witness first.',
          );
        }
        const lostVote = role === 'learner' ? refuseLostVote(node, lab) : undefined;
        if (lostVote) return lostVote;
        const held = lab.referrers(node.stream, 'volume')[0] ?? lab.referrers(node.stream, 'instance')[0];
        if (role === 'witness' && held) {
          return reject(
            'NOT_EMPTY',
            `A witness runs no apps, and node ${name} holds ${held.kind} ${held.context.metadata.name}.`,
            'Move or remove what it holds first.',
          );
        }
        return drafts(draft(node.stream, 'node.role-changed', { role }));
      }),
  },
};

/** What a node that is known says of its key at its start; a lab that was one machine learns it then. */
function rekeyed(
  { stream, context }: ActorState<'node'>,
  { keySha256, incarnation }: Pick<Commands['join-node'], 'keySha256' | 'incarnation'>,
): readonly AnyDraft[] {
  if (keySha256 === undefined || keySha256 === context.keySha256) return [];
  // An incarnation that is known changes only with the disk, by a token.
  const isFirst = context.incarnation === null && incarnation !== undefined;
  return [draft(stream, 'node.rekeyed', { keySha256, ...(isFirst ? { incarnation } : {}) })];
}
