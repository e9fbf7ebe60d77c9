/** Who belongs to the group, and how that may change (dissertation §4). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changed,
  configurationOf,
  isJoint,
  isMember,
  isVoter,
  leaveJoint,
  membersOf,
  noMembers,
  problemOf,
  votersOf,
  type Change,
  type ChangeStep,
  type Configuration,
} from '#events/raft/configuration.ts';
import { asPeer, type PeerId } from '#events/raft/entry.ts';
import { isQuorum } from '#events/raft/quorum.ts';

const peers = (ids: string): PeerId[] => [...ids].map(asPeer);

/** `+a` a voter, `~a` a learner, `-a` nobody any more. */
const words: Readonly<Record<string, ChangeStep['do']>> = { '+': 'add-voter', '~': 'add-learner', '-': 'remove' };
const change = (steps: string, transition: Change['transition'] = 'auto'): Change => ({
  transition,
  steps: steps
    .split(' ')
    .filter(Boolean)
    .map((step) => ({ do: words[step[0] ?? ''] ?? 'remove', peer: asPeer(step[1] ?? '') })),
});

/** `abc` voters; `abc|bc` with the outgoing half; `~d` learners, `>c` those that wait to be; `*` left by itself. */
function shown({ voters, outgoing, learners, learnersNext, autoLeave }: Configuration): string {
  const half = outgoing.length > 0 ? `|${outgoing.join('')}` : '';
  const next = learnersNext.length > 0 ? ` >${learnersNext.join('')}` : '';
  return `${voters.join('')}${half}${learners.length > 0 ? ` ~${learners.join('')}` : ''}${next}${autoLeave ? ' *' : ''}`;
}

const after = (from: Configuration, ...changes: readonly Change[]): string => {
  let configuration = from;
  for (const one of changes) {
    const next = changed(configuration, one);
    if ('refused' in next) return next.refused;
    configuration = next;
  }
  return shown(configuration);
};

const abc = configurationOf(peers('abc'));

describe('one voter at a time needs no joint configuration', () => {
  test.each([
    ['+d', 'abcd'],
    ['-a', 'bc'],
    ['~d', 'abc ~d'],
    ['~c', 'ab ~c'],
    ['+d ~e ~f', 'abcd ~ef'],
    ['-x', 'abc'],
    ['+a', 'abc'],
    ['-a +a', 'abc'],
    ['+d -d', 'abc'],
    ['+d ~d', 'abc ~d'],
    ['~d +d', 'abcd'],
    ['~c +c', 'abc'],
    ['~c ~c', 'ab ~c'],
  ])('%s: %s', (steps, end) => {
    expect(after(abc, change(steps))).toBe(end);
  });

  test('a learner is promoted, and demoted again', () => {
    const group = configurationOf(peers('ab'), peers('c'));
    expect(after(group, change('+c'))).toBe('abc');
    expect(after(group, change('+c'), change('~c'))).toBe('ab ~c');
    expect(after(group, change('~c'))).toBe('ab ~c');
    expect(after(group, change('-c'))).toBe('ab');
  });
});

describe('more at once goes through a joint configuration', () => {
  test.each([
    ['+d +e', 'abcde|abc *'],
    ['-a -b', 'c|abc *'],
    ['-a +d', 'bcd|abc *'],
    ['~a ~b', 'c|abc >ab *'],
    ['-a +d ~e', 'bcd|abc ~e *'],
  ])('%s: %s', (steps, end) => {
    expect(after(abc, change(steps))).toBe(end);
  });

  test('or where somebody wants it to, left by itself or on demand', () => {
    expect(after(abc, change('+d', 'implicit'))).toBe('abcd|abc *');
    expect(after(abc, change('+d', 'explicit'))).toBe('abcd|abc');
    expect(after(abc, change('+d +e', 'explicit'))).toBe('abcde|abc');
  });

  test('voters that are to be learners wait until it is left', () => {
    expect(after(abc, change('~c', 'explicit'))).toBe('ab|abc >c');
    expect(after(abc, change('~c', 'explicit'), leaveJoint)).toBe('ab ~c');
    // Not as a learner any more than as somebody who left and came back as one.
    expect(after(abc, change('-c ~c', 'explicit'), leaveJoint)).toBe('ab ~c');
    expect(after(abc, change('~c -c', 'explicit'), leaveJoint)).toBe('ab');
  });

  test('leaving it keeps the new half', () => {
    expect(after(abc, change('-a +d'), leaveJoint)).toBe('bcd');
    // Whatever kind of change leaves it: without steps it is one that leaves.
    expect(after(abc, change('-a +d'), change('', 'explicit'))).toBe('bcd');
  });

  test('nothing else can be done meanwhile', () => {
    expect(after(abc, change('-a +d'), change('+e'))).toBe('the joint configuration must be left first');
    expect(after(abc, change('-a +d'), change('+e', 'explicit'))).toBe('the joint configuration must be left first');
  });
});

describe('what cannot be', () => {
  test.each([
    [change('-a -b -c'), 'no voter would be left'],
    [change('~a ~b ~c'), 'no voter would be left'],
    [change('-a -b -c', 'explicit'), 'no voter would be left'],
    [leaveJoint, 'there is no joint configuration to leave'],
  ])('is refused, with a reason (%#)', (what, why) => {
    expect(changed(abc, what)).toEqual({ refused: why });
  });

  test('is a group of nobody that decides on its members', () => {
    expect(changed(noMembers, change('+a'))).toHaveProperty('refused');
    expect(changed(noMembers, leaveJoint)).toHaveProperty('refused');
  });

  test.each([
    ['no voters', noMembers],
    ['a voter that is a learner', { ...abc, learners: peers('a') }],
    ['an outgoing voter that is a learner', { ...abc, outgoing: peers('d'), learners: peers('d') }],
    [
      'somebody that waits to be a learner and is no outgoing voter',
      { ...abc, outgoing: peers('ab'), learnersNext: peers('d') },
    ],
    [
      'somebody that waits to be a learner and stays a voter',
      { ...abc, outgoing: peers('ab'), learnersNext: peers('a') },
    ],
    ['somebody that waits for nothing to be a learner', { ...abc, learnersNext: peers('d') }],
    ['leaving by itself what is not joint', { ...abc, autoLeave: true }],
  ])('%s: is seen', (_, configuration) => {
    expect(problemOf(configuration)).toBeDefined();
  });
});

test('members are everybody once, sorted; voters those of both halves', () => {
  const next = changed(configurationOf(peers('cba'), peers('ed')), change('-a +f ~b'));
  expect(next).not.toHaveProperty('refused');
  const joint = next as Configuration;
  expect(shown(joint)).toBe('cf|abc ~de >b *');
  expect(membersOf(joint).join('')).toBe('abcdef');
  expect(votersOf(joint).join('')).toBe('abcf');
  expect(['a', 'b', 'd', 'z'].map((id) => [isVoter(joint, asPeer(id)), isMember(joint, asPeer(id))])).toEqual([
    [true, true],
    [true, true],
    [false, true],
    [false, false],
  ]);
});

describe('however a group changes', () => {
  const step = fc.record({
    do: fc.constantFrom<ChangeStep['do']>('add-voter', 'add-learner', 'remove'),
    peer: fc.constantFrom(...peers('abcdef')),
  });
  const transition = fc.constantFrom<Change['transition']>('auto', 'implicit', 'explicit');
  const changes = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 5 }), transition }) },
      { weight: 2, arbitrary: fc.constant(leaveJoint) },
    ),
    { maxLength: 20 },
  );
  const start = fc
    .tuple(fc.subarray(peers('abcdef'), { minLength: 1 }), fc.subarray(peers('abcdef')))
    .map(([voters, others]) =>
      configurationOf(
        voters,
        others.filter((peer) => !voters.includes(peer)),
      ),
    );

  /** Every configuration on the way, with the one before. */
  const walk = (
    from: Configuration,
    all: readonly Change[],
    visit: (one: Configuration, next: Configuration) => void,
  ) => {
    let at = from;
    for (const one of all) {
      const next = changed(at, one);
      if ('refused' in next) continue;
      visit(at, next);
      at = next;
    }
  };

  test('no configuration that it reaches has a problem, and all lists are sorted and without repetition', () => {
    fc.assert(
      fc.property(start, changes, (from, all) => {
        walk(from, all, (_, next) => {
          expect(problemOf(next)).toBeUndefined();
          for (const list of [next.voters, next.outgoing, next.learners, next.learnersNext])
            expect(list).toEqual([...new Set(list)].toSorted());
        });
      }),
      { numRuns: 500 },
    );
  });

  test('no majority of one configuration can decide without somebody of each majority of the next', () => {
    const subsets = [...Array(64).keys()].map((mask) => peers('abcdef').filter((_, at) => (mask >> at) & 1));
    const quorums = (of: Configuration): PeerId[][] =>
      subsets.filter((some) => isQuorum(of, (peer) => some.includes(peer)));
    fc.assert(
      fc.property(start, changes, (from, all) => {
        walk(from, all, (one, next) => {
          const later = quorums(next);
          for (const quorum of quorums(one))
            if (!later.every((other) => other.some((peer) => quorum.includes(peer))))
              throw new Error(`${shown(one)} → ${shown(next)}: ${quorum.join('')} decides alone`);
        });
      }),
      { numRuns: 100 },
    );
  });

  test('without a joint configuration one voter changes at most', () => {
    fc.assert(
      fc.property(start, changes, (from, all) => {
        walk(from, all, (one, next) => {
          if (isJoint(one) || isJoint(next)) return;
          const come = next.voters.filter((peer) => !one.voters.includes(peer));
          const gone = one.voters.filter((peer) => !next.voters.includes(peer));
          expect(come.length + gone.length).toBeLessThanOrEqual(1);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('a change that is made again changes nothing more', () => {
    fc.assert(
      fc.property(start, fc.array(step, { minLength: 1, maxLength: 4 }), (from, steps) => {
        const settle = (of: Configuration): Configuration => {
          const next = changed(of, { steps, transition: 'auto' });
          if ('refused' in next) return of;
          const left = isJoint(next) ? changed(next, leaveJoint) : next;
          return 'refused' in left ? next : left;
        };
        const once = settle(from);
        expect(settle(once)).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });
});
