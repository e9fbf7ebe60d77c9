/**
 * Crashes at every step, on real zfs: the hook throws, and another port goes on, as after a start of the daemon. A power
 * cut leaves no less: a command of zfs returns when what it did is on disk.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { patient } from '#test/contracts/volumes.ts';
import { describeReal } from '#test/real.ts';
import type { ZfsMachine, ZfsTestPool } from '#test/zfs-fixture.ts';
import { missingZfsFuse, zfsFuse, zfsPool } from '#test/zfs-fixture.ts';

const MiB = 2 ** 20;
const owner = { uid: 999, gid: 70 };
const spec = { sizeBytes: 32 * MiB, owner, mode: 0o750 };
const makeSteps = ['made', 'named', 'given', 'cleared'];
const rollbackSteps = [
  ...['stashed', 'cloned', 'unmounted', 'moved-aside', 'moved-in', 'recorded'],
  ...['quieted', 'promoted', 'kept', 'mounted', 'cleared'],
];
const adoptSteps = ['noted', 'marked', 'adopted'];
const releaseSteps = ['releasing', 'emptied', 'scrubbed', 'removed', 'renamed', 'let-go', 'unmarked', 'forgotten'];
const destroySteps = [
  ...['marked', 'unmounted', 'trashed', 'renamed', 'let-go', 'given-away'],
  ...['emptied', 'scrubbed', 'removed'],
];

class Crash extends Error {}

describeReal('zfs volumes that are interrupted', missingZfsFuse(), () => {
  let machine: ZfsMachine;
  let pool: ZfsTestPool;
  let of: Dataset;
  let into: Dataset;
  let count = 0;
  beforeAll(async () => {
    machine = await zfsFuse();
    pool = await zfsPool(machine);
  });
  afterAll(() => machine?.dispose());
  beforeEach(() => {
    count++;
    of = { pool: 'test', name: `set-${count}` };
    into = { pool: 'test', name: `copy-${count}` };
  });

  const crashingAt = (fatal: string): VolumePort =>
    pool.open({
      step: (step) => {
        if (step === fatal) throw new Crash(step);
      },
    });
  const dies = async (promise: Promise<unknown>) =>
    expect(await promise.catch((error: unknown) => error)).toMatchObject({ cause: expect.any(Crash) });
  const stepsOf = async (body: (volumes: VolumePort) => Promise<unknown>) => {
    const steps: string[] = [];
    await body(pool.open({ step: (step) => void steps.push(step) }));
    return steps;
  };
  const read = async (volumes: VolumePort, one = of) => {
    const info = await volumes.inspect(one, patient());
    return info && machine.read(`${info.path}/file`);
  };
  const readSnapshot = async (volumes: VolumePort, name: string) =>
    machine.read(`${await volumes.snapshotPath(of, name, patient())}/file`);
  const names = async (volumes: VolumePort) => (await volumes.snapshots(of, patient())).map(({ name }) => name);
  const everything = async () =>
    (await pool.tool('zfs', 'list', '-H', '-o', 'name', '-t', 'all', '-r', pool.zpool)).split('\n');
  /** What is left of a volume, or of anything private, in the whole zpool. */
  const leftOf = async (one: Dataset) =>
    (await everything()).filter((name) => name.includes(`${one.name}/`) || name.includes(`${one.name}@`));

  /** A dataset whose snapshot `old` says "one", and which itself says "two". */
  const prepare = async () => {
    const { path } = await pool.volumes.create(of, spec, patient());
    await machine.write(`${path}/file`, 'one');
    await pool.volumes.snapshot(of, 'old', patient());
    await machine.write(`${path}/file`, 'two');
    await pool.volumes.snapshot(of, 'newer', patient());
    return path;
  };
  const adopted = async () => {
    const native = `${pool.zpool}/native-${count}`;
    const path = `${machine.folder}/natives/${count}`;
    await pool.tool('zfs', 'create', '-o', `mountpoint=${path}`, native);
    await machine.write(`${path}/file`, 'one');
    return { native, path };
  };

  test('the steps are the ones that are tested here', async () => {
    expect(await stepsOf((volumes) => volumes.create(of, spec, patient()))).toEqual(makeSteps);
    await pool.volumes.snapshot(of, 'old', patient());
    expect(await stepsOf((volumes) => volumes.rollback(of, 'old', 'stash', patient()))).toEqual(rollbackSteps);
    expect(await stepsOf((volumes) => volumes.clone(of, 'old', into, spec, patient()))).toEqual(makeSteps);
    expect(await stepsOf((volumes) => volumes.destroy(of, { scrub: false }, patient()))).toEqual(destroySteps);
    const { native } = await adopted();
    expect(await stepsOf((volumes) => volumes.adopt(native, of, patient()))).toEqual(adoptSteps);
    await pool.volumes.snapshot(of, 's', patient());
    await pool.volumes.snapshotPath(of, 's', patient());
    expect(await stepsOf((volumes) => volumes.release(of, patient()))).toEqual(releaseSteps);
  });

  test.each(makeSteps)('a volume whose making dies after "%s" is whole or not there, and can be made', async (step) => {
    await dies(crashingAt(step).create(of, spec, patient()));
    const volumes = pool.open();
    const info = await volumes.inspect(of, patient());
    expect(info !== undefined).toBe(step !== 'made');
    if (info) expect(await pool.tool('stat', '-c', '%u %g %a', info.path)).toBe('999 70 750');
    const { path } = await volumes.create(of, spec, patient());
    expect(await pool.tool('stat', '-c', '%u %g %a', path)).toBe('999 70 750');
    await volumes.destroy(of, { scrub: false }, patient());
    expect(await leftOf(of)).toEqual([]);
  });

  test('a volume whose making dies is not in the way of one that is adopted, or destroyed', async () => {
    await dies(crashingAt('made').create(of, spec, patient()));
    await pool.open().destroy(of, { scrub: false }, patient());
    expect((await everything()).filter((name) => name.includes(of.name))).toEqual([]);
  });

  test.each(makeSteps)(
    'a clone that dies after "%s" is whole or not there, and its parent is as before',
    async (step) => {
      await prepare();
      await dies(crashingAt(step).clone(of, 'old', into, spec, patient()));
      const volumes = pool.open();
      expect(await read(volumes, into)).toBe(step === 'made' ? undefined : 'one');
      await volumes.clone(of, 'old', into, spec, patient());
      expect([await read(volumes, into), await read(volumes), await names(volumes)]).toEqual([
        ...['one', 'two'],
        ['old', 'newer'],
      ]);
    },
  );

  test.each(rollbackSteps)('a rollback that dies after "%s" happened whole or not at all', async (step) => {
    await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    expect(await volumes.list('test', patient())).toContain(of.name);
    const decided = rollbackSteps.indexOf(step) >= rollbackSteps.indexOf('moved-aside');
    expect([await names(volumes), await read(volumes)]).toEqual(
      decided ? [['old', 'newer', 'stash'], 'one'] : [['old', 'newer'], 'two'],
    );
    await volumes.rollback(of, 'old', 'stash', patient());
    expect([await names(volumes), await read(volumes)]).toEqual([['old', 'newer', 'stash'], 'one']);
    expect([await readSnapshot(volumes, 'stash'), await readSnapshot(volumes, 'old')]).toEqual(['two', 'one']);
    const info = await volumes.inspect(of, patient());
    expect(info).toMatchObject({ sizeBytes: 32 * MiB });
    expect(await pool.tool('stat', '-c', '%u %g %a', info?.path ?? '')).toBe('999 70 750');
  });

  test.each(['moved-in', 'promoted', 'kept'])('finishing a rollback can die again after "%s"', async (step) => {
    await prepare();
    await dies(crashingAt('moved-aside').rollback(of, 'old', 'stash', patient()));
    await dies(crashingAt(step).inspect(of, patient()));
    const volumes = pool.open();
    expect([await names(volumes), await read(volumes)]).toEqual([['old', 'newer', 'stash'], 'one']);
    await volumes.destroy(of, { scrub: false }, patient());
    expect(await leftOf(of)).toEqual([]);
  });

  test.each(['moved-aside', 'recorded'])(
    'a rollback in place that dies after "%s" is finished in place',
    async (step) => {
      const { native, path } = await adopted();
      await pool.volumes.adopt(native, of, patient());
      await pool.volumes.snapshot(of, 'old', patient());
      await machine.write(`${path}/file`, 'two');
      await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
      const volumes = pool.open();
      expect(await volumes.inspect(of, patient())).toMatchObject({ path, adopted: native });
      expect([await machine.read(`${path}/file`), await names(volumes)]).toEqual(['one', ['old', 'stash']]);
      await volumes.release(of, patient());
    },
  );

  test.each(adoptSteps)('an adoption that dies after "%s" happened or not, and can be taken back', async (step) => {
    const { native, path } = await adopted();
    await dies(crashingAt(step).adopt(native, of, patient()));
    const volumes = pool.open();
    expect((await volumes.inspect(of, patient()))?.adopted).toBe(step === 'adopted' ? native : undefined);
    await volumes.release(of, patient());
    await volumes.adopt(native, into, patient());
    expect([await machine.read(`${path}/file`), await read(volumes, into)]).toEqual(['one', 'one']);
    await volumes.release(into, patient());
    const marks = await pool.tool('zfs', 'get', '-H', '-s', 'local', '-o', 'property', 'all', native);
    expect(marks).toBe('mountpoint');
  });

  test.each(releaseSteps)('a release that dies after "%s" is finished by a repetition', async (step) => {
    const { native, path } = await adopted();
    await pool.volumes.adopt(native, of, patient());
    await pool.volumes.snapshot(of, 's', patient());
    await pool.volumes.snapshotPath(of, 's', patient());
    await dies(crashingAt(step).release(of, patient()));
    const volumes = pool.open();
    expect(await volumes.inspect(of, patient())).toBeUndefined();
    expect(await volumes.list('test', patient())).not.toContain(of.name);
    await volumes.release(of, patient());
    expect(await machine.read(`${path}/file`)).toBe('one');
    expect((await everything()).filter((name) => name.includes(of.name) || name.startsWith(`${native}@`))).toEqual([]);
  });

  test.each(destroySteps)(
    'a destroy that dies after "%s" has removed the volume or nothing, and its clone stays',
    async (step) => {
      await prepare();
      await pool.volumes.clone(of, 'old', into, spec, patient());
      await dies(crashingAt(step).destroy(of, { scrub: false }, patient()));
      const volumes = pool.open();
      const decided = destroySteps.indexOf(step) >= destroySteps.indexOf('trashed');
      expect(await read(volumes)).toBe(decided ? undefined : 'two');
      if (!decided) expect(await names(volumes)).toEqual(['old', 'newer']);
      await volumes.destroy(of, { scrub: false }, patient());
      expect(await read(volumes, into)).toBe('one');
      expect(await volumes.snapshots(into, patient())).toEqual([]);
      expect([await leftOf(of), await leftOf(into)]).toEqual([[], []]);
      await volumes.create(of, spec, patient());
      expect([await read(volumes), await names(volumes)]).toEqual([undefined, []]);
    },
  );
});
