/** The machines of the lab, and those that wait to be let in. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { Members } from '#actors/cluster/machine.ts';
import { clusterStream } from '#actors/cluster/stream.ts';
import { promisedTo } from '#actors/placement/capacity.ts';
import { zoneLabel } from '#actors/placement/electors.ts';
import type { StreamId } from '#events/envelope.ts';
import type { NodeFacts } from '#events/node.ts';
import { nodeOfPeer, peerOf, type NodeRole } from '#events/values/peer.ts';
import { defineProjection, type Rows } from '../projection.ts';

export interface NodeRow {
  readonly id: StreamId<'node'>;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `waiting`: it asks to join, and only a person can let it in. */
  readonly state: string;
  readonly since: number;
  readonly joinedAt: number;
  /** A person has let it in, and it has not come back for the answer yet. */
  readonly approved: boolean;
  readonly role: NodeRole;
  /** What it is in the consensus group; null: it is not in it, or the lab has none. */
  readonly member: 'voter' | 'learner' | null;
  /** Its label `zone`: what fails together. */
  readonly zone: string | null;
  /** Of FloatLab. */
  readonly version: string;
  /** The beginning of it, enough to tell two apart; null when it never had to say. */
  readonly incarnation: string | null;
  /** SHA-256 of its public key: what to compare before it is let in. */
  readonly keySha256: string | null;
  readonly cordoned: boolean;
  /** It is on its way out of the lab. */
  readonly departing: boolean;
  /** When it was last heard of, while it is down; null also when nobody knows. `since` tells since when it counts as down. */
  readonly downSince: number | null;
  readonly addresses: readonly string[];
  /** Where it listens for other nodes. */
  readonly port: number | null;
  readonly facts: NodeFacts;
  readonly instances: number;
  readonly volumes: number;
  /** What its volumes may grow to. */
  readonly reservedBytes: number;
}

const shortIncarnation = 8;

export const nodesView = defineProjection<NodeRow>({
  name: 'nodes',
  version: 3,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    if (after?.kind === 'node') {
      if (after.final) rows.delete(after.stream);
      else rows.put(after.stream, rowOf(after as ActorState<'node'>, lab));
      return;
    }
    if (event.type === 'cluster.members-changed') return showMembers(rows, before, after, lab);
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

/** Those that were in the group, and those that are. */
function showMembers(
  rows: Rows<NodeRow>,
  before: ActorState | undefined,
  after: ActorState | undefined,
  lab: LabView,
): void {
  const peers = [before, after].flatMap((actor) => {
    const members = actor && (actor as ActorState<'cluster'>).context.members;
    return members ? [...members.voters, ...members.learners] : [];
  });
  for (const stream of new Set(peers.map(nodeOfPeer))) {
    const [row, node] = [rows.get(stream), lab.get(stream)];
    const member = node ? memberOf(node, lab) : null;
    if (row && row.member !== member) rows.put(stream, { ...row, member });
  }
}

function memberOf({ stream, context }: ActorState<'node'>, lab: LabView): NodeRow['member'] {
  const members: Members | null | undefined = lab.get(clusterStream)?.context.members;
  if (!members || context.incarnation === null) return null;
  const peer = peerOf(stream, context.incarnation);
  if (members.voters.includes(peer)) return 'voter';
  return members.learners.includes(peer) ? 'learner' : null;
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
    approved: context.approved,
    role: context.role,
    member: memberOf(node, lab),
    zone: context.metadata.labels[zoneLabel] ?? null,
    version: context.facts.version,
    incarnation: context.incarnation?.slice(0, shortIncarnation) ?? null,
    keySha256: context.keySha256,
    cordoned: context.cordoned,
    departing: context.departing !== null,
    downSince: context.downSince,
    addresses: context.addresses,
    port: context.port,
    facts: context.facts,
    instances: lab.referrers(node.stream, 'instance').length,
    volumes: volumes.length,
    reservedBytes: volumes.reduce((sum, volume) => sum + promisedTo(volume.context.spec), 0),
  };
}
