/** What the term of a message decides before anybody looks at its content (`terms.ts`): every type, above and below. */
import { describe, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import type { Message, MessageType } from '#events/raft/message.ts';
import { Group } from './group.ts';
import {
  accepted,
  append,
  heartbeat,
  heartbeatResponse,
  preVote,
  preVoteResponse,
  vote,
  voteResponse,
} from './messages.ts';

const [a, b] = [asPeer('a'), asPeer('b')];
const voters = configurationOf([a, b, asPeer('c')]);
const start = { index: 0, term: 0 };

/** Of each type one, from b to a, in that term. */
const messages: Readonly<Record<MessageType, (term: number) => Message>> = {
  'pre-vote': (term) => preVote('b', 'a', term),
  'pre-vote-response': (term) => preVoteResponse('b', 'a', term, false),
  vote: (term) => vote('b', 'a', term),
  'vote-response': (term) => voteResponse('b', 'a', term, true),
  append: (term) => append('b', 'a', term, start),
  'append-response': (term) => accepted('b', 'a', term, 0),
  heartbeat: (term) => heartbeat('b', 'a', term),
  'heartbeat-response': (term) => heartbeatResponse('b', 'a', term),
  snapshot: (term) => ({ type: 'snapshot', from: b, to: a, term, snapshot: { ...start, configuration: voters } }),
  'timeout-now': (term) => ({ type: 'timeout-now', from: b, to: a, term }),
  read: (term) => ({ type: 'read', from: b, to: a, term, request: 'r' }),
  'read-response': (term) => ({ type: 'read-response', from: b, to: a, term, request: 'r', index: 0 }),
  'read-refusal': (term) => ({ type: 'read-refusal', from: b, to: a, term, request: 'r', why: 'too-many' }),
};
const types = Object.keys(messages) as MessageType[];

/** `a` in that role and term 5. */
function inRole(role: 'follower' | 'pre-candidate' | 'candidate' | 'leader', settings = {}): Group {
  const group = new Group({ voters: 'abc', terms: { a: role === 'candidate' || role === 'leader' ? 4 : 5 }, settings });
  if (role !== 'follower') {
    const direct = role === 'candidate' || role === 'leader';
    group.campaign('a');
    if (direct && group.at('a').role === 'pre-candidate') group.step(preVoteResponse('b', 'a', 5, true));
    if (role === 'leader') group.step(voteResponse('b', 'a', 5, true));
  }
  expect(group.now('a')).toMatchObject({ role, term: 5 });
  group.wire = [];
  group.sent = [];
  return group;
}

const roles = ['follower', 'pre-candidate', 'candidate', 'leader'] as const;

describe('a higher term', () => {
  const asks: readonly MessageType[] = ['pre-vote'];
  const leads: readonly MessageType[] = ['append', 'heartbeat', 'snapshot'];

  for (const role of roles)
    for (const type of types.filter((one) => !asks.includes(one) && one !== 'vote' && one !== 'timeout-now'))
      test(`of a ${type} is adopted by a ${role}, which follows${leads.includes(type) ? ' its sender' : ''}`, () => {
        const group = inRole(role);
        group.step(messages[type](8));
        const leader = leads.includes(type) ? 'b' : undefined;
        expect(group.now('a')).toMatchObject({ role: 'follower', term: 8, leader, vote: undefined });
        expect(group.at('a').disk.hardState.term).toBe(8);
      });

  test.each(roles)('of a question before an election changes nothing for a %s', (role) => {
    const group = inRole(role);
    const before = group.now('a');
    group.tick('a');
    group.step(preVote('b', 'a', 8, { index: 9, term: 7 }));
    expect(group.now('a')).toMatchObject({ role, term: 5, vote: before.vote });
  });

  test('of a grant before an election is not adopted: it is the one that was asked about', () => {
    const group = inRole('pre-candidate');
    group.step(preVoteResponse('b', 'a', 6, true));
    expect(group.now('a')).toMatchObject({ role: 'candidate', term: 6 });
    const far = inRole('pre-candidate');
    far.step(preVoteResponse('b', 'a', 9, true));
    expect(far.now('a')).toMatchObject({ role: 'pre-candidate', term: 5 });
  });

  test.each(roles)(
    'of a request for a vote is adopted by a %s that hears no leader, or is not bound to protect it',
    (role) => {
      const group = inRole(role, { checkQuorum: false });
      group.step(vote('b', 'a', 8, { index: 9, term: 7 }));
      expect(group.now('a')).toMatchObject({ role: 'follower', term: 8, vote: 'b' });
    },
  );

  test('of an order to campaign is adopted, and followed', () => {
    const group = inRole('follower');
    group.step(messages['timeout-now'](8));
    expect(group.now('a')).toMatchObject({ role: 'candidate', term: 9, vote: 'a' });
  });
});

describe('voters that hear a leader', () => {
  const hearing = (settings = {}): Group => {
    const group = inRole('follower', settings);
    group.step(heartbeat('c', 'a', 5));
    group.sent = [];
    return group;
  };
  const better = { index: 9, term: 7 };

  test.each(['vote', 'pre-vote'] as const)('do not even answer a %s', (type) => {
    const group = hearing();
    group.step(type === 'vote' ? vote('b', 'a', 8, better) : preVote('b', 'a', 8, better));
    expect(group.now('a')).toMatchObject({ term: 5, leader: 'c' });
    expect(group.sent).toEqual([]);
  });

  test('grant it when the leader itself asked for that', () => {
    const group = hearing();
    group.step(vote('b', 'a', 8, better, true));
    expect(group.now('a')).toMatchObject({ term: 8, vote: 'b' });
  });

  test('grant it when they have not heard the leader for an election timeout', () => {
    const group = new Group({ voters: 'abc', terms: { a: 5 }, random: () => () => 0.5 });
    group.step(heartbeat('c', 'a', 5));
    group.tick('a', 9);
    group.step(vote('b', 'a', 8, better));
    expect(group.at('a').term).toBe(5);
    group.tick('a');
    group.step(vote('b', 'a', 8, better));
    expect(group.now('a')).toMatchObject({ term: 8, vote: 'b' });
  });

  test('grant it when they do not check for quorums', () => {
    const group = hearing({ checkQuorum: false });
    group.step(vote('b', 'a', 8, better));
    expect(group.now('a')).toMatchObject({ term: 8, vote: 'b' });
  });

  test('so does the leader itself', () => {
    const group = inRole('leader');
    group.step(vote('b', 'a', 8, better));
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 5 });
  });
});

describe('a lower term', () => {
  const told: readonly MessageType[] = ['pre-vote', 'append', 'heartbeat'];

  for (const role of roles)
    for (const type of types)
      test(`of a ${type} means nothing to a ${role}${told.includes(type) ? ', which says so' : ''}`, () => {
        const group = inRole(role);
        const before = group.now('a');
        group.step(messages[type](4));
        expect(group.now('a')).toEqual(before);
        expect(group.at('a').reads).toEqual([]);
        expect(group.sent.map(({ to, term }) => [to, term])).toEqual(told.includes(type) ? [['b', 5]] : []);
      });

  test('of a question before an election is refused', () => {
    const group = inRole('follower');
    group.step(preVote('b', 'a', 4, { index: 99, term: 4 }));
    expect(group.sentOf('pre-vote-response')).toMatchObject([{ granted: false, term: 5 }]);
  });

  test('of a leader is answered without pre-vote and check-quorum too, or a suspect would be stuck in its own', () => {
    const settings = { preVote: false, checkQuorum: false };
    const group = new Group({ voters: 'abc', logs: { a: [1, 1], b: [1, 1], c: [1] }, terms: { c: 5 }, settings });
    // It lost an entry, so it does not campaign; nor does it follow a leader of an earlier term than its own.
    group.at('c').disk.suspect = { term: 1, lastIndex: 2, lastTerm: 1 };
    group.restart('c');
    group.isolate('c');
    group.elect('a');
    expect(group.at('a').term).toBe(2);
    group.heal();
    for (let round = 0; round < 4; round++) group.pass(10);
    expect(group.leader?.term).toBeGreaterThan(5);
    expect(group.at('c').log.slice(0, 2)).toEqual(['1:1.1', '1:1.2']);
    expect(group.at('c').status.suspect).toBeUndefined();
  });
});
