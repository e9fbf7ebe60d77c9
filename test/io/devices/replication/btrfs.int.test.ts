/** The main roads on two real btrfs pools, and what only btrfs can get wrong. The whole contract is thorough. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReplicationUnderTest } from '#test/contracts/replication.ts';
import { replicationStory } from '#test/contracts/replication.ts';
import {
  makeReplicationBench,
  codeOf,
  epoch,
  expectReplica,
  gathered,
  move,
  patient,
  pieces,
  sent,
  spec,
  wanted,
} from '#test/contracts/replication/bench.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { btrfsCan, btrfsReplicationUnderTest, btrfsSide } from './btrfs-under-test.ts';

describeReal('replication on btrfs', missingBtrfs(), () => {
  replicationStory({ can: btrfsCan, setup: btrfsReplicationUnderTest });

  describe('traps', () => {
    const bench = makeReplicationBench(btrfsCan);
    let here: TempPool;
    let there: TempPool;
    beforeAll(async () => {
      [here, there] = [await tempPool(), await tempPool()];
      const it: ReplicationUnderTest = {
        here: btrfsSide(here),
        there: btrfsSide(there),
        dispose: async () => undefined,
      };
      bench.open(it);
    });
    afterAll(async () => {
      for (const pool of [here, there]) await pool?.dispose();
    });
    const replica = (name: string, ...path: string[]) => join(there.mountpoint, 'floatlab', 'replicas', name, ...path);

    test('a stream that ends between two commands, which the tool takes for a whole one, is not', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      // The end is a command of its own, without content.
      const headless = all.subarray(0, all.length - 10);
      const what = wanted({ from: one, to: two }, 'btrfs');
      expect(await codeOf(bench.there.replication.receive(into, what, pieces(headless), patient()))).toBe('TRUNCATED');
      await expectReplica(bench.there, into, ['one']);
      expect(existsSync(replica(into.name, 'snapshots', '.incoming'))).toBe(false);
    });

    test('a promoted replica has lost nothing of where it came from, and its volume is not taken for the original', async () => {
      const { into, one } = await bench.replicated();
      await bench.there.replication.promote(into, epoch(2), spec, patient());
      const home = join(there.mountpoint, 'floatlab', 'volumes', into.name);
      const shown = (path: string) => there.tool('btrfs', 'subvolume', 'show', path);
      expect(await shown(join(home, 'snapshots', 'one'))).toContain(one.guid);
      expect(await shown(join(home, 'live'))).toMatch(/Received UUID:\s+-/);
      expect(await readFile(join(home, 'live', 'file'), 'utf8')).toBe('one');
    });

    test('what was received is on the disk, under its name, when the power is cut right behind it', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      await there.restore(await there.photograph());
      expect(existsSync(replica(into.name, 'snapshots', 'two', 'file'))).toBe(true);
      await expectReplica(bench.there, into, ['one', 'two']);
    });

    test('what a daemon left half received is thrown away, and the kernel keeps what is being sent', async () => {
      const { of, into, two } = await bench.replicated();
      const garbled = replica(into.name, 'snapshots', '.incoming');
      await there.tool('btrfs', 'subvolume', 'create', garbled);
      await expectReplica(bench.there, into, ['one']);
      expect(existsSync(garbled)).toBe(false);
      const { bytes } = await sent(bench.here, of, { to: two });
      for await (const piece of bytes) {
        expect(piece.length).toBeGreaterThan(0);
        // Another port, that knows nothing of the stream.
        expect([undefined, 'BUSY']).toContain(await codeOf(here.open().removeSnapshots(of, ['two'], patient())));
      }
    });
  });
});
