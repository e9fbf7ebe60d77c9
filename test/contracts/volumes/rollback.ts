/** Rolling back: the old content at the same path, and nothing of what was there is lost. */
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { identity, size } from './bench.ts';

export function rollbackContract(bench: Bench): void {
  const { patient, codeOf, made, names, write, read, readSnapshot, fits } = bench;

  describe('rollback', () => {
    test('gives the old content at the same path, and the stash holds the new one', async () => {
      const of = await made('one');
      const { path } = (await bench.volumes.inspect(of, patient())) ?? {};
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      await write(of, 'later', 'x');
      const stash = await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect(stash.name).toBe('stash');
      expect(await read(of, 'file')).toBe('one');
      expect(await read(of, 'later')).toBeUndefined();
      expect(await readSnapshot(of, 'stash', 'file')).toBe('two');
      const info = await bench.volumes.inspect(of, patient());
      expect([info?.path, info?.sizeBytes]).toEqual([path, bench.sized(size)]);
    });

    test('newer snapshots stay and are the same ones, and the stash is the newest', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      await bench.volumes.snapshot(of, 'newer', patient());
      await write(of, 'file', 'three');
      const before = (await bench.volumes.snapshots(of, patient())).map(identity);
      const stash = await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect((await bench.volumes.snapshots(of, patient())).map(identity)).toEqual([...before, identity(stash)]);
      expect(await readSnapshot(of, 'newer', 'file')).toBe('two');
      expect(await readSnapshot(of, 'stash', 'file')).toBe('three');
    });

    test('what was rolled back can be written, and the snapshot is not changed by that', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await bench.volumes.rollback(of, 'old', 'stash', patient());
      await write(of, 'file', 'changed');
      expect(await readSnapshot(of, 'old', 'file')).toBe('one');
    });

    test('what was rolled back can be snapshotted, and any of its snapshots removed', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      await bench.volumes.snapshot(of, 'newer', patient());
      await bench.volumes.rollback(of, 'old', 'stash', patient());
      await bench.volumes.snapshot(of, 'newest', patient());
      expect(await names(of)).toEqual(['old', 'newer', 'stash', 'newest']);
      await bench.volumes.removeSnapshots(of, ['old', 'stash'], patient());
      expect(await names(of)).toEqual(['newer', 'newest']);
      await bench.volumes.rollback(of, 'newer', 'stash', patient());
      await bench.volumes.removeSnapshots(of, ['newer', 'newest', 'stash'], patient());
      expect([await names(of), await read(of, 'file')]).toEqual([[], 'two']);
      await bench.volumes.destroy(of, { scrub: false }, patient());
    });

    test('the dataset keeps its size, owner and mode, not those that it had at the time of the snapshot', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      const wanted = { sizeBytes: 2 * size, owner: { uid: 999, gid: 70 }, mode: 0o770 };
      const { path } = await bench.volumes.create(of, wanted, patient());
      await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect((await bench.volumes.inspect(of, patient()))?.sizeBytes).toBe(bench.sized(2 * size));
      expect(await bench.it.ownerOf(path)).toEqual({ uid: 999, gid: 70, mode: 0o770 });
      if (bench.can.quota) expect(await fits(of, 'large', 1.5 * size)).toBe(true);
      await bench.volumes.destroy(of, { scrub: false }, patient());
    });

    test('what was written since a snapshot is told, or said to be unknown, and never zero instead', async () => {
      const of = await made('one');
      const { volumes, can } = bench;
      await volumes.snapshot(of, 'old', patient());
      const some = 512 * 1024;
      expect(await fits(of, 'large', some)).toBe(true);
      await volumes.snapshot(of, 'newer', patient());
      await bench.it.settle();
      const since = (name: string) => volumes.writtenSince(of, name, patient());
      expect(await codeOf(since('none'))).toBe('MISSING');
      if (!can.changes) return expect([await since('old'), await since('newer')]).toEqual([undefined, undefined]);
      const bytes = (await since('old')) ?? 0;
      expect(bytes).toBeGreaterThanOrEqual(some);
      expect(bytes).toBeLessThan(2 * some);
      expect(await since('newer')).toBeLessThan(some / 4);
      await volumes.rollback(of, 'old', 'stash', patient());
      await bench.it.settle();
      // The present does not go on from these any more.
      expect([await since('newer'), await since('stash')]).toEqual([undefined, undefined]);
      expect(await since('old')).toBeLessThan(some / 4);
    });

    test('there and back again', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      await bench.volumes.rollback(of, 'old', 'stash-1', patient());
      await bench.volumes.rollback(of, 'stash-1', 'stash-2', patient());
      expect(await read(of, 'file')).toBe('two');
      expect(await readSnapshot(of, 'stash-2', 'file')).toBe('one');
    });

    test('done again it answers the same and does nothing: what was written since is kept', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      const stash = await bench.volumes.rollback(of, 'old', 'stash', patient());
      await write(of, 'file', 'three');
      const again = await bench.it.reopen().rollback(of, 'old', 'stash', patient());
      expect(identity(again)).toEqual(identity(stash));
      expect(await read(of, 'file')).toBe('three');
      expect(await readSnapshot(of, 'stash', 'file')).toBe('two');
    });

    test('is refused, and changes nothing, without its snapshot or with a stash whose name is taken', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await bench.volumes.snapshot(of, 'taken', patient());
      await write(of, 'file', 'two');
      expect(await codeOf(bench.volumes.rollback(of, 'nothing', 'stash', patient()))).toBe('MISSING');
      expect(await codeOf(bench.volumes.rollback(of, 'old', 'taken', patient()))).toBe('EXISTS');
      expect(await codeOf(bench.volumes.rollback(of, 'old', 'old', patient()))).toBe('INVALID');
      expect(await read(of, 'file')).toBe('two');
      expect(await names(of)).toEqual(['old', 'taken']);
    });

    test('of an earlier rollback, after another one, is not taken for done', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await bench.volumes.rollback(of, 'old', 'stash-1', patient());
      await bench.volumes.rollback(of, 'old', 'stash-2', patient());
      expect(await codeOf(bench.volumes.rollback(of, 'old', 'stash-1', patient()))).toBe('EXISTS');
    });
  });
}
