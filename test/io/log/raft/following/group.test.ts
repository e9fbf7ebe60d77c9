/** Nodes beside the consensus group, which follow its peers: what they have, and what happens when some of them fail. */
import { afterEach, expect, test } from 'vitest';
import { nodeOf, peerOf } from '#io/log/raft/engine/peer.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import type { GroupOptions, TestMember } from '../engine/group.ts';
import { append, appendMany, change, expectAlike, FollowedGroup } from './lab.ts';

let lab: FollowedGroup;
afterEach(() => lab.stop());

async function labOf(peers: number, followers: number, options: GroupOptions = {}, before = 0): Promise<FollowedGroup> {
  lab = await FollowedGroup.make(peers, followers, options, before);
  return lab;
}

test('a node that is in no group follows a peer, not the leader, and gets the same history byte for byte', async () => {
  const { peers, followers } = await labOf(3, 2, {}, 120);
  const leader = await lab.group.leader();
  for (const follower of followers) expect(await lab.follows(follower)).not.toBe(nodeOf(leader.peer));
  await appendMany(leader, 200);
  // What came to nothing is in the history, too.
  await leader.log.append(entryFor(['volume:0'], { expect: [['volume:0', 1]] }), never);
  await append(leader);
  await lab.have([...peers, ...followers], 321);
  await expectAlike([...peers, ...followers]);
  expect(followers[0]?.follows).not.toBe(followers[1]?.follows);
});

test('it follows a peer of its own zone, where there is one', async () => {
  await labOf(4, 0);
  const leader = await lab.group.leader();
  const near = lab.peers.findLast((peer) => peer !== leader) as TestMember;
  lab.group.zones.set('other1', 'cellar').set(nodeOf(near.peer), 'cellar');
  const follower = await lab.group.add(peerOf('other1', 'a'));
  expect(await lab.follows(follower)).toBe(nodeOf(near.peer));
});

test('it knows who leads and who belongs to the group, and appends nothing itself', async () => {
  const { followers } = await labOf(3, 1);
  const leader = await lab.group.leader();
  const [follower] = followers as [TestMember];
  await lab.group.until(() => follower.status?.leader === leader.peer, 'the follower knowing the leader');
  expect(follower.status).toMatchObject({ role: 'follower', configuration: { voters: expect.any(Array) } });
  expect(follower.status?.configuration.voters).toHaveLength(3);
  await expect(append(follower)).rejects.toMatchObject({
    code: 'NOT_LEADER',
    message: expect.stringContaining('leads'),
  });
  expect(leader.log.head).toBe(0);
});

test('a read there sees what was acknowledged before it, whoever leads', async () => {
  const { followers } = await labOf(3, 2);
  for (const follower of followers) await lab.follows(follower);
  for (let round = 0; round < 2; round++) {
    const leader = await lab.group.leader();
    for (let n = 0; n < 10; n++) {
      const answer = await append(leader);
      for (const { log } of followers)
        expect(await log.readIndex(never)).toBeGreaterThanOrEqual((answer as { index: number }).index);
    }
    if (round === 0) await leader.kill();
  }
});

test('without a majority a read there is refused in words', async () => {
  const { peers, followers } = await labOf(3, 1);
  const [follower] = followers as [TestMember];
  await lab.follows(follower);
  for (const { peer } of peers.slice(1)) await lab.group.members.get(peer)?.kill();
  await expect(follower.log.readIndex(never)).rejects.toMatchObject({ code: 'NO_QUORUM' });
});

test('when its source dies it goes on with another one, and misses nothing', async () => {
  const { peers, followers } = await labOf(5, 3);
  const leader = await lab.group.leader();
  for (const follower of followers) await lab.follows(follower);
  await appendMany(leader, 100);
  const source = lab.memberAt(await lab.follows(followers[0] as TestMember));
  await source.kill();
  await appendMany(leader, 100);
  await lab.have(followers, 200);
  for (const follower of followers) expect(await lab.follows(follower)).not.toBe(nodeOf(source.peer));
  await source.start();
  await appendMany(leader, 10);
  await lab.have([...peers, ...followers], 210);
  await expectAlike([...peers, ...followers]);
});

test('a source that is cut off from the group is left for one that goes on', async () => {
  const { peers, followers } = await labOf(5, 1);
  const leader = await lab.group.leader();
  const [follower] = followers as [TestMember];
  const source = await lab.follows(follower);
  // It still answers who follows it.
  for (const { peer } of peers) {
    lab.group.cuts.add(`${peer}>${lab.memberAt(source).peer}`);
    lab.group.cuts.add(`${lab.memberAt(source).peer}>${peer}`);
  }
  await appendMany(leader, 50);
  await lab.have([follower], 50);
  expect(await lab.follows(follower)).not.toBe(source);
});

test('a source that falls silent without a word is left', async () => {
  const { followers } = await labOf(5, 1);
  const leader = await lab.group.leader();
  const [follower] = followers as [TestMember];
  const source = await lab.follows(follower);
  lab.group.network.delete(source);
  await appendMany(leader, 50);
  await lab.have([follower], 50);
  expect(await lab.follows(follower)).not.toBe(source);
});

test('a node that is far behind fetches segments from all who have them', async () => {
  const { peers, followers } = await labOf(3, 1, { following: { maxStreamed: 20 } }, 900);
  const [follower] = followers as [TestMember];
  await lab.have([follower], 900);
  expect(follower.notes).toContain('segments of the history are fetched');
  await appendMany(await lab.group.leader(), 20);
  await lab.have([...peers, follower], 920);
  await expectAlike([...peers, follower]);
});

test('a follower that was away is brought up, and counts as having lost nothing', async () => {
  const { peers, followers } = await labOf(3, 2);
  const leader = await lab.group.leader();
  const [follower, other] = followers as [TestMember, TestMember];
  await lab.follows(follower);
  await appendMany(leader, 70);
  await lab.have([follower], 70);
  await follower.kill('power');
  await appendMany(leader, 500);
  await follower.start();
  expect(follower.findings).toEqual([]);
  await lab.have([...peers, follower, other], 570);
  await expectAlike([...peers, follower, other]);
});

test('when the leader takes it in it becomes a learner, and a voter, and its history goes on as it was', async () => {
  const { peers, followers } = await labOf(3, 1, { timing: { snapshotEntries: 40, keptEntries: 10, statusMs: 50 } });
  const leader = await lab.group.leader();
  const [follower] = followers as [TestMember];
  await lab.follows(follower);
  await appendMany(leader, 400);
  await lab.have([follower], 400);
  await change(leader, 'add-learner', follower.peer);
  await lab.group.until(() => follower.follows === undefined, 'it being a member');
  await appendMany(leader, 50);
  await change(leader, 'add-voter', follower.peer);
  await appendMany(leader, 50);
  await lab.have([...peers, follower], 500);
  await expectAlike([...peers, follower]);
  await follower.restart();
  expect(follower.findings).toEqual([]);
  leader.log.transfer(follower.peer);
  await lab.group.until(() => follower.leads, 'it leading');
  await append(follower);
});

test('a learner that has to give up its place follows from then on, and may come back', async () => {
  const { peers, followers } = await labOf(3, 1, { timing: { snapshotEntries: 40, keptEntries: 10, statusMs: 50 } });
  const leader = await lab.group.leader();
  const [node] = followers as [TestMember];
  await change(leader, 'add-learner', node.peer);
  await appendMany(leader, 100);
  await lab.have([node], 100);
  await change(leader, 'remove', node.peer);
  await appendMany(leader, 300);
  await lab.follows(node);
  await lab.have([node], 400);
  await node.restart();
  expect(node.findings).toEqual([]);
  await lab.follows(node);
  await appendMany(leader, 100);
  await lab.have([node], 500);
  await change(leader, 'add-learner', node.peer);
  await lab.group.until(() => node.follows === undefined && node.status?.leader !== undefined, 'it being a member');
  await appendMany(leader, 100);
  await lab.have([...peers, node], 600);
  await expectAlike([...peers, node]);
});

test('a voter that was removed while it was away follows, though nobody tells its member', async () => {
  const { peers } = await labOf(4, 0, { timing: { statusMs: 50 } });
  const leader = await lab.group.leader();
  const node = peers.find((peer) => peer !== leader) as TestMember;
  await node.stop();
  await change(leader, 'remove', node.peer);
  await appendMany(leader, 20);
  await node.start();
  await lab.follows(node);
  await lab.have([node], 20);
  await change(leader, 'add-learner', node.peer);
  await lab.group.until(() => node.follows === undefined && node.status?.leader !== undefined, 'it being a member');
  await appendMany(leader, 20);
  await lab.have(peers, 40);
  await expectAlike(peers);
});

test('who follows again knows again who leads, also when that is who led before', async () => {
  const following = { settleMs: 600 };
  const { followers } = await labOf(3, 1, { timing: { statusMs: 50 }, following });
  const leader = await lab.group.leader();
  const [node] = followers as [TestMember];
  const known = async (): Promise<string | undefined> => {
    for await (const { leader: led } of node.log.leadership(never)) return led;
    return undefined;
  };
  await lab.follows(node);
  await lab.group.until(() => node.status?.leader === leader.peer, 'it hearing who leads');
  expect(await known()).toBe(nodeOf(leader.peer));
  await change(leader, 'add-learner', node.peer);
  await lab.group.until(() => node.follows === undefined && node.status?.leader !== undefined, 'it being a member');
  await appendMany(leader, 10);
  await lab.have([node], 10);
  // Its mark goes at its next look; with it, it would follow again before its own member knows nobody.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await change(leader, 'remove', node.peer);
  await lab.group.until(() => node.status?.leader === undefined, 'its member hearing nobody');
  await lab.follows(node);
  await lab.group.until(() => node.status?.leader === leader.peer, 'it hearing who leads again');
  expect(await known()).toBe(nodeOf(leader.peer));
});

test('twelve nodes that follow, sources and leaders that die: nobody misses anything, and the load stays even', async () => {
  const { peers, followers } = await labOf(5, 12, { timing: { statusMs: 100 } }, 50);
  for (const follower of followers) await lab.follows(follower);
  let head = 50;
  for (let round = 0; round < 3; round++) {
    const leader = await lab.group.leader();
    const killed = round === 1 ? leader : lab.memberAt((followers[round] as TestMember).follows ?? 'node1');
    const appending = round === 1 ? undefined : appendMany(leader, 60);
    await killed.kill();
    await appending?.catch(() => undefined);
    const now = await lab.group.leader();
    await appendMany(now, 40);
    ({ head } = now.log);
    await lab.have(followers, head);
    await killed.start();
  }
  await lab.have(peers, head);
  await expectAlike([...peers, ...followers]);
  const leader = await lab.group.leader();
  const share = Math.ceil(followers.length / peers.length);
  await lab.group.until(() => {
    const loads = new Map<string, number>();
    for (const { follows: source } of followers)
      if (source !== undefined) loads.set(source, (loads.get(source) ?? 0) + 1);
    const isEven = [...loads.values()].every((load) => load <= share + 1);
    return isEven && (loads.get(nodeOf(leader.peer)) ?? 0) <= share && followers.every((one) => one.follows);
  }, 'the load being even');
});
