/** Two histories of one volume: the replica goes on from what both have, and what diverged is kept. */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { codeOf, epoch, expectReplica, lineage, move, patient, read, spec, write } from './bench.ts';

export function divergenceContract(bench: ReplicationBench): void {
  describe('divergence', () => {
    /** The node there was promoted while the one here went on writing. */
    const split = async () => {
      const pair = await bench.replicated();
      const { of, into } = pair;
      await bench.there.replication.promote(into, epoch(2), spec, patient());
      await write(bench.there, into, 'winner');
      const won = await bench.there.volumes.snapshot(into, 'won', patient());
      await write(bench.here, of, 'loser');
      await bench.here.replication.demote(of, { epoch: epoch(2), lineage, final: 'lost' }, patient());
      return { ...pair, won };
    };

    test('what diverged becomes a volume of its own, and the replica follows the one that went on', async () => {
      const { of, into, one, won } = await split();
      expect(await codeOf(move(bench.there, bench.here, into, of, { from: one, to: won, epoch: epoch(2) }))).toBe(
        'DIVERGED',
      );
      await expectReplica(bench.here, of, ['one', 'two', 'lost']);
      const as = { ...of, name: `${of.name}-diverged` };
      const how = { epoch: epoch(2), lineage, common: one.guid, as: as.name };
      await bench.here.replication.setAside(of, how, patient());
      await bench.here.replication.setAside(of, how, patient());
      await expectReplica(bench.here, of, ['one']);
      await move(bench.there, bench.here, into, of, { from: one, to: won, epoch: epoch(2) });
      await expectReplica(bench.here, of, ['one', 'won']);

      const { volumes } = bench.here;
      expect(await volumes.list(bench.here.pool, patient())).toContain(as.name);
      expect(await read(bench.here, as)).toBe('loser');
      expect((await volumes.snapshots(as, patient())).map(({ name }) => name)).toEqual(['two', 'lost']);
      expect(await bench.here.readAt(await volumes.snapshotPath(as, 'two', patient()), 'file')).toBe('two');

      await bench.here.replication.promote(of, epoch(3), spec, patient());
      expect(await read(bench.here, of)).toBe('winner');
      await volumes.removeSnapshots(of, ['one'], patient());
      expect(await read(bench.here, as)).toBe('loser');
      await volumes.destroy(as, { scrub: false }, patient());
      expect(await volumes.inspect(as, patient())).toBeUndefined();
      expect(await read(bench.here, of)).toBe('winner');
    });

    test('where nothing is newer than what both have, nothing is made, and another lineage is followed', async () => {
      const { of, into, one, two } = await bench.replicated();
      const as = `${into.name}-diverged`;
      const how = { epoch: epoch(1), lineage: 'lineage-2', common: one.guid, as };
      await bench.there.replication.setAside(into, how, patient());
      expect(await bench.there.volumes.inspect({ ...into, name: as }, patient())).toBeUndefined();
      await move(bench.here, bench.there, of, into, { from: one, to: two, lineage: 'lineage-2' });
      expect(await bench.there.replication.bases(into, patient())).toMatchObject({ lineage: 'lineage-2' });
    });

    test('it is refused where it would hide something, and by who is behind', async () => {
      const { of, into, one, two } = await split();
      const { replication } = bench.here;
      const how = { epoch: epoch(2), lineage, common: one.guid, as: `${of.name}-diverged` };
      const other = await bench.made();
      expect(await codeOf(replication.setAside(of, { ...how, as: other.of.name }, patient()))).toBe('EXISTS');
      expect(await codeOf(replication.setAside(of, { ...how, epoch: epoch(1) }, patient()))).toBe('FENCED');
      const missing = two.guid.replace(/.$/, two.guid.endsWith('0') ? '1' : '0');
      expect(await codeOf(replication.setAside(of, { ...how, common: missing }, patient()))).toBe('MISSING');
      expect(await codeOf(bench.there.replication.setAside(into, { ...how, common: one.guid }, patient()))).toBe(
        'INVALID',
      );
      await expectReplica(bench.here, of, ['one', 'two', 'lost']);
    });

    test('a replica that is discarded leaves what was set aside', async () => {
      const { of, one } = await split();
      const as = { ...of, name: `${of.name}-diverged` };
      await bench.here.replication.setAside(of, { epoch: epoch(2), lineage, common: one.guid, as: as.name }, patient());
      await bench.here.replication.discard(of, epoch(2), patient());
      expect(await bench.here.replication.bases(of, patient())).toBeUndefined();
      expect(await read(bench.here, as)).toBe('loser');
      await bench.here.volumes.destroy(as, { scrub: false }, patient());
    });
  });
}
