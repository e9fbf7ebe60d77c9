/** Snapshots of other tools: shown, never removed, never a base of anything. */
import { describe, expect, test } from 'vitest';
import { isSnapshotName } from '#io/devices/volumes/names.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import type { Foreign } from '../volumes.ts';
import type { Bench } from './bench.ts';
import { spec } from './bench.ts';

export function foreignContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names, write, read } = bench;
  const taken = (of: Dataset): Promise<Foreign> => {
    if (!bench.it.foreignSnapshot) throw new Error('there are no snapshots of other tools here');
    return bench.it.foreignSnapshot(of);
  };
  const shown = async (of: Dataset) => (await bench.volumes.foreignSnapshots(of, patient())).map(({ name }) => name);
  const { others } = bench.expected;

  describe('snapshots of other tools', () => {
    test('there are none of a new dataset, whatever was taken here', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      expect(await shown(of)).toEqual([]);
    });

    if (others.includes('snapshot')) whereTheyAreTaken();
    if (others.includes('hold')) whereTheyHold();
  });

  function whereTheyAreTaken(): void {
    test('are shown apart from those that were taken here', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const foreign = await taken(of);
      expect(await shown(of)).toEqual([foreign.name]);
      expect(await names(of)).toEqual(['s']);
      await foreign.remove();
      expect(await shown(of)).toEqual([]);
    });

    test('are not removed by us, and nothing begins with them', async () => {
      const of = await made();
      const foreign = await taken(of);
      const { name } = foreign;
      const refused = [
        () => bench.volumes.rollback(of, name, 'stash', patient()),
        () => bench.volumes.clone(of, name, unused(), spec, patient()),
        () => bench.volumes.snapshotPath(of, name, patient()),
      ];
      for (const call of refused) expect(await codeOf(call())).toBe(isSnapshotName(name) ? 'MISSING' : 'INVALID');
      await codeOf(bench.volumes.removeSnapshots(of, [name], patient()));
      expect(await shown(of)).toEqual([name]);
      expect(await foreign.exists()).toBe(true);
      await foreign.remove();
    });

    test('that have a name of ours keep it: a snapshot of that name is refused', async () => {
      const of = await made();
      const foreign = await taken(of);
      if (isSnapshotName(foreign.name)) {
        await bench.volumes.snapshot(of, 'old', patient());
        expect(await codeOf(bench.volumes.snapshot(of, foreign.name, patient()))).toBe('EXISTS');
        expect(await codeOf(bench.volumes.rollback(of, 'old', foreign.name, patient()))).toBe('EXISTS');
        expect(await names(of)).toEqual(['old']);
      }
      expect(await shown(of)).toEqual([foreign.name]);
      await foreign.remove();
    });

    test('stay when the dataset is rolled back past them', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      const foreign = await taken(of);
      await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect(await read(of, 'file')).toBe('one');
      expect(await shown(of)).toEqual([foreign.name]);
      expect(await foreign.exists()).toBe(true);
      await foreign.remove();
    });

    test('are never destroyed with the dataset: where they would go with it, it stays too', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const foreign = await taken(of);
      const outcome = await codeOf(bench.volumes.destroy(of, { scrub: false }, patient()));
      expect(outcome).toBe(bench.expected.driver === 'zfs' ? 'HELD' : undefined);
      expect(await foreign.exists()).toBe(true);
      if (outcome === 'HELD') {
        expect([await read(of, 'file'), await names(of), await shown(of)]).toEqual(['one', ['s'], [foreign.name]]);
        await foreign.remove();
        await bench.volumes.destroy(of, { scrub: false }, patient());
      } else {
        await foreign.remove();
      }
      expect(await bench.volumes.inspect(of, patient())).toBeUndefined();
    });
  }

  function whereTheyHold(): void {
    test('a hold of another tool keeps a snapshot, and its dataset, until it is lifted', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const lift = await bench.it.hold?.(of, 's');
      expect(await codeOf(bench.volumes.removeSnapshots(of, ['s'], patient()))).toBe('HELD');
      expect(await codeOf(bench.volumes.destroy(of, { scrub: false }, patient()))).toBe('HELD');
      expect([await read(of, 'file'), await names(of)]).toEqual(['one', ['s']]);
      await lift?.();
      await bench.volumes.removeSnapshots(of, ['s'], patient());
      expect(await names(of)).toEqual([]);
      await bench.volumes.destroy(of, { scrub: false }, patient());
    });
  }
}
