/**
 * Three real nodes: they agree, hold leases, and do not vote a second time; without their leader, with certificates that
 * have run out, read anywhere, following.
 */
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { never } from '#test/io/log/entries.ts';
import { dayMs } from '#test/io/links/small-lab.ts';
import {
  allHave,
  append,
  eventsOf,
  group,
  incarnation,
  lab,
  leader,
  nodes,
  until,
  type RealNode,
} from './real-nodes.ts';

/** Of their leases, in boot time. */
const ends = (of: readonly RealNode[]): readonly number[] => of.map(({ leases }) => leases.own.untilMs ?? 0);

test('three nodes agree on one log, and each has it after a restart', async () => {
  await group();
  await append(await leader(), 500);
  await allHave(500);
  const before = await eventsOf(nodes[0] as RealNode);
  for (const node of nodes) expect(await eventsOf(node)).toEqual(before);
  for (const node of nodes) await node.stop();
  for (const node of nodes) await node.start('open');
  await append(await leader(), 10);
  await allHave(510);
  for (const node of nodes) expect((await eventsOf(node)).slice(0, 500)).toEqual(before);
});

test('every node holds a lease, and keeps it while everything else stands still, and when the leader that granted it is gone', async () => {
  await group();
  const first = await leader();
  first.leases.open(first.status?.term ?? 0);
  await until(() => nodes.every(({ leases, log }) => leases.isSafeToStart(log.head)), 'a lease for everybody');
  await until(() => first.leases.granted?.length === 3, 'the leader telling of them');
  const term = first.status?.term;
  const endsBefore = ends(nodes);
  // The main threads of all three: longer than it takes to elect another leader, and than from one renewal to the next.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3500);
  const resumedMs = first.leases.nowMs;
  await until(() => ends(nodes).every((end, at) => end > (endsBefore[at] ?? 0)), 'longer leases');
  const sent = ends(nodes).map((end) => end - defaultLeaseSettings.leaseMs);
  expect(Math.max(...sent), 'renewed while nobody but the threads of consensus could').toBeLessThan(resumedMs);
  await append(first, 1);
  await allHave(1);
  expect(first.leads).toBe(true);
  expect(nodes.map(({ status }) => status?.term)).toEqual([term, term, term]);
  await first.stop();
  const second = await leader();
  const others = nodes.filter((node) => node !== first);
  const endsOfFirst = ends(others);
  second.leases.open(second.status?.term ?? 0);
  await until(() => ends(others).every((end, at) => end > (endsOfFirst[at] ?? 0)), 'longer leases');
  expect(others.map(({ leases }) => leases.own.state)).toEqual(['held', 'held']);
  expect(await second.leases.refuse(first.name), 'its lease may still be out').toBeGreaterThan(second.leases.nowMs);
});

test('a node whose disk was emptied refuses to start, rather than to vote a second time', async () => {
  await group();
  await append(await leader(), 20);
  const [, , wiped] = nodes as [RealNode, RealNode, RealNode];
  await wiped.stop();
  await rm(wiped.folder, { recursive: true });
  await expect(wiped.start('open')).rejects.toMatchObject({ hint: expect.any(String) });
  await append(await leader(), 10);
  await allHave(30, nodes.slice(0, 2));
});

test('the others go on without a leader that was stopped, and it catches up as soon as its certificate is good', async () => {
  await group();
  const first = await leader();
  await append(first, 50);
  await first.stop();
  const second = await leader();
  expect(second).not.toBe(first);
  await append(second, 300);
  await first.certify(200 * dayMs);
  await first.start('open');
  await until(() => lab.lines.some(({ code }) => code === 'EXPIRED'), 'its thread being refused a link');
  expect(first.log.head).toBe(50);
  await first.certify(0);
  await allHave(350);
  // It dials some, and this one is dialed by all.
  const [, , dialed] = nodes as [RealNode, RealNode, RealNode];
  await dialed.stop();
  await dialed.certify(200 * dayMs);
  await dialed.start('open');
  await append(await leader(), 20);
  expect(dialed.log.head).toBe(350);
  await dialed.certify(0);
  await allHave(370);
  expect(await eventsOf(first)).toEqual(await eventsOf(second));
});

test('a read at any node sees what was acknowledged at the leader before', async () => {
  await group();
  const head = await leader();
  for (let n = 1; n <= 10; n++) {
    await append(head, 1);
    for (const { log } of nodes) expect(await log.readIndex(never)).toBeGreaterThanOrEqual(n);
  }
});

test('a node that is in no group follows one that is, over real links, until the leader takes it in', async () => {
  const [founder, voter, beside] = nodes as [RealNode, RealNode, RealNode];
  await founder.start('found');
  await voter.start('join');
  await leader();
  const change = (what: 'add-voter' | 'add-learner', { name }: RealNode): Promise<void> => {
    const steps = [{ do: what, peer: peerOf(name, incarnation) }] as const;
    return founder.log.change({ steps, transition: 'auto' }, new Uint8Array(0), founder.status?.term ?? 0);
  };
  await change('add-learner', voter);
  await append(founder, 200);
  const quick = { settleMs: 0, hurryMs: 50, lookMs: 300 };
  await beside.start('join', quick);
  await until(() => beside.follows === voter.name, 'it following the one that does not lead');
  await append(founder, 200);
  await allHave(400);
  expect(await beside.log.readIndex(never)).toBe(400);
  await voter.stop();
  await append(founder, 50);
  await until(() => beside.follows === founder.name, 'it following the one that is left');
  await allHave(450, [founder, beside]);
  await beside.stop();
  await beside.start('open', quick);
  await until(() => beside.follows === founder.name, 'it following again');
  await change('add-learner', beside);
  await append(founder, 50);
  await until(() => beside.follows === undefined && beside.status?.leader !== undefined, 'it being a learner');
  await allHave(500, [founder, beside]);
  expect(await eventsOf(beside)).toEqual(await eventsOf(founder));
  expect(beside.status?.isSuspect).toBe(false);
});
