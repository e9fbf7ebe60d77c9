/** The hands of the simulated pools: what a simulation does to them, and what a caller sees of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { SimVolumesOptions } from '#io/devices/volumes/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

const MiB = 2 ** 20;
const of = { pool: 'main', name: 'db' };
const failed = new IoError('FAILED', { op: 'any', target: 'any', message: 'as the simulation wants it' });

const make = (options: Partial<SimVolumesOptions> = {}) =>
  simVolumes({
    clock: selfWindingClock(),
    random: seededRandom(7),
    pools: [{ name: 'main', sizeBytes: 64 * MiB }],
    ...options,
  });

describe('simulated volumes', () => {
  test('a fault before the effect leaves nothing, one after it leaves everything', async () => {
    const sim = make();
    await sim.create(of, MiB, patient());
    sim.fault = (op, target, when) =>
      op === 'snapshot' && target === 'main/db' && when === 'before' ? failed : undefined;
    await expect(sim.snapshot(of, 'a', patient())).rejects.toBe(failed);
    sim.fault = (_op, _target, when) => (when === 'after' ? failed : undefined);
    await expect(sim.snapshot(of, 'b', patient())).rejects.toBe(failed);
    sim.fault = undefined;
    expect(await sim.snapshots(of, patient())).toMatchObject([{ name: 'b' }]);
  });

  test('every call can be made to fail', async () => {
    const sim = make({ fault: () => failed });
    const calls = [
      sim.pools(patient()),
      sim.create(of, MiB, patient()),
      sim.inspect(of, patient()),
      sim.list('main', patient()),
      sim.snapshot(of, 'a', patient()),
      sim.snapshots(of, patient()),
      sim.removeSnapshot(of, 'a', patient()),
      sim.rollback(of, 'a', 'b', patient()),
      sim.destroy(of, patient()),
    ];
    for (const call of calls) await expect(call).rejects.toBe(failed);
  });

  test('whatever fails, a caller that repeats gets there, and each rollback happens once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.double({ min: 0, max: 0.8, noNaN: true }), async (seed, often) => {
        const chance = seededRandom(seed);
        const sim = make({ fault: () => (chance.chance(often) ? failed : undefined) });
        const insist = async (call: () => Promise<unknown>): Promise<void> => {
          if ((await codeOf(call())) !== undefined) await insist(call);
        };
        await insist(() => sim.create(of, MiB, patient()));
        sim.write(of, 'file', 'one');
        await insist(() => sim.snapshot(of, 'a', patient()));
        sim.write(of, 'file', 'two');
        await insist(() => sim.rollback(of, 'a', 'b', patient()));
        expect(sim.files(of).get('file')).toBe('one');
        expect(sim.snapshotFiles(of, 'b').get('file')).toBe('two');
        await insist(() => sim.destroy(of, patient()));
        expect(sim.contents()).toEqual([]);
      }),
    );
  });

  test('calls take virtual time, and end when theirs is over', async () => {
    const clock = selfWindingClock();
    const sim = make({ clock, latencyMs: () => 60_000 });
    const before = clock.monotonicMs();
    await sim.create(of, MiB, { ...patient(), timeoutMs: 100_000 });
    expect(clock.monotonicMs() - before).toBe(60_000);
    expect(await codeOf(sim.destroy(of, { ...patient(), timeoutMs: 10_000 }))).toBe('TIMED_OUT');
    expect(sim.contents()).toHaveLength(1);
    expect(await codeOf(sim.destroy(of, { ...patient(), timeoutMs: 40_000 }))).toBe('TIMED_OUT');
    expect(sim.contents()).toHaveLength(0);
  });

  test('a call that was cut off may take effect later', async () => {
    const clock = selfWindingClock();
    const sim = make({ clock, latencyMs: () => 1000, effectAfterCutOff: 1 });
    await sim.create(of, MiB, patient());
    expect(await codeOf(sim.snapshot(of, 'late', { ...patient(), timeoutMs: 100 }))).toBe('TIMED_OUT');
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 5000));
    expect(await sim.snapshots(of, patient())).toMatchObject([{ name: 'late' }]);
  });

  test('a full pool takes no datasets, snapshots or files, and says that it is full', async () => {
    const sim = make();
    await sim.create(of, 32 * MiB, patient());
    sim.occupy('main', 64 * MiB);
    expect(await codeOf(sim.create({ ...of, name: 'new' }, MiB, patient()))).toBe('NO_SPACE');
    expect(await codeOf(sim.snapshot(of, 'a', patient()))).toBe('NO_SPACE');
    expect(() => sim.write(of, 'file', 'x')).toThrow(expect.objectContaining({ code: 'NO_SPACE' }));
    expect(await sim.pools(patient())).toMatchObject([{ usedBytes: 64 * MiB, sizeBytes: 64 * MiB }]);
    sim.occupy('main', 0);
    await sim.snapshot(of, 'a', patient());
  });

  test('what a snapshot shares with its dataset takes space once', async () => {
    const sim = make();
    await sim.create(of, 32 * MiB, patient());
    sim.write(of, 'big', 'x'.repeat(MiB));
    const [before] = await sim.pools(patient());
    await sim.snapshot(of, 'a', patient());
    const [shared] = await sim.pools(patient());
    expect((shared?.usedBytes ?? 0) - (before?.usedBytes ?? 0)).toBeLessThan(MiB / 2);
    sim.write(of, 'big', 'y'.repeat(MiB));
    const [apart] = await sim.pools(patient());
    expect((apart?.usedBytes ?? 0) - (shared?.usedBytes ?? 0)).toBe(MiB);
  });

  test('a read-only pool is degraded, can be read and not changed', async () => {
    const sim = make();
    await sim.create(of, MiB, patient());
    await sim.snapshot(of, 'a', patient());
    sim.setPool('main', 'read-only');
    expect(await sim.pools(patient())).toMatchObject([{ state: 'degraded' }]);
    expect(await codeOf(sim.snapshot(of, 'b', patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.removeSnapshot(of, 'a', patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.destroy(of, patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.create(of, 2 * MiB, patient()))).toBe('READ_ONLY');
    expect(await sim.snapshot(of, 'a', patient())).toMatchObject({ name: 'a' });
  });

  test('what is in use is neither rolled back nor destroyed', async () => {
    const sim = make();
    const { path } = await sim.create(of, MiB, patient());
    await sim.snapshot(of, 'a', patient());
    sim.usedBy = (used) => (used === path ? 'a container' : undefined);
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('BUSY');
    expect(await codeOf(sim.destroy(of, patient()))).toBe('BUSY');
    sim.usedBy = undefined;
    await sim.rollback(of, 'a', 'b', patient());
  });

  test('a container finds the files of a dataset by its path, as long as the pool is there', async () => {
    const sim = make();
    const { path } = await sim.create(of, MiB, patient());
    sim.filesAt(path)?.set('file', 'one');
    expect(sim.files(of).get('file')).toBe('one');
    expect(sim.filesAt('/elsewhere')).toBeUndefined();
    sim.setPool('main', 'unavailable');
    expect(sim.filesAt(path)).toBeUndefined();
  });

  test('the same seed gives the same identities, another one others', async () => {
    const guids = async (seed: number) => {
      const sim = make({ random: seededRandom(seed) });
      await sim.create(of, MiB, patient());
      return [await sim.snapshot(of, 'a', patient()), await sim.snapshot(of, 'b', patient())].map(({ guid }) => guid);
    };
    expect(await guids(1)).toEqual(await guids(1));
    expect(new Set([...(await guids(1)), ...(await guids(2))]).size).toBe(4);
  });
});
