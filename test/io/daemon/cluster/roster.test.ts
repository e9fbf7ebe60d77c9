import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Roster, type KnownNode } from '#io/daemon/cluster/roster.ts';
import { Door, sha } from '#test/actors/door.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-roster-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

const told: KnownNode = {
  node: 'founder',
  name: 'founder',
  incarnation: 'disk',
  keySha256: sha('1'),
  addresses: ['192.0.2.1'],
  port: 7401,
};

test('a machine that has just joined knows whom it was told of, until it knows the lab', async () => {
  await Roster.write(dataDir, [told]);
  const roster = await Roster.open(dataDir, 'vega');
  expect(roster.admission('founder')).toMatchObject({ keySha256: sha('1') });
  expect(roster.update(new Door().lab.lab)).toBe(false);
  expect(roster.nodes).toEqual([told]);
});

test('the lab says who belongs to it: who comes is let in, who goes is not', async () => {
  const door = new Door();
  const roster = await Roster.open(dataDir, 'vega');
  door.member('vega', '7');
  door.member('altair', '8');
  expect(roster.update(door.lab.lab)).toBe(true);
  expect(roster.update(door.lab.lab)).toBe(false);
  expect(roster.admission('altair')?.keySha256).toBe(sha('8'));
  door.down('altair');
  door.lab.must('remove-node', { name: 'altair' });
  expect(roster.update(door.lab.lab)).toBe(true);
  expect(roster.admission('altair')).toBeUndefined();
});

test('consensus is at the port after the one for requests', async () => {
  await Roster.write(dataDir, [told]);
  const roster = await Roster.open(dataDir, 'vega');
  expect(roster.targets()[0]?.addresses).toEqual([{ host: '192.0.2.1', port: 7401 }]);
  expect(roster.peers()[0]?.addresses).toEqual([{ host: '192.0.2.1', port: 7402 }]);
});

test('what it knows survives a restart; a copy that cannot be read is as good as none', async () => {
  const door = new Door();
  door.member('vega', '7');
  const roster = await Roster.open(dataDir, 'vega');
  roster.update(door.lab.lab);
  await roster.settled();
  expect((await Roster.open(dataDir, 'vega')).nodes).toEqual(roster.nodes);
  await writeFile(join(dataDir, 'peers.json'), '[{');
  expect((await Roster.open(dataDir, 'vega')).nodes).toEqual([]);
});
