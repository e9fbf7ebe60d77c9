/** Datasets: made, found, listed, resized, mounted, destroyed. */
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { MiB, size, spec } from './bench.ts';

export function datasetsContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names, read, fits } = bench;

  describe('datasets', () => {
    test('a dataset has the size that was asked for, where sizes hold, and an absolute path', async () => {
      const of = unused();
      const info = await bench.volumes.create(of, spec, patient());
      expect(info.sizeBytes).toBe(bench.sized(size));
      expect(info.path).toMatch(/^\//);
      expect(info.adopted).toBeUndefined();
      expect(await bench.volumes.inspect(of, patient())).toEqual(info);
    });

    test('creating it again changes nothing but its size', async () => {
      const of = await made();
      const before = await bench.volumes.inspect(of, patient());
      const after = await bench.volumes.create(of, { sizeBytes: 2 * size }, patient());
      expect(after.path).toBe(before?.path);
      expect(after.sizeBytes).toBe(bench.sized(2 * size));
      expect(await read(of, 'file')).toBe('one');
    });

    test('its folder has the owner and the mode that were asked for, and keeps them when nobody asks for others', async () => {
      const of = unused();
      const { path } = await bench.volumes.create(
        of,
        { ...spec, owner: { uid: 999, gid: 70 }, mode: 0o2750 },
        patient(),
      );
      expect(await bench.it.ownerOf(path)).toEqual({ uid: 999, gid: 70, mode: 0o2750 });
      await bench.volumes.create(of, spec, patient());
      expect(await bench.it.ownerOf(path)).toEqual({ uid: 999, gid: 70, mode: 0o2750 });
      await bench.volumes.create(of, { ...spec, mode: 0o700 }, patient());
      expect(await bench.it.ownerOf(path)).toEqual({ uid: 999, gid: 70, mode: 0o700 });
      await bench.volumes.create(of, { ...spec, owner: { uid: 0, gid: 0 } }, patient());
      expect(await bench.it.ownerOf(path)).toEqual({ uid: 0, gid: 0, mode: 0o700 });
    });

    if (bench.can.recordSize)
      test('its record size is fixed when it is made', async () => {
        const of = unused();
        const info = await bench.volumes.create(of, { ...spec, recordSizeBytes: 16_384 }, patient());
        expect(info.recordSizeBytes).toBe(16_384);
        const again = await bench.volumes.create(of, { ...spec, recordSizeBytes: 65_536 }, patient());
        expect(again.recordSizeBytes).toBe(16_384);
      });
    else
      test('a record size has no effect: the pool has no such thing', async () => {
        const info = await bench.volumes.create(unused(), { ...spec, recordSizeBytes: 16_384 }, patient());
        expect(info.recordSizeBytes).toBeUndefined();
      });

    const [first, second = 'off'] = bench.can.compression.filter((one) => one !== 'off');
    if (first !== undefined)
      test('its compression is fixed when it is made', async () => {
        const of = unused();
        expect(await bench.volumes.create(of, { ...spec, compression: first }, patient())).toMatchObject({
          compression: first,
        });
        expect(await bench.volumes.create(of, { ...spec, compression: second }, patient())).toMatchObject({
          compression: first,
        });
      });

    const lacks = (['zstd', 'lz4', 'gzip'] as const).filter((one) => !bench.can.compression.includes(one));
    if (lacks.length > 0)
      test.each(lacks)(
        'compression with %s, which the pool does not have, is refused, and nothing is made',
        async (compression) => {
          const of = unused();
          expect(await codeOf(bench.volumes.create(of, { ...spec, compression }, patient()))).toBe('UNSUPPORTED');
          expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
        },
      );

    test('what does not exist is undefined, and has nothing to list, take, read or mount', async () => {
      const of = unused();
      const missing = [
        () => bench.volumes.snapshots(of, patient()),
        () => bench.volumes.foreignSnapshots(of, patient()),
        () => bench.volumes.snapshot(of, 's', patient()),
        () => bench.volumes.snapshotPath(of, 's', patient()),
        () => bench.volumes.rollback(of, 's', 't', patient()),
        () => bench.volumes.mount(of, patient()),
      ];
      for (const call of missing) expect(await codeOf(call())).toBe('MISSING');
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
      expect(await bench.volumes.list(bench.it.pool, patient())).not.toContain(of.name);
    });

    test('mounting what is mounted changes nothing', async () => {
      const of = await made();
      const { path } = await bench.volumes.mount(of, patient());
      expect(path).toBe((await bench.volumes.inspect(of, patient()))?.path);
      expect(await read(of, 'file')).toBe('one');
    });

    test('the list has all datasets, sorted by name', async () => {
      const [b, a] = [await made(), await made()];
      const list = await bench.volumes.list(bench.it.pool, patient());
      expect(list).toEqual(expect.arrayContaining([a.name, b.name]));
      expect(list).toEqual(list.toSorted());
    });

    test('what its files take is counted, without its snapshots', async () => {
      const of = await made();
      const usedBytes = async () => (await bench.it.reopen().inspect(of, patient()))?.usedBytes ?? 0;
      const emptyBytes = await usedBytes();
      expect(await fits(of, 'big', 4 * MiB)).toBe(true);
      await bench.volumes.snapshot(of, 's', patient());
      await bench.it.settle();
      expect(await usedBytes()).toBeGreaterThan(emptyBytes + 3 * MiB);
      expect(await fits(of, 'big', 1)).toBe(true);
      await bench.it.settle();
      expect(await usedBytes()).toBeLessThan(emptyBytes + 3 * MiB);
    });

    if (bench.can.quota) whereSizesHold();

    function whereSizesHold(): void {
      test('a quota holds: what does not fit is refused', async () => {
        const of = await made();
        expect(await fits(of, 'half', size / 2)).toBe(true);
        expect(await fits(of, 'whole', size)).toBe(false);
        await bench.volumes.destroy(of, { scrub: false }, patient());
      });

      test('a dataset that is full can be enlarged, snapshotted, rolled back and destroyed', async () => {
        const of = await made();
        await bench.volumes.snapshot(of, 'before', patient());
        expect(await fits(of, 'big', 2 * size)).toBe(false);
        await bench.volumes.snapshot(of, 'full', patient());
        await bench.volumes.rollback(of, 'before', 'stash', patient());
        expect(await read(of, 'big')).toBeUndefined();
        expect(await fits(of, 'big', 2 * size)).toBe(false);
        await bench.volumes.create(of, { sizeBytes: 2 * size }, patient());
        expect(await fits(of, 'big', size)).toBe(true);
        await bench.volumes.destroy(of, { scrub: false }, patient());
      });
    }

    test('destroying removes it with its snapshots, and only it', async () => {
      const of = await made();
      const neighbour = { ...of, name: `${of.name}-2` };
      await bench.volumes.create(neighbour, spec, patient());
      await bench.volumes.snapshot(of, 's', patient());
      await bench.volumes.destroy(of, { scrub: false }, patient());
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
      expect(await bench.volumes.list(bench.it.pool, patient())).toContain(neighbour.name);
      await bench.volumes.create(of, spec, patient());
      expect(await names(of)).toEqual([]);
      expect(await read(of, 'file')).toBeUndefined();
    });

    test('destroying what is not there is done at once', async () => {
      const of = unused();
      await bench.volumes.destroy(of, { scrub: false }, patient());
      await bench.volumes.create(of, spec, patient());
      await bench.volumes.destroy(of, { scrub: false }, patient());
      await bench.volumes.destroy(of, { scrub: false }, patient());
      expect(await bench.volumes.list(bench.it.pool, patient())).not.toContain(of.name);
    });

    test('destroying so that nothing can be read any more is done, or refused where the pool cannot', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const outcome = await codeOf(bench.volumes.destroy(of, { scrub: true }, patient()));
      expect(outcome).toBe(bench.can.scrubbedDestroy ? undefined : 'UNSUPPORTED');
      if (outcome === undefined) expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
      else expect([await read(of, 'file'), await names(of)]).toEqual(['one', ['s']]);
    });

    test('what a container has mounted can be snapshotted and cloned, but neither rolled back nor destroyed', async () => {
      const of = await made();
      const into = unused();
      await bench.volumes.snapshot(of, 's', patient());
      const { path } = await bench.volumes.mount(of, patient());
      const stop = await bench.it.use(path);
      try {
        await bench.volumes.snapshot(of, 'in-use', patient());
        await bench.volumes.clone(of, 's', into, spec, patient());
        expect(await codeOf(bench.volumes.rollback(of, 's', 'stash', patient()))).toBe('BUSY');
        expect(await codeOf(bench.volumes.destroy(of, { scrub: false }, patient()))).toBe('BUSY');
        expect([await read(of, 'file'), await names(of)]).toEqual(['one', ['s', 'in-use']]);
      } finally {
        await stop();
      }
      await bench.volumes.rollback(of, 's', 'stash', patient());
      await bench.volumes.destroy(of, { scrub: false }, patient());
      expect(await read(into, 'file')).toBe('one');
    });
  });
}
