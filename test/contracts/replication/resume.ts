/** Streams that go on where they were cut, and bases that are gone: where the file system has both. */
import { expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import {
  codeOf,
  expectReplica,
  fill,
  first,
  gathered,
  move,
  patient,
  pieces,
  plain,
  read,
  sent,
  spec,
  wanted,
} from './bench.ts';

export function resumeContract(bench: ReplicationBench): void {
  const { can } = bench;

  if (can.resume)
    test('one that was cut goes on where it ended', async () => {
      const { of, into } = await bench.made();
      for (let n = 0; n < 8; n++) await fill(bench.here, of, `big-${n}`, 300_000);
      const to = await bench.here.volumes.snapshot(of, 'one', patient());
      const all = await gathered((await sent(bench.here, of, { to })).bytes);
      const what = wanted({ to }, can.format);
      const cut = pieces(all.subarray(0, Math.floor(all.length * 0.8)), 20_000);
      expect(await codeOf(bench.there.replication.receive(into, what, cut, patient()))).toBe('TRUNCATED');
      const half = await bench.there.replication.bases(into, patient());
      expect(half).toMatchObject({ newest: undefined, all: [], resume: { to: { guid: to.guid } } });
      const resume = half?.resume?.token ?? '';
      const rest = await bench.here.replication.send(of, { resume }, plain, patient());
      const bytes = await gathered(rest.bytes);
      expect(bytes.length).toBeLessThan(all.length * 0.7);
      await bench.there.replication.receive(into, what, pieces(bytes), patient());
      await bench.there.replication.promote(into, first, spec, patient());
      expect(await read(bench.there, into)).toBe('one');
      expect((await bench.there.replication.bases(into, patient()))?.resume).toBeUndefined();
    });

  if (can.resume)
    test('a token is dead once the snapshot that it stands for is gone, and a new stream can begin', async () => {
      const { of, into } = await bench.made();
      for (let n = 0; n < 3; n++) await fill(bench.here, of, `big-${n}`, 300_000);
      const to = await bench.here.volumes.snapshot(of, 'one', patient());
      const all = await gathered((await sent(bench.here, of, { to })).bytes);
      const cut = pieces(all.subarray(0, Math.floor(all.length * 0.8)), 20_000);
      await codeOf(bench.there.replication.receive(into, wanted({ to }, can.format), cut, patient()));
      const resume = (await bench.there.replication.bases(into, patient()))?.resume?.token ?? '';
      await bench.here.volumes.removeSnapshots(of, ['one'], patient());
      const sending = async () => gathered((await bench.here.replication.send(of, { resume }, plain, patient())).bytes);
      expect(await codeOf(sending())).toBe('TOKEN_DEAD');
      expect(await codeOf(bench.here.replication.send(of, { resume: '--help' }, plain, patient()))).toBe('INVALID');
      const two = await bench.here.volumes.snapshot(of, 'two', patient());
      await move(bench.here, bench.there, of, into, { to: two });
      await expectReplica(bench.there, into, ['two']);
    });
}
