/** Election safety: one leader per term. One vote per member and term, also across restarts. Terms never fall. */
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
        voted(member.id, message.term, member.id);
        if (member.disk.hardState.term < message.term)
          complain(`${member.id} asks for votes in term ${message.term}, which is not on its disk`);
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
