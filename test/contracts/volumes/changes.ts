/** What has changed since its newest snapshot, of all datasets of a pool at once. */
import { describe, expect, test } from 'vitest';
import type { Change, Dataset } from '#io/devices/volumes/port.ts';
import type { Bench } from './bench.ts';

export function changesContract(bench: Bench): void {
  const { patient, codeOf, made, write } = bench;
  const changeOf = async (of: Dataset): Promise<Change | undefined> => {
    await bench.it.settle();
    return (await bench.volumes.changes(of.pool, patient())).get(of.name);
  };

  describe('changes', () => {
    if (bench.can.changes) known();
    else refused();
  });

  function known(): void {
    test('without a snapshot everything has changed; after one nothing, until something is written', async () => {
      const of = await made();
      expect(await changeOf(of)).toMatchObject({ since: undefined, changed: true });
      const { guid } = await bench.volumes.snapshot(of, 'a', patient());
      expect(await changeOf(of)).toMatchObject({ since: guid, changed: false });
      await write(of, 'file', 'two');
      expect(await changeOf(of)).toMatchObject({ since: guid, changed: true });
      const newer = await bench.volumes.snapshot(of, 'b', patient());
      expect(await changeOf(of)).toMatchObject({ since: newer.guid, changed: false });
      await bench.volumes.removeSnapshots(of, ['b'], patient());
      expect(await changeOf(of)).toMatchObject({ since: guid, changed: true });
    });

    test('have a mark that is another one when something was written, and the same when nothing was', async () => {
      const of = await made();
      const { mark: first = '' } = (await changeOf(of)) ?? {};
      expect(first.length).toBeGreaterThan(0);
      expect(first.length).toBeLessThanOrEqual(256);
      expect(await changeOf(of)).toMatchObject({ mark: first });
      await write(of, 'file', 'some text that was not there '.repeat(20_000));
      const { mark: second } = (await changeOf(of)) ?? {};
      expect(second).not.toBe(first);
      expect(await changeOf(of)).toMatchObject({ mark: second });
    });

    test('have another mark also when the same places are written again with as much', async () => {
      const of = await made('text 0');
      await bench.volumes.snapshot(of, 'a', patient());
      const marks = new Set<string | undefined>();
      for (let n = 1; n <= 4; n++) {
        await write(of, 'file', `text ${n}`);
        marks.add((await changeOf(of))?.mark);
      }
      expect(marks.size).toBe(4);
    });

    test('are told of all datasets, each against its own snapshot', async () => {
      const [a, b, c] = [await made(), await made(), await made()];
      const taken = [];
      for (const of of [a, b, c]) taken.push((await bench.volumes.snapshot(of, 's', patient())).guid);
      await write(b, 'file', 'two');
      await bench.it.settle();
      const changes = await bench.volumes.changes(bench.it.pool, patient());
      expect([a, b, c].map(({ name }) => changes.get(name))).toMatchObject([
        { since: taken[0], changed: false },
        { since: taken[1], changed: true },
        { since: taken[2], changed: false },
      ]);
      expect([...changes.keys()].toSorted()).toEqual(await bench.volumes.list(bench.it.pool, patient()));
    });

    test('a rollback is a change: the newest snapshot holds what was given up', async () => {
      const of = await made();
      await bench.volumes.snapshot(of, 'old', patient());
      await write(of, 'file', 'two');
      const { guid } = await bench.volumes.rollback(of, 'old', 'stash', patient());
      expect(await changeOf(of)).toMatchObject({ since: guid, changed: true });
      const newer = await bench.volumes.snapshot(of, 'newer', patient());
      expect(await changeOf(of)).toMatchObject({ since: newer.guid, changed: false });
    });

    if (bench.expected.others.includes('snapshot'))
      test('a snapshot of another tool does not count', async () => {
        const of = await made();
        const { guid } = await bench.volumes.snapshot(of, 'a', patient());
        await write(of, 'file', 'two');
        const foreign = await bench.it.foreignSnapshot?.(of);
        expect(await changeOf(of)).toMatchObject({ since: guid, changed: true });
        await foreign?.remove();
      });
  }

  function refused(): void {
    test('are refused: the pool does not know them', async () => {
      expect(await codeOf(bench.volumes.changes(bench.it.pool, patient()))).toBe('UNSUPPORTED');
    });
  }
}
