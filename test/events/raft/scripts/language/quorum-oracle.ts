/**
 * What a quorum is, from its definition and as slowly as that goes: every subset of the members is looked at. Shares
 * nothing with the code that it judges.
 */
import type { PeerId } from '#events/raft/entry.ts';

interface Halves {
  readonly voters: readonly PeerId[];
  readonly outgoing: readonly PeerId[];
}

/** Whether these agree for the group: more than a half of each half that is there. */
function decides({ voters, outgoing }: Halves, agreeing: ReadonlySet<PeerId>): boolean {
  return [voters, outgoing].every((half) => {
    let balance = 0;
    for (const peer of half) balance += agreeing.has(peer) ? 1 : -1;
    return half.length === 0 || balance > 0;
  });
}

/** The greatest of the numbers that some quorum has reached as a whole; 0 if none did; Infinity if nobody need agree. */
export function reachedSlowly(halves: Halves, numbers: ReadonlyMap<PeerId, number>): number {
  if (decides(halves, new Set())) return Number.POSITIVE_INFINITY;
  let best = 0;
  for (const subset of subsetsOf([...new Set([...halves.voters, ...halves.outgoing])]))
    if (decides(halves, subset)) best = Math.max(best, Math.min(...[...subset].map((peer) => numbers.get(peer) ?? 0)));
  return best;
}

/** Won or lost when nothing that the others may still say can change it. */
export function electionSlowly(halves: Halves, votes: ReadonlyMap<PeerId, boolean>): 'won' | 'lost' | 'open' {
  const everybody = [...new Set([...halves.voters, ...halves.outgoing])];
  const waiting = everybody.filter((peer) => !votes.has(peer));
  const granted = everybody.filter((peer) => votes.get(peer) === true);
  const ends = subsetsOf(waiting).map((more) => decides(halves, new Set([...granted, ...more])));
  if (ends.every((won) => won)) return 'won';
  return ends.some((won) => won) ? 'open' : 'lost';
}

const subsetsOf = (peers: readonly PeerId[]): readonly ReadonlySet<PeerId>[] =>
  peers.reduce<readonly ReadonlySet<PeerId>[]>(
    (sets, peer) => [...sets, ...sets.map((set) => new Set([...set, peer]))],
    [new Set()],
  );
