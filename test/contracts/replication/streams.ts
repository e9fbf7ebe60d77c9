/** Streams that come whole, and streams that do not. */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { resumeContract } from './resume.ts';
import {
  briefly,
  codeOf,
  expectReplica,
  first,
  gathered,
  lineage,
  move,
  patient,
  pieces,
  read,
  sent,
  spec,
  stuck,
  wanted,
} from './bench.ts';

export function streamsContract(bench: ReplicationBench, length: 'whole' | 'short'): void {
  const { can } = bench;

  describe('streams', () => {
    test('the pool says what its streams can', async () => {
      expect(await bench.here.replication.abilities(bench.here.pool, patient())).toEqual(can);
    });

    test('a replica begins with a stream of everything, follows by what changed, and is no volume', async () => {
      const { of, into, one, two } = await bench.replicated();
      await expectReplica(bench.there, into, ['one']);
      const { bytes, format } = await sent(bench.here, of, { from: one, to: two });
      const got = await bench.there.replication.receive(into, wanted({ from: one, to: two }, format), bytes, patient());
      expect([got.name, got.guid]).toEqual(['two', two.guid]);
      await expectReplica(bench.there, into, ['one', 'two']);
      expect(await bench.there.volumes.list(bench.there.pool, patient())).not.toContain(into.name);
      expect(await bench.there.replication.replicas(bench.there.pool, patient())).toContain(into.name);
      await bench.there.replication.promote(into, first, spec, patient());
      expect(await read(bench.there, into)).toBe('two');
      expect((await bench.there.volumes.snapshots(into, patient())).map(({ guid }) => guid)).toEqual([
        one.guid,
        two.guid,
      ]);
    });

    test('what a stream can be based on is told in the order of creation, with the guids of the volume', async () => {
      const { of, one, two } = await bench.replicated();
      const bases = await bench.here.replication.bases(of, patient());
      expect(bases).toMatchObject({ role: 'volume', newest: two.guid });
      expect(bases?.all.map(({ guid }) => guid)).toEqual([one.guid, two.guid]);
      expect(await bench.here.replication.bases({ ...of, name: 'nothing' }, patient())).toBeUndefined();
    });

    test('a stream that has come already is not read again', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      let isRead = false;
      const bytes = (async function* () {
        isRead = true;
        yield new Uint8Array(1);
      })();
      for (const what of [{ from: one, to: two }, { to: one }]) {
        const got = await bench.there.replication.receive(into, wanted(what, can.format), bytes, patient());
        expect(got.guid).toBe(what.to.guid);
      }
      expect(isRead).toBe(false);
    });

    test('a replica can send on what it has', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      const next = { ...of, name: `${of.name}-third` };
      await move(bench.there, bench.here, into, next, { to: one });
      await move(bench.there, bench.here, into, next, { from: one, to: two });
      await expectReplica(bench.here, next, ['one', 'two']);
    });

    test('a stream of what is compressed on the disk makes the same replica', async () => {
      if (!can.compressed) return;
      const { of, into, one, two } = await bench.replicated();
      const how = { compressed: true, raw: false };
      const { bytes, format } = await sent(bench.here, of, { from: one, to: two }, how);
      await bench.there.replication.receive(into, wanted({ from: one, to: two }, format), bytes, patient());
      await bench.there.replication.promote(into, first, spec, patient());
      expect(await read(bench.there, into)).toBe('two');
    });

    test('a reader that leaves ends the sender', async () => {
      const { of, two } = await bench.replicated();
      const { bytes } = await sent(bench.here, of, { to: two });
      for await (const piece of bytes) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      await bench.here.volumes.removeSnapshots(of, ['two'], patient());
      expect(await bench.here.replication.bases(of, patient())).toMatchObject({ all: [{ name: 'one' }] });
    });
  });

  describe('streams that go wrong', () => {
    /** Where a stream of so many bytes is cut, or damaged. */
    const places = (bytes: number): readonly number[] => {
      const parts = length === 'whole' ? 24 : 4;
      return [
        ...new Set([0, 1, 20, ...Array.from({ length: parts }, (_, n) => Math.floor((bytes * n) / parts)), bytes - 1]),
      ];
    };

    test('one that is cut at any byte leaves the replica as it was, and can be sent again', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      const what = wanted({ from: one, to: two }, can.format);
      for (const at of places(all.length)) {
        const cut = bench.there.replication.receive(into, what, pieces(all.subarray(0, at)), patient());
        expect(await codeOf(cut), `cut at ${at} of ${all.length}`).toBe('TRUNCATED');
        await expectReplica(bench.there, into, ['one']);
      }
      await bench.there.replication.receive(into, what, pieces(all), patient());
      await expectReplica(bench.there, into, ['one', 'two']);
    });

    test('one that was damaged, mixed up or goes on behind its end is refused', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      const what = wanted({ from: one, to: two }, can.format);
      // The last bytes of the last record of zfs mean nothing.
      const damaged = places(all.length).filter((at) => at < all.length - 1);
      const broken: Buffer[] = damaged.map((at) => {
        const copy = Buffer.from(all);
        copy[at] = (copy[at] ?? 0) ^ 0x41;
        return copy;
      });
      const third = Math.floor(all.length / 3);
      broken.push(Buffer.concat([all.subarray(0, third), all.subarray(2 * third), all.subarray(third, 2 * third)]));
      broken.push(Buffer.concat([all.subarray(0, third), all.subarray(2 * third)]));
      if (can.format !== 'zfs') broken.push(Buffer.concat([all, all]));
      for (const [n, bytes] of broken.entries()) {
        const code = await codeOf(bench.there.replication.receive(into, what, pieces(bytes), patient()));
        expect(code, `the ${n}th way`).toBeDefined();
        await expectReplica(bench.there, into, ['one']);
      }
      await bench.there.replication.receive(into, what, pieces(all), patient());
      await bench.there.replication.promote(into, first, spec, patient());
      expect(await read(bench.there, into)).toBe('two');
    });

    test('one that fails at its sender fails with the words of the sender', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      const bytes = (async function* () {
        yield all.subarray(0, all.length - 10);
        throw new Error('the cable was pulled');
      })();
      const refusal = bench.there.replication.receive(
        into,
        wanted({ from: one, to: two }, can.format),
        bytes,
        patient(),
      );
      await expect(refusal).rejects.toThrow('the cable was pulled');
      await expectReplica(bench.there, into, ['one']);
    });

    test('one that falls silent, or is cancelled, ends, and leaves the replica as it was', async () => {
      const { of, into, one, two } = await bench.replicated();
      const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
      const what = wanted({ from: one, to: two }, can.format);
      const half = all.subarray(0, all.length / 2);
      const silent = bench.there.replication.receive(
        into,
        what,
        stuck(half),
        briefly(can.format === 'zfs' ? 3000 : 1500),
      );
      expect(await codeOf(silent)).toBe('TIMED_OUT');
      await expectReplica(bench.there, into, ['one']);
      const stop = new AbortController();
      const going = bench.there.replication.receive(
        into,
        what,
        stuck(half, () => stop.abort()),
        briefly(30_000, stop.signal),
      );
      expect(await codeOf(going)).toBe('ABORTED');
      await expectReplica(bench.there, into, ['one']);
      await bench.there.replication.receive(into, what, pieces(all), patient());
      await expectReplica(bench.there, into, ['one', 'two']);
    });

    resumeContract(bench);

    test('a half-received state can be given up', async () => {
      const { of, into } = await bench.made('x'.repeat(100_000));
      const to = await bench.here.volumes.snapshot(of, 'one', patient());
      const all = await gathered((await sent(bench.here, of, { to })).bytes);
      const cut = pieces(all.subarray(0, all.length - 100), 20_000);
      await codeOf(bench.there.replication.receive(into, wanted({ to, lineage }, can.format), cut, patient()));
      await bench.there.replication.abandon(into, patient());
      expect(await bench.there.replication.bases(into, patient())).toBeUndefined();
    });
  });
}
