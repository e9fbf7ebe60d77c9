/** Adopting what is there already, in place, and giving it back. */
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import type { Native } from '../volumes.ts';
import type { Bench } from './bench.ts';
import { size, spec } from './bench.ts';

export function adoptionContract(bench: Bench): void {
  const { patient, codeOf, unused, made, madeNative, names, write, read, readSnapshot } = bench;
  /** Its file says "native". */
  const adopted = async (): Promise<{ native: Native; of: Dataset }> => {
    const [native, of] = [await madeNative(), unused()];
    await bench.volumes.adopt(native.native, of, patient());
    return { native, of };
  };

  describe('what was adopted', () => {
    test('stays where it is, as it is, and is a dataset from now on', async () => {
      const [native, of] = [await madeNative(), unused()];
      const before = await bench.it.ownerOf(native.path);
      const info = await bench.volumes.adopt(native.native, of, patient());
      expect(info).toMatchObject({ path: native.path, adopted: native.native });
      expect(info.usedBytes).toBeGreaterThanOrEqual(0);
      expect(await bench.it.reopen().inspect(of, patient())).toMatchObject({
        path: native.path,
        adopted: native.native,
      });
      expect(await bench.it.readAt(native.path, 'file')).toBe('native');
      expect(await bench.it.ownerOf(native.path)).toEqual(before);
      expect(await bench.volumes.list(bench.it.pool, patient())).toContain(of.name);
      expect(await names(of)).toEqual([]);
      await bench.volumes.release(of, patient());
    });

    test('adopting it again is done already', async () => {
      const { native, of } = await adopted();
      await bench.volumes.snapshot(of, 's', patient());
      await write(of, 'file', 'two');
      expect(await bench.it.reopen().adopt(native.native, of, patient())).toMatchObject({ path: native.path });
      expect([await read(of, 'file'), await names(of)]).toEqual(['two', ['s']]);
      await bench.volumes.release(of, patient());
    });

    test('can be snapshotted, rolled back in place, cloned and given a size', async () => {
      const { native, of } = await adopted();
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      const into = unused();
      await bench.volumes.clone(of, 'old', into, spec, patient());
      await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect(await bench.it.readAt(native.path, 'file')).toBe('native');
      expect(await readSnapshot(of, 'stash', 'file')).toBe('two');
      expect(await names(of)).toEqual(['old', 'stash']);
      expect(await bench.volumes.create(of, spec, patient())).toMatchObject({
        path: native.path,
        adopted: native.native,
      });
      expect((await bench.volumes.inspect(of, patient()))?.sizeBytes).toBe(bench.sized(size));
      await bench.volumes.release(of, patient());
      expect(await bench.it.readAt(native.path, 'file')).toBe('native');
      expect(await read(into, 'file')).toBe('native');
    });

    test('belongs to one volume only, and a volume has one dataset only', async () => {
      const { native, of } = await adopted();
      expect(await codeOf(bench.volumes.adopt(native.native, unused(), patient()))).toBe('EXISTS');
      const [another, own] = [await madeNative(), await made()];
      expect(await codeOf(bench.volumes.adopt(another.native, of, patient()))).toBe('EXISTS');
      expect(await codeOf(bench.volumes.adopt(another.native, own, patient()))).toBe('EXISTS');
      const { path } = await bench.volumes.mount(own, patient());
      expect(['EXISTS', 'INVALID']).toContain(await codeOf(bench.volumes.adopt(path, unused(), patient())));
      expect([await read(own, 'file'), await read(of, 'file')]).toEqual(['one', 'native']);
      expect(await bench.it.readAt(another.path, 'file')).toBe('native');
      await bench.volumes.release(of, patient());
    });

    test('is not destroyed, because FloatLab did not make it: it is released', async () => {
      const { native, of } = await adopted();
      await bench.volumes.snapshot(of, 's', patient());
      const refusal = await bench.volumes.destroy(of, { scrub: false }, patient()).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(IoError);
      expect(refusal).toMatchObject({ code: 'INVALID', hint: expect.stringMatching(/release/i) });
      expect([await read(of, 'file'), await names(of)]).toEqual(['native', ['s']]);
      await bench.volumes.release(of, patient());
      expect(await bench.it.readAt(native.path, 'file')).toBe('native');
    });

    test('is given back as it is by then, without the snapshots that were taken here; its name is free then', async () => {
      const { native, of } = await adopted();
      const foreign = await bench.it.foreignSnapshot?.(of);
      await bench.volumes.snapshot(of, 's', patient());
      await write(of, 'file', 'two');
      const inside = await bench.volumes.snapshotPath(of, 's', patient());
      await bench.volumes.release(of, patient());
      await bench.volumes.release(of, patient());
      expect(await bench.it.readAt(native.path, 'file')).toBe('two');
      expect(await bench.it.readAt(inside, 'file')).toBeUndefined();
      if (foreign) expect(await foreign.exists()).toBe(true);
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
      expect(await bench.volumes.list(bench.it.pool, patient())).not.toContain(of.name);
      await bench.volumes.create(of, spec, patient());
      expect([await read(of, 'file'), await names(of)]).toEqual([undefined, []]);
      const next = unused();
      await bench.volumes.adopt(native.native, next, patient());
      expect([await read(next, 'file'), await names(next)]).toEqual(['two', []]);
      await foreign?.remove();
    });

    test('what FloatLab made is not released, but destroyed', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const refusal = await bench.volumes.release(of, patient()).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'INVALID', hint: expect.stringMatching(/destroy|delete/i) });
      expect([await read(of, 'file'), await names(of)]).toEqual(['one', ['s']]);
      await bench.volumes.release(unused(), patient());
    });

    test('is no part of what FloatLab lives on, and holds none of it', async () => {
      const [native, of] = [await madeNative(), unused()];
      const what = 'the data directory of FloatLab';
      const above = native.path.slice(0, native.path.lastIndexOf('/'));
      try {
        for (const path of [native.path, above, `${native.path}/data`]) {
          bench.it.own.splice(0, 1, { path, what });
          const refusal = await bench.volumes.adopt(native.native, of, patient()).catch((error: unknown) => error);
          expect(refusal, path).toMatchObject({ code: 'INVALID', message: expect.stringContaining(what) });
          const told = await bench.volumes.candidates(bench.it.pool, patient());
          expect(told.find((one) => one.native === native.native)?.why, path).toContain(what);
        }
        // Only its name begins like that of the place.
        bench.it.own.splice(0, 1, { path: `${native.path}-beside`, what });
        await bench.volumes.adopt(native.native, of, patient());
      } finally {
        bench.it.own.splice(0);
      }
      await bench.volumes.release(of, patient());
    });

    test('what is not there, or is no such thing, is not adopted', async () => {
      const of = unused();
      const before = await bench.it.surroundings();
      expect(await codeOf(bench.volumes.adopt(bench.it.missingNative, of, patient()))).toBe('MISSING');
      for (const native of ['', '-rf', '--help', '..', '/', 'a\nb', 'a\0b'])
        expect(await codeOf(bench.volumes.adopt(native, of, patient())), JSON.stringify(native)).toBe('INVALID');
      expect(await bench.it.surroundings()).toBe(before);
      const noNative = await bench.it.makeNoNative();
      expect(await codeOf(bench.volumes.adopt(noNative, of, patient()))).toBe('INVALID');
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
    });
  });
}
