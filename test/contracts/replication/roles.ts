/** A replica becomes a volume, a volume a replica. */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { codeOf, epoch, expectReplica, lineage, MiB, move, patient, read, spec, write } from './bench.ts';

export function rolesContract(bench: ReplicationBench): void {
  describe('roles', () => {
    test('a promoted replica is a volume as it was asked for, with all of its snapshots', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      const { replication, volumes } = bench.there;
      expect(await codeOf(replication.promote({ ...into, name: 'nothing' }, epoch(2), spec, patient()))).toBe(
        'MISSING',
      );
      await replication.promote(
        into,
        epoch(2),
        { sizeBytes: 16 * MiB, owner: { uid: 999, gid: 70 }, mode: 0o2750 },
        patient(),
      );
      expect((await volumes.inspect(into, patient()))?.sizeBytes).toBe(bench.there.hasNoSizes ? undefined : 16 * MiB);
      expect(await read(bench.there, into)).toBe('two');
      await write(bench.there, into, 'three');
      expect(await read(bench.there, into)).toBe('three');
      expect((await volumes.snapshots(into, patient())).map(({ name }) => name)).toEqual(['one', 'two']);
      expect(await bench.there.readAt(await volumes.snapshotPath(into, 'one', patient()), 'file')).toBe('one');
      await replication.promote(into, epoch(2), spec, patient());
      expect(await read(bench.there, into)).toBe('three');
      expect(await volumes.list(bench.there.pool, patient())).toContain(into.name);
      expect(await replication.bases(into, patient())).toMatchObject({
        role: 'volume',
        newest: two.guid,
        epoch: epoch(2),
      });
      await volumes.removeSnapshots(into, ['one'], patient());
      await volumes.destroy(into, { scrub: false }, patient());
      expect(await volumes.inspect(into, patient())).toBeUndefined();
    });

    test('a demoted volume keeps all that was written, as its newest snapshot, and nobody can write any more', async () => {
      const { of } = await bench.replicated();
      const { replication, volumes } = bench.here;
      await write(bench.here, of, 'unseen');
      const how = { epoch: epoch(3), lineage, final: 'final' };
      const final = await replication.demote(of, how, patient());
      expect(final.name).toBe('final');
      await expectReplica(bench.here, of, ['one', 'two', 'final']);
      expect(await volumes.list(bench.here.pool, patient())).not.toContain(of.name);
      expect(await codeOf(volumes.create(of, spec, patient()))).toBe('EXISTS');
      expect((await replication.demote(of, how, patient())).guid).toBe(final.guid);
      expect(await codeOf(replication.demote({ ...of, name: 'nothing' }, how, patient()))).toBe('MISSING');
      await replication.promote(of, epoch(4), spec, patient());
      expect(await read(bench.here, of)).toBe('unseen');
    });

    test('a volume that an app uses, or that was adopted, is not demoted', async () => {
      const { of } = await bench.made();
      const { replication, volumes } = bench.here;
      const how = { epoch: epoch(2), lineage, final: 'final' };
      const stop = await bench.here.use((await volumes.mount(of, patient())).path);
      expect(await codeOf(replication.demote(of, how, patient()))).toBe('BUSY');
      await stop();
      expect(await read(bench.here, of)).toBe('one');
      const adopted = { ...of, name: `${of.name}-adopted` };
      await volumes.adopt(await bench.here.makeNative(), adopted, patient());
      expect(await codeOf(replication.demote(adopted, how, patient()))).toBe('INVALID');
      expect(await volumes.inspect(adopted, patient())).toBeDefined();
    });

    test('a volume is handed over and back, and nothing that was written is lost', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      await write(bench.here, of, 'late');
      const final = await bench.here.replication.demote(of, { epoch: epoch(2), lineage, final: 'handed' }, patient());
      await move(bench.here, bench.there, of, into, { from: two, to: final, epoch: epoch(2) });
      await bench.there.replication.promote(into, epoch(2), spec, patient());
      expect(await read(bench.there, into)).toBe('late');
      await write(bench.there, into, 'abroad');
      const back = await bench.there.replication.demote(into, { epoch: epoch(3), lineage, final: 'back' }, patient());
      await move(bench.there, bench.here, into, of, { from: final, to: back, epoch: epoch(3) });
      await bench.here.replication.promote(of, epoch(3), spec, patient());
      expect(await read(bench.here, of)).toBe('abroad');
      const names = (await bench.here.volumes.snapshots(of, patient())).map(({ name }) => name);
      expect(names).toEqual(['one', 'two', 'handed', 'back']);
      await expectReplica(bench.there, into, ['one', 'two', 'handed', 'back']);
    });
  });
}
