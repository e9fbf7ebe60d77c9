/** The hands of the simulated pools: what a simulation does to them, and what a caller sees of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { IoError } from '#io/devices/error.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import type { SimVolumesOptions } from '#io/devices/volumes/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import type { SimDriver } from '#io/devices/volumes/sim/pools.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from './self-winding-clock.ts';

const MiB = 2 ** 20;
const of = { pool: 'main', name: 'db' };
const other = { pool: 'main', name: 'other' };
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
    await sim.create(of, { sizeBytes: MiB }, patient());
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
    const spec = { sizeBytes: MiB };
    const calls: Readonly<Record<keyof VolumePort, () => Promise<unknown>>> = {
      pools: () => sim.pools(patient()),
      create: () => sim.create(of, spec, patient()),
      clone: () => sim.clone(of, 'a', other, spec, patient()),
      inspect: () => sim.inspect(of, patient()),
      mount: () => sim.mount(of, patient()),
      list: () => sim.list('main', patient()),
      changes: () => sim.changes('main', patient()),
      snapshot: () => sim.snapshot(of, 'a', patient()),
      snapshotTogether: () => sim.snapshotTogether([of], 'a', patient()),
      snapshots: () => sim.snapshots(of, patient()),
      foreignSnapshots: () => sim.foreignSnapshots(of, patient()),
      snapshotPath: () => sim.snapshotPath(of, 'a', patient()),
      writtenSince: () => sim.writtenSince(of, 'a', patient()),
      removeSnapshots: () => sim.removeSnapshots(of, ['a'], patient()),
      rollback: () => sim.rollback(of, 'a', 'b', patient()),
      candidates: () => sim.candidates('main', patient()),
      adopt: () => sim.adopt('/sim/main/native', of, patient()),
      release: () => sim.release(of, patient()),
      destroy: () => sim.destroy(of, { scrub: false }, patient()),
    };
    for (const [op, call] of Object.entries(calls)) {
      const asked: string[] = [];
      sim.fault = (name, _, when) => {
        asked.push(`${name} ${when}`);
        return failed;
      };
      await expect(call()).rejects.toBe(failed);
      expect(asked).toEqual([`${op} before`]);
    }
  });

  test('whatever fails or is cut off, a caller that repeats gets there, and everything happens once', async () => {
    const anyDriver = fc.constantFrom<SimDriver>('btrfs', 'zfs', 'dir');
    const anyOften = fc.double({ min: 0, max: 0.7, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.nat(), anyOften, anyDriver, async (seed, often, driver) => {
        const chance = seededRandom(seed);
        const clock = selfWindingClock();
        const sim = make({
          clock,
          pools: [{ name: 'main', sizeBytes: 64 * MiB, driver }],
          fault: () => (chance.chance(often) ? failed : undefined),
          effectAfterCutOff: 0.5,
        });
        const insist = async (op: (call: Call) => Promise<unknown>): Promise<void> => {
          const timeoutMs = chance.chance(often) ? chance.below(12) : 30_000;
          if ((await codeOf(op({ ...patient(), timeoutMs }))) !== undefined) return insist(op);
          // What was cut off before has had its effect by then.
          await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
        };
        const spec = { sizeBytes: MiB };
        const { native, path } = sim.addNative('main', 'native');
        await insist((call) => sim.create(of, spec, call));
        sim.write(of, 'file', 'one');
        await insist((call) => sim.snapshot(of, 'a', call));
        sim.write(of, 'file', 'two');
        await insist((call) => sim.rollback(of, 'a', 'b', call));
        expect(sim.files(of).get('file')).toBe('one');
        expect(sim.snapshotFiles(of, 'b').get('file')).toBe('two');
        await insist((call) => sim.clone(of, 'b', other, spec, call));
        expect(sim.files(other).get('file')).toBe('two');
        await insist((call) => sim.removeSnapshots(of, ['a', 'b'], call));
        await insist((call) => sim.destroy(of, { scrub: false }, call));
        await insist((call) => sim.adopt(native, of, call));
        sim.writeAt(path, 'file', 'three');
        await insist((call) => sim.snapshot(of, 'a', call));
        await insist((call) => sim.release(of, call));
        expect(sim.filesAt(path)?.get('file')).toBe('three');
        expect(sim.contents().map((content) => [content.of, content.snapshots])).toEqual([[other, []]]);
      }),
    );
  });

  test('calls take virtual time, and end when theirs is over', async () => {
    const clock = selfWindingClock();
    const sim = make({ clock, latencyMs: () => 60_000 });
    const before = clock.monotonicMs();
    await sim.create(of, { sizeBytes: MiB }, { ...patient(), timeoutMs: 100_000 });
    expect(clock.monotonicMs() - before).toBe(60_000);
    expect(await codeOf(sim.destroy(of, { scrub: false }, { ...patient(), timeoutMs: 10_000 }))).toBe('TIMED_OUT');
    expect(sim.contents()).toHaveLength(1);
    expect(await codeOf(sim.destroy(of, { scrub: false }, { ...patient(), timeoutMs: 40_000 }))).toBe('TIMED_OUT');
    expect(sim.contents()).toHaveLength(0);
  });

  test('a call that was cut off may take effect later', async () => {
    const clock = selfWindingClock();
    const sim = make({ clock, latencyMs: () => 1000, effectAfterCutOff: 1 });
    await sim.create(of, { sizeBytes: MiB }, patient());
    expect(await codeOf(sim.snapshot(of, 'late', { ...patient(), timeoutMs: 100 }))).toBe('TIMED_OUT');
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 5000));
    expect(await sim.snapshots(of, patient())).toMatchObject([{ name: 'late' }]);
  });

  test('a full pool takes no datasets, snapshots or files, and says that it is full', async () => {
    const sim = make();
    await sim.create(of, { sizeBytes: 32 * MiB }, patient());
    sim.occupy('main', 64 * MiB);
    expect(await codeOf(sim.create({ ...of, name: 'new' }, { sizeBytes: MiB }, patient()))).toBe('NO_SPACE');
    expect(await codeOf(sim.snapshot(of, 'a', patient()))).toBe('NO_SPACE');
    expect(() => sim.write(of, 'file', 'x')).toThrow(expect.objectContaining({ code: 'NO_SPACE' }));
    expect(await sim.pools(patient())).toMatchObject([{ usedBytes: 64 * MiB, sizeBytes: 64 * MiB }]);
    sim.occupy('main', 0);
    await sim.snapshot(of, 'a', patient());
  });

  test('what a snapshot shares with its dataset takes space once', async () => {
    const sim = make();
    await sim.create(of, { sizeBytes: 32 * MiB }, patient());
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
    await sim.create(of, { sizeBytes: MiB }, patient());
    await sim.snapshot(of, 'a', patient());
    sim.setPool('main', 'read-only');
    expect(await sim.pools(patient())).toMatchObject([{ state: 'degraded' }]);
    expect(await codeOf(sim.snapshot(of, 'b', patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.removeSnapshots(of, ['a'], patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.destroy(of, { scrub: false }, patient()))).toBe('READ_ONLY');
    expect(await codeOf(sim.create(of, { sizeBytes: 2 * MiB }, patient()))).toBe('READ_ONLY');
    expect(await sim.snapshot(of, 'a', patient())).toMatchObject({ name: 'a' });
  });

  test('what is in use is neither rolled back nor destroyed', async () => {
    const sim = make();
    const { path } = await sim.create(of, { sizeBytes: MiB }, patient());
    await sim.snapshot(of, 'a', patient());
    sim.usedBy = (used) => (used === path ? 'a container' : undefined);
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('BUSY');
    expect(await codeOf(sim.destroy(of, { scrub: false }, patient()))).toBe('BUSY');
    sim.usedBy = undefined;
    await sim.rollback(of, 'a', 'b', patient());
  });

  test('a container finds the files of a dataset by its path, as long as the pool is there', async () => {
    const sim = make();
    const { path } = await sim.create(of, { sizeBytes: MiB }, patient());
    sim.filesAt(path)?.set('file', 'one');
    expect(sim.files(of).get('file')).toBe('one');
    expect(sim.filesAt('/elsewhere')).toBeUndefined();
    sim.setPool('main', 'unavailable');
    expect(sim.filesAt(path)).toBeUndefined();
  });

  test('where snapshots are copies they take room, each of them', async () => {
    const sim = make({ pools: [{ name: 'main', sizeBytes: 64 * MiB, driver: 'dir' }] });
    await sim.create(of, { sizeBytes: 32 * MiB }, patient());
    sim.write(of, 'big', 'x'.repeat(24 * MiB));
    await sim.snapshot(of, 'a', patient());
    expect(await codeOf(sim.snapshot(of, 'b', patient()))).toBe('NO_SPACE');
    expect(await codeOf(sim.clone(of, 'a', other, { sizeBytes: 32 * MiB }, patient()))).toBe('NO_SPACE');
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('NO_SPACE');
    expect(sim.contents()).toMatchObject([{ of, snapshots: [{ name: 'a' }] }]);
    sim.write(of, 'more', 'x'.repeat(12 * MiB));
    expect(await sim.inspect(of, patient())).toMatchObject({ sizeBytes: undefined });
  });

  test('a full pool leaves nothing of a clone, of many snapshots at once or of a rollback', async () => {
    const sim = make({ pools: [{ name: 'main', sizeBytes: 64 * MiB, driver: 'zfs' }] });
    await sim.create(of, { sizeBytes: MiB }, patient());
    await sim.create(other, { sizeBytes: MiB }, patient());
    await sim.snapshot(of, 'a', patient());
    const [pool] = await sim.pools(patient());
    // One more snapshot would fit, two do not.
    sim.occupy('main', 64 * MiB - (pool?.usedBytes ?? 0) - 20_000);
    expect(await codeOf(sim.snapshotTogether([of, other], 'b', patient()))).toBe('NO_SPACE');
    sim.occupy('main', 64 * MiB);
    expect(await codeOf(sim.rollback(of, 'a', 'b', patient()))).toBe('NO_SPACE');
    expect(await codeOf(sim.clone(of, 'a', { ...of, name: 'clone' }, { sizeBytes: MiB }, patient()))).toBe('NO_SPACE');
    expect(sim.contents().map(({ snapshots }) => snapshots.length)).toEqual([1, 0]);
  });

  test('after a boot nothing is at the path of a dataset until it is mounted', async () => {
    const sim = make();
    const { path } = await sim.create(of, { sizeBytes: MiB }, patient());
    sim.write(of, 'file', 'one');
    sim.unmountAll('main');
    expect(sim.filesAt(path)).toBeUndefined();
    expect(() => sim.write(of, 'file', 'two')).toThrow(expect.objectContaining({ code: 'MISSING' }));
    await sim.mount(of, patient());
    expect(sim.filesAt(path)?.get('file')).toBe('one');
  });

  test('a hold of another tool keeps a snapshot and its dataset, also one that was adopted', async () => {
    const sim = make();
    const { native } = sim.addNative('main', 'native');
    await sim.adopt(native, of, patient());
    await sim.snapshot(of, 'a', patient());
    await sim.snapshot(of, 'b', patient());
    sim.hold(of, 'b', true);
    expect(await codeOf(sim.removeSnapshots(of, ['a', 'b'], patient()))).toBe('HELD');
    expect(await codeOf(sim.release(of, patient()))).toBe('HELD');
    await sim.removeSnapshots(of, ['a'], patient());
    sim.hold(of, 'b', false);
    await sim.release(of, patient());
    expect(sim.contents()).toEqual([]);
  });

  test('a snapshot of another tool outlives its dataset, and is seen by a checker', async () => {
    const sim = make();
    await sim.create(of, { sizeBytes: MiB }, patient());
    const { guid, name } = sim.snapshotByOther(of, 'daily');
    await sim.destroy(of, { scrub: false }, patient());
    expect(sim.snapshotsByOthers('main')).toMatchObject([{ guid, name }]);
    sim.removeByOther('main', guid);
    expect(sim.snapshotsByOthers('main')).toEqual([]);
  });

  test('the same seed gives the same identities, another one others', async () => {
    const guids = async (seed: number, driver: SimDriver = 'btrfs') => {
      const sim = make({ random: seededRandom(seed), pools: [{ name: 'main', sizeBytes: 64 * MiB, driver }] });
      await sim.create(of, { sizeBytes: MiB }, patient());
      return [await sim.snapshot(of, 'a', patient()), await sim.snapshot(of, 'b', patient())].map(({ guid }) => guid);
    };
    expect(await guids(1)).toEqual(await guids(1));
    expect(new Set([...(await guids(1)), ...(await guids(2))]).size).toBe(4);
    expect(await guids(1, 'zfs')).toEqual([expect.stringMatching(/^\d{19,20}$/), expect.stringMatching(/^\d{19,20}$/)]);
  });
});
