/**
 * Role by message, in one term: what each cell of `table.ts` does, as seen from outside. The rows are those of the
 * paper's Figure 2 ("Rules for Servers", receivers of each RPC) and the dissertation's §3.10 (transfer), §6.4 (reads) and
 * §9.6 (pre-vote).
 */
import { describe, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import type { Message, MessageType } from '#events/raft/message.ts';
import type { RoleName } from '#events/raft/state.ts';
import { table } from '#events/raft/table.ts';
import { Group } from './group.ts';
import {
  accepted,
  append,
  entriesAfter,
  heartbeat,
  heartbeatResponse,
  preVote,
  preVoteResponse,
  vote,
  voteResponse,
} from './messages.ts';

const voters = configurationOf([asPeer('a'), asPeer('b'), asPeer('c')]);
const [a, c] = [asPeer('a'), asPeer('c')];
const start = { index: 0, term: 0 };

/** From c, in the term of the receiver. Its log is as good as any. */
const messages: Readonly<Record<MessageType, (term: number) => Message>> = {
  'pre-vote': (term) => preVote('c', 'a', term, { index: 9, term }),
  'pre-vote-response': (term) => preVoteResponse('c', 'a', term, false),
  vote: (term) => vote('c', 'a', term, { index: 9, term }),
  'vote-response': (term) => voteResponse('c', 'a', term, true),
  append: (term) => append('c', 'a', term, start, entriesAfter(0, term)),
  'append-response': (term) => accepted('c', 'a', term, 1),
  heartbeat: (term) => heartbeat('c', 'a', term),
  'heartbeat-response': (term) => heartbeatResponse('c', 'a', term),
  snapshot: (term) => ({ type: 'snapshot', from: c, to: a, term, snapshot: { index: 7, term, configuration: voters } }),
  'timeout-now': (term) => ({ type: 'timeout-now', from: c, to: a, term }),
  read: (term) => ({ type: 'read', from: c, to: a, term, request: 'r' }),
  'read-response': (term) => ({ type: 'read-response', from: c, to: a, term, request: 'r', index: 3 }),
  'read-refusal': (term) => ({ type: 'read-refusal', from: c, to: a, term, request: 'r', why: 'too-many' }),
};

const roles: Readonly<Record<string, () => Group>> = {
  'follower, voted for nobody': () => new Group({ voters: 'abc', terms: { a: 5 } }),
  'follower of b': () => {
    const group = new Group({ voters: 'abc', terms: { a: 5 } });
    group.step(heartbeat('b', 'a', 5));
    return group;
  },
  'follower of b that asked it for a read': () => {
    const group = new Group({ voters: 'abc', terms: { a: 5 } });
    group.step(heartbeat('b', 'a', 5));
    group.do('a', (raft) => raft.read('r'));
    return group;
  },
  'pre-candidate': () => {
    const group = new Group({ voters: 'abc', terms: { a: 5 } });
    group.campaign('a');
    return group;
  },
  candidate: () => {
    const group = new Group({ voters: 'abc', terms: { a: 4 }, settings: { preVote: false } });
    group.campaign('a');
    return group;
  },
  leader: () => {
    const group = new Group({ voters: 'abc', terms: { a: 4 }, settings: { preVote: false } });
    group.campaign('a');
    group.step(voteResponse('b', 'a', 5, true));
    return group;
  },
};

/** What changes in the member, and what it sends, in words. */
function effect(group: Group, message: Message): string {
  const before = group.now('a');
  expect(before.term).toBe(5);
  group.sent = [];
  try {
    group.step(message);
  } catch (error) {
    return `ends: ${(error as Error).name}`;
  }
  const now = group.now('a');
  const words: string[] = [];
  if (now.role !== before.role) words.push(`becomes ${now.role}`);
  if (now.leader !== before.leader && now.leader !== 'a') words.push(`follows ${now.leader ?? 'nobody'}`);
  if (now.term !== before.term) words.push(`term ${now.term}`);
  if (now.vote !== before.vote) words.push(`votes for ${now.vote}`);
  if (now.lastIndex !== before.lastIndex) words.push(`log to ${now.lastIndex}`);
  if (now.committed !== before.committed) words.push(`commits ${now.committed}`);
  for (const sent of group.sent) {
    const granted = 'granted' in sent ? (sent.granted ? ' yes' : ' no') : '';
    words.push(`→${sent.to} ${sent.type}${granted}`);
  }
  for (const read of group.at('a').reads) words.push(`reads at ${read.index}`);
  for (const read of group.at('a').refusedReads) words.push(`cannot read: ${read.why}`);
  return words.join(', ') || 'nothing';
}

describe.each([
  [
    'follower, voted for nobody',
    {
      'pre-vote': '→c pre-vote-response yes',
      'pre-vote-response': 'nothing',
      vote: 'votes for c, →c vote-response yes',
      'vote-response': 'nothing',
      append: 'follows c, log to 1, →c append-response',
      'append-response': 'nothing',
      heartbeat: 'follows c, →c heartbeat-response',
      'heartbeat-response': 'nothing',
      snapshot: 'follows c, log to 7, commits 7, →c append-response',
      'timeout-now': 'becomes candidate, term 6, votes for a, →b vote, →c vote',
      read: '→c read-refusal',
      'read-response': 'nothing',
      'read-refusal': 'nothing',
    },
  ],
  [
    'follower of b',
    {
      'pre-vote': '→c pre-vote-response no',
      'pre-vote-response': 'nothing',
      vote: '→c vote-response no',
      'vote-response': 'nothing',
      append: 'follows c, log to 1, →c append-response',
      'append-response': 'nothing',
      heartbeat: 'follows c, →c heartbeat-response',
      'heartbeat-response': 'nothing',
      snapshot: 'follows c, log to 7, commits 7, →c append-response',
      'timeout-now': 'becomes candidate, follows nobody, term 6, votes for a, →b vote, →c vote',
      read: '→b read',
      // It has asked nothing; below it has.
      'read-response': 'nothing',
      'read-refusal': 'nothing',
    },
  ],
  [
    'follower of b that asked it for a read',
    {
      'read-response': 'reads at 3',
      'read-refusal': 'cannot read: too-many',
    },
  ],
  [
    'pre-candidate',
    {
      'pre-vote': '→c pre-vote-response yes',
      'pre-vote-response': 'nothing',
      vote: 'votes for c, →c vote-response yes',
      'vote-response': 'nothing',
      append: 'becomes follower, follows c, log to 1, →c append-response',
      'append-response': 'nothing',
      heartbeat: 'becomes follower, follows c, →c heartbeat-response',
      'heartbeat-response': 'nothing',
      snapshot: 'becomes follower, follows c, log to 7, commits 7, →c append-response',
      'timeout-now': 'nothing',
      read: '→c read-refusal',
      'read-response': 'nothing',
      'read-refusal': 'nothing',
    },
  ],
  [
    'candidate',
    {
      'pre-vote': '→c pre-vote-response no',
      'pre-vote-response': 'nothing',
      vote: '→c vote-response no',
      'vote-response': 'becomes leader, log to 1, →b append, →c append',
      append: 'becomes follower, follows c, log to 1, →c append-response',
      'append-response': 'nothing',
      heartbeat: 'becomes follower, follows c, →c heartbeat-response',
      'heartbeat-response': 'nothing',
      snapshot: 'becomes follower, follows c, log to 7, commits 7, →c append-response',
      'timeout-now': 'nothing',
      read: '→c read-refusal',
      'read-response': 'nothing',
      'read-refusal': 'nothing',
    },
  ],
  [
    'leader',
    {
      'pre-vote': '→c pre-vote-response no',
      'pre-vote-response': 'nothing',
      vote: '→c vote-response no',
      'vote-response': 'nothing',
      append: 'ends: ConsensusBroken',
      // Its first entry is on two of three disks: everybody hears that it is committed, but b, which is being probed.
      'append-response': 'commits 1, →c append',
      heartbeat: 'ends: ConsensusBroken',
      'heartbeat-response': '→c append',
      snapshot: 'ends: ConsensusBroken',
      'timeout-now': 'nothing',
      // It waits: nothing of this term is committed yet.
      read: 'nothing',
      'read-response': 'nothing',
      'read-refusal': 'nothing',
    },
  ],
] as const)('a %s', (role, cells) => {
  test.each(Object.entries(cells))('on a %s of its term: %s', (type, expected) => {
    const group = roles[role]?.();
    if (!group) throw new Error(`no ${role}`);
    expect(effect(group, messages[type as MessageType](5))).toBe(expected);
  });
});

test('the table has a cell for each role and each message, and this test looks at all of them', () => {
  const types = Object.keys(messages).toSorted();
  expect(Object.keys(table).toSorted()).toEqual(['candidate', 'follower', 'leader', 'pre-candidate']);
  for (const row of Object.keys(table) as RoleName[]) expect(Object.keys(table[row]).toSorted()).toEqual(types);
});
