/** What a node remembers of having followed, while its own member brings it on. */
import { expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { EitherChannel, type EitherParts } from '#io/log/raft/following/either.ts';
import { FollowMark } from '#io/log/raft/following/mark.ts';
import { standardFollowing } from '#io/log/raft/following/timing.ts';
import type { FromMember } from '#io/log/raft/member/protocol.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

test('how far its own member had come stays noted until the member has all that was followed, also what is not written yet', async () => {
  const clock = new VirtualClock(0);
  const [self, leader] = [peerOf('self', 'a'), peerOf('atlas', 'a')];
  const disk = new SimMachineDisk({ clock, random: seededRandom(1), latencyMs: 0 });
  const mark = await FollowMark.open(disk.directory('followed').open());
  await mark.set({ index: 10, term: 1 });
  let say: (message: FromMember) => void = () => undefined;
  const nothing = { receive: () => undefined, send: () => undefined, close: async () => undefined };
  const follower = { ...nothing, upTo: 30, isOfGroup: async () => true };
  const history = { last: 20 };
  const channel = new EitherChannel({
    self,
    member: { ...nothing, receive: (hear) => void (say = hear) },
    follower: follower as unknown as EitherParts['follower'],
    lookout: { look: async () => [] } as unknown as EitherParts['lookout'],
    mark,
    keeper: { history } as unknown as EitherParts['keeper'],
    clock,
    timing: standardFollowing,
    onBroken: (error) => expect.unreachable(String(error)),
  });
  channel.receive(() => undefined);
  say({
    t: 'status',
    status: {
      peer: self,
      term: 2,
      role: 'follower',
      leader,
      configuration: configurationOf([leader], [self]),
      lastIndex: 20,
      committed: 20,
      isSuspect: false,
      peers: [],
    },
  });
  const hasUpTo = async (index: number): Promise<void> => {
    const data = { bytes: new Uint8Array(0), sizes: new Uint32Array(0) };
    say({
      t: 'committed',
      slice: { firstIndex: index, terms: Float64Array.of(2), types: Uint8Array.of(0), data },
    });
    await clock.run(2 * standardFollowing.lookMs);
  };
  await hasUpTo(20);
  expect(mark.isSet, 'ten more are on their way to the history').toBe(true);
  history.last = 30;
  await hasUpTo(29);
  expect(mark.isSet).toBe(true);
  await hasUpTo(30);
  expect(mark.isSet).toBe(false);
  await channel.close();
});
