import type { ActorState, LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { NodeFacts } from '#events/node.ts';
import { defineProjection } from '../projection.ts';

export interface NodeRow {
  readonly id: StreamId<'node'>;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly since: number;
  readonly joinedAt: number;
  readonly cordoned: boolean;
  readonly downSince: number | null;
  readonly addresses: readonly string[];
  readonly facts: NodeFacts;
  readonly instances: number;
  readonly volumes: number;
  /** What its volumes may grow to. */
  readonly reservedBytes: number;
}

export const nodesView = defineProjection<NodeRow>({
  name: 'nodes',
  version: 1,
  keeps: 'table',
  apply: (rows, { before, after }, lab) => {
    if (after?.kind === 'node') {
      if (after.final) rows.delete(after.stream);
      else rows.put(after.stream, rowOf(after as ActorState<'node'>, lab));
      return;
    }
    if (after?.kind !== 'volume' && after?.kind !== 'instance') return;
    // Only what joins or leaves a node, or changes its size, changes the node's row.
    const share = (actor: ActorState | undefined) => actor && !actor.final && JSON.stringify(shareOf(actor));
    if (share(before) === share(after)) return;
    const on = (after as ActorState<'volume' | 'instance'>).context.node;
    const node = on && lab.get(on);
    if (node) rows.put(node.stream, rowOf(node, lab));
  },
  scope: () => ({ verb: 'read', kind: 'node' }),
});

function shareOf(actor: ActorState): readonly unknown[] {
  if (actor.kind === 'instance') return [(actor as ActorState<'instance'>).context.node];
  const { node, spec } = (actor as ActorState<'volume'>).context;
  return [node, spec.sizeBytes];
}

function rowOf(node: ActorState<'node'>, lab: LabView): NodeRow {
  const { context } = node;
  const volumes = lab.referrers(node.stream, 'volume');
  return {
    id: node.stream,
    name: context.metadata.name,
    labels: context.metadata.labels,
    state: node.state,
    since: node.since,
    joinedAt: node.createdAt,
    cordoned: context.cordoned,
    downSince: context.downSince,
    addresses: context.addresses,
    facts: context.facts,
    instances: lab.referrers(node.stream, 'instance').length,
    volumes: volumes.length,
    reservedBytes: volumes.reduce((sum, volume) => sum + volume.context.spec.sizeBytes, 0),
  };
}
