/**
 * The sentences of the paper (Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended
 * Version)", 2014), one test each; `§` says where they stand. Without the extensions of the dissertation, unless the
 * test is about them.
 */
import { describe, expect, test } from 'vitest';
import { asPeer } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { Group, type GroupOptions } from './group.ts';
import { accepted, append, entriesAfter, heartbeat, vote, voteResponse } from './messages.ts';

const [a, b] = [asPeer('a'), asPeer('b')];
const plain = { preVote: false, checkQuorum: false };
const groupOf = (options: GroupOptions): Group =>
  new Group({ ...options, settings: { ...plain, ...options.settings } });

const isTo =
  (id: string) =>
  ({ to }: Message): boolean =>
    to === id;

describe('§5.1 terms', () => {
  test('a follower adopts a higher term', () => {
    const group = groupOf({ voters: 'abc' });
    group.step(heartbeat('b', 'a', 2));
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 2, leader: 'b' });
  });

  test('a candidate adopts a higher term and follows', () => {
    const group = groupOf({ voters: 'abc' });
    group.campaign('a');
    group.step(heartbeat('b', 'a', 2));
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 2, leader: 'b' });
  });

  test('a leader adopts a higher term and follows', () => {
    const group = groupOf({ voters: 'abc' });
    group.elect('a');
    group.step(heartbeat('b', 'a', 2));
    expect(group.now('a')).toMatchObject({ role: 'follower', term: 2, leader: 'b' });
  });

  test.each(['vote', 'vote-response', 'append-response', 'heartbeat-response', 'append', 'snapshot', 'timeout-now'])(
    'a higher term is adopted from a %s as well',
    (type) => {
      const group = groupOf({ voters: 'abc' });
      group.elect('a');
      const envelope = { type, from: b, to: a, term: 7, lastIndex: 0, lastTerm: 0, transfer: false, granted: false };
      const rest = { suspect: false, prevIndex: 0, prevTerm: 0, entries: [], commit: 0, token: 0, index: 0 };
      const snapshot = { index: 0, term: 0, configuration: group.at('a').status.configuration };
      group.step({ ...envelope, ...rest, hint: undefined, snapshot } as unknown as Message);
      expect(group.at('a').role).not.toBe('leader');
      expect(group.at('a').term).toBeGreaterThanOrEqual(7);
    },
  );

  test('messages of an earlier term are rejected', () => {
    const group = groupOf({ voters: 'abc', logs: { a: [1] }, terms: { a: 5 } });
    group.step(append('b', 'a', 4, { index: 0, term: 0 }, entriesAfter(0, 2), 1));
    group.step(heartbeat('b', 'a', 4));
    group.step(vote('b', 'a', 4, { index: 9, term: 4 }));
    expect(group.now('a')).toMatchObject({ term: 5, leader: undefined, log: ['1:1.1'] });
    expect(group.at('a').status).toMatchObject({ vote: undefined, committed: 0 });
    // A leader that was deposed is told (Figure 2: "reply false, with the current term").
    const told = { type: 'append-response', to: 'b', term: 5, index: 0 };
    expect(group.sent).toMatchObject([told, told]);
  });
});

describe('§5.2 leader election', () => {
  test('members start as followers', () => {
    const group = groupOf({ voters: 'abc' });
    for (const member of group.members.values())
      expect(group.now(member.id)).toMatchObject({ role: 'follower', leader: undefined });
  });

  test('a leader sends heartbeats to all others, at its interval', () => {
    const group = groupOf({ voters: 'abc', settings: { heartbeatTicks: 3 } });
    group.elect('a');
    group.sent = [];
    group.tick('a', 2);
    expect(group.sent).toEqual([]);
    group.tick('a');
    expect(group.sentOf('heartbeat').map(({ to, term }) => [to, term])).toEqual([
      ['b', 1],
      ['c', 1],
    ]);
    group.tick('a', 3);
    expect(group.sentOf('heartbeat')).toHaveLength(4);
  });

  test('heartbeats keep followers from campaigning', () => {
    const group = groupOf({ voters: 'abc', random: (id) => seededRandom(id.charCodeAt(0)).next });
    group.elect('a');
    group.pass(200);
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 1 });
  });

  test.each(['follower', 'candidate'])(
    'a %s that hears no leader for its timeout begins an election with the next term and a vote for itself',
    (from) => {
      const group = groupOf({ voters: 'abc' });
      if (from === 'candidate') group.campaign('a');
      const before = group.at('a').term;
      group.sent = [];
      group.tick('a', group.settings.electionTicks);
      expect(group.now('a')).toMatchObject({ role: 'candidate', term: before + 1 });
      expect(group.at('a').status.vote).toBe(a);
      expect(group.sentOf('vote').map(({ to, term }) => [to, term])).toEqual([
        ['b', before + 1],
        ['c', before + 1],
      ]);
    },
  );

  // Voters, votes granted, votes refused (besides the candidate's own), and how the round ends.
  test.each([
    [1, '', '', 'leader'],
    [3, 'bc', '', 'leader'],
    [3, 'b', '', 'leader'],
    [3, 'b', 'c', 'leader'],
    [5, 'bcde', '', 'leader'],
    [5, 'bc', '', 'leader'],
    [5, 'bc', 'de', 'leader'],
    [3, '', 'bc', 'follower'],
    [5, '', 'bcde', 'follower'],
    [5, 'b', 'cde', 'follower'],
    [3, '', '', 'candidate'],
    [3, '', 'b', 'candidate'],
    [5, 'b', '', 'candidate'],
    [5, 'b', 'cd', 'candidate'],
    [5, '', 'bc', 'candidate'],
    [4, 'b', 'c', 'candidate'],
    [4, 'b', 'cd', 'follower'],
    [4, '', 'bc', 'follower'],
  ])(
    'of %i voters, with the votes of "%s" and the refusals of "%s", the candidate ends as %s',
    (size, yes, no, end) => {
      const group = groupOf({ voters: 'abcde'.slice(0, size) });
      group.campaign('a');
      for (const id of yes) group.step(voteResponse(id, 'a', 1, true));
      for (const id of no) group.step(voteResponse(id, 'a', 1, false));
      expect(group.now('a')).toMatchObject({ role: end, term: 1 });
    },
  );

  test('a vote that arrives twice counts once', () => {
    const group = groupOf({ voters: 'abcde' });
    group.campaign('a');
    for (let time = 0; time < 3; time++) group.step(voteResponse('b', 'a', 1, true));
    expect(group.at('a').role).toBe('candidate');
  });

  // Who got the vote of this term, who asks, and whether it is granted.
  test.each([
    [undefined, 'b', true],
    [undefined, 'c', true],
    ['b', 'b', true],
    ['c', 'c', true],
    ['b', 'c', false],
    ['c', 'b', false],
  ])('a follower votes for one candidate in a term: after %s, asked by %s: %s', (given, asks, granted) => {
    const group = groupOf({ voters: 'abc' });
    if (given) group.step(vote(given, 'a', 1));
    group.sent = [];
    group.step(vote(asks, 'a', 1));
    expect(group.sentOf('vote-response')).toMatchObject([{ to: asks, term: 1, granted }]);
    expect(group.at('a').status.vote).toBe(given ?? asks);
  });

  test('a vote is remembered across a restart, and given to nobody else', () => {
    const group = groupOf({ voters: 'abc' });
    group.step(vote('b', 'a', 1));
    group.crash('a');
    group.restart('a');
    group.sent = [];
    group.step(vote('c', 'a', 1));
    group.step(vote('b', 'a', 1));
    expect(group.sentOf('vote-response').map(({ to, granted }) => [to, granted])).toEqual([
      ['c', false],
      ['b', true],
    ]);
  });

  test.each([
    [{ index: 1, term: 1 }, 'given', 'follower'],
    [{ index: 0, term: 0 }, 'refused', 'candidate'],
  ])('a vote for a candidate whose log ends at %j is %s, and makes its voter wait only if given', (log, _, then) => {
    const group = groupOf({ voters: 'abc', logs: { a: [1] } });
    group.tick('a', group.settings.electionTicks - 1);
    group.step(vote('b', 'a', 2, log));
    group.tick('a');
    expect(group.at('a').role).toBe(then);
  });

  test('a candidate that cannot win does not keep the one from campaigning that can', () => {
    const group = groupOf({ voters: 'abc', logs: { a: [1] } });
    group.crash('c');
    // b is always a little earlier than a.
    for (let round = 0; round < 5 && !group.leader; round++) {
      group.tick('b', group.settings.electionTicks);
      group.settle();
      group.tick('a', group.settings.electionTicks - 1);
      group.settle();
    }
    expect(group.leader?.id).toBe('a');
  });

  test.each([
    ['append', 1],
    ['append', 2],
    ['heartbeat', 1],
    ['heartbeat', 2],
  ])('a candidate of term 1 that hears an %s of a leader of term %i falls back to following it', (type, term) => {
    const group = groupOf({ voters: 'abc' });
    group.campaign('a');
    group.step(type === 'append' ? append('c', 'a', term, { index: 0, term: 0 }) : heartbeat('c', 'a', term));
    expect(group.now('a')).toMatchObject({ role: 'follower', term, leader: 'c' });
    // In the term in which it campaigned, its vote is still its own.
    expect(group.at('a').status.vote).toBe(term === 1 ? 'a' : undefined);
  });

  test('election timeouts are spread over an interval', () => {
    const timeouts = (from: 'follower' | 'candidate'): Set<number> => {
      const group = groupOf({ voters: 'abc', random: () => seededRandom(7).next });
      const seen = new Set<number>();
      for (let round = 0; round < 400; round++) {
        const { term } = group.at('a');
        if (from === 'follower') group.step(heartbeat('b', 'a', term + 1));
        else group.campaign('a');
        const before = group.at('a').term;
        let ticks = 0;
        for (; group.at('a').term === before; ticks++) group.tick('a');
        seen.add(ticks);
      }
      return seen;
    };
    const interval = Array.from({ length: 10 }, (_, at) => 10 + at);
    expect([...timeouts('follower')].toSorted((one, other) => one - other)).toEqual(interval);
    expect([...timeouts('candidate')].toSorted((one, other) => one - other)).toEqual(interval);
  });

  test('candidates seldom time out at the same moment', () => {
    const group = groupOf({ voters: 'abcde', random: (id) => seededRandom(id.charCodeAt(0) * 7919).next });
    const rounds = 1000;
    let conflicts = 0;
    for (let round = 0; round < rounds; round++) {
      const term = (group.leader?.term ?? Math.max(...[...group.members.values()].map((one) => one.term))) + 1;
      // A leader outside of the test is heard once by all, and then no more.
      for (const id of 'abcde') group.step(heartbeat(id === 'a' ? 'b' : 'a', id, term));
      group.wire = [];
      let first: string[] = [];
      while (first.length === 0) {
        group.tick('abcde');
        first = [...group.members.keys()].filter((id) => group.at(id).role === 'candidate');
      }
      if (first.length > 1) conflicts++;
    }
    // Two or more of five earliest in the same of ten slots: a third of the rounds; and half of those elect one still.
    expect(conflicts / rounds).toBeLessThan(0.4);
  });

  test('a split vote is followed by a round that elects somebody', () => {
    const group = groupOf({ voters: 'abcd', random: (id) => seededRandom(id.charCodeAt(0)).next });
    group.campaign('a');
    group.campaign('b');
    group.deliver(({ from, to }) => (from === 'a' && to === 'c') || (from === 'b' && to === 'd'));
    group.settle();
    expect(group.leader).toBeUndefined();
    group.pass(100);
    expect(group.leader?.term).toBeGreaterThan(1);
  });
});

describe('§5.3 log replication', () => {
  test('a leader appends a proposal to its log, as an entry of its term, and sends it to all others', () => {
    const group = groupOf({ voters: 'abc' });
    group.elect('a');
    group.sent = [];
    group.offer('a', 'x');
    expect(group.at('a').log).toEqual(['1:', '1:x']);
    expect(group.at('a').status.committed).toBe(1);
    expect(group.sentOf('append').map(({ to, entries }) => [to, entries.map(({ index }) => index)])).toEqual([
      ['b', [2]],
      ['c', [2]],
    ]);
  });

  test('the leader sends the index and the term of the entry before the new ones', () => {
    const group = groupOf({ voters: 'abc', logs: { a: [1, 1, 3], b: [1, 1, 3], c: [1, 1, 3] } });
    group.elect('a');
    group.offer('a', 'x');
    const appends = group.sentOf('append').filter(isTo('b'));
    expect(appends[0]).toMatchObject({ prevIndex: 3, prevTerm: 3 });
    expect(appends.at(-1)).toMatchObject({ prevIndex: 4, prevTerm: 4 });
  });

  // Followers that acknowledge, besides the leader itself.
  test.each([
    [1, '', true],
    [3, '', false],
    [3, 'b', true],
    [3, 'bc', true],
    [5, '', false],
    [5, 'b', false],
    [5, 'bc', true],
    [5, 'bcd', true],
    [5, 'bcde', true],
  ])('of %i members, with the acknowledgements of "%s", an entry is committed: %s', (size, acks, committed) => {
    const group = groupOf({ voters: 'abcde'.slice(0, size) });
    group.elect('a');
    group.offer('a', 'x');
    group.deliver(({ to }) => acks.includes(to));
    group.deliver(isTo('a'));
    expect(group.at('a').status.committed).toBe(committed ? 2 : 1);
    expect(group.at('a').state).toEqual(committed ? ['x'] : []);
  });

  test.each([[[2]], [[1]], [[1, 2]], [[1, 1, 2, 2]]])(
    'a leader that commits an entry commits all before it, those of other leaders (%j) too',
    (terms) => {
      const group = groupOf({ voters: 'abc', logs: { a: terms, b: [1], c: [] }, terms: { b: 2, c: 2 } });
      group.elect('a');
      group.propose('a', 'x');
      expect(group.at('a').state).toEqual([...terms.map((term, at) => `${term}.${at + 1}`), 'x']);
      expect(group.at('c').state).toEqual(group.at('a').state);
    },
  );

  test('followers learn what is committed, and apply it in the order of the log', () => {
    const group = groupOf({ voters: 'abc' });
    group.elect('a');
    for (const id of 'abc') group.at(id).appliesAtOnce = false;
    group.propose('a', 'x', 'y');
    group.propose('a', 'z');
    expect(group.at('b').state).toEqual([]);
    for (let slices = 0; slices < 5; slices++) for (const id of 'abc') group.apply(id);
    for (const id of 'abc') expect(group.at(id).state).toEqual(['x', 'y', 'z']);
  });

  // The log before what is sent, and whether it is accepted by one with terms 1, 2.
  test.each([
    [0, 0, true],
    [1, 1, true],
    [2, 2, true],
    [1, 2, false],
    [2, 1, false],
    [3, 3, false],
    [3, 2, false],
  ])('a follower with terms [1, 2] that is sent what follows entry %i of term %i accepts it: %s', (index, term, ok) => {
    const group = groupOf({ voters: 'abc', logs: { a: [1, 2] }, terms: { a: 3 } });
    group.step(append('b', 'a', 3, { index, term }));
    const [answer] = group.sentOf('append-response');
    expect(answer?.hint === undefined).toBe(ok);
    // Refused is the index that was asked for; accepted is what both have.
    expect(answer?.index).toBe(index);
  });

  // §5.3: "If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and
  // all that follow it"; what does not conflict stays.
  test.each([
    [2, 2, [3], [1, 2, 3]],
    [1, 1, [3, 4], [1, 3, 4]],
    [0, 0, [1], [1, 2]],
    [0, 0, [3], [3]],
    [0, 0, [1, 2], [1, 2]],
    [1, 1, [2], [1, 2]],
  ])(
    'a follower with terms [1, 2] that is sent, after %i (term %i), the terms %j ends with %j',
    (at, term, sent, end) => {
      const group = groupOf({ voters: 'abc', logs: { a: [1, 2] }, terms: { a: 2 } });
      const entries = sent.map(
        (one, n) => ({ type: 'data', term: one, index: at + 1 + n, data: new Uint8Array(0) }) as const,
      );
      group.step(append('b', 'a', 5, { index: at, term: term }, entries, 0));
      expect(group.at('a').log.map((entry) => Number(entry.split(':')[0]))).toEqual(end);
      expect(group.at('a').disk.entries.map((entry) => entry.term)).toEqual(end);
    },
  );

  // Figure 7: what followers may look like when the leader of term 8 comes to power.
  test.each([
    ['(a) one entry short', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['(b) six entries short', [1, 1, 1, 4]],
    ['(c) one uncommitted entry more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['(d) two entries of another term more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['(e) both short and more', [1, 1, 1, 4, 4, 4, 4]],
    ['(f) both, over several terms', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('the leader brings a follower of figure 7 in line: %s', (_, follower) => {
    const leader = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const group = groupOf({ voters: 'abc', logs: { a: leader, b: follower }, terms: { a: 7, c: 7 } });
    // The third is needed where the second has the better log.
    group.elect('a');
    expect(group.at('a').term).toBe(8);
    group.propose('a', 'x');
    expect(group.at('b').log).toEqual(group.at('a').log);
    expect(group.at('b').log.map((entry) => Number(entry.split(':')[0]))).toEqual([...leader, 8, 8]);
    expect(group.at('b').status).toMatchObject({ committed: 12, applied: 12 });
  });
});

describe('§5.4.1 election restriction', () => {
  test('a request for a vote says where the candidate’s log ends', () => {
    const group = groupOf({ voters: 'abc', logs: { a: [1, 2, 2] } });
    group.campaign('a');
    expect(group.sentOf('vote')).toMatchObject([
      { to: 'b', term: 3, lastIndex: 3, lastTerm: 2 },
      { to: 'c', term: 3, lastIndex: 3, lastTerm: 2 },
    ]);
  });

  test.each([
    // the same last term
    [[1], 1, 1, true],
    [[1], 2, 1, true],
    [[1, 1], 1, 1, false],
    // the candidate's is higher
    [[1], 1, 2, true],
    [[1], 2, 2, true],
    [[1, 1], 1, 2, true],
    // the voter's is higher
    [[2], 1, 1, false],
    [[2], 2, 1, false],
    [[1, 2], 1, 1, false],
  ])(
    'a voter whose log has terms %j, asked for one that ends at %i with term %i, grants it: %s',
    (log, at, term, ok) => {
      const group = groupOf({ voters: 'abc', logs: { a: log } });
      group.step(vote('b', 'a', 3, { index: at, term }));
      expect(group.sentOf('vote-response')).toMatchObject([{ to: 'b', term: 3, granted: ok }]);
    },
  );
});

describe('§5.4.2 entries of earlier terms', () => {
  test('only entries of the leader’s own term are committed by counting', () => {
    const group = groupOf({ voters: 'abc', logs: { a: [1, 2], b: [1] }, terms: { b: 2, c: 2 } });
    // Nothing of its own term may reach the others at first.
    group.loses = (message) => message.type === 'append';
    group.elect('a');
    expect(group.at('a').term).toBe(3);
    const accept = (index: number): void => group.step(accepted('b', 'a', 3, index));
    accept(1);
    expect(group.at('a').status.committed).toBe(0);
    accept(2);
    expect(group.at('a').status.committed).toBe(0);
    accept(3);
    expect(group.at('a').status.committed).toBe(3);
  });

  test('figure 8: an entry of an earlier term on a majority may still be replaced, and is not applied before', () => {
    // (a) a leads in term 2 and reaches b only; (b) e leads in term 3 and reaches nobody.
    const group = groupOf({ voters: 'abcde', logs: { a: [1, 2], b: [1, 2], c: [1], d: [1], e: [1, 3] } });
    for (const id of 'cd') group.do(id, (raft) => raft.step(heartbeat('e', id, 3)));
    group.wire = [];
    // (c) a leads in term 4 and copies the entry of term 2 to c: now a majority has it.
    group.do('a', (raft) => raft.step(heartbeat('e', 'a', 3)));
    group.wire = [];
    group.campaign('a');
    group.deliver(({ type }) => type === 'vote');
    group.deliver(({ type, from }) => type === 'vote-response' && 'bcd'.includes(from));
    expect(group.now('a')).toMatchObject({ role: 'leader', term: 4 });
    group.wire = [];
    const entries = group.at('a').disk.entries.slice(1, 2);
    group.step(append('a', 'c', 4, { index: 1, term: 1 }, entries, 0));
    group.deliver(isTo('a'));
    expect(group.at('a').progress('c').match).toBe(2);
    expect(group.at('a').status.committed).toBe(0);
    // (d) a crashes; e is elected and replaces it. The group's own checks would see it if it had been applied.
    group.crash('a');
    group.wire = [];
    group.do('e', (raft) => raft.step(heartbeat('a', 'e', 4)));
    group.wire = [];
    group.elect('e');
    for (const id of 'bcde') expect(group.at(id).state).toEqual(['1.1', '3.2']);
  });
});

describe('§5.5 crashes, §5.6 timing', () => {
  test('a follower that comes back is brought up to date', () => {
    const group = groupOf({ voters: 'abc' });
    group.elect('a');
    group.crash('c');
    group.propose('a', 'x', 'y');
    group.restart('c');
    group.pass(2);
    expect(group.at('c').state).toEqual(['x', 'y']);
  });

  test('requests may arrive twice: nothing happens twice', () => {
    const group = groupOf({ voters: 'abc' });
    group.elect('a');
    group.offer('a', 'x');
    const twice = [...group.wire];
    group.settle();
    for (const message of twice) group.step(message);
    group.settle();
    for (const id of 'abc') expect(group.now(id)).toMatchObject({ log: ['1:', '1:x'], state: ['x'] });
  });
});
