/**
 * Which nodes are peers of the consensus group: all, up to nine with the voters; in a larger lab the others follow one
 * of these (`following.ts`). A node comes in as a learner and may become a voter once it has everything (`voters.ts`).
 * What leaves the lab, or lost its disk, leaves the group. While all nine places are taken, two kinds of learners give
 * theirs up for a node that waits and answers: one that has been silent for as long as a voter may be, and one that is
 * never to vote, for a node that may. Who gives up its place goes on as a node that follows.
 */
import { nodeOfPeer, peerOf, type Peer } from '#events/values/peer.ts';
import { mayVote, replacedAfterMs, type Elector, type Electorate } from './voters.ts';

export const mostMembers = 9;

export interface LearnerChange {
  readonly do: 'add-learner' | 'remove';
  readonly peer: Peer;
  /** One sentence. */
  readonly why: string;
}

/** @returns the next change that is wanted, one at a time */
export function chooseLearners({
  nodes,
  configuration: { voters, learners },
  now,
}: Pick<Electorate, 'nodes' | 'configuration' | 'now'>): LearnerChange | undefined {
  const staying = nodes.filter(({ departing }) => !departing);
  const peers = new Map(staying.map((node) => [peerOf(node.node, node.incarnation), node]));
  const gone = learners.toSorted().find((peer) => !peers.has(peer));
  if (gone !== undefined) {
    const heir = nodes.find(({ node }) => node === nodeOfPeer(gone));
    const why = heir?.departing
      ? `${heir.name} leaves the lab.`
      : heir
        ? `${heir.name} lost its disk and is another member now.`
        : `${gone} has left the lab.`;
    return { do: 'remove', peer: gone, why };
  }
  // Who may vote comes first: the group may need it.
  const [next] = [...peers]
    .filter(([peer, { reachable }]) => reachable && !voters.includes(peer) && !learners.includes(peer))
    .toSorted(([a, one], [b, other]) => Number(mayVote(other)) - Number(mayVote(one)) || (a < b ? -1 : 1));
  if (!next) return undefined;
  if (voters.length + learners.length < mostMembers)
    return { do: 'add-learner', peer: next[0], why: `${next[1].name} is in the lab and follows its log.` };
  return makeRoom(next[1], learners, peers, now);
}

/** A place among the nine, where somebody has one that another needs more. */
function makeRoom(
  waiting: Elector,
  learners: readonly Peer[],
  peers: ReadonlyMap<Peer, Elector>,
  now: number,
): LearnerChange | undefined {
  const held = learners.toSorted().flatMap((peer) => {
    const node = peers.get(peer);
    return node ? [{ peer, node }] : [];
  });
  const silent = held.find(({ node }) => !node.reachable && now - node.since >= replacedAfterMs);
  if (silent) {
    const why = `${silent.node.name} does not answer; ${waiting.name} takes its place.`;
    return { do: 'remove', peer: silent.peer, why };
  }
  const idle = mayVote(waiting) ? held.find(({ node }) => !mayVote(node)) : undefined;
  if (!idle) return undefined;
  const why = `${idle.node.name} never votes, and ${waiting.name} may; it follows another node from now on.`;
  return { do: 'remove', peer: idle.peer, why };
}
