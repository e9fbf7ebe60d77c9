/**
 * What the sights of several nodes come to. Each node may be wrong, or lie, about anything: who belongs to the group is
 * not what somebody claims to be but what most of those who answered say, and of voters one alone decides nothing where
 * there are others.
 */
import { isMember, isVoter, type Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { Sight } from './sight.ts';

/** Of voters that answer so many, one that lies can be told from the others. */
const enough = 3;

/** Who has heard the most of what was agreed on knows best who belongs to the group. */
export const newestOf = (sights: readonly Sight[]): Sight | undefined =>
  second(voices(sights).toSorted((one, other) => other.committed - one.committed));

/** Entry that the best of the group have in their histories. */
export const storedOf = (sights: readonly Sight[]): number =>
  second(
    voices(sights)
      .map(({ last }) => last)
      .toSorted((one, other) => other - one),
  ) ?? 0;

/** Whom most name; of several whom as many name, the one of the highest term. Undefined while nobody is named. */
export function leaderOf(sights: readonly Sight[]): PeerId | undefined {
  const named = voices(sights).filter(({ leader }) => leader !== null);
  const count = (of: Sight) => named.filter(({ term, leader }) => term === of.term && leader === of.leader).length;
  const [best] = named.toSorted((one, other) => count(other) - count(one) || other.term - one.term);
  return best?.leader ?? undefined;
}

/** Who has a say: of those who answered, the voters; where there are none of those, the learners; else everybody. */
function voices(sights: readonly Sight[]): readonly Sight[] {
  const peers = sights.filter(({ isPeer, configuration, peer }) => isPeer && isMember(configuration, peer));
  const byMost = (is: (group: Configuration, peer: PeerId) => boolean) =>
    peers.filter(({ peer }) => 2 * peers.filter(({ configuration }) => is(configuration, peer)).length > peers.length);
  return [byMost(isVoter), byMost(isMember), peers].find((some) => some.length > 0) ?? sights;
}

/** The second best where enough have a say: nobody is the best by claiming more than all others. */
const second = <T>(best: readonly T[]): T | undefined => best[best.length >= enough ? 1 : 0];
