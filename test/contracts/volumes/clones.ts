/** Clones: datasets that begin with the content of a snapshot and owe it nothing from then on. */
import { describe, expect, test } from 'vitest';
import type { Dataset } from '#io/devices/volumes/port.ts';
import type { Bench } from './bench.ts';
import { size, spec } from './bench.ts';

export function clonesContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names, write, read, readSnapshot, fits } = bench;

  /** A dataset whose snapshot `s` says "one" and which itself says "two", and a clone of `s`. */
  const cloned = async (): Promise<{ from: Dataset; into: Dataset }> => {
    const from = await made('one');
    await bench.volumes.snapshot(from, 's', patient());
    await write(from, 'file', 'two');
    const into = unused();
    await bench.volumes.clone(from, 's', into, spec, patient());
    return { from, into };
  };

  describe('a clone', () => {
    test('begins with the content of the snapshot, and is a dataset like any other', async () => {
      const { from, into } = await cloned();
      const info = await bench.volumes.inspect(into, patient());
      expect(info?.sizeBytes).toBe(bench.sized(size));
      expect(info?.path).not.toBe((await bench.volumes.inspect(from, patient()))?.path);
      expect(await bench.volumes.list(bench.it.pool, patient())).toContain(into.name);
      expect(await read(into, 'file')).toBe('one');
      await bench.volumes.snapshot(into, 'own', patient());
      await write(into, 'file', 'three');
      await bench.volumes.rollback(into, 'own', 'stash', patient());
      expect(await read(into, 'file')).toBe('one');
    });

    test('has its own size, owner and mode', async () => {
      const { from } = await cloned();
      const into = unused();
      const wanted = { sizeBytes: 2 * size, owner: { uid: 999, gid: 70 }, mode: 0o700 };
      const info = await bench.volumes.clone(from, 's', into, wanted, patient());
      expect(info.sizeBytes).toBe(bench.sized(2 * size));
      expect(await bench.it.ownerOf(info.path)).toEqual({ uid: 999, gid: 70, mode: 0o700 });
      if (bench.can.quota) expect(await fits(into, 'large', 1.5 * size)).toBe(true);
      expect((await bench.volumes.inspect(from, patient()))?.sizeBytes).toBe(bench.sized(size));
      await bench.volumes.destroy(into, { scrub: false }, patient());
    });

    test('and its parent do not see what the other one writes', async () => {
      const { from, into } = await cloned();
      await write(into, 'file', 'three');
      expect([await read(from, 'file'), await readSnapshot(from, 's', 'file')]).toEqual(['two', 'one']);
      await write(from, 'file', 'four');
      expect(await read(into, 'file')).toBe('three');
    });

    test('has no snapshots: those of its parent are not its own', async () => {
      const { from, into } = await cloned();
      expect(await names(into)).toEqual([]);
      expect(await bench.volumes.foreignSnapshots(into, patient())).toEqual([]);
      await bench.volumes.snapshot(into, 's', patient());
      await bench.volumes.removeSnapshots(into, ['s'], patient());
      expect(await names(from)).toEqual(['s']);
      expect(await readSnapshot(from, 's', 'file')).toBe('one');
    });

    test('stays when its parent goes, whose name is free then', async () => {
      const { from, into } = await cloned();
      await bench.volumes.destroy(from, { scrub: false }, patient());
      expect([await read(into, 'file'), await names(into)]).toEqual(['one', []]);
      await bench.volumes.create(from, spec, patient());
      expect([await read(from, 'file'), await names(from)]).toEqual([undefined, []]);
      await bench.volumes.snapshot(into, 's', patient());
      expect(await readSnapshot(into, 's', 'file')).toBe('one');
      await bench.volumes.destroy(into, { scrub: false }, patient());
      await bench.volumes.destroy(from, { scrub: false }, patient());
    });

    test('stays when its snapshot goes, which is gone then', async () => {
      const { from, into } = await cloned();
      await bench.volumes.removeSnapshots(from, ['s'], patient());
      expect(await names(from)).toEqual([]);
      expect([await read(into, 'file'), await read(from, 'file')]).toEqual(['one', 'two']);
      await bench.volumes.snapshot(from, 's', patient());
      expect(await readSnapshot(from, 's', 'file')).toBe('two');
      await bench.volumes.destroy(into, { scrub: false }, patient());
      await bench.volumes.destroy(from, { scrub: false }, patient());
    });

    test('goes without its parent', async () => {
      const { from, into } = await cloned();
      await bench.volumes.destroy(into, { scrub: false }, patient());
      expect([await read(from, 'file'), await readSnapshot(from, 's', 'file')]).toEqual(['two', 'one']);
      await bench.volumes.removeSnapshots(from, ['s'], patient());
      await bench.volumes.destroy(from, { scrub: false }, patient());
    });

    test('does not keep its parent from being rolled back', async () => {
      const { from, into } = await cloned();
      await bench.volumes.rollback(from, 's', 'stash', patient());
      expect([await read(from, 'file'), await read(into, 'file')]).toEqual(['one', 'one']);
      await bench.volumes.removeSnapshots(from, ['s', 'stash'], patient());
      await bench.volumes.destroy(from, { scrub: false }, patient());
      expect(await read(into, 'file')).toBe('one');
    });

    test('made again stays what it has become, and has the size that is asked for by then', async () => {
      const { from, into } = await cloned();
      await write(into, 'file', 'three');
      const again = { sizeBytes: 2 * size };
      expect((await bench.volumes.clone(from, 's', into, again, patient())).sizeBytes).toBe(bench.sized(2 * size));
      expect(await read(into, 'file')).toBe('three');
      await bench.volumes.destroy(from, { scrub: false }, patient());
      await bench.it.reopen().clone(from, 's', into, again, patient());
      expect(await read(into, 'file')).toBe('three');
    });

    test('of a snapshot, of a dataset that is not there is refused, and nothing is made', async () => {
      const [from, into] = [await made(), unused()];
      expect(await codeOf(bench.volumes.clone(from, 'nothing', into, spec, patient()))).toBe('MISSING');
      expect(await codeOf(bench.volumes.clone(unused(), 's', into, spec, patient()))).toBe('MISSING');
      await bench.volumes.snapshot(from, 's', patient());
      const elsewhere = { pool: 'elsewhere', name: into.name };
      expect(await codeOf(bench.volumes.clone(from, 's', elsewhere, spec, patient()))).toBe('INVALID');
      expect(await bench.volumes.inspect(into, patient())).toBeUndefined();
    });
  });
}
