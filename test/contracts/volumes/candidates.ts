/** What could be adopted, before somebody asks for it. */
import { describe, expect, test } from 'vitest';
import type { VolumeCandidate } from '#io/devices/volumes/port.ts';
import type { Bench } from './bench.ts';

export function candidatesContract(bench: Bench): void {
  const { patient, codeOf, unused, made, madeNative } = bench;
  const candidates = () => bench.volumes.candidates(bench.it.pool, patient());
  const find = async (native: string): Promise<VolumeCandidate | undefined> =>
    (await candidates()).find((one) => one.native === native);

  describe('candidates for adoption', () => {
    test('are told with their place and what they take, and can be adopted by the name that is told', async () => {
      const { native, path } = await madeNative();
      await bench.it.settle();
      const told = await find(native);
      expect(told).toEqual({ native, path, usedBytes: expect.any(Number), why: undefined });
      expect(told?.usedBytes).toBeGreaterThan(0);
      const of = unused();
      await bench.volumes.adopt(told?.native ?? '', of, patient());
      await bench.volumes.release(of, patient());
    });

    test('belong to nobody: one that was adopted names its volume until it is released', async () => {
      const [{ native }, of] = [await madeNative(), unused()];
      await bench.volumes.adopt(native, of, patient());
      expect((await find(native))?.why).toContain(of.name);
      await bench.volumes.release(of, patient());
      expect((await find(native))?.why).toBeUndefined();
    });

    test('are never what FloatLab made: volumes, clones, snapshots, lineages', async () => {
      const [of, into] = [await made(), unused()];
      await bench.volumes.snapshot(of, 's', patient());
      await bench.volumes.clone(of, 's', into, { sizeBytes: 2 ** 25 }, patient());
      await bench.volumes.rollback(of, 's', 'stash', patient());
      await bench.volumes.snapshotPath(of, 's', patient());
      const ours = [of.name, into.name];
      for (const { native, path } of await candidates())
        expect(ours.some((name) => `${native}/`.includes(`/${name}/`) || `${path}/`.includes(`/${name}/`))).toBe(false);
    });

    test('that cannot be adopted say why, and adopting them is refused', async () => {
      const noNative = await bench.it.makeNoNative();
      const of = unused();
      for (const { native, why } of await candidates()) {
        if (why === undefined) continue;
        expect(why).not.toBe('');
        expect(['INVALID', 'EXISTS'], native).toContain(await codeOf(bench.volumes.adopt(native, of, patient())));
      }
      expect((await candidates()).find((one) => one.native === noNative && one.why === undefined)).toBeUndefined();
    });

    test('are sorted, and looking at them changes nothing', async () => {
      await madeNative();
      await madeNative();
      const before = await bench.it.surroundings();
      const names = (await candidates()).map(({ native }) => native);
      expect(names).toEqual(names.toSorted());
      expect(new Set(names).size).toBe(names.length);
      expect(await bench.it.surroundings()).toBe(before);
    });
  });
}
