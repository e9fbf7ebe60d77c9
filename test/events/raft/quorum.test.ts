/** Majorities and joint majorities, against a slow oracle that counts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configurationOf, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { electionOf, isQuorum, reached } from '#events/raft/quorum.ts';

const peers = (ids: string): PeerId[] => [...ids].map(asPeer);
const of = (voters: string, outgoing = ''): Configuration => ({
  ...configurationOf(peers(voters)),
  outgoing: peers(outgoing),
});

/** `{ a: 1 }`; nothing is known about the others. */
const from =
  <T>(known: Readonly<Record<string, T>>) =>
  (peer: PeerId): T | undefined =>
    known[peer];

describe('the greatest number that a majority has reached', () => {
  test.each([
    ['a', { a: 12 }, 12],
    ['a', {}, 0],
    ['ab', { a: 12 }, 0],
    ['ab', { a: 12, b: 5 }, 5],
    ['abc', { a: 12 }, 0],
    ['abc', { a: 12, b: 5 }, 5],
    ['abc', { a: 12, b: 5, c: 6 }, 6],
    ['abc', { a: 5, b: 5, c: 6 }, 5],
    ['abcd', { a: 1, b: 2, c: 3, d: 4 }, 2],
    ['abcd', { a: 4, b: 4, c: 4 }, 4],
    ['abcde', { a: 1, b: 2, c: 3, d: 4, e: 5 }, 3],
    ['abcde', { a: 9, b: 9 }, 0],
    ['abc', { a: 12, x: 99, y: 99 }, 0],
  ])('of %s with %j is %i', (voters, numbers: Record<string, number>, index) => {
    expect(reached(of(voters), from(numbers))).toBe(index);
  });

  test.each([
    ['abc', 'abc', { a: 1, b: 2, c: 3 }, 2],
    ['abc', 'cde', { a: 9, b: 9, c: 1, d: 2, e: 3 }, 2],
    ['ab', 'cd', { a: 9, b: 9, c: 9 }, 0],
    ['a', 'bcd', { a: 7, b: 9, c: 9 }, 7],
  ])('of %s and %s together with %j is %i', (voters, outgoing, numbers: Record<string, number>, index) => {
    expect(reached(of(voters, outgoing), from(numbers))).toBe(index);
  });

  test('of nobody is without limit: that half agrees with everything', () => {
    expect(reached(of(''), () => 0)).toBe(Number.POSITIVE_INFINITY);
    expect(reached(of('a', ''), () => 3)).toBe(3);
  });
});

describe('an election', () => {
  test.each([
    ['abc', { a: true }, 'open'],
    ['abc', { a: true, b: true }, 'won'],
    ['abc', { a: true, b: false }, 'open'],
    ['abc', { a: true, b: false, c: false }, 'lost'],
    ['abc', { b: false, c: false }, 'lost'],
    ['abcd', { a: true, b: true }, 'open'],
    ['abcd', { a: true, b: true, c: false, d: false }, 'lost'],
    ['abcd', { c: false, d: false }, 'lost'],
    ['abc', { a: true, x: true, y: true }, 'open'],
    ['', {}, 'won'],
  ] as const)('of %s with %j is %s', (voters, votes: Record<string, boolean>, outcome) => {
    expect(electionOf(of(voters), from(votes))).toBe(outcome);
  });

  test.each([
    ['abc', 'cde', { a: true, b: true }, 'open'],
    ['abc', 'cde', { a: true, c: true, d: true }, 'won'],
    ['abc', 'cde', { a: true, b: true, d: false, e: false }, 'lost'],
    ['a', 'bcd', { a: false }, 'lost'],
  ] as const)('of %s and %s together with %j is %s', (voters, outgoing, votes: Record<string, boolean>, outcome) => {
    expect(electionOf(of(voters, outgoing), from(votes))).toBe(outcome);
  });
});

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
const half = (min: number) => fc.subarray(ids, { minLength: min, maxLength: 9 }).map((picked) => picked.join(''));
const configurations = fc.oneof(
  half(1).map((voters) => of(voters)),
  fc.tuple(half(1), half(1)).map(([voters, outgoing]) => of(voters, outgoing)),
);
const known = <T>(value: fc.Arbitrary<T>) =>
  fc.array(fc.option(value, { nil: undefined }), { minLength: 9, maxLength: 9 });
const at =
  <T>(values: readonly (T | undefined)[]) =>
  (peer: PeerId): T | undefined =>
    values[ids.indexOf(peer)];

/** More than half of each half that has anybody. */
const counted = ({ voters, outgoing }: Configuration, agrees: (peer: PeerId) => boolean): boolean =>
  [voters, outgoing].every((all) => all.length === 0 || all.filter(agrees).length * 2 > all.length);

describe('with any voters', () => {
  test('the number is the greatest for which a count finds a majority', () => {
    fc.assert(
      fc.property(configurations, known(fc.nat(12)), (configuration, numbers) => {
        const numberOf = at(numbers);
        const slow = [...Array(14).keys()]
          .reverse()
          .find((number) => counted(configuration, (peer) => (numberOf(peer) ?? 0) >= number));
        expect(reached(configuration, numberOf)).toBe(slow);
      }),
      { numRuns: 1000 },
    );
  });

  test('an election is open exactly while the votes that are missing could decide it either way', () => {
    fc.assert(
      fc.property(configurations, known(fc.boolean()), (configuration, votes) => {
        const voteOf = at(votes);
        const could = counted(configuration, (peer) => voteOf(peer) !== false);
        const has = counted(configuration, (peer) => voteOf(peer) === true);
        expect(electionOf(configuration, voteOf)).toBe(has ? 'won' : could ? 'open' : 'lost');
      }),
      { numRuns: 1000 },
    );
  });

  test('two quorums of one configuration have somebody in common, in each half', () => {
    fc.assert(
      fc.property(configurations, known(fc.boolean()), known(fc.boolean()), (configuration, one, other) => {
        const [inOne, inOther] = [(peer: PeerId) => at(one)(peer) === true, (peer: PeerId) => at(other)(peer) === true];
        fc.pre(isQuorum(configuration, inOne) && isQuorum(configuration, inOther));
        for (const all of [configuration.voters, configuration.outgoing])
          expect(all.length === 0 || all.some((peer) => inOne(peer) && inOther(peer))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
