/** Three real nodes: they agree, hold leases, and do not vote a second time. More of it in `npm run test:thorough`. */
import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import { allHave, append, eventsOf, group, leader, nodes, until, type RealNode } from './real-nodes.ts';

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
