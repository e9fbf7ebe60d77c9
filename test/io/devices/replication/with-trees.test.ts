/** One port with both kinds of streams, as every pool of a node has it: on the simulated twins. */
import { describe, expect, test } from 'vitest';
import { simBackend } from '#io/devices/replication/sim/backend.ts';
import type { ReplicationPort } from '#io/devices/replication/port.ts';
import { treeReplicationWith } from '#io/devices/replication/tree/backend.ts';
import { simTreeMeans } from '#io/devices/replication/tree/sim.ts';
import { replicationWithTrees } from '#io/devices/replication/with-trees.ts';
import type { SideUnderTest } from '#test/contracts/replication.ts';
import { replicationContract } from '#test/contracts/replication.ts';
import {
  codeOf,
  epoch,
  expectReplica,
  lineage,
  makeReplicationBench,
  move,
  patient,
  plain,
  read,
  sent,
  spec,
  wanted,
  write,
} from '#test/contracts/replication/bench.ts';
import { simSide, type MakePort } from './sim-side.ts';

type Kind = 'btrfs' | 'zfs' | 'dir';

const makeEither =
  (kind: Kind): MakePort =>
  (options) =>
    kind === 'dir'
      ? treeReplicationWith(simTreeMeans(options), options)
      : replicationWithTrees(simBackend(options), simTreeMeans(options), options);

const sideOf = (kind: Kind, seed: number): SideUnderTest => simSide(kind, seed, makeEither(kind));

/** As a node uses it whose volumes are kept on another file system. */
const byFiles = (make: MakePort): MakePort => {
  const through = (port: ReplicationPort): ReplicationPort => ({
    ...port,
    abilities: (pool, call) => port.abilities(pool, call, 'tree'),
    send: (of, what, how, call) => port.send(of, what, { ...how, format: 'tree' }, call),
    demote: (of, how, call) => port.demote(of, { ...how, format: 'tree' }, call),
  });
  return (options) => through(make(options));
};

const own = { resume: false, compressed: false, raw: false, bookmarks: false } as const;
const trees = { format: 'tree', ...own, fractions: true } as const;

describe('by the streams of zfs, between pools that take streams of files as well', () => {
  replicationContract({
    can: { format: 'zfs', resume: true, compressed: true, raw: true, bookmarks: true },
    length: 'short',
    setup: async () => ({ here: sideOf('zfs', 1), there: sideOf('zfs', 2), dispose: async () => undefined }),
  });
});

describe.each([
  ['btrfs', 'zfs'],
  ['zfs', 'dir'],
] as const)('file by file from %s to %s, between pools with streams of their own', (from, to) => {
  const side = (kind: Kind, seed: number) => simSide(kind, seed, byFiles(makeEither(kind)));
  replicationContract({
    can: trees,
    length: 'short',
    setup: async () => ({ here: side(from, 1), there: side(to, 2), dispose: async () => undefined }),
  });
});

const file = { ...plain, format: 'tree' } as const;

/** A volume here that was sent file by file, and there is what it came to. */
async function byFile() {
  const bench = makeReplicationBench(trees);
  bench.open({ here: sideOf('zfs', 1), there: sideOf('zfs', 2), dispose: async () => undefined });
  const { of, into } = await bench.made('one');
  const one = await bench.here.volumes.snapshot(of, 'one', patient());
  const carry = async (what: Parameters<typeof wanted>[0]) =>
    bench.there.replication.receive(
      into,
      wanted(what, 'tree'),
      (await sent(bench.here, of, what, file)).bytes,
      patient(),
    );
  await carry({ to: one });
  await write(bench.here, of, 'two');
  const two = await bench.here.volumes.snapshot(of, 'two', patient());
  return { ...bench, here: bench.here, there: bench.there, of, into, one, two, carry };
}

test('a replica goes on in the format that it began with, and in no other', async () => {
  const { here, there, of, into, one, two, carry } = await byFile();
  expect(await there.replication.bases(into, patient())).toMatchObject({ role: 'replica', format: 'tree' });
  expect(await codeOf(move(here, there, of, into, { from: one, to: two }))).toBe('UNSUPPORTED');
  await expectReplica(there, into, ['one']);
  await carry({ from: one, to: two });

  const other = { ...into, name: 'native' };
  await move(here, there, of, other, { to: one });
  expect(await there.replication.bases(other, patient())).toMatchObject({ role: 'replica', format: 'zfs' });
  const { bytes } = await sent(here, of, { from: one, to: two }, file);
  const late = there.replication.receive(other, wanted({ from: one, to: two }, 'tree'), bytes, patient());
  expect(await codeOf(late)).toBe('UNSUPPORTED');
  await expectReplica(there, other, ['one']);
  expect(await there.replication.replicas(there.pool, patient())).toEqual(['native', into.name].toSorted());
});

test('begun anew with everything, it takes the other format, and never an older epoch', async () => {
  const { here, there, of, into, one, two, carry } = await byFile();
  await there.replication.discard(into, epoch(5), patient());
  expect(await codeOf(move(here, there, of, into, { to: one }))).toBe('FENCED');
  await move(here, there, of, into, { to: one, epoch: epoch(5) });
  expect(await there.replication.bases(into, patient())).toMatchObject({ format: 'zfs', epoch: epoch(5) });
  await there.replication.discard(into, epoch(6), patient());
  expect(await codeOf(carry({ to: two }))).toBe('FENCED');
  await carry({ to: two, epoch: epoch(6) });
  expect(await there.replication.bases(into, patient())).toMatchObject({ format: 'tree', newest: two.guid });
});

test.each(['tree', 'zfs'] as const)(
  'a seal is one for both formats: what comes by %s after it is refused',
  async (by) => {
    const { here, there, of, into, one, two } = await byFile();
    const other = { ...into, name: 'nothing-yet' };
    await there.replication.seal(other, epoch(3), patient());
    const how = { ...plain, format: by };
    const stale = await sent(here, of, { to: one }, how);
    expect(await codeOf(there.replication.receive(other, wanted({ to: one }, by), stale.bytes, patient()))).toBe(
      'FENCED',
    );
    const fresh = await sent(here, of, { to: one }, how);
    await there.replication.receive(other, wanted({ to: one, epoch: epoch(3) }, by), fresh.bytes, patient());
    await there.replication.seal(other, epoch(4), patient());
    for (const late of ['tree', 'zfs'] as const) {
      const { bytes } = await sent(here, of, { from: one, to: two }, { ...plain, format: late });
      const what = wanted({ from: one, to: two, epoch: epoch(3) }, late);
      expect(await codeOf(there.replication.receive(other, what, bytes, patient()))).toBe('FENCED');
    }
  },
);

test('a volume that came file by file keeps the names of its snapshots, and goes on file by file', async () => {
  const { here, there, of, into, one, two, carry } = await byFile();
  await carry({ from: one, to: two });
  await there.replication.promote(into, epoch(2), spec, patient());
  expect(await read(there, into)).toBe('two');
  expect((await there.volumes.snapshots(into, patient())).map(({ guid }) => guid)).toEqual([one.guid, two.guid]);
  expect(await there.replication.bases(into, patient())).toMatchObject({ role: 'volume', format: 'tree' });
  expect(await codeOf(there.replication.send(into, { to: two.guid }, { ...plain, format: 'zfs' }, patient()))).toBe(
    'UNSUPPORTED',
  );

  // The one before follows it: what it has written since is set aside.
  await write(here, of, 'diverged');
  const how = { epoch: epoch(3), lineage, final: 'late', format: 'tree' } as const;
  await here.replication.demote(of, how, patient());
  expect(await here.replication.bases(of, patient())).toMatchObject({ role: 'replica', format: 'tree' });
  const parting = { epoch: epoch(3), lineage, common: two.guid, as: 'aside' };
  await here.replication.setAside(of, parting, patient());
  expect(await read(here, { ...of, name: 'aside' })).toBe('diverged');
  await write(there, into, 'three');
  const three = await there.volumes.snapshot(into, 'three', patient());
  await move(there, here, into, of, { from: two, to: three, epoch: epoch(3) });
  await here.replication.promote(of, epoch(4), spec, patient());
  expect(await read(here, of)).toBe('three');
});

test('what peers need of a volume stays needed when it becomes a replica of another format', async () => {
  const { here, of, one, two } = await byFile();
  await here.replication.protect(of, one.guid, 'peer', patient());
  await here.replication.demote(of, { epoch: epoch(2), lineage, final: 'last', format: 'tree' }, patient());
  const bases = await here.replication.bases(of, patient());
  expect(bases?.all.map(({ name, peers }) => [name, peers])).toEqual([
    ['one', ['peer']],
    ['two', []],
    ['last', []],
  ]);
  expect(await codeOf(here.replication.removeSnapshots(of, ['one'], patient()))).toBe('HELD');
  await here.replication.unprotect(of, 'peer', [], patient());
  expect(await codeOf(here.replication.removeSnapshots(of, ['one'], patient()))).toBeUndefined();
  expect((await here.replication.bases(of, patient()))?.newest).not.toBe(two.guid);
});

test('of a bookmark there are no files', async () => {
  const { here, of, one, two } = await byFile();
  await here.replication.protect(of, one.guid, 'peer', patient());
  await here.removeByForce?.(of, one.guid, 'peer');
  expect((await here.replication.bases(of, patient()))?.all[0]).toMatchObject({ kind: 'bookmark', guid: one.guid });
  expect(await codeOf(sent(here, of, { from: one, to: two }, file))).toBe('MISSING');
});

test('nobody sees what is kept file by file: neither in lists, nor by its name', async () => {
  const { there, into } = await byFile();
  expect(await there.volumes.list(there.pool, patient())).toEqual([]);
  expect(await there.volumes.inspect(into, patient())).toBeUndefined();
  expect(await codeOf(there.volumes.create(into, spec, patient()))).toBe('EXISTS');
  expect(await codeOf(there.volumes.mount(into, patient()))).toBe('MISSING');
  expect((await there.volumes.changes(there.pool, patient())).size).toBe(0);
});

test('a volume that was destroyed leaves nothing that a new replica of its name would stumble over', async () => {
  const { here, there, of, into, one } = await byFile();
  await there.replication.promote(into, epoch(2), spec, patient());
  await there.volumes.destroy(into, { scrub: false }, patient());
  await move(here, there, of, into, { to: one, epoch: epoch(2) });
  expect(await there.replication.bases(into, patient())).toMatchObject({ format: 'zfs', newest: one.guid });
});
