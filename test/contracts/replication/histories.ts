/**
 * Histories of a volume and its replica that have come apart without anybody's decision: snapshots that were made anew
 * under an old name, are gone on one side, or are ahead on the other. Cases that other replicators have met.
 */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { codeOf, epoch, expectReplica, first, lineage, move, patient, read, sent, spec, write } from './bench.ts';

export function historiesContract(bench: ReplicationBench): void {
  describe('histories that have come apart', () => {
    test('a snapshot that was made anew under the same name is another one', async () => {
      const { of, into, one, two } = await bench.replicated();
      const { here, there } = bench;
      await move(here, there, of, into, { from: one, to: two });
      await here.volumes.removeSnapshots(of, ['two'], patient());
      await write(here, of, 'two, anew');
      const anew = await here.volumes.snapshot(of, 'two', patient());
      expect(anew.guid).not.toBe(two.guid);
      expect(await codeOf(move(here, there, of, into, { from: one, to: anew }))).toBe('DIVERGED');
      expect(await codeOf(sent(here, of, { from: two, to: anew }))).toBe('MISSING');
      await expectReplica(there, into, ['one', 'two']);
      const as = `${into.name}-before`;
      await there.replication.setAside(into, { epoch: first, lineage, common: one.guid, as }, patient());
      await move(here, there, of, into, { from: one, to: anew });
      expect(await read(there, { ...into, name: as })).toBe('two');
      await there.replication.promote(into, epoch(2), spec, patient());
      expect(await read(there, into)).toBe('two, anew');
    });

    test('a base that is gone from the volume is none, and everything goes into a new replica only', async () => {
      const { of, into, one, two } = await bench.replicated();
      const { here, there } = bench;
      await here.volumes.removeSnapshots(of, ['one'], patient());
      expect(await codeOf(sent(here, of, { from: one, to: two }))).toBe('MISSING');
      expect(await codeOf(move(here, there, of, into, { to: two }))).toBe('DIVERGED');
      await expectReplica(there, into, ['one']);
      const other = { ...into, name: `${into.name}-new` };
      await move(here, there, of, other, { to: two });
      await expectReplica(there, other, ['two']);
    });

    test('a snapshot that is gone before its stream begins leaves the replica as it was; the next one arrives', async () => {
      const { of, into, one, two } = await bench.replicated();
      const { here, there } = bench;
      await here.volumes.removeSnapshots(of, ['two'], patient());
      expect(await codeOf(move(here, there, of, into, { from: one, to: two }))).toBe('MISSING');
      await expectReplica(there, into, ['one']);
      await write(here, of, 'three');
      const three = await here.volumes.snapshot(of, 'three', patient());
      await move(here, there, of, into, { from: one, to: three });
      await expectReplica(there, into, ['one', 'three']);
    });

    test('a replica that is ahead of its volume is left so, and goes back only when that is set aside', async () => {
      const { of, into, one, two } = await bench.replicated();
      const { here, there } = bench;
      await move(here, there, of, into, { from: one, to: two });
      await here.volumes.rollback(of, 'one', 'stash', patient());
      await here.volumes.removeSnapshots(of, ['two', 'stash'], patient());
      await write(here, of, 'three');
      const three = await here.volumes.snapshot(of, 'three', patient());
      expect(await codeOf(move(here, there, of, into, { from: one, to: three }))).toBe('DIVERGED');
      await expectReplica(there, into, ['one', 'two']);
      const as = `${into.name}-ahead`;
      await there.replication.setAside(into, { epoch: first, lineage, common: one.guid, as }, patient());
      await move(here, there, of, into, { from: one, to: three });
      await expectReplica(there, into, ['one', 'three']);
      expect(await read(there, { ...into, name: as })).toBe('two');
    });
  });
}
