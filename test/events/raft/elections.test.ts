/** Elections where the paper's rules alone are not enough: pre-vote, check-quorum, terms that fell behind. */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { bytes, Group } from './group.ts';
import { heartbeat, preVoteResponse, vote } from './messages.ts';

const [b, c] = [asPeer('b'), asPeer('c')];
const seeded = (id: string) => seededRandom(id.charCodeAt(0)).next;
const electionTicks = 10;

describe('pre-vote (§9.6 of the dissertation)', () => {
  test('asking changes no term and gives no vote', () => {
    const group = new Group({ voters: 'abc', terms: { a: 3, b: 3, c: 3 } });
    group.isolate('a');
    for (let round = 0; round < 5; round++) group.tick('a', electionTicks);
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'pre-candidate', term: 3 });
    expect(group.sentOf('pre-vote').every(({ term }) => term === 4)).toBe(true);
    expect(group.sentOf('vote')).toEqual([]);
    const question = group.sentOf('pre-vote').find(({ to }) => to === b);
    group.heal();
    if (question) group.step(question);
    expect(group.now('b')).toMatchObject({ term: 3, role: 'follower' });
    expect(group.at('b').status.vote).toBeUndefined();
  });

  test('a grant echoes the term that was asked about, a refusal the voter’s own', () => {
    const group = new Group({ voters: 'abc', logs: { b: [1, 2] }, terms: { a: 5, b: 2, c: 2 } });
    group.campaign('a');
    group.deliver();
    expect(group.sentOf('pre-vote-response')).toMatchObject([
      { from: 'b', granted: false, term: 2 },
      { from: 'c', granted: true, term: 6 },
    ]);
  });

  test('somebody who was away does not depose the leader when it comes back', () => {
    const group = new Group({ voters: 'abc', random: seeded });
    group.elect('a');
    group.isolate('c');
    group.pass(100);
    expect(group.at('c').role).toBe('pre-candidate');
    group.heal();
    group.pass(30);
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
    expect(group.now('c')).toMatchObject({ role: 'follower', leader: 'a', term: 1 });
  });

  test('nor does one that cannot hear the leader while the others do', () => {
    const group = new Group({ voters: 'abc', random: seeded });
    group.elect('a');
    group.cutOneWay('a', 'c');
    group.pass(100);
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
  });

  test('a pre-candidate with a lower term is told the term, so that a group never waits for itself', () => {
    // As in etcd#8243 and #8501: one with the better log and the lower term, one with the higher term and a worse log.
    const group = new Group({ voters: 'abc', logs: { a: [1], b: [1, 1] }, terms: { a: 5 }, random: seeded });
    group.crash('c');
    group.pass(100);
    expect(group.at('b').role).toBe('leader');
    expect(group.at('b').term).toBeGreaterThan(5);
  });

  test('a member with a smaller term and an older log joins an election, which is completed', () => {
    const group = new Group({ voters: 'abc', random: seeded });
    group.elect('a');
    group.isolate('c');
    group.propose('a', 'x');
    group.crash('a');
    group.at('b').raft.forgetLeader();
    group.heal();
    group.pass(100);
    expect(group.at('b').role).toBe('leader');
    expect(group.now('c')).toMatchObject({ leader: 'b', state: ['x'] });
  });

  test('grants from an earlier round do not make a candidate of the next', () => {
    const group = new Group({ voters: 'abcde' });
    group.campaign('a');
    const grant = (from: string, term: number): void => group.step(preVoteResponse(from, 'a', term, true));
    grant('b', 1);
    // Its term moves on meanwhile; the second grant speaks of a term that has come and gone.
    group.step(heartbeat('c', 'a', 1));
    group.do('a', (raft) => raft.forgetLeader());
    group.campaign('a');
    grant('d', 1);
    grant('e', 1);
    expect(group.now('a')).toMatchObject({ role: 'pre-candidate', term: 1 });
    grant('d', 2);
    grant('e', 2);
    expect(group.now('a')).toMatchObject({ role: 'candidate', term: 2 });
  });

  test('a majority of refusals sends a pre-candidate back to waiting, in its own term', () => {
    const group = new Group({ voters: 'abc', logs: { b: [1], c: [1] }, terms: { a: 1 } });
    group.campaign('a');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 1, leader: undefined });
  });
});

describe('the answer to a candidate', () => {
  test('says what its voter knows to be committed, and a candidate that has that learns of it', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    group.deliver();
    // a and b hear that it is committed, c does not.
    group.loses = ({ to }) => to === 'c';
    group.settle();
    group.heal();
    group.crash('a');
    expect(group.now('c')).toMatchObject({ lastIndex: 2, committed: 1 });
    group.do('b', (raft) => raft.forgetLeader());
    group.campaign('c');
    group.deliver();
    group.deliver(({ type, from }) => type === 'pre-vote-response' && from === 'b');
    expect(group.now('c')).toMatchObject({ role: 'candidate', committed: 2, state: ['x'] });
  });

  test('teaches nothing to one that has another entry there', () => {
    const group = new Group({ voters: 'abc', logs: { c: [1, 1] } });
    group.campaign('c');
    group.step({ ...preVoteResponse('b', 'c', 1, false), committed: { index: 2, term: 2 } });
    expect(group.now('c')).toMatchObject({ role: 'pre-candidate', committed: 0 });
  });
});

describe('check-quorum (§6.2)', () => {
  test('a leader that hears no majority for an election timeout steps down', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.isolate('a');
    group.tick('a', electionTicks - 1);
    expect(group.at('a').role).toBe('leader');
    // The answers to its election still count as heard in the first round.
    group.tick('a', electionTicks + 1);
    expect(group.now('a')).toMatchObject({ role: 'follower', leader: undefined });
  });

  test('a leader that hears a majority, of each half, stays', () => {
    const group = new Group({ voters: 'abc', random: seeded });
    group.elect('a');
    group.isolate('c');
    group.pass(100);
    expect(group.at('a').role).toBe('leader');
  });

  test('learners do not count as heard', () => {
    const group = new Group({ voters: 'ab', learners: 'cd' });
    group.elect('a');
    group.isolate('b');
    for (let tick = 0; tick < 3 * electionTicks; tick++) {
      group.tick('a');
      group.settle();
    }
    expect(group.at('a').role).not.toBe('leader');
  });

  test('voters that hear their leader protect it, even from those who do not ask before', () => {
    const group = new Group({ voters: 'abc', settings: { preVote: false } });
    group.elect('a');
    group.tick('c', electionTicks);
    group.settle();
    expect(group.now('c')).toMatchObject({ role: 'candidate', term: 2 });
    expect(group.now('b')).toMatchObject({ term: 1, leader: 'a' });
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
  });

  test('a stuck candidate is freed: the leader learns its term, and the group goes on with one above it', () => {
    const group = new Group({ voters: 'abc', settings: { preVote: false }, random: seeded });
    group.elect('a');
    group.isolate('c');
    while (group.at('c').term < 4) group.tick('c');
    group.settle();
    expect(group.at('c').role).toBe('candidate');
    group.heal();
    // A heartbeat of the earlier term reaches it, and it answers although it does not follow.
    group.tick('a');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 4 });
    expect(group.now('c')).toMatchObject({ role: 'candidate', term: 4 });
    group.pass(100);
    expect(group.leader?.term).toBeGreaterThan(4);
    for (const id of 'abc') expect(group.at(id).leader).toBe(group.leader?.id);
  });

  test('a stuck pre-candidate with a higher term is freed as well', () => {
    const group = new Group({ voters: 'abc', terms: { c: 6 } });
    group.isolate('c');
    group.elect('a');
    group.campaign('c');
    group.settle();
    expect(group.now('c')).toMatchObject({ role: 'pre-candidate', term: 6 });
    group.heal();
    group.tick('a');
    group.settle();
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 6 });
    group.elect('a');
    expect(group.now('c')).toMatchObject({ role: 'follower', leader: 'a', term: 7 });
  });

  test('the answer to a leader of an earlier term does not make the next leader believe that somebody lost its log', () => {
    const group = new Group({ voters: 'abcde', settings: { preVote: false } });
    group.elect('a');
    group.propose('a', 'x', 'y');
    group.compact('a');
    group.isolate('e');
    // e is the candidate of term 2, and answers a's heartbeat of term 1 with that; the answer is slow.
    group.tick('e', electionTicks);
    group.settle();
    group.heal();
    group.tick('a');
    group.deliver(({ to }) => to === 'e');
    const [late] = group.wire.filter(({ from }) => from === 'e');
    expect(late).toMatchObject({ to: 'a', term: 2 });
    group.wire = [];
    // Meanwhile a loses its leadership, and wins the election of term 2.
    for (const id of 'bcd') group.do(id, (raft) => raft.forgetLeader());
    group.isolate('a');
    group.tick('a', 3 * electionTicks);
    group.heal();
    group.wire = [];
    const { term } = group.at('a');
    expect(term).toBe(2);
    for (const id of 'bcd') group.step(vote('a', id, term, { index: 3, term: 1 }));
    group.deliver(({ type }) => type === 'vote-response');
    expect(group.at('a').role).toBe('leader');
    group.sent = [];
    if (late) group.step(late);
    expect(group.at('a').progress('e').state).toBe('probe');
    expect(group.sentOf('snapshot')).toEqual([]);
  });
});

describe('whoever may not campaign', () => {
  test('does not protect a leader that it has not heard for an election timeout', () => {
    // A learner that is a voter by now, and does not know it: without its vote nobody can be elected.
    const group = new Group({ voters: 'ab', learners: 'c' });
    group.elect('a');
    group.isolate('c');
    group.do('a', (raft) =>
      raft.proposeChange({ steps: [{ do: 'add-voter', peer: c }], transition: 'auto' }, bytes('')),
    );
    group.settle();
    expect(group.at('a').status.configuration.voters).toEqual(['a', 'b', 'c']);
    expect(group.at('c').status.configuration.voters).toEqual(['a', 'b']);
    group.crash('a');
    group.heal();
    // However the clocks of the two stand to one another.
    for (let offset = 0; offset < electionTicks; offset++) {
      group.tick('c');
      group.tick('b', electionTicks);
      group.settle();
    }
    expect(group.at('b').role).toBe('leader');
    expect(group.at('c').status.configuration.voters).toEqual(['a', 'b', 'c']);
  });

  test('a learner votes when it is asked (etcd#10998)', () => {
    const group = new Group({ voters: 'ab', learners: 'c' });
    group.step(vote('a', 'c', 1));
    expect(group.sentOf('vote-response', 'c')).toMatchObject([{ granted: true }]);
  });

  test('a learner never campaigns, and its votes do not elect', () => {
    const group = new Group({ voters: 'ab', learners: 'cd' });
    group.campaign('c');
    group.tick('c', 100);
    expect(group.now('c')).toMatchObject({ role: 'follower', term: 0 });
    group.campaign('a');
    for (const from of [c, asPeer('d')]) group.step(preVoteResponse(from, 'a', 1, true));
    expect(group.at('a').role).toBe('pre-candidate');
  });

  test('a member whose disk hangs does not campaign', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.at('b').storesAtOnce = false;
    group.propose('a', 'x');
    group.crash('a');
    group.sent = [];
    group.tick('b', 2 * electionTicks);
    const questions = group.sentOf('pre-vote', 'b').length;
    group.tick('b', 10 * electionTicks);
    expect(group.sentOf('pre-vote', 'b')).toHaveLength(questions);
    group.store('b');
    group.tick('b', 2 * electionTicks);
    group.settle();
    expect(group.sentOf('pre-vote', 'b').length).toBeGreaterThan(questions);
  });
});

describe('a leader', () => {
  test('whose disk hangs for longer than an election timeout steps down, though its heartbeats go on', () => {
    const group = new Group({ voters: 'abc', random: seeded });
    group.elect('a');
    group.at('a').storesAtOnce = false;
    group.propose('a', 'x');
    expect(group.at('b').status.committed).toBe(2);
    group.pass(electionTicks);
    expect(group.at('a').role).toBe('leader');
    group.pass(2);
    expect(group.at('a').role).not.toBe('leader');
    group.pass(60);
    expect(group.leader?.id).not.toBe('a');
    // When its disk answers again it follows, and has lost nothing.
    group.store('a');
    group.at('a').storesAtOnce = true;
    group.pass(5);
    expect(group.at('a').state).toEqual(['x']);
  });

  test('that is elected replaces newer entries of others that were never committed', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.propose('a', 'x');
    group.isolate('a');
    group.propose('a', 'lost', 'lost too');
    group.tick('a', 2 * electionTicks);
    group.do('c', (raft) => raft.forgetLeader());
    group.tick('b', electionTicks);
    group.settle();
    group.propose('b', 'y');
    group.heal();
    group.pass(2);
    for (const id of 'abc') expect(group.now(id)).toMatchObject({ state: ['x', 'y'], log: ['1:', '1:x', '2:', '2:y'] });
  });

  test('forgotten by its followers is not protected any more', () => {
    const group = new Group({ voters: 'abc' });
    group.elect('a');
    group.crash('a');
    group.do('c', (raft) => raft.forgetLeader());
    expect(group.now('c')).toMatchObject({ role: 'follower', leader: undefined, term: 1 });
    group.campaign('b');
    group.settle();
    expect(group.now('b')).toMatchObject({ role: 'leader', term: 2 });
  });
});

test('a member that hears its own words, or those for somebody else, ignores them', () => {
  const group = new Group({ voters: 'abc' });
  const message: Message = heartbeat('b', 'b', 9);
  group.do('a', (raft) => raft.step(message));
  group.do('b', (raft) => raft.step(message));
  expect([group.at('a').term, group.at('b').term]).toEqual([0, 0]);
});

test('the leader that members report is always one of their own term', () => {
  const group = new Group({ voters: 'abc', random: seeded });
  group.elect('a');
  group.pass(3);
  group.crash('a');
  group.pass(60);
  for (const { leadership } of [group.at('b'), group.at('c')]) {
    const leaders = new Map<number, string>();
    for (const { term, leader } of leadership) {
      if (leader === undefined) continue;
      expect(leaders.get(term) ?? leader).toBe(leader);
      leaders.set(term, leader);
    }
    expect([...leaders.keys()]).toHaveLength(2);
  }
});
