/**
 * Whether the lab could still decide without the vote of a node. The leader takes a vote away only when most of those who
 * stay answer (`placement/voters.ts`), and waits until then; what a person asks for is refused before, with the names of
 * those who must come back.
 */
import type { StreamId } from '#events/envelope.ts';
import { peerOf } from '#events/values/peer.ts';
import type { ActorState, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { counted } from '../counted.ts';
import { reject, type Rejection } from '../rejection.ts';
import { isAway, membersOf, votersOf } from './known.ts';

type Node = ActorState<'node'>;

/** Whether its vote, if it has one, stays: it is neither on its way out, nor never to vote. */
const keepsVoting = ({ context }: Node): boolean => context.departing === null && context.role !== 'learner';

/** @param node gives its vote away, if it has one: it leaves, is removed, or becomes a learner */
export function refuseLostVote(node: Node, lab: LabView): { readonly rejected: Rejection } | undefined {
  const { incarnation, metadata } = node.context;
  const members = lab.get(clusterStream)?.context.members;
  // The last machine of all is nobody's loss; and who is never to vote is none either.
  if (!members || !keepsVoting(node) || membersOf(lab).length === 1) return undefined;
  const others = membersOf(lab).filter((other) => {
    return other.stream !== node.stream && keepsVoting(other) && other.context.incarnation !== null;
  });
  if (others.length === 0) {
    return reject(
      'LAST_VOTER',
      `Node ${metadata.name} is the only one that may vote: without it the lab decides nothing any more.`,
      'Another node that may vote joins first (floatlab node token), or one that is a learner gets the role any.',
    );
  }
  if (incarnation === null || !members.voters.includes(peerOf(node.stream, incarnation))) return undefined;
  const votes: ReadonlySet<StreamId<'node'>> = new Set(votersOf(lab));
  const staying = others.filter(({ stream }) => votes.has(stream));
  const heirs = others.filter(({ stream }) => !votes.has(stream));
  const heir = heirs.find((other) => !isAway(other));
  const after = staying.length + (heir ? 1 : 0);
  const answering = staying.filter((other) => !isAway(other)).length + (heir ? 1 : 0);
  if (answering > after / 2) return undefined;
  const away = (staying.length === 0 ? heirs : staying).filter(isAway);
  const names = away.map(({ context }) => context.metadata.name).toSorted();
  const [first] = names;
  return reject(
    'NOT_NOW',
    `Without the vote of node ${metadata.name} the lab could decide nothing: of the ${counted(after || 1, 'node')} that ` +
      `would vote, ${names.join(' and ')} ${names.length === 1 ? 'does' : 'do'} not answer.`,
    `Bring ${names.length === 1 ? first : 'one of them'} back first. What will not come back is removed first: ` +
      `floatlab node rm ${first}.`,
  );
}
