/** Nodes beside the consensus group, in words. */
import { expect, test } from 'vitest';
import { followingWords, memberWords } from '#ui/web/format/cluster.ts';

const member = {
  node: 'n1',
  name: 'lyra',
  incarnation: 'one',
  isLeader: false,
  isSelf: false,
  isReachable: true,
  behind: 0,
  isFetching: false,
} as const;

test('a node beside the group says whom it follows', () => {
  expect(memberWords({ ...member, votes: 'follower', follows: 'vega' })).toBe('follows vega');
  expect(memberWords({ ...member, votes: 'follower' })).toBe('follows nobody');
  expect(memberWords({ ...member, votes: 'learner' })).toBe('learner');
  expect(memberWords({ ...member, votes: 'voter', isLeader: true })).toBe('leader');
});

test('and how far it is behind, where it is', () => {
  const row = { source: 'x', behind: 0, isFetching: false };
  expect(followingWords(row, 'vega')).toBe('follows vega');
  expect(followingWords({ ...row, behind: 1 }, 'vega')).toBe('follows vega, 1 entry behind');
  expect(followingWords({ ...row, behind: 1200 }, 'vega')).toBe('follows vega, 1,200 entries behind');
  expect(followingWords({ ...row, behind: 90_000, isFetching: true }, 'vega')).toBe('follows vega, fetches history');
  expect(followingWords(row, undefined)).toBe('follows nobody');
});
