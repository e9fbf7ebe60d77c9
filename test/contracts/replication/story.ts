/** The main roads, as one story: what every file system must prove on every day. */
import { expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import {
  codeOf,
  epoch,
  expectReplica,
  gathered,
  lineage,
  move,
  patient,
  pieces,
  read,
  sent,
  spec,
  wanted,
  write,
} from './bench.ts';

export function storyContract(bench: ReplicationBench): void {
  const { can } = bench;

  test('a replica follows whatever happens to streams, is promoted, and what diverged at its old primary is kept', async () => {
    expect(await bench.here.replication.abilities(bench.here.pool, patient())).toEqual(can);
    const { of, into, one, two } = await bench.replicated();
    await expectReplica(bench.there, into, ['one']);
    await bench.here.replication.protect(of, one.guid, 'vega', patient());
    expect(await codeOf(bench.here.volumes.removeSnapshots(of, ['one'], patient()))).toBe('HELD');

    const all = await gathered((await sent(bench.here, of, { from: one, to: two })).bytes);
    const what = wanted({ from: one, to: two }, can.format);
    const damaged = Buffer.from(all);
    const middle = Math.floor(all.length / 2);
    damaged[middle] = (damaged[middle] ?? 0) ^ 0x41;
    for (const bytes of [all.subarray(0, middle), damaged])
      expect(await codeOf(bench.there.replication.receive(into, what, pieces(bytes), patient()))).toBeDefined();
    await expectReplica(bench.there, into, ['one']);
    await bench.there.replication.receive(into, what, pieces(all), patient());
    await expectReplica(bench.there, into, ['one', 'two']);

    await bench.there.replication.seal(into, epoch(2), patient());
    await write(bench.here, of, 'loser');
    const three = await bench.here.volumes.snapshot(of, 'three', patient());
    expect(await codeOf(move(bench.here, bench.there, of, into, { from: two, to: three }))).toBe('FENCED');
    await bench.there.replication.promote(into, epoch(2), spec, patient());
    expect(await read(bench.there, into)).toBe('two');
    await write(bench.there, into, 'winner');
    const won = await bench.there.volumes.snapshot(into, 'won', patient());

    await bench.here.replication.demote(of, { epoch: epoch(2), lineage, final: 'lost' }, patient());
    const back = { from: two, to: won, epoch: epoch(2) };
    expect(await codeOf(move(bench.there, bench.here, into, of, back))).toBe('DIVERGED');
    const as = { ...of, name: `${of.name}-diverged` };
    await bench.here.replication.setAside(of, { epoch: epoch(2), lineage, common: two.guid, as: as.name }, patient());
    await move(bench.there, bench.here, into, of, back);
    await expectReplica(bench.here, of, ['one', 'two', 'won']);
    expect(await read(bench.here, as)).toBe('loser');
    await bench.here.volumes.destroy(as, { scrub: false }, patient());
    await bench.here.replication.promote(of, epoch(3), spec, patient());
    expect(await read(bench.here, of)).toBe('winner');
  });
}
