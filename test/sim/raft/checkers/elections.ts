/** Election safety: one leader per term, with the votes of a majority (of both, in a joint configuration). One vote per member and term, also across restarts. Terms never fall. */
import type { PeerId } from '#events/raft/entry.ts';
import type { Truth } from '../truth.ts';
import type { Checker } from './checker.ts';

export function checkElections({ complain }: Truth): Checker {
  const leaders = new Map<number, PeerId>();
  /** `member term` → who got its vote. */
  const votes = new Map<string, PeerId>();
  const voted = (member: PeerId, term: number, candidate: PeerId): void => {
    const key = `${member} ${term}`;
    const before = votes.get(key);
    if (before !== undefined && before !== candidate)
      complain(`${member} votes for ${candidate} in term ${term}, in which it voted for ${before}`);
    votes.set(key, candidate);
  };
  return {
    sent: (member, message) => {
      if (message.type === 'vote-response' && message.granted) {
        voted(member.id, message.term, message.to);
        const { hardState } = member.disk;
        if (hardState.term < message.term || (hardState.term === message.term && hardState.vote !== message.to))
          complain(`${member.id} sends a vote of term ${message.term} that is not on its disk`);
      }
      if (message.type === 'vote') {
        if (member.disk.hardState.term < message.term)
          complain(`${member.id} asks for votes in term ${message.term}, which is not on its disk`);
      }
    },
    leadership: (member, { role, term }) => {
      if (role !== 'leader') return;
      const { configuration } = member.raft.status;
      voted(member.id, term, member.id);
      const { hardState } = member.disk;
      if (hardState.term !== term || hardState.vote !== member.id)
        complain(`${member.id} leads term ${term} with a vote of its own that is not on its disk`);
      for (const half of [configuration.voters, configuration.outgoing]) {
        const voters = half.filter((peer) => votes.get(`${peer} ${term}`) === member.id);
        if (half.length > 0 && voters.length <= half.length / 2)
          complain(`${member.id} leads term ${term} with the votes of ${voters.join(', ')} of ${half.join(', ')}`);
      }
    },
    stepped: (member) => {
      const { role, term } = member.raft.status;
      if (member.disk.hardState.term > term) complain(`${member.id} is in term ${term}, below that on its disk`);
      if (role.name !== 'leader') return;
      const before = leaders.get(term);
      if (before !== undefined && before !== member.id) complain(`${member.id} and ${before} both lead term ${term}`);
      leaders.set(term, member.id);
    },
  };
}
