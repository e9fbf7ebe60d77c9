/** What several nodes say about the group comes to what is so, whatever one of them says. */
import { describe, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { leaderOf, newestOf, storedOf } from '#io/log/raft/following/agreed.ts';
import { Chooser } from '#io/log/raft/following/chooser.ts';
import { Lookout } from '#io/log/raft/following/lookout.ts';
import type { Sight } from '#io/log/raft/following/sight.ts';
import { standardFollowing } from '#io/log/raft/following/timing.ts';
import { nodeOf, peerOf } from '#io/log/raft/engine/peer.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

const [a, b, c, liar] = ['atlas', 'bolt', 'crane', 'liar'].map((node) => peerOf(node, 'a')) as [
  Sight['peer'],
  Sight['peer'],
  Sight['peer'],
  Sight['peer'],
];
const group = configurationOf([a, b, c]) as Sight['configuration'];

const sightOf = (peer: Sight['peer'], more: Partial<Sight> = {}): Sight => ({
  cluster: 'lab',
  generation: 1,
  peer,
  isPeer: true,
  term: 4,
  leader: a,
  configuration: group,
  committed: 100,
  last: 100,
  floor: 0,
  sealed: null,
  serves: [],
  ...more,
});
const sound = [sightOf(a), sightOf(b, { committed: 99 }), sightOf(c)];
const boast = { committed: 1e9, last: 1e9, term: 900, leader: liar };
const own = configurationOf([liar]) as Sight['configuration'];
const all = configurationOf([a, b, c, liar]) as Sight['configuration'];

describe.each([
  ['that is no peer', sightOf(liar, { ...boast, isPeer: false })],
  ['that says to be a peer, of the group as it is', sightOf(liar, boast)],
  ['that says to be the whole group', sightOf(liar, { ...boast, configuration: own })],
  ['that says to belong to the group', sightOf(liar, { ...boast, configuration: all })],
])('a node %s', (_, lie) => {
  const sights = [lie, ...sound];

  test('names nobody leader, and changes nobody who belongs to the group', () => {
    expect(leaderOf(sights)).toBe(a);
    expect(newestOf(sights)?.configuration).toEqual(group);
    expect(storedOf(sights)).toBe(100);
  });

  test('keeps nobody from being followed', async () => {
    const clock = new VirtualClock(0);
    const self = peerOf('self', 'a');
    const nodes = () => sights.map(({ peer }) => nodeOf(peer));
    const chooser = new Chooser({ self, clock, timing: standardFollowing, nodes, zoneOf: () => null });
    for (let n = 0; n < 4; n++) {
      expect(sound.map(({ peer }) => peer)).toContain(chooser.choose(sights, undefined)?.peer);
      await clock.run(6000);
    }
  });
});

test('against a node that is no peer one voter is enough', () => {
  for (const lie of [sightOf(liar, { ...boast, isPeer: false }), sightOf(liar, boast)]) {
    const sights = [lie, sightOf(a)];
    expect([leaderOf(sights), newestOf(sights)?.peer, storedOf(sights)]).toEqual([a, a, 100]);
  }
});

test('a voter that boasts does not say who belongs to the group, who leads, or how far that is', () => {
  const sights = [
    sightOf(b, { ...boast, leader: b, configuration: configurationOf([b]) as typeof group }),
    sound[0],
    sound[2],
  ];
  expect(leaderOf(sights as Sight[])).toBe(a);
  expect(newestOf(sights as Sight[])?.configuration).toEqual(group);
  expect(storedOf(sights as Sight[])).toBe(100);
});

test('of two leaders whom as many name the later one leads', () => {
  expect(leaderOf([sightOf(a), sightOf(b, { term: 5, leader: b })])).toBe(b);
  expect(leaderOf([sightOf(a, { leader: null })])).toBeUndefined();
});

test('a node that was heard first, and names itself alone, is not the only one that is asked from then on', async () => {
  const network = new Map<string, MemoryOthers>();
  const answer = (sight: Sight) =>
    new MemoryOthers(nodeOf(sight.peer), network, () => false).answer('log/sight', async () => sight);
  answer(sightOf(liar, { ...boast, configuration: own }));
  const lookout = new Lookout({
    self: peerOf('self', 'a'),
    whose: { cluster: 'lab', generation: 1 },
    neighbours: new MemoryOthers('self', network, () => false),
    clock: new VirtualClock(0),
    timing: standardFollowing,
  });
  const { signal } = new AbortController();
  await lookout.look(signal);
  expect(lookout.leader).toBe(liar);
  for (let n = 0; n < 20; n++) answer(sightOf(peerOf(`other${n}`, 'a'), { isPeer: false }));
  for (const sight of sound) answer(sight);
  for (let n = 0; n < 3; n++) await lookout.look(signal);
  expect(lookout.leader).toBe(a);
});
