/** Pools: what they say of themselves, and what is left when one is pulled out. */
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { MiB, spec } from './bench.ts';

export function poolsContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names, read } = bench;
  const told = async () => (await bench.volumes.pools(patient())).filter(({ name }) => name === bench.it.pool);
  const orUnsupported = (can: boolean, code: string): readonly string[] => (can ? [code] : [code, 'UNSUPPORTED']);

  describe('pools', () => {
    test('a pool says how large it is, and how much is used', async () => {
      const [pool] = await told();
      expect(pool).toMatchObject({ name: bench.it.pool, state: 'online' });
      expect(pool?.sizeBytes).toBeGreaterThan(100 * MiB);
      expect(pool?.usedBytes).toBeLessThan(pool?.sizeBytes ?? 0);
    });

    test('a pool says exactly what it is tested for: nothing that it can is left out', async () => {
      const { driver, can, others: expected } = bench.expected;
      expect((await told()).map((pool) => [pool.driver, pool.can])).toEqual([[driver, can]]);
      const { foreignSnapshot, hold } = bench.it;
      const others = [...(foreignSnapshot ? ['snapshot'] : []), ...(hold ? ['hold'] : [])];
      expect(others).toEqual(expected);
    });

    test('a pool that this node does not have is missing', async () => {
      const of = { pool: 'elsewhere', name: 'x' };
      expect(await codeOf(bench.volumes.create(of, spec, patient()))).toBe('POOL_MISSING');
      expect(await codeOf(bench.volumes.inspect(of, patient()))).toBe('POOL_MISSING');
      expect(await codeOf(bench.volumes.list('elsewhere', patient()))).toBe('POOL_MISSING');
      expect(await codeOf(bench.volumes.adopt(bench.it.missingNative, of, patient()))).toBe('POOL_MISSING');
      const missing = orUnsupported(bench.can.changes, 'POOL_MISSING');
      expect(missing).toContain(await codeOf(bench.volumes.changes('elsewhere', patient())));
    });

    test('a pool that was pulled out is unavailable, is not written to, and is as before when it is back', async () => {
      const [of, native, adopted] = [await made('one'), await bench.madeNative(), unused()];
      const { volumes } = bench;
      await volumes.snapshot(of, 's', patient());
      await volumes.adopt(native.native, adopted, patient());
      const [known] = await told();
      await bench.it.unplug();
      try {
        const before = await bench.it.surroundings();
        expect(await told()).toMatchObject([{ state: 'unavailable', sizeBytes: known?.sizeBytes, can: known?.can }]);
        const calls = [
          () => volumes.create(of, spec, patient()),
          () => volumes.create(unused(), spec, patient()),
          () => volumes.clone(of, 's', unused(), spec, patient()),
          () => volumes.inspect(of, patient()),
          () => volumes.inspect(adopted, patient()),
          () => volumes.mount(of, patient()),
          () => volumes.list(bench.it.pool, patient()),
          () => volumes.snapshot(of, 't', patient()),
          () => volumes.snapshots(of, patient()),
          () => volumes.foreignSnapshots(of, patient()),
          () => volumes.snapshotPath(of, 's', patient()),
          () => volumes.removeSnapshots(of, ['s'], patient()),
          () => volumes.rollback(of, 's', 't', patient()),
          () => volumes.adopt(native.native, unused(), patient()),
          () => volumes.release(adopted, patient()),
          () => volumes.destroy(of, { scrub: false }, patient()),
        ];
        for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('POOL_MISSING');
        const { together, changes } = bench.can;
        const missing = (can: boolean) => orUnsupported(can, 'POOL_MISSING');
        expect(missing(together)).toContain(await codeOf(volumes.snapshotTogether([of], 't', patient())));
        expect(missing(changes)).toContain(await codeOf(volumes.changes(bench.it.pool, patient())));
        expect(await bench.it.surroundings()).toBe(before);
      } finally {
        await bench.it.plugIn();
      }
      expect(await told()).toMatchObject([{ state: 'online' }]);
      for (const one of [of, adopted]) await volumes.mount(one, patient());
      expect([await read(of, 'file'), await read(adopted, 'file')]).toEqual(['one', 'native']);
      expect(await names(of)).toEqual(['s']);
      await volumes.release(adopted, patient());
    });
  });
}
