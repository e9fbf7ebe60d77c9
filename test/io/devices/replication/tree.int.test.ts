/** Files from one real pool to another. Between kinds of pools, all that files have, and the contract of replication: thorough. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { treeReplication } from '#io/devices/replication/tree/backend.ts';
import type { Ports } from '#test/contracts/replication.ts';
import { codeOf, epoch, expectReplica, lineage, move, patient, read, spec } from '#test/contracts/replication/bench.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { treeBetween } from './tree-under-test.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { missingForTrees } from '../tree-stream/trees.ts';
import { tempFolder } from '../volumes/dir-pool.ts';

describeReal('replication of files on threads of its own', missingForTrees(), () => {
  test('brings a volume to another pool, and what changed', async () => {
    const [here, there] = [await tempFolder(), await tempFolder()];
    try {
      const [a, b] = [here, there].map(({ volumes }) => {
        const replication = treeReplication({ volumes });
        return { replication, volumes: replication.guard(volumes) };
      }) as [Ports, Ports];
      const of = { pool: 'test', name: 'db' };
      const { path } = await a.volumes.create(of, spec, patient());
      await writeFile(join(path, 'file'), 'one');
      const one = await a.volumes.snapshot(of, 'one', patient());
      await move(a, b, of, of, { to: one });
      await writeFile(join(path, 'file'), 'two');
      const two = await a.volumes.snapshot(of, 'two', patient());
      await move(a, b, of, of, { from: one, to: two });
      await b.replication.promote(of, epoch(2), spec, patient());
      const info = await b.volumes.inspect(of, patient());
      expect(await readFile(join(info?.path ?? '', 'file'), 'utf8')).toBe('two');
    } finally {
      for (const pool of [here, there]) await pool.dispose();
    }
  });
});

describeReal('a replica of files to which somebody has written', missingBtrfs() ?? missingForTrees(), () => {
  test('refuses what comes, keeps what was written until it is set aside, and goes on after it', async () => {
    const it = await treeBetween('btrfs', 'btrfs');
    try {
      const { here, there } = it;
      const [of, into] = [here, there].map(({ pool }) => ({ pool, name: 'db' })) as [Dataset, Dataset];
      const { path } = await here.volumes.create(of, spec, patient());
      await writeFile(join(path, 'file'), 'one');
      const one = await here.volumes.snapshot(of, 'one', patient());
      await move(here, there, of, into, { to: one });
      // As root finds it: the port tells nobody.
      const home = (await there.unguarded().inspect(into, patient()))?.path ?? '';
      await writeFile(join(home, 'by hand'), 'precious');
      await writeFile(join(path, 'file'), 'two');
      const two = await here.volumes.snapshot(of, 'two', patient());
      for (let tries = 0; tries < 2; tries++) {
        expect(await codeOf(move(here, there, of, into, { from: one, to: two }))).toBe('DIVERGED');
        expect(await readFile(join(home, 'by hand'), 'utf8')).toBe('precious');
        await expectReplica(there, into, ['one']);
      }
      const how = { epoch: epoch(1), lineage, common: one.guid, as: 'aside' };
      await there.replication.setAside(into, how, patient());
      expect(await read(there, { ...into, name: 'aside' }, 'by hand')).toBe('precious');
      await move(here, there, of, into, { from: one, to: two });
      await there.replication.promote(into, epoch(2), spec, patient());
      expect(await read(there, into)).toBe('two');
      expect(await read(there, into, 'by hand')).toBeUndefined();
    } finally {
      await it.dispose();
    }
  });
});
