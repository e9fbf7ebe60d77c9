/** Names, sizes and other numbers are validated by the driver itself, whoever called. */
import { describe, expect, test } from 'vitest';
import type { Dataset, DatasetSpec } from '#io/devices/volumes/port.ts';
import type { Bench } from './bench.ts';
import { size, spec } from './bench.ts';

const bad = [
  ...['', '.', '..', '../x', 'a/b', '/etc', 'a b', '-rf', '--help'],
  ...['Ä', 'ＡＢ', 'a\nb', 'a\0b', 'UP', '*', '~', 'a@b', 'a#b', 'a,b', 'a%b'],
];

const badSpecs: readonly DatasetSpec[] = [
  ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60].map((sizeBytes) => ({ sizeBytes })),
  ...[-1, 1.5, Number.NaN, 2 ** 32].flatMap((id) => [
    { sizeBytes: size, owner: { uid: id, gid: 0 } },
    { sizeBytes: size, owner: { uid: 0, gid: id } },
  ]),
  ...[-1, 1.5, Number.NaN, 0o10000].map((mode) => ({ sizeBytes: size, mode })),
  ...[0, -512, 3000, 511.5, Number.NaN].map((recordSizeBytes) => ({ sizeBytes: size, recordSizeBytes })),
];

export function namesContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names } = bench;
  const together = () => (bench.can.together ? ['INVALID'] : ['INVALID', 'UNSUPPORTED']);

  describe('names', () => {
    test.each([...bad, 'a.b', 'a_b', 'x'.repeat(65)])('%j is not a dataset', async (name) => {
      const of = { pool: bench.it.pool, name };
      const { volumes } = bench;
      const before = await bench.it.surroundings();
      const calls = [
        () => volumes.create(of, spec, patient()),
        () => volumes.clone(of, 's', unused(), spec, patient()),
        () => volumes.clone(unused(), 's', of, spec, patient()),
        () => volumes.inspect(of, patient()),
        () => volumes.mount(of, patient()),
        () => volumes.snapshot(of, 's', patient()),
        () => volumes.snapshots(of, patient()),
        () => volumes.foreignSnapshots(of, patient()),
        () => volumes.snapshotPath(of, 's', patient()),
        () => volumes.removeSnapshots(of, ['s'], patient()),
        () => volumes.removeSnapshots(of, [], patient()),
        () => volumes.rollback(of, 's', 't', patient()),
        () => volumes.adopt(bench.it.missingNative, of, patient()),
        () => volumes.release(of, patient()),
        () => volumes.destroy(of, { scrub: false }, patient()),
      ];
      for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('INVALID');
      expect(together()).toContain(await codeOf(volumes.snapshotTogether([of], 's', patient())));
      expect(await bench.it.surroundings()).toBe(before);
    });

    /** One for all bad names, because none of them may do anything to it. */
    let unharmed: Promise<Dataset> | undefined;
    const withSnapshot = async (): Promise<Dataset> => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      return of;
    };

    test.each([...bad, '.hidden', 'x'.repeat(129)])('%j is not a snapshot', async (name) => {
      const of = await (unharmed ??= withSnapshot());
      const { volumes } = bench;
      const before = await bench.it.surroundings();
      const calls = [
        () => volumes.snapshot(of, name, patient()),
        () => volumes.snapshotPath(of, name, patient()),
        () => volumes.removeSnapshots(of, ['s', name], patient()),
        () => volumes.rollback(of, name, 't', patient()),
        () => volumes.rollback(of, 's', name, patient()),
        () => volumes.clone(of, name, unused(), spec, patient()),
      ];
      for (const call of calls) expect(await codeOf(call()), call.toString()).toBe('INVALID');
      expect(together()).toContain(await codeOf(volumes.snapshotTogether([of], name, patient())));
      expect(await names(of)).toEqual(['s']);
      expect(await bench.it.surroundings()).toBe(before);
    });

    test('the longest names that are allowed work', async () => {
      const of = { pool: bench.it.pool, name: 'x'.repeat(64) };
      const into = { pool: bench.it.pool, name: 'y'.repeat(64) };
      await bench.volumes.create(of, spec, patient());
      const [a, b] = ['a'.repeat(128), 'b'.repeat(128)];
      await bench.volumes.snapshot(of, a, patient());
      await bench.volumes.rollback(of, a, b, patient());
      await bench.volumes.clone(of, b, into, spec, patient());
      expect(await names(of)).toEqual([a, b]);
      await bench.volumes.destroy(of, { scrub: false }, patient());
      await bench.volumes.destroy(into, { scrub: false }, patient());
    });

    test.each(badSpecs)('%j is not what a dataset can have', async (wrong) => {
      const [of, from] = [unused(), unused()];
      expect(await codeOf(bench.volumes.create(of, wrong, patient()))).toBe('INVALID');
      expect(await codeOf(bench.volumes.clone(from, 's', of, wrong, patient()))).toBe('INVALID');
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
    });
  });
}
