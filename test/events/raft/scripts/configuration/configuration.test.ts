/** The scripts beside show single changes; here any number of them, one after another. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changed,
  configurationOf,
  isJoint,
  leaveJoint,
  membersOf,
  problemOf,
  type Change,
  type ChangeStep,
  type Configuration,
} from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { isQuorum } from '#events/raft/quorum.ts';

const peers = ['1', '2', '3', '4', '5'].map((id) => asPeer(id));

const step: fc.Arbitrary<ChangeStep> = fc.record({
  do: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const),
  peer: fc.constantFrom(...peers),
});

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(leaveJoint) },
  {
    weight: 2,
    arbitrary: fc.record({
      steps: fc.array(step, { minLength: 1, maxLength: 5 }),
      transition: fc.constantFrom('auto' as const, 'implicit' as const, 'explicit' as const),
    }),
  },
);

const start: fc.Arbitrary<Configuration> = fc
  .subarray(peers, { minLength: 1 })
  .chain((voters) =>
    fc.subarray(peers.filter((peer) => !voters.includes(peer))).map((learners) => configurationOf(voters, learners)),
  );

/** Each configuration that these changes lead through, with the one before. */
function steps(from: Configuration, changes: readonly Change[]): readonly (readonly [Configuration, Configuration])[] {
  const pairs: (readonly [Configuration, Configuration])[] = [];
  let now = from;
  for (const wanted of changes) {
    const next = changed(now, wanted);
    if ('refused' in next) continue;
    pairs.push([now, next]);
    now = next;
  }
  return pairs;
}

const history = fc.tuple(start, fc.array(change, { maxLength: 8 })).map(([from, changes]) => steps(from, changes));

const subsets = peers.reduce<readonly (readonly PeerId[])[]>(
  (sets, peer) => [...sets, ...sets.map((set) => [...set, peer])],
  [[]],
);

const quorumsOf = (of: Configuration) => subsets.filter((set) => isQuorum(of, (peer) => set.includes(peer)));

describe('a configuration', () => {
  test('stays sound, whatever is asked for', () => {
    fc.assert(fc.property(history, (pairs) => pairs.every(([, next]) => problemOf(next) === undefined)));
  });

  test('shares a member of each quorum with each quorum of the configuration after it', () => {
    fc.assert(
      fc.property(history, (pairs) => {
        for (const [before, after] of pairs)
          for (const one of quorumsOf(before))
            for (const other of quorumsOf(after)) expect(one.some((peer) => other.includes(peer))).toBe(true);
      }),
    );
  });

  test('is left as it was before when a change is refused, and has nobody that no step named', () => {
    fc.assert(
      fc.property(start, change, (from, wanted) => {
        const before = JSON.stringify(from);
        const next = changed(from, wanted);
        expect(JSON.stringify(from)).toBe(before);
        if ('refused' in next) return;
        const named = new Set([...membersOf(from), ...wanted.steps.map(({ peer }) => peer)]);
        expect(membersOf(next).every((peer) => named.has(peer))).toBe(true);
      }),
    );
  });

  test('ends where the steps say, joint or not: the last word on a peer counts', () => {
    fc.assert(
      fc.property(start, change, (from, wanted) => {
        fc.pre(wanted.steps.length > 0);
        const next = changed(from, wanted);
        fc.pre(!('refused' in next));
        const final = isJoint(next as Configuration) ? changed(next as Configuration, leaveJoint) : next;
        if ('refused' in final) throw new Error(final.refused);
        for (const peer of peers) expect(placeIn(final, peer)).toBe(lastWord(from, wanted, peer));
      }),
    );
  });
});

type Place = 'voter' | 'learner' | 'nobody';

const placeIn = ({ voters, learners }: Configuration, peer: PeerId): Place =>
  voters.includes(peer) ? 'voter' : learners.includes(peer) ? 'learner' : 'nobody';

function lastWord(from: Configuration, { steps: wanted }: Change, peer: PeerId): Place {
  const last = wanted.findLast((of) => of.peer === peer);
  if (!last) return placeIn(from, peer);
  return last.do === 'add-voter' ? 'voter' : last.do === 'add-learner' ? 'learner' : 'nobody';
}
