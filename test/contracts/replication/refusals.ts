/** Who may send what to whom: epochs, lineages, bases and names. */
import { describe, expect, test } from 'vitest';
import type { Bases } from '#io/devices/replication/port.ts';
import type { ReplicationBench } from './bench.ts';
import {
  codeOf,
  epoch,
  expectReplica,
  gathered,
  move,
  patient,
  pieces,
  plain,
  sent,
  spec,
  stuck,
  wanted,
  write,
} from './bench.ts';

export function refusalsContract(bench: ReplicationBench): void {
  const { can } = bench;

  describe('what is refused', () => {
    test('a stream on another base than the newest snapshot, and one of everything over something', async () => {
      const { of, into, one, two } = await bench.replicated();
      await write(bench.here, of, 'three');
      const three = await bench.here.volumes.snapshot(of, 'three', patient());
      expect(await codeOf(move(bench.here, bench.there, of, into, { from: two, to: three }))).toBe('DIVERGED');
      expect(await codeOf(move(bench.here, bench.there, of, into, { to: three }))).toBe('DIVERGED');
      await expectReplica(bench.there, into, ['one']);
      await move(bench.here, bench.there, of, into, { from: one, to: three });
      await expectReplica(bench.there, into, ['one', 'three']);
    });

    test('a stream with a base where no replica is: it does not land anywhere else', async () => {
      const { of, into, one, two } = await bench.replicated();
      const other = { ...into, name: `${into.name}-other` };
      expect(await codeOf(move(bench.here, bench.there, of, other, { from: one, to: two }))).toBe('MISSING');
      expect(await bench.there.replication.bases(other, patient())).toBeUndefined();
      await expectReplica(bench.there, into, ['one']);
    });

    test('a stream that is another one than was announced', async () => {
      const { of, into, one, two } = await bench.replicated();
      const whole = await gathered((await sent(bench.here, of, { to: two })).bytes);
      const what = wanted({ from: one, to: two }, can.format);
      expect(await codeOf(bench.there.replication.receive(into, what, pieces(whole), patient()))).toBe('DIVERGED');
      const stale = await gathered((await sent(bench.here, of, { to: one })).bytes);
      expect(await codeOf(bench.there.replication.receive(into, what, pieces(stale), patient()))).toBe('DIVERGED');
      await expectReplica(bench.there, into, ['one']);
      await move(bench.here, bench.there, of, into, { from: one, to: two });
    });

    test('a stream of another lineage, of another file system, or under a name that is taken', async () => {
      const { of, into, one, two } = await bench.replicated();
      const other = { from: one, to: two, lineage: 'lineage-2' };
      expect(await codeOf(move(bench.here, bench.there, of, into, other))).toBe('DIVERGED');
      const format = can.format === 'zfs' ? 'btrfs' : 'zfs';
      const foreign = bench.there.replication.receive(
        into,
        wanted({ from: one, to: two }, format),
        pieces(new Uint8Array(9)),
        patient(),
      );
      expect(await codeOf(foreign)).toBe('UNSUPPORTED');
      const named = bench.there.replication.receive(
        into,
        { ...wanted({ from: one, to: two }, can.format), to: { name: 'one', guid: two.guid } },
        (await sent(bench.here, of, { from: one, to: two })).bytes,
        patient(),
      );
      expect(await codeOf(named)).toBe('EXISTS');
      await expectReplica(bench.there, into, ['one']);
    });

    test('a stream into a volume: only one of two may write', async () => {
      const { of, into, one, two } = await bench.replicated();
      await bench.there.replication.promote(into, epoch(2), spec, patient());
      const late = { from: one, to: two, epoch: epoch(3) };
      expect(await codeOf(move(bench.here, bench.there, of, into, late))).toBe('EXISTS');
    });

    test('names and numbers that are none', async () => {
      const { of, one } = await bench.replicated();
      const { replication } = bench.here;
      const bad = { ...of, name: '../else' };
      expect(await codeOf(replication.bases(bad, patient()))).toBe('INVALID');
      expect(await codeOf(replication.protect(of, one.guid, 'a peer', patient()))).toBe('INVALID');
      expect(await codeOf(replication.protect(of, '-F', 'peer', patient()))).toBe('INVALID');
      expect(await codeOf(replication.send(of, { to: '@one' }, plain, patient()))).toBe('INVALID');
      expect(await codeOf(replication.seal(of, { generation: 1, index: -1 }, patient()))).toBe('INVALID');
      const what = wanted({ to: { ...one, name: '-one' } }, can.format);
      expect(await codeOf(replication.receive({ ...of, name: 'x' }, what, pieces(new Uint8Array(1)), patient()))).toBe(
        'INVALID',
      );
    });

    test('snapshots that are not there, or in the wrong order', async () => {
      const { of, one, two } = await bench.replicated();
      const missing = { ...one, guid: can.format === 'zfs' ? '1234567' : '00000000-0000-4000-8000-000000000000' };
      expect(await codeOf(sent(bench.here, of, { to: missing }))).toBe('MISSING');
      expect(await codeOf(sent(bench.here, of, { from: missing, to: two }))).toBe('MISSING');
      expect(await codeOf(sent(bench.here, of, { from: two, to: one }))).toBe('DIVERGED');
      expect(await codeOf(sent(bench.here, { ...of, name: 'nothing' }, { to: one }))).toBe('MISSING');
    });
  });

  describe('seals', () => {
    test('who comes with a lower epoch is refused, also after a start, and where nothing is yet', async () => {
      const { of, into, one, two } = await bench.replicated();
      const sealed = await bench.there.replication.seal(into, epoch(5), patient());
      expect(sealed).toMatchObject({ role: 'replica', newest: one.guid, epoch: epoch(5) });
      const again = bench.there.reopen();
      expect(await codeOf(move(bench.here, again, of, into, { from: one, to: two, epoch: epoch(4) }))).toBe('FENCED');
      expect(await codeOf(again.replication.seal(into, epoch(4), patient()))).toBe('FENCED');
      expect(await codeOf(again.replication.promote(into, epoch(4), spec, patient()))).toBe('FENCED');
      expect(await codeOf(again.replication.discard(into, epoch(4), patient()))).toBe('FENCED');
      await move(bench.here, again, of, into, { from: one, to: two, epoch: epoch(5) });
      // A lab that was recovered counts anew.
      expect(await codeOf(again.replication.seal(into, epoch(1, 2), patient()))).toBeUndefined();
      expect(await codeOf(again.replication.seal(into, epoch(6), patient()))).toBe('FENCED');
      const nothing = { ...into, name: `${into.name}-nothing` };
      expect(await bench.there.replication.seal(nothing, epoch(3), patient())).toBeUndefined();
      expect(await codeOf(move(bench.here, bench.there, of, nothing, { to: one }))).toBe('FENCED');
    });

    test('a seal ends the stream of the one before, and what came of it does not count', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      let isRead = (): void => undefined;
      const reading = new Promise<void>((resolve) => (isRead = resolve));
      const what = wanted({ from: one, to: two }, can.format);
      const going = codeOf(bench.there.replication.receive(into, what, stuck(all, isRead), patient()));
      await reading;
      expect(await codeOf(bench.there.replication.receive(into, what, pieces(all), patient()))).toBe('BUSY');
      expect(await bench.there.replication.seal(into, epoch(2), patient())).toMatchObject({ newest: one.guid });
      expect(await going).toBe('FENCED');
      await expectReplica(bench.there, into, ['one']);
      await move(bench.here, bench.there, of, into, { from: one, to: two, epoch: epoch(2) });
    });

    test('a seal by another daemon counts, too, for a stream that has just come whole', async () => {
      const { of, into, one, two } = await bench.replicated();
      const other = bench.there.reopen();
      let sealed: Bases | undefined;
      const late = bench.there.reopen(async (step) => {
        if (step === 'arrived') sealed = await other.replication.seal(into, epoch(2), patient());
      });
      expect(await codeOf(move(bench.here, late, of, into, { from: one, to: two }))).toBe('FENCED');
      // Whatever the seal has found, it is what stays.
      expect(sealed?.newest).toBeDefined();
      expect((await bench.there.replication.bases(into, patient()))?.newest).toBe(sealed?.newest);
    });

    test('a seal stays when the replica is discarded', async () => {
      const { of, into, one } = await bench.replicated();
      await bench.there.replication.discard(into, epoch(7), patient());
      expect(await bench.there.replication.bases(into, patient())).toBeUndefined();
      expect(await bench.there.replication.replicas(bench.there.pool, patient())).not.toContain(into.name);
      await bench.there.replication.discard(into, epoch(7), patient());
      expect(await codeOf(move(bench.here, bench.there, of, into, { to: one }))).toBe('FENCED');
      await move(bench.here, bench.there, of, into, { to: one, epoch: epoch(7) });
      await expectReplica(bench.there, into, ['one']);
    });
  });
}
