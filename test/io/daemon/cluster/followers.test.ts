/** Nodes beyond the nine of the group: what people are told of them, by what they tell of themselves. */
import { expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { followersOf } from '#io/daemon/cluster/followers.ts';
import { tellFollowing } from '#io/daemon/cluster/tell-following.ts';
import type { FollowingRow } from '#io/contract/live.ts';
import { Door } from '#test/actors/door.ts';

function labOf(...names: readonly string[]) {
  const door = new Door();
  for (const [n, name] of names.entries()) door.member(name, String(n + 2));
  return door.lab.lab;
}
const row = (source: string | null, more: Partial<FollowingRow> = {}): FollowingRow => ({
  source,
  behind: 0,
  isFetching: false,
  ...more,
});
const nine = Array.from({ length: 8 }, (_, n) => `other${n}.one`);

test('a node that follows says whom, and how far it is behind', () => {
  const rows = [['node:vega', row('atlas', { behind: 12 })]] as const;
  const found = followersOf(['atlas.atlas-disk-1'], labOf('vega'), rows, {
    self: 'atlas',
    reachable: ['vega'],
  });
  expect(found).toEqual([
    expect.objectContaining({
      name: 'vega',
      votes: 'follower',
      follows: 'atlas',
      behind: 12,
      isReachable: true,
      isLeader: false,
      isSelf: false,
    }),
  ]);
});

test('one that has told nothing counts only where all nine places are taken; else it is about to be taken in', () => {
  const lab = labOf('vega');
  const seen = { self: 'atlas', reachable: [] };
  expect(followersOf(['atlas.atlas-disk-1'], lab, [], seen)).toEqual([]);
  const [vega] = followersOf(['atlas.atlas-disk-1', ...nine], lab, [], seen);
  expect(vega).toMatchObject({ name: 'vega', votes: 'follower', isReachable: false, behind: undefined });
  expect(vega).not.toHaveProperty('follows');
});

test('a node tells whom it follows while it does, and takes that back when it does not', () => {
  const told: unknown[] = [];
  const observed = {
    put: (_: string, key: string, of: object) => void told.push([key, of]),
    delete: (_: string, key: string) => void told.push([key]),
  };
  const nodeLog: { following: { source: string | undefined; behind: number; isFetching: boolean } | undefined } = {
    following: { source: undefined, behind: 3, isFetching: true },
  };
  let look: () => void = () => undefined;
  const clock = { ...realClock, setTimeout: (fn: () => void) => ((look = fn), {}), clearTimeout: () => undefined };
  const stop = tellFollowing({ self: 'vega', nodeLog, observed, clock });
  look();
  nodeLog.following = { source: 'atlas', behind: 0, isFetching: false };
  look();
  nodeLog.following = undefined;
  look();
  stop();
  expect(told).toEqual([
    ['node:vega', row(null, { behind: 3, isFetching: true })],
    ['node:vega', row('atlas')],
    ['node:vega'],
  ]);
});
