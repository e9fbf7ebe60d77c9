/** The scripts beside show single cases; here a slow oracle, written from the definition, judges any of them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noMembers, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { electionOf, isQuorum, reached } from '#events/raft/quorum.ts';
import { electionSlowly, reachedSlowly } from '../language/quorum-oracle.ts';

const peers = ['1', '2', '3', '4', '5', '6', '7'].map((id) => asPeer(id));

/** Simple and joint, of every overlap, halves of any size. */
const halves: fc.Arbitrary<Configuration> = fc
  .record({ voters: fc.subarray(peers), outgoing: fc.oneof(fc.constant([]), fc.subarray(peers)) })
  .map((of) => ({ ...noMembers, ...of }));

const said = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<ReadonlyMap<PeerId, T>> =>
  fc.array(fc.tuple(fc.constantFrom(...peers), value), { maxLength: 10 }).map((pairs) => new Map(pairs));

describe('a quorum', () => {
  test('has reached what the definition says, in any configuration', () => {
    fc.assert(
      fc.property(halves, said(fc.nat(9)), (of, numbers) => {
        expect(reached(of, (peer) => numbers.get(peer))).toBe(reachedSlowly(of, numbers));
      }),
      { numRuns: 500 },
    );
  });

  test('elects as the definition says: won or lost exactly when no further vote can change it', () => {
    fc.assert(
      fc.property(halves, said(fc.boolean()), (of, votes) => {
        expect(electionOf(of, (peer) => votes.get(peer))).toBe(electionSlowly(of, votes));
      }),
      { numRuns: 500 },
    );
  });

  test('shares a member with every other quorum of the same configuration', () => {
    const withVoters = halves.filter(({ voters }) => voters.length > 0);
    fc.assert(
      fc.property(withVoters, fc.subarray(peers), fc.subarray(peers), (of, one, other) => {
        fc.pre(isQuorum(of, (peer) => one.includes(peer)) && isQuorum(of, (peer) => other.includes(peer)));
        expect(one.some((peer) => other.includes(peer))).toBe(true);
      }),
    );
  });
});
