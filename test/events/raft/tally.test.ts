/** Who has won an election in which suspects take part. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationOf, votersOf, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import type { CastVote } from '#events/raft/state.ts';
import { tally } from '#events/raft/tally.ts';

const peers = (ids: string): PeerId[] => [...ids].map(asPeer);

/** `+` granted, `s` granted by a suspect, `-` refused, `.` silent; one sign for each of a, b, c … */
const votesOf = (signs: string): Map<PeerId, CastVote> => {
  const verdicts: Readonly<Record<string, CastVote>> = { '+': 'granted', s: 'suspect', '-': 'refused' };
  return new Map(
    [...signs].flatMap((sign, at) => {
      const verdict = verdicts[sign];
      return verdict ? [[asPeer('abcdefg'[at] ?? ''), verdict] as const] : [];
    }),
  );
};

describe('with the votes of a, b, c …', () => {
  test.each([
    ['+++', 'won'],
    ['++.', 'won'],
    ['++-', 'won'],
    ['++s', 'won'],
    ['+..', 'open'],
    ['+.-', 'open'],
    ['+--', 'lost'],
    // A suspect makes no majority …
    ['+s.', 'open'],
    ['+s-', 'open'],
    ['s--', 'lost'],
    // … but for all voters together.
    ['+ss', 'won-by-all'],
    ['s+s', 'won-by-all'],
    ['sss', 'won-by-all'],
    ['ss.', 'open'],
    ['ss-', 'open'],
  ])('%s a majority of three: %s', (signs, outcome) => {
    expect(tally(configurationOf(peers('abc')), votesOf(signs))).toBe(outcome);
  });

  test.each([
    // The halves are a, b, c and c, d, e.
    ['+++++', 'won'],
    ['++.+.', 'open'],
    ['+.++.', 'won'],
    ['+s++s', 'won'],
    ['++sss', 'won-by-all'],
    ['++s-s', 'open'],
    ['++.--', 'lost'],
  ])('%s the two majorities of a joint configuration: %s', (signs, outcome) => {
    const joint: Configuration = { ...configurationOf(peers('abc')), outgoing: peers('cde') };
    expect(tally(joint, votesOf(signs))).toBe(outcome);
  });

  test('of learners nothing changes', () => {
    const configuration = configurationOf(peers('abc'), peers('de'));
    expect(tally(configuration, votesOf('+..++'))).toBe('open');
    expect(tally(configuration, votesOf('+ss-.'))).toBe('won-by-all');
  });
});

test('two candidates never both win with votes of one term, whoever is suspect', () => {
  const verdict = fc.constantFrom<CastVote | undefined>('granted', 'suspect', undefined);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.record({ to: fc.constantFrom(0, 1), verdict }), { minLength: 7, maxLength: 7 }),
      (size, given) => {
        const configuration = configurationOf(peers('abcdefg'.slice(0, size)));
        // Each gives its vote of the term to one of the two, and refuses it to the other.
        const [one, other] = [0, 1].map((candidate) => {
          const votes = new Map<PeerId, CastVote>();
          for (const [at, peer] of votersOf(configuration).entries()) {
            const vote = given[at];
            if (vote?.verdict) votes.set(peer, vote.to === candidate ? vote.verdict : 'refused');
          }
          return tally(configuration, votes).startsWith('won');
        });
        expect(one && other).toBe(false);
      },
    ),
    { numRuns: 500 },
  );
});
