/** What a peer still needs stays. */
import { describe, expect, test } from 'vitest';
import type { ReplicationBench } from './bench.ts';
import { codeOf, expectReplica, move, patient, plain, sent, write } from './bench.ts';

export function protectionContract(bench: ReplicationBench): void {
  describe('protection', () => {
    test('what is protected for a peer is not removed, and the refusal says for whom', async () => {
      const { of, one, two } = await bench.replicated();
      const { replication, volumes } = bench.here;
      await replication.protect(of, one.guid, 'vega', patient());
      await replication.protect(of, one.guid, 'vega', patient());
      await replication.protect(of, one.guid, 'lyra', patient());
      const refusal = await volumes.removeSnapshots(of, ['one', 'two'], patient()).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'HELD', message: expect.stringContaining('vega') });
      expect((await volumes.snapshots(of, patient())).map(({ guid }) => guid)).toEqual([one.guid]);
      expect(await codeOf(volumes.destroy(of, { scrub: false }, patient()))).toBe('HELD');
      const again = bench.here.reopen();
      expect((await again.replication.bases(of, patient()))?.all).toMatchObject([{ peers: ['lyra', 'vega'] }]);
      await again.replication.unprotect(of, 'vega', [], patient());
      expect(await codeOf(again.volumes.removeSnapshots(of, ['one'], patient()))).toBe('HELD');
      await again.replication.unprotect(of, 'lyra', [], patient());
      await again.replication.unprotect(of, 'lyra', [], patient());
      await again.volumes.destroy(of, { scrub: false }, patient());
      expect(await codeOf(replication.protect(of, two.guid, 'vega', patient()))).toBe('MISSING');
    });

    test('the cursor of a peer moves on once it has confirmed', async () => {
      const { of, into, one, two } = await bench.replicated();
      const { replication, volumes } = bench.here;
      for (const { guid } of [one, two]) await replication.protect(of, guid, 'vega', patient());
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      await replication.unprotect(of, 'vega', [two.guid], patient());
      await volumes.removeSnapshots(of, ['one'], patient());
      expect(await codeOf(volumes.removeSnapshots(of, ['two'], patient()))).toBe('HELD');
      const bases = await replication.bases(of, patient());
      expect(bases?.all.filter(({ kind }) => kind === 'snapshot')).toMatchObject([{ name: 'two', peers: ['vega'] }]);
    });

    test('both ends of a stream for a peer are protected before its first byte, and a stream for nobody protects none', async () => {
      const { of, one, two } = await bench.replicated();
      const { replication, volumes } = bench.here;
      const peersOf = async () =>
        (await replication.bases(of, patient()))?.all.flatMap(({ kind, name, peers }) =>
          kind === 'snapshot' && peers.length > 0 ? [`${name} for ${peers.join(', ')}`] : [],
        );
      await (await sent(bench.here, of, { from: one, to: two })).bytes[Symbol.asyncIterator]().return?.();
      expect(await peersOf()).toEqual([]);
      await sent(bench.here, of, { from: one, to: two }, { ...plain, peer: 'vega' });
      expect(await peersOf()).toEqual(['one for vega', 'two for vega']);
      for (const name of ['one', 'two'])
        expect(await codeOf(volumes.removeSnapshots(of, [name], patient()))).toBe('HELD');
      expect(await codeOf(sent(bench.here, of, { to: two }, { ...plain, peer: 'A peer' }))).toBe('INVALID');
    });

    bookmarkContract(bench);

    test('a snapshot that is being sent is not removed meanwhile', async () => {
      const { of, two } = await bench.replicated();
      const { bytes } = await sent(bench.here, of, { to: two });
      for await (const piece of bytes) {
        expect(piece.length).toBeGreaterThan(0);
        expect(await codeOf(bench.here.volumes.removeSnapshots(of, ['two'], patient()))).toBe('BUSY');
        expect(await codeOf(bench.here.volumes.destroy(of, { scrub: false }, patient()))).toBe('BUSY');
        break;
      }
      await bench.here.volumes.removeSnapshots(of, ['two'], patient());
    });

    test('of a replica all but its content can be removed, unless a peer of its own needs it', async () => {
      const { of, into, one, two } = await bench.replicated();
      await move(bench.here, bench.there, of, into, { from: one, to: two });
      const { replication } = bench.there;
      expect(await codeOf(replication.removeSnapshots(into, ['two'], patient()))).toBe('INVALID');
      expect(await codeOf(bench.here.replication.removeSnapshots(of, ['one'], patient()))).toBe('INVALID');
      await replication.protect(into, one.guid, 'lyra', patient());
      expect(await codeOf(replication.removeSnapshots(into, ['one'], patient()))).toBe('HELD');
      expect(await codeOf(replication.discard(into, { generation: 1, index: 1 }, patient()))).toBe('HELD');
      await replication.unprotect(into, 'lyra', [], patient());
      await replication.removeSnapshots(into, ['one', 'nothing'], patient());
      await expectReplica(bench.there, into, ['two']);
    });
  });
}

export function bookmarkContract(bench: ReplicationBench): void {
  const { can } = bench;
  if (can.bookmarks)
    test('a stream can begin with the bookmark of a snapshot that somebody removed by force', async () => {
      const { of, into, one } = await bench.replicated();
      const { replication } = bench.here;
      await replication.protect(of, one.guid, 'vega', patient());
      await write(bench.here, of, 'three');
      const three = await bench.here.volumes.snapshot(of, 'three', patient());
      await bench.here.removeByForce?.(of, one.guid, 'vega');
      const bases = await replication.bases(of, patient());
      expect(bases?.all[0]).toMatchObject({ kind: 'bookmark', guid: one.guid, peers: ['vega'] });
      await move(bench.here, bench.there, of, into, { from: one, to: three });
      await expectReplica(bench.there, into, ['one', 'three']);
      await replication.unprotect(of, 'vega', [three.guid], patient());
      expect((await replication.bases(of, patient()))?.all.some(({ kind }) => kind === 'bookmark')).toBe(false);
    });
}
