/** More of three real nodes: without their leader, with certificates that have run out, read anywhere, following. */
import { expect, test } from 'vitest';
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
