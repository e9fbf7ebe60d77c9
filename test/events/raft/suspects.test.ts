/** Members whose disk lost something (safety rule 14): what they may still do, and how they are trusted again. */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import { Group } from './group.ts';
import { heartbeat, heartbeatResponse, vote } from './messages.ts';

const [b, c] = [asPeer('b'), asPeer('c')];

/** All have x, y, z; these then lose the last of their entries, and start again. */
function damaged(losses: Readonly<Record<string, number>>, voters = 'abc', down = voters): Group {
  const group = new Group({ voters });
  group.elect('a');
  group.propose('a', 'x', 'y');
  group.propose('a', 'z');
  for (const id of down) group.crash(id);
  group.wire = [];
  group.sent = [];
  for (const id of down) group.restart(id, losses[id] ?? 0);
  return group;
}

const isSuspect = (group: Group, id: string): boolean => group.at(id).status.suspect !== undefined;

describe('a member that lost part of its log', () => {
  test('knows, and says so with its vote', () => {
    const group = damaged({ c: 1 });
    expect(group.at('c').status.suspect).toEqual({ term: 1, lastIndex: 4, lastTerm: 1 });
    group.campaign('a');
    group.settle();
    const answers = group.sentOf('pre-vote-response').map(({ from, granted, suspect }) => [from, granted, suspect]);
    expect(answers).toEqual([
      ['b', true, false],
      ['c', true, true],
    ]);
  });

  test('does not campaign: not even everybody’s vote could bring back what it lacks', () => {
    const group = damaged({ c: 1 });
    group.campaign('c');
    group.tick('c', 100);
    expect(group.at('c').role).toBe('follower');
    expect(group.sent).toEqual([]);
  });

  test('does not make a majority', () => {
    const group = damaged({ c: 1 });
    group.crash('b');
    for (let round = 0; round < 5; round++) {
      group.tick('a', 10);
      group.settle();
    }
    expect(group.at('a').role).toBe('pre-candidate');
  });

  test('whose watermark is of a later term starts in that term, without the vote that it may have given', () => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1] }, terms: { c: 1 } });
    const { disk } = group.at('c');
    disk.hardState = { term: 1, vote: b, commit: 0 };
    disk.suspect = { term: 5, lastIndex: 9, lastTerm: 4 };
    group.restart('c');
    expect(group.now('c')).toMatchObject({ term: 5, vote: undefined });
    // It keeps that, before anything leaves.
    expect(disk.hardState).toMatchObject({ term: 5, vote: undefined });
    group.step(vote('a', 'c', 5, { index: 20, term: 5 }));
    expect(group.sentOf('vote-response')).toMatchObject([{ granted: false, suspect: true }]);
  });

  // Its watermark is at entry 9 of term 4, and it has two entries of term 1.
  test.each([
    [6, 9, 4, true],
    [6, 12, 4, true],
    [6, 3, 5, true],
    [6, 8, 4, false],
    [6, 20, 3, false],
    [5, 9, 4, false],
  ])('asked in term %i for a log that ends at %i of term %i, grants it: %s', (term, index, lastTerm, granted) => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1] } });
    group.at('c').disk.suspect = { term: 5, lastIndex: 9, lastTerm: 4 };
    group.restart('c');
    group.sent = [];
    group.step(vote('a', 'c', term, { index, term: lastTerm }));
    expect(group.sentOf('vote-response')).toMatchObject([{ granted, suspect: true }]);
  });

  test('still takes entries and acknowledges them', () => {
    const group = damaged({ c: 1 });
    group.elect('a');
    group.isolate('b');
    group.propose('a', 'more');
    expect(group.at('a').state).toEqual(['x', 'y', 'z', 'more']);
  });
});

describe('a member is trusted again', () => {
  test('when its disk has an entry of a leader of a later term', () => {
    const group = damaged({ c: 1 });
    group.at('c').storesAtOnce = false;
    group.elect('a');
    expect(group.at('a').term).toBe(2);
    expect(isSuspect(group, 'c')).toBe(true);
    group.store('c');
    group.at('c').storesAtOnce = true;
    group.settle();
    for (let round = 0; round < 2; round++) {
      group.tick('a');
      group.settle();
    }
    expect(isSuspect(group, 'c')).toBe(false);
    expect(group.at('c').state).toEqual(['x', 'y', 'z']);
    expect(group.at('c').disk.suspect).toBeUndefined();
    // And it makes a majority again.
    group.crash('b');
    group.do('a', (raft) => raft.transferTo(c));
    group.settle();
    expect(group.at('c').role).toBe('leader');
  });

  test('not by entries of the term in which it lost them', () => {
    const group = damaged({ c: 1 }, 'abc', 'c');
    group.propose('a', 'more');
    for (let round = 0; round < 5; round++) {
      group.tick('a');
      group.settle();
    }
    // The leader feeds it anew, in the same term.
    expect(group.at('c').state).toEqual(['x', 'y', 'z', 'more']);
    expect(isSuspect(group, 'c')).toBe(true);
    // It has what its watermark says, and may campaign; trusted it is after the next election.
    group.do('a', (raft) => raft.transferTo(b));
    group.settle();
    expect(group.at('b').role).toBe('leader');
    expect(isSuspect(group, 'c')).toBe(false);
  });

  test('and not before that is on its disk, across restarts', () => {
    const group = damaged({ c: 1 });
    group.crash('c');
    group.restart('c');
    expect(isSuspect(group, 'c')).toBe(true);
  });
});

describe('a leader that has nothing to send', () => {
  const idle = (lost: number): Group => {
    const group = damaged({ c: lost }, 'abc', 'c');
    group.tick('a');
    group.settle();
    return group;
  };

  test('notices with the next heartbeat that a follower lost the end of its log, and feeds it again', () => {
    const group = idle(2);
    expect(group.at('c').state).toEqual(['x', 'y', 'z']);
    expect(group.at('a').progress('c')).toMatchObject({ state: 'replicate', match: 4 });
  });

  test('notices it too where the same number of other entries stands there', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x');
    group.do('a', (raft) => raft.transferTo(b));
    group.settle();
    group.propose('b', 'y');
    expect(group.at('c').log).toEqual(['1:', '1:x', '2:', '2:y']);
    // An old image of its disk was put back, with entries that lost an election.
    const { disk } = group.at('c');
    group.crash('c');
    const old = disk.entries.map((entry): typeof entry =>
      entry.index > 2 ? { ...entry, term: 1, type: 'data' } : entry,
    );
    disk.entries = old;
    disk.suspect = { term: 2, lastIndex: 4, lastTerm: 2 };
    disk.hardState = { ...disk.hardState, commit: 2 };
    group.restart('c');
    group.tick('b');
    group.settle();
    expect(group.at('c').log).toEqual(['1:', '1:x', '2:', '2:y']);
  });

  test('does not ask a whole follower anything, suspect or not', () => {
    const group = idle(1);
    group.sent = [];
    for (let round = 0; round < 5; round++) {
      group.tick('a');
      group.settle();
    }
    expect(isSuspect(group, 'c')).toBe(true);
    expect(new Set(group.sent.map(({ type }) => type))).toEqual(new Set(['heartbeat', 'heartbeat-response']));
  });

  test('is not misled by an answer from before the last acknowledgement', () => {
    const group = damaged({}, 'abc', '');
    const before = group.at('a').progress('c').match;
    group.step(heartbeatResponse('c', 'a', 1, 0, { index: 2, term: 1 }));
    group.settle();
    expect(group.at('a').progress('c')).toMatchObject({ state: 'replicate', match: before, next: before + 1 });
  });
});

describe('when suspects leave no majority', () => {
  test('every voter has to grant; then the best log leads, and says that something may be lost', () => {
    // a has everything; b and c lost z, and say so.
    const group = damaged({ b: 1, c: 1 });
    group.elect('a');
    expect(group.at('a').leadership.at(-1)).toMatchObject({ role: 'leader', possibleLoss: true });
    expect(group.at('a').status.role).toMatchObject({ possibleLoss: true });
    group.propose('a', 'more');
    for (const id of 'abc') expect(group.at(id).state).toEqual(['x', 'y', 'z', 'more']);
    for (const id of 'bc') expect(isSuspect(group, id)).toBe(false);
    // The next election is like any other.
    group.do('a', (raft) => raft.transferTo(b));
    group.settle();
    expect(group.at('b').leadership.at(-1)).toMatchObject({ role: 'leader', possibleLoss: false });
  });

  test('and one of the voters is away nobody leads', () => {
    const group = damaged({ b: 1, c: 1 });
    group.crash('c');
    for (let round = 0; round < 10; round++) {
      group.tick('ab', 10);
      group.settle();
    }
    expect(group.leader).toBeUndefined();
  });

  test('and nobody’s log reaches every watermark nobody leads', () => {
    const group = damaged({ a: 1, b: 1, c: 1 });
    for (let round = 0; round < 10; round++) {
      group.tick('abc', 10);
      group.settle();
    }
    expect(group.leader).toBeUndefined();
  });

  test('and all watermarks are reached by somebody who lost nothing, however little the others have', () => {
    const group = damaged({ b: 4, c: 2 });
    group.elect('a');
    group.propose('a', 'more');
    for (const id of 'abc') expect(group.at(id).state).toEqual(['x', 'y', 'z', 'more']);
  });
});

test('a suspect that cannot know whether a change is in force hears it from whoever wants its vote, and leads then', () => {
  const group = new Group({ voters: 'abc' });
  group.elect('a');
  const change = { steps: [{ do: 'add-learner', peer: asPeer('d') }], transition: 'auto' } as const;
  group.do('a', (raft) => raft.proposeChange(change, new Uint8Array(0)));
  group.settle();
  group.isolate('b');
  group.propose('a', 'x');
  expect(['a', 'b', 'c'].map((id) => group.at(id).status.lastIndex)).toEqual([3, 2, 3]);
  for (const id of 'abc') group.crash(id);
  group.heal();
  group.wire = [];
  for (const id of 'ac') {
    const { disk } = group.at(id);
    disk.suspect = { term: 1, lastIndex: 3, lastTerm: 1 };
    disk.hardState = { ...disk.hardState, commit: 0 };
  }
  const { disk } = group.at('b');
  disk.hardState = { ...disk.hardState, commit: 2 };
  for (const id of 'abc') group.restart(id);
  group.campaign('a');
  expect(group.at('a').role).toBe('follower');
  // b cannot win: its log lacks x. But it knows that the change is committed.
  group.campaign('b');
  group.settle();
  expect(group.leader).toBeUndefined();
  group.campaign('a');
  group.settle();
  expect(group.at('a').leadership.at(-1)).toMatchObject({ role: 'leader', possibleLoss: true });
  expect(group.at('b').state).toEqual(['x']);
});

describe('a loss that nobody noticed', () => {
  test('is noticed by a commit index beyond the end of the log', () => {
    const group = damaged({}, 'abc', 'c');
    const { disk } = group.at('c');
    group.crash('c');
    disk.entries.splice(1);
    group.restart('c');
    expect(isSuspect(group, 'c')).toBe(true);
    expect(disk.suspect).toMatchObject({ term: 1, lastIndex: 3 });
  });

  test('is noticed when the leader says what this member once had', () => {
    const group = damaged({}, 'abc', 'c');
    const { disk } = group.at('c');
    group.crash('c');
    disk.entries = [];
    disk.hardState = { term: 0, vote: undefined, commit: 0 };
    group.restart('c');
    expect(isSuspect(group, 'c')).toBe(false);
    group.tick('a');
    group.settle();
    expect(isSuspect(group, 'c')).toBe(true);
    expect(disk.suspect).toMatchObject({ term: 1 });
  });

  test('in the present term outweighs a watermark of an earlier one', () => {
    // Its watermark is of term 1; then it acknowledged entries of term 2 and lost them with everything else.
    const group = damaged({ c: 1 }, 'abc', 'c');
    group.do('a', (raft) => raft.transferTo(b));
    group.loses = ({ to }) => to === c;
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', term: 2 });
    group.heal();
    group.step(heartbeat('b', 'c', 2, 5));
    expect(group.at('c').status.suspect).toMatchObject({ term: 2 });
  });

  test('of an entry that is not committed yet is noticed by the leader, which counts it no longer and sends it again', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.crash('c');
    const a = group.at('a');
    a.storesAtOnce = false;
    group.propose('a', 'x');
    group.settle();
    expect(a.progress('b').match).toBe(2);
    group.crash('b');
    group.at('b').disk.entries.pop();
    group.restart('b');
    expect(isSuspect(group, 'b')).toBe(false);
    const toB = (): boolean => group.at('b').status.lastIndex === 2;
    // What is sent again does not arrive yet, and meanwhile the leader's own disk has the entry.
    group.loses = ({ type }) => type === 'append';
    group.tick('a', 1);
    group.settle();
    group.store('a');
    expect([a.status.committed, toB()]).toEqual([1, false]);
    group.heal();
    group.tick('a', 1);
    group.settle();
    expect([a.status.committed, toB()]).toEqual([2, true]);
  });
});
