/** Snapshots: one, many, of several datasets at once; and what is left when they go. */
import { describe, expect, test } from 'vitest';
import type { Bench } from './bench.ts';
import { identity, MiB } from './bench.ts';

export function snapshotsContract(bench: Bench): void {
  const { patient, codeOf, unused, made, names, write, read, readSnapshot, fits } = bench;

  describe('snapshots', () => {
    test('a snapshot keeps what was there when it was taken', async () => {
      const of = await made('one');
      await bench.volumes.snapshot(of, 's', patient());
      await write(of, 'file', 'two');
      await write(of, 'later', 'x');
      expect(await readSnapshot(of, 's', 'file')).toBe('one');
      expect(await readSnapshot(of, 's', 'later')).toBeUndefined();
    });

    test('taking it again answers the same, and does not take it anew', async () => {
      const of = await made('one');
      const first = await bench.volumes.snapshot(of, 's', patient());
      await write(of, 'file', 'two');
      expect(identity(await bench.volumes.snapshot(of, 's', patient()))).toEqual(identity(first));
      expect(await readSnapshot(of, 's', 'file')).toBe('one');
      expect((await bench.volumes.snapshots(of, patient())).map(identity)).toEqual([identity(first)]);
    });

    test('five callers who ask at once get one snapshot', async () => {
      const of = await made();
      const asked = [1, 2, 3, 4, 5].map(() => bench.volumes.snapshot(of, 's', patient()));
      expect(new Set((await Promise.all(asked)).map(({ guid }) => guid)).size).toBe(1);
      expect(await names(of)).toEqual(['s']);
    });

    test('they are listed in the order in which they were taken, whatever their names', async () => {
      const of = await made();
      for (const name of ['c', 'a.9', 'b', 'a.10']) await bench.volumes.snapshot(of, name, patient());
      expect(await names(of)).toEqual(['c', 'a.9', 'b', 'a.10']);
    });

    test('each has an identity of its own, the same for ever', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 'a', patient());
      await bench.volumes.snapshot(of, 'b', patient());
      const before = (await bench.volumes.snapshots(of, patient())).map(identity);
      await write(of, 'file', 'two');
      expect((await bench.it.reopen().snapshots(of, patient())).map(identity)).toEqual(before);
      expect(new Set(before.map(({ guid }) => guid)).size).toBe(2);
    });

    const counts = bench.expected.countsSnapshots;
    test(`what would be free without one is ${counts ? 'counted' : 'not told: the pool does not count it'}`, async () => {
      const of = await made();
      expect(await fits(of, 'big', 4 * MiB)).toBe(true);
      await bench.volumes.snapshot(of, 's', patient());
      await bench.it.settle();
      const exclusiveBytes = async () => (await bench.volumes.snapshots(of, patient()))[0]?.exclusiveBytes;
      const shared = await exclusiveBytes();
      await fits(of, 'big', 1);
      await bench.it.settle();
      if (counts) expect(await exclusiveBytes()).toBeGreaterThan((shared ?? Infinity) + 3 * MiB);
      else expect([shared, await exclusiveBytes()]).toEqual([undefined, undefined]);
    });

    test('its path is absolute, and there while it is', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 's', patient());
      const path = await bench.volumes.snapshotPath(of, 's', patient());
      expect(path).toMatch(/^\//);
      expect(await bench.it.readAt(path, 'file')).toBe('one');
      await write(of, 'file', 'two');
      await bench.volumes.snapshot(of, 't', patient());
      const newer = await bench.volumes.snapshotPath(of, 't', patient());
      await bench.volumes.rollback(of, 's', 'stash', patient());
      expect(await bench.volumes.snapshotPath(of, 's', patient())).toBe(path);
      expect(await bench.volumes.snapshotPath(of, 't', patient())).toBe(newer);
      expect([await bench.it.readAt(path, 'file'), await bench.it.readAt(newer, 'file')]).toEqual(['one', 'two']);
      expect(await codeOf(bench.volumes.snapshotPath(of, 'nothing', patient()))).toBe('MISSING');
      await bench.volumes.removeSnapshots(of, ['s'], patient());
      expect(await codeOf(bench.volumes.snapshotPath(of, 's', patient()))).toBe('MISSING');
      expect(await bench.it.readAt(path, 'file')).toBeUndefined();
    });

    test('many are removed at once, the others stay; what is not there is removed already', async () => {
      const of = await made();
      for (const name of ['a', 'b', 'c', 'd']) await bench.volumes.snapshot(of, name, patient());
      await bench.volumes.removeSnapshots(of, ['d', 'nothing', 'b', 'b'], patient());
      expect(await names(of)).toEqual(['a', 'c']);
      await bench.volumes.removeSnapshots(of, ['d', 'nothing', 'b'], patient());
      await bench.volumes.removeSnapshots(of, [], patient());
      expect(await names(of)).toEqual(['a', 'c']);
      expect(await readSnapshot(of, 'a', 'file')).toBe('one');
      await bench.volumes.removeSnapshots(unused(), ['b'], patient());
    });

    test('one that was removed can be taken again, and is another one', async () => {
      const of = await made('one');
      const first = await bench.volumes.snapshot(of, 's', patient());
      await bench.volumes.removeSnapshots(of, ['s'], patient());
      await write(of, 'file', 'two');
      const second = await bench.volumes.snapshot(of, 's', patient());
      expect(second.guid).not.toBe(first.guid);
      expect(await readSnapshot(of, 's', 'file')).toBe('two');
    });
  });

  describe('snapshots of several datasets at once', () => {
    if (bench.can.together) inOneMoment();
    else refused();

    function inOneMoment(): void {
      test('are taken of all of them, in the order that was asked for; again they are the same', async () => {
        const [a, b] = [await made('a'), await made('b')];
        const taken = await bench.volumes.snapshotTogether([b, a], 's', patient());
        expect(taken.map(({ name }) => name)).toEqual(['s', 's']);
        expect((await bench.volumes.snapshots(b, patient())).map(identity)).toEqual(taken.slice(0, 1).map(identity));
        expect((await bench.volumes.snapshots(a, patient())).map(identity)).toEqual(taken.slice(1).map(identity));
        await write(a, 'file', 'later');
        const again = await bench.volumes.snapshotTogether([b, a], 's', patient());
        expect(again.map(identity)).toEqual(taken.map(identity));
        expect([await readSnapshot(a, 's', 'file'), await readSnapshot(b, 's', 'file')]).toEqual(['a', 'b']);
      });

      test('are taken of none of them when one is missing, or has one of this name already', async () => {
        const [a, b] = [await made(), await made()];
        expect(await codeOf(bench.volumes.snapshotTogether([a, unused(), b], 's', patient()))).toBe('MISSING');
        await bench.volumes.snapshot(b, 's', patient());
        expect(await codeOf(bench.volumes.snapshotTogether([a, b], 's', patient()))).toBe('EXISTS');
        expect([await names(a), await names(b)]).toEqual([[], ['s']]);
      });

      test('of no datasets there are none, and those of another pool are not of one moment', async () => {
        const a = await made();
        expect(await bench.volumes.snapshotTogether([], 's', patient())).toEqual([]);
        const elsewhere = { ...a, pool: 'elsewhere' };
        expect(await codeOf(bench.volumes.snapshotTogether([a, elsewhere], 's', patient()))).toBe('INVALID');
        expect(await names(a)).toEqual([]);
      });
    }

    function refused(): void {
      test('are refused: the pool cannot take them in one moment', async () => {
        const [a, b] = [await made(), await made()];
        expect(await codeOf(bench.volumes.snapshotTogether([a, b], 's', patient()))).toBe('UNSUPPORTED');
        expect([await names(a), await names(b)]).toEqual([[], []]);
        expect(await read(a, 'file')).toBe('one');
      });
    }
  });
}
