/** The contract of replication file by file, between simulated pools of different kinds. */
import { describe, expect, test } from 'vitest';
import { commonFormat } from '#io/devices/replication/formats.ts';
import type { StreamAbilities } from '#io/devices/replication/port.ts';
import { simTreeReplication } from '#io/devices/replication/tree/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { replicationContract } from '#test/contracts/replication.ts';
import {
  codeOf,
  epoch,
  gathered,
  move,
  patient,
  pieces,
  sent,
  spec,
  wanted,
} from '#test/contracts/replication/bench.ts';
import { selfWindingClock } from '../volumes/self-winding-clock.ts';
import { simSide } from './sim-side.ts';

const can = {
  format: 'tree',
  resume: false,
  compressed: false,
  raw: false,
  bookmarks: false,
  fractions: true,
} as const;

describe.each([
  ['btrfs', 'zfs'],
  ['zfs', 'dir'],
  ['dir', 'btrfs'],
] as const)('simulated replication of files from %s to %s', (from, to) => {
  replicationContract({
    can,
    length: 'whole',
    setup: async () => ({
      here: simSide(from, 1, simTreeReplication),
      there: simSide(to, 2, simTreeReplication),
      dispose: async () => undefined,
    }),
  });
});

test('streams of the file system are chosen where both ends understand them, either way', () => {
  const btrfs: StreamAbilities = { format: 'btrfs', resume: false, compressed: true, raw: false, bookmarks: false };
  const openZfs: StreamAbilities = { format: 'zfs', resume: true, compressed: true, raw: true, bookmarks: true };
  const older: StreamAbilities = { ...openZfs, resume: false, compressed: false, raw: false };
  const zfsFuse: StreamAbilities = { ...older, bookmarks: false };
  const all = [btrfs, openZfs, older, zfsFuse, can];
  const chosen = all.map((a) => all.map((b) => commonFormat(a, b)));
  expect(chosen).toEqual([
    ['btrfs', 'tree', 'tree', 'tree', 'tree'],
    ['tree', 'zfs', 'zfs', 'tree', 'tree'],
    ['tree', 'zfs', 'zfs', 'tree', 'tree'],
    ['tree', 'tree', 'tree', 'zfs', 'tree'],
    ['tree', 'tree', 'tree', 'tree', 'tree'],
  ]);
});

test('a replica whose snapshots somebody took away is empty, and what is left of it stays', async () => {
  const clock = selfWindingClock();
  const random = seededRandom(1);
  const pools = [{ name: 'pool', sizeBytes: 2 ** 28 }];
  const volumes = simVolumes({ clock, random, pools });
  const port = simTreeReplication({ clock, random, volumes });
  const guarded = port.guard(volumes);
  const [of, into] = ['db', 'copy'].map((name) => ({ pool: 'pool', name })) as [Dataset, Dataset];
  await guarded.create(of, spec, patient());
  volumes.write(of, 'file', 'text');
  const one = await guarded.snapshot(of, 'one', patient());
  const side = { replication: port, volumes: guarded };
  await move(side, side, of, into, { to: one });
  const dataset = volumes.inside.get('pool')?.datasets.get('copy');
  if (dataset) dataset.snapshots = [];
  expect(await port.bases(into, patient())).toMatchObject({ role: 'replica', all: [], newest: undefined });
  expect(await codeOf(guarded.create(into, spec, patient()))).toBe('EXISTS');
  expect(volumes.inside.get('pool')?.datasets.get('copy')?.tree.files.get('file')).toBe('text');
  expect(await guarded.list('pool', patient())).toEqual(['db']);
  expect(await codeOf(guarded.mount(into, patient()))).toBe('MISSING');
});

test('the dataset in which a pool remembers its replicas is nobody else’s', async () => {
  const clock = selfWindingClock();
  const random = seededRandom(1);
  const volumes = simVolumes({ clock, random, pools: [{ name: 'pool', sizeBytes: 2 ** 28 }] });
  const port = simTreeReplication({ clock, random, volumes });
  const guarded = port.guard(volumes);
  const own = { pool: 'pool', name: 'floatlab-replication' };
  await volumes.create(own, spec, patient());
  expect(await guarded.list('pool', patient())).toEqual([]);
  expect(await guarded.inspect(own, patient())).toBeUndefined();
  expect(await codeOf(guarded.create(own, spec, patient()))).toBe('INVALID');
  expect(await codeOf(guarded.destroy(own, { scrub: false }, patient()))).toBe('INVALID');
  expect(await codeOf(port.bases(own, patient()))).toBe('INVALID');
});

test.each(['btrfs', 'dir'] as const)(
  'what came of a stream that broke off is not part of the next one, on %s',
  async (driver) => {
    const clock = selfWindingClock();
    const random = seededRandom(1);
    const pools = [
      { name: 'here', sizeBytes: 2 ** 28 },
      { name: 'there', sizeBytes: 2 ** 28, driver },
    ];
    const volumes = simVolumes({ clock, random, pools });
    const port = simTreeReplication({ clock, random, volumes });
    const side = { replication: port, volumes: port.guard(volumes) };
    const [of, into] = ['here', 'there'].map((pool) => ({ pool, name: 'db' })) as [Dataset, Dataset];
    await side.volumes.create(of, spec, patient());
    volumes.write(of, 'file', 'one');
    const one = await side.volumes.snapshot(of, 'one', patient());
    await move(side, side, of, into, { to: one });
    volumes.write(of, 'stray', 'of the second snapshot alone');
    const two = await side.volumes.snapshot(of, 'two', patient());
    const all = await gathered((await sent(side, of, { from: one, to: two })).bytes);
    const cut = pieces(all.subarray(0, all.length - 1));
    expect(await codeOf(port.receive(into, wanted({ from: one, to: two }, 'tree'), cut, patient()))).toBe('TRUNCATED');
    volumes.files(of).delete('stray');
    const three = await side.volumes.snapshot(of, 'three', patient());
    await move(side, side, of, into, { from: one, to: three });
    await port.promote(into, epoch(2), spec, patient());
    expect([...volumes.files(into).keys()]).toEqual(['file']);
  },
);
