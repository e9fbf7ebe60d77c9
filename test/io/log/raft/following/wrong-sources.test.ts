/** Sources that send what is not so: none of it is believed, and the node goes on with another one, or says why it cannot. */
import { Buffer } from 'node:buffer';
import { afterEach, expect, test } from 'vitest';
import { configurationOf } from '#events/raft/configuration.ts';
import { framesOf, packEntries, packSight, type Frame } from '#io/log/raft/following/frames.ts';
import { asks } from '#io/log/raft/following/neighbours.ts';
import { nodeOf, peerOf } from '#io/log/raft/engine/peer.ts';
import { packHead, unpackHead } from '#io/log/raft/history/head.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import type { TestMember } from '../engine/group.ts';
import { historyUpTo } from '../history/samples.ts';
import { append, appendMany, change, expectAlike, FollowedGroup } from './lab.ts';

let lab: FollowedGroup;
afterEach(() => lab.stop());

type Entries = Extract<Frame, { readonly entries: unknown }>['entries'];

/** What a source sends of entries, as `change` makes it. */
function changed(change: (entries: Entries) => Entries) {
  return async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const frame of framesOf(pieces))
      yield 'sight' in frame ? packSight(frame.sight) : packEntries(change(frame.entries));
  };
}

async function* flipped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let count = 0;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    // Behind the length, and not in the first words.
    if (++count === 3) bytes[bytes.length - 5] = (bytes[bytes.length - 5] as number) ^ 1;
    yield bytes;
  }
}

/** Its tail is as it is, and so is the hash of the segment before that. */
async function* withMadeUpSegments(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  const { manifest, tail } = unpackHead(Buffer.concat(parts));
  const [first, ...others] = manifest.segments;
  if (!first || others.length === 0) throw new Error('there are too few segments');
  yield packHead({ manifest: { ...manifest, segments: [{ ...first, sha256: 'ab'.repeat(32) }, ...others] }, tail });
}

/** One entry each. */
async function appendSingly(member: TestMember, count: number, stream: `volume:${string}` = 'volume:a'): Promise<void> {
  for (let n = 0; n < count; n++) await append(member, stream);
}

const wrong: readonly [string, (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>][] = [
  ['whose bytes change on their way', flipped],
  ['that leaves an entry out', changed((entries) => (entries.length > 2 ? entries.toSpliced(1, 1) : entries))],
  ['that sends what it sent before', changed((entries) => [...entries, ...entries.slice(-1)])],
  [
    'that sends entries of a term that has not begun',
    changed((entries) => entries.map((entry) => ({ ...entry, term: entry.term + 1000 }))),
  ],
  [
    'that changes an event',
    changed((entries) =>
      entries.map((entry) => {
        const bytes = Buffer.from(entry.bytes);
        bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
        return bytes.length > 20 ? { ...entry, bytes } : entry;
      }),
    ),
  ],
];

test.each(wrong)('a source %s is left, and the node gets what is so from another one', async (_, tampered) => {
  lab = await FollowedGroup.make(4, 1);
  const leader = await lab.group.leader();
  const [follower] = lab.followers as [TestMember];
  const source = await lab.follows(follower);
  await appendMany(leader, 60);
  await lab.have([follower], 60);
  lab.memberAt(source).others.tamper(asks.follow, tampered);
  // It comes to that source again.
  await follower.restart();
  for (let n = 0; n < 5; n++) await appendMany(leader, 30);
  await lab.have([follower], 210);
  expect(follower.broken).toBeUndefined();
  await expectAlike([leader, follower]);
});

test('a source that hangs in the middle is left', async () => {
  lab = await FollowedGroup.make(4, 1);
  const leader = await lab.group.leader();
  const [follower] = lab.followers as [TestMember];
  await appendMany(leader, 30);
  await lab.have([follower], 30);
  const source = await lab.follows(follower);
  lab.memberAt(source).others.tamper(asks.follow, async function* (pieces) {
    for await (const piece of pieces) {
      yield piece;
      break;
    }
    await new Promise(() => undefined);
  });
  await follower.restart();
  await appendMany(leader, 30);
  await lab.have([follower], 60);
  expect(await lab.follows(follower)).not.toBe(source);
});

test('a node of another generation is not followed, and nothing is taken from it', async () => {
  lab = await FollowedGroup.make(3, 0);
  const leader = await lab.group.leader();
  for (const { others, peer } of lab.peers)
    if (peer !== leader.peer) others.tamperAnswer(asks.sight, (sight) => ({ ...(sight as object), generation: 2 }));
  const follower = await lab.group.add(peerOf('other1', 'a'));
  await appendMany(leader, 30);
  await lab.have([follower], 30);
  expect(follower.follows).toBe(nodeOf(leader.peer));
});

test('a source that has another history than the group is left, when the leader says so', async () => {
  lab = await FollowedGroup.make(4, 1);
  const leader = await lab.group.leader();
  const [follower] = lab.followers as [TestMember];
  await appendMany(leader, 30);
  await lab.have([follower], 30);
  const source = await lab.follows(follower);
  lab.memberAt(source).others.tamper(asks.follow, () => {
    throw Object.assign(new Error('another history'), { code: 'UNLIKE' });
  });
  await follower.restart();
  await appendMany(leader, 30);
  await lab.have([follower], 60);
  expect(await lab.follows(follower)).not.toBe(source);
  expect(follower.notes).toContain(
    'a node is not followed for a while: it has, or sends, something else than the group',
  );
  expect(follower.broken).toBeUndefined();
});

test('a source that makes up a whole entry is found out by the next sealed segment, and the node ends', async () => {
  lab = await FollowedGroup.make(4, 0);
  const leader = await lab.group.leader();
  await leader.log.append(entryFor(['volume:a'], { text: 'true' }), never);
  for (const { others } of lab.peers)
    others.tamper(
      asks.follow,
      changed((entries) => entries.map((entry) => ({ ...entry, term: entry.index === 2 ? 1 : entry.term }))),
    );
  const follower = await lab.group.add(peerOf('other1', 'a'));
  await appendSingly(leader, 60);
  const broken = await lab.group.until(() => follower.broken, 'the node ending');
  expect(String(broken)).toMatch(/another entry than the group|gave up/);
});

test.each([
  ['other events', 70, 100, 'volume:b'],
  ['as many events, that only look alike', 20, 30, 'volume:a'],
] as const)('a node whose group went on with %s says so, and takes nothing', async (_, had, has, stream) => {
  lab = await FollowedGroup.make(3, 1);
  const [follower] = lab.followers as [TestMember];
  await appendSingly(await lab.group.leader(), had);
  await lab.have([follower], had);
  await follower.stop();
  const peers = lab.peers.map(({ peer }) => peer);
  await Promise.all(lab.peers.map((member) => member.stop()));
  // What they said last is not for those who take their names.
  await new Promise((resolve) => setImmediate(resolve));
  for (const peer of peers) await lab.group.add(peer, configurationOf(peers));
  const leader = await lab.group.leader();
  await appendSingly(leader, has, stream);
  await follower.start();
  const broken = await lab.group.until(() => follower.broken, 'the node ending');
  expect(String(broken)).toMatch(/another entry than the group|gave up/);
  expect(follower.log.head).toBe(had);
});

test('a node whose group went on with other events, and takes it in at once, does not stay in it', async () => {
  lab = await FollowedGroup.make(3, 1);
  const [follower] = lab.followers as [TestMember];
  await appendSingly(await lab.group.leader(), 30);
  await lab.have([follower], 30);
  await follower.stop();
  const peers = lab.peers.map(({ peer }) => peer);
  await Promise.all(lab.peers.map((member) => member.stop()));
  await new Promise((resolve) => setImmediate(resolve));
  for (const peer of peers) await lab.group.add(peer, configurationOf(peers));
  const leader = await lab.group.leader();
  // Fewer than the node has: it follows nobody, and is not told why.
  await appendSingly(leader, 10, 'volume:b');
  await follower.start();
  await change(leader, 'add-learner', follower.peer);
  await appendSingly(leader, 40, 'volume:b').catch(() => undefined);
  const broken = await lab.group.until(() => follower.broken, 'the node ending');
  expect(String(broken)).toMatch(/another entry than the group|gave up/);
});

test('one that is far behind does not take a history that the leader does not know', async () => {
  lab = await FollowedGroup.make(4, 0, { following: { maxStreamed: 60 } }, 500);
  const leader = await lab.group.leader();
  // Whole in itself, and longer, but another one.
  const { keeper } = leader.opened;
  const disk = lab.memberAt('node1').disk.directory('another');
  const another = await historyUpTo(disk.open(), keeper.history.last + 5);
  const heads = [Buffer.from('not a history'), packHead(await another.at(keeper.history.last))];
  const liars = lab.peers.filter(({ peer }) => peer !== leader.peer).slice(0, 2);
  for (const [n, { others }] of liars.entries())
    others.tamper(asks.head, async function* () {
      yield heads[n] as Uint8Array;
    });
  const follower = await lab.group.add(peerOf('other1', 'a'));
  await lab.have([follower], 500);
  await expectAlike([leader, follower]);
});

const ofAnotherVersion = changed((entries) =>
  entries.map((entry) => ({ ...entry, bytes: Buffer.concat([Buffer.of(200), entry.bytes.subarray(1)]) })),
);

test('a source that alone sends what this version does not know is left for another one', async () => {
  lab = await FollowedGroup.make(4, 1);
  const leader = await lab.group.leader();
  const [follower] = lab.followers as [TestMember];
  const source = await lab.follows(follower);
  lab.memberAt(source).others.tamper(asks.follow, ofAnotherVersion);
  await follower.restart();
  await appendMany(leader, 30);
  await lab.have([follower], 30);
  expect(await lab.follows(follower)).not.toBe(source);
  expect(follower.broken).toBeUndefined();
});

test.each([1, 3])('a node ends when each of %i sources sends what its version does not know', async (peers) => {
  lab = await FollowedGroup.make(peers, 0, { following: { avoidMs: 300 } });
  const leader = await lab.group.leader();
  for (const { others } of lab.peers) others.tamper(asks.follow, ofAnotherVersion);
  const follower = await lab.group.add(peerOf('other1', 'a'));
  await appendMany(leader, 30);
  expect(await lab.group.until(() => follower.broken, 'the node ending')).toMatchObject({ code: 'TOO_NEW' });
});

test('one that is far behind does not take a history whose earlier segments nobody has', async () => {
  lab = await FollowedGroup.make(4, 0, { following: { maxStreamed: 60 } }, 500);
  const leader = await lab.group.leader();
  for (const { peer, others } of lab.peers) if (peer !== leader.peer) others.tamper(asks.head, withMadeUpSegments);
  const follower = await lab.group.add(peerOf('other1', 'a'));
  await lab.have([follower], 500);
  await lab.group.until(() => follower.opened.keeper.history.missing().length === 0, 'all segments being here');
  await expectAlike([leader, follower]);
});
