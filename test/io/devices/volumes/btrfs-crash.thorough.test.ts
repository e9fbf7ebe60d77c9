/**
 * Crashes at every step, on a real pool. The daemon dies: the hook throws, and another port goes on. The power fails:
 * the pool goes on from a copy of what its disk held at that step.
 */
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { patient } from '#test/contracts/volumes.ts';
import type { TempPool } from '#test/pool-fixture.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { Crash, dies, dyingAt } from './crash.ts';
import { trimmableDisks } from './trimmable-disks.ts';

const MiB = 2 ** 20;
const createSteps = ['folders', 'made', 'limited', 'owned', 'named', 'synced'];
const finishSteps = ['moved-in', 'kept', 'recorded', 'removed', 'cleared'];
const rollbackSteps = ['planned', 'stashed', 'cloned', 'limited', 'moved-aside', ...finishSteps];
const destroySteps = ['trashed', 'forgotten', 'deleted', 'emptied'];

const scrubSteps = ['trashed', 'forgotten', 'deleted', 'trimmed', 'emptied'];

describeReal('btrfs volumes that are interrupted', missingBtrfs(), () => {
  let pool: TempPool;
  let of: Dataset;
  let count = 0;
  beforeAll(async () => {
    pool = await tempPool();
  });
  afterAll(() => pool?.dispose());
  beforeEach(() => {
    of = { pool: 'test', name: `set-${++count}` };
  });

  const home = () => join(pool.mountpoint, 'floatlab', 'volumes', of.name);
  const crashingAt = (step: string) => pool.open(dyingAt(step));
  const text = (...path: string[]) => readFile(join(home(), ...path), 'utf8').catch(() => undefined);
  const names = async (volumes: VolumePort) => (await volumes.snapshots(of, patient())).map(({ name }) => name);

  /** A dataset whose snapshot `old` says "one", and which itself says "two". */
  const prepare = async () => {
    await pool.volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    await writeFile(join(home(), 'live', 'file'), 'one');
    await pool.volumes.snapshot(of, 'old', patient());
    await writeFile(join(home(), 'live', 'file'), 'two');
    await pool.volumes.snapshot(of, 'newer', patient());
  };

  const expectRolledBack = async (volumes: VolumePort) => {
    expect(await names(volumes)).toEqual(['old', 'newer', 'stash']);
    expect(await text('live', 'file')).toBe('one');
    expect(await text('snapshots', 'stash', 'file')).toBe('two');
    expect(await text('snapshots', 'old', 'file')).toBe('one');
    expect(await volumes.inspect(of, patient())).toMatchObject({ sizeBytes: 32 * MiB });
    expect((await readdir(home())).toSorted()).toEqual(['live', 'rolled-back.json', 'snapshots']);
    expect((await readdir(join(home(), 'snapshots'))).toSorted()).toEqual(['newer', 'old', 'stash']);
  };
  const expectUntouched = async (volumes: VolumePort) => {
    expect(await names(volumes)).toEqual(['old', 'newer']);
    expect(await text('live', 'file')).toBe('two');
  };

  test('the steps are the ones that are tested here', async () => {
    const steps: string[] = [];
    const volumes = pool.open({ step: (step) => void steps.push(step) });
    await volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    expect(steps.splice(0)).toEqual(createSteps);
    await volumes.snapshot(of, 'old', patient());
    await volumes.rollback(of, 'old', 'stash', patient());
    expect(steps.splice(0)).toEqual(rollbackSteps);
    await volumes.clone(of, 'old', { ...of, name: `${of.name}-clone` }, { sizeBytes: 32 * MiB }, patient());
    expect(steps.splice(0)).toEqual(createSteps);
    await volumes.destroy(of, { scrub: false }, patient());
    expect(steps.splice(0)).toEqual(destroySteps);
  });

  test.each(createSteps)('a create that dies after "%s" is finished by a repetition', async (step) => {
    await dies(crashingAt(step).create(of, { sizeBytes: 32 * MiB }, patient()));
    const volumes = pool.open();
    const named = step === 'named' || step === 'synced';
    expect((await volumes.list('test', patient())).includes(of.name)).toBe(named);
    const half = await volumes.inspect(of, patient());
    expect(half?.sizeBytes).toBe(named ? 32 * MiB : undefined);
    expect(await volumes.create(of, { sizeBytes: 32 * MiB }, patient())).toMatchObject({ sizeBytes: 32 * MiB });
    expect((await readdir(home())).toSorted()).toEqual(['live', 'snapshots']);
  });

  test.each(createSteps)('a create that dies after "%s" can be destroyed', async (step) => {
    await dies(crashingAt(step).create(of, { sizeBytes: 32 * MiB }, patient()));
    await pool.open().destroy(of, { scrub: false }, patient());
    expect(existsSync(home())).toBe(false);
  });

  test.each(createSteps)('a clone that dies after "%s" is there whole or not at all, and can be made', async (step) => {
    await prepare();
    const into = { ...of, name: `${of.name}-clone` };
    const spec = { sizeBytes: 64 * MiB, mode: 0o700 };
    await dies(crashingAt(step).clone(of, 'old', into, spec, patient()));
    const volumes = pool.open();
    const content = () => readFile(join(home(), '..', into.name, 'live', 'file'), 'utf8');
    const info = await volumes.inspect(into, patient());
    expect(info?.sizeBytes).toBe(step === 'named' || step === 'synced' ? 64 * MiB : undefined);
    // It does not need the snapshot any more once it is there.
    if (info) await volumes.destroy(of, { scrub: false }, patient());
    expect(await volumes.clone(of, 'old', into, spec, patient())).toMatchObject({ sizeBytes: 64 * MiB });
    expect(await content()).toBe('one');
    expect((await readdir(join(home(), '..', into.name))).toSorted()).toEqual(['live', 'snapshots']);
    if (!info) await expectUntouched(volumes);
  });

  test.each(rollbackSteps)('a rollback that dies after "%s" happened whole or not at all', async (step) => {
    await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    expect(await volumes.list('test', patient())).toContain(of.name);
    const decided = rollbackSteps.indexOf(step) >= rollbackSteps.indexOf('moved-aside');
    await (decided ? expectRolledBack(volumes) : expectUntouched(volumes));
    await volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(volumes);
  });

  test.each(rollbackSteps)('a rollback that dies after "%s" is finished by a repetition at once', async (step) => {
    await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    await volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(volumes);
  });

  test.each(finishSteps)('finishing a rollback can die again after "%s"', async (step) => {
    await prepare();
    await dies(crashingAt('moved-aside').rollback(of, 'old', 'stash', patient()));
    await crashingAt(step)
      .inspect(of, patient())
      .catch(() => undefined);
    await expectRolledBack(pool.open());
  });

  test.each(rollbackSteps)('a rollback that dies after "%s" can be given up for another one', async (step) => {
    await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    await volumes.rollback(of, 'newer', 'stash-2', patient());
    expect(await text('live', 'file')).toBe('two');
    expect(await names(volumes)).toContain('stash-2');
  });

  test.each(destroySteps)(
    'a destroy that dies after "%s" has removed the dataset, and a repetition the rest',
    async (step) => {
      await prepare();
      await dies(crashingAt(step).destroy(of, { scrub: false }, patient()));
      const volumes = pool.open();
      expect(await volumes.inspect(of, patient())).toBeUndefined();
      await volumes.create(of, { sizeBytes: 32 * MiB }, patient());
      expect(await names(volumes)).toEqual([]);
      await volumes.destroy(of, { scrub: false }, patient());
      expect(existsSync(home())).toBe(false);
      expect(await readdir(join(pool.mountpoint, 'floatlab', 'trash'))).toEqual([]);
    },
  );

  test.each(scrubSteps)('a scrubbed destroy that dies after "%s" is finished by any repetition', async (step) => {
    await prepare();
    const sys = await trimmableDisks(pool);
    const trims: string[] = [];
    const counting: RunCommand = async (file, args, options) => {
      if (file === 'fstrim') trims.push(...args);
      return run(file, args, options);
    };
    await dies(pool.open({ ...dyingAt(step), sys, run: counting }).destroy(of, { scrub: true }, patient()));
    const trimmed = scrubSteps.indexOf(step) >= scrubSteps.indexOf('trimmed');
    expect(trims).toHaveLength(trimmed ? 1 : 0);
    await pool.open({ sys, run: counting }).destroy(of, { scrub: false }, patient());
    expect(trims.length).toBeGreaterThan(0);
    expect(await readdir(join(pool.mountpoint, 'floatlab', 'trash'))).toEqual([]);
  });

  test('a destroy that dies while it deletes leaves no dataset with a part of its snapshots', async () => {
    await prepare();
    const dying: RunCommand = async (file, args, options) => {
      const ran = await run(file, args.includes('delete') ? args.slice(0, 4) : args, options);
      if (args.includes('delete')) throw new Crash('after the first of them');
      return ran;
    };
    await dies(pool.open({ run: dying }).destroy(of, { scrub: false }, patient()));
    const volumes = pool.open();
    expect(await volumes.list('test', patient())).not.toContain(of.name);
    expect(await volumes.inspect(of, patient())).toBeUndefined();
    await volumes.destroy(of, { scrub: false }, patient());
    expect(await readdir(join(pool.mountpoint, 'floatlab', 'trash'))).toEqual([]);
  });

  test('what was answered is there after a power cut: dataset, snapshot with unsynced writes, rollback, removal', async () => {
    await pool.volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    const created = await pool.photograph();
    await writeFile(join(home(), 'live', 'file'), 'one'.repeat(100_000));
    await pool.volumes.snapshot(of, 'old', patient());
    const snapshotted = await pool.photograph();
    await writeFile(join(home(), 'live', 'file'), 'two');
    await pool.volumes.rollback(of, 'old', 'stash', patient());
    const rolledBack = await pool.photograph();
    await pool.volumes.removeSnapshots(of, ['stash'], patient());
    const removed = await pool.photograph();
    await pool.volumes.destroy(of, { scrub: false }, patient());
    const destroyed = await pool.photograph();

    await pool.restore(created);
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ sizeBytes: 32 * MiB });
    await pool.restore(snapshotted);
    expect(await text('snapshots', 'old', 'file')).toBe('one'.repeat(100_000));
    await pool.restore(rolledBack);
    expect(await names(pool.volumes)).toEqual(['old', 'stash']);
    expect(await text('live', 'file')).toBe('one'.repeat(100_000));
    expect(await text('snapshots', 'stash', 'file')).toBe('two');
    await pool.restore(removed);
    expect(await names(pool.volumes)).toEqual(['old']);
    await pool.restore(destroyed);
    expect(await pool.volumes.list('test', patient())).not.toContain(of.name);
  });

  test('a power cut after any step of a rollback leaves all of it or nothing', async () => {
    await prepare();
    await pool.tool('btrfs', 'filesystem', 'sync', pool.mountpoint);
    const photographs: string[] = [];
    const volumes = pool.open({
      step: async () => {
        photographs.push(await pool.photograph());
      },
    });
    await volumes.rollback(of, 'old', 'stash', patient());
    expect(photographs).toHaveLength(rollbackSteps.length);
    const outcomes: boolean[] = [];
    for (const photograph of photographs) {
      await pool.restore(photograph);
      const done = (await names(pool.volumes)).includes('stash');
      outcomes.push(done);
      await (done ? expectRolledBack(pool.volumes) : expectUntouched(pool.volumes));
      await pool.volumes.rollback(of, 'old', 'stash', patient());
      await expectRolledBack(pool.volumes);
    }
    expect(outcomes.at(0)).toBe(false);
    expect(outcomes.at(-1)).toBe(true);
    const first = outcomes.indexOf(true);
    expect(outcomes).toEqual(outcomes.map((_, n) => n >= first));
  });
});
