/** Finding a node for a command, and what everybody asks of one. */
import type { StreamId } from '#events/envelope.ts';
import type { NodeFacts } from '#events/node.ts';
import { incarnationOfPeer, nodeOfPeer } from '#events/values/peer.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { systemNamespace, withNamed } from '../drafting.ts';
import { reject } from '../rejection.ts';

/** A node that waits is not yet one of the lab: nothing but yes and no is said to it. */
export const isMember = (node: ActorState<'node'>): boolean => node.state === 'up' || isAway(node);

/** Nobody hears of it: it fell silent, or was stopped on purpose. */
export const isAway = ({ state }: Pick<ActorState<'node'>, 'state'>): boolean =>
  state === 'down' || state === 'stopped';

/** Whether anything may be placed on it at all. A witness votes, and that is all it does. */
export const runsApps = (node: ActorState<'node'>): boolean => isMember(node) && node.context.role !== 'witness';

/** It was started as a witness: with neither an engine nor a pool it can vote, and nothing else. */
export const isLight = ({ engine, pools }: Pick<NodeFacts, 'engine' | 'pools'>): boolean =>
  engine === null && pools.length === 0;

/** It is on its way out: it gets nothing any more, and votes no longer than it must. */
export const isDeparting = ({ context }: ActorState<'node'>): boolean => context.departing !== null;

export const membersOf = (lab: LabView): readonly ActorState<'node'>[] => lab.list('node').filter(isMember);

/** Goes on with a node of the lab by its name, or refuses. */
export function withMember(lab: LabView, name: string, then: (node: ActorState<'node'>) => Decision): Decision {
  return withNamed(lab, 'node', { namespace: systemNamespace, name }, (node) =>
    isMember(node)
      ? then(node)
      : reject(
          'NOT_NOW',
          `Node ${name} waits to be let in.`,
          `floatlab node approve ${name} lets it in, floatlab node refuse ${name} sends it away.`,
        ),
  );
}

/** Nodes whose present incarnation votes. */
export function votersOf(lab: LabView): readonly StreamId<'node'>[] {
  const { voters = [] } = lab.get(clusterStream)?.context.members ?? {};
  return voters
    .filter((peer) => lab.get(nodeOfPeer(peer))?.context.incarnation === incarnationOfPeer(peer))
    .map(nodeOfPeer);
}
