/** The daemon dies after any step: the hook throws, and another port goes on. What is there must be whole, or nothing. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import type { RunCommand } from '#io/devices/run.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import type { TempDirPool } from './dir-pool.ts';
import { quickTools, tempFolder } from './dir-pool.ts';

const spec = { sizeBytes: 2 ** 20 };
const createSteps = ['folders', 'made', 'named'];
const snapshotSteps = ['copied', 'described', 'flushed', 'named'];
const rollbackSteps = [
  ...['planned', 'copied', 'described', 'flushed', 'moved-aside'],
  ...['moved-in', 'adopted', 'kept', 'recorded', 'cleared'],
];
const removeSteps = ['moved', 'removed'];
const adoptSteps = ['folders', 'adopted'];
const destroySteps = ['marked', 'trashed', 'emptied'];
const both = [['made'], ['adopted']] as const;
const rollbacks = both.flatMap(([kind]) => rollbackSteps.map((step) => [kind, step] as const));

class Crash extends Error {}

describe('volumes in a plain folder that are interrupted', () => {
  let pool: TempDirPool;
  let of: Dataset;
  let native: string;
  let count = 0;
  beforeAll(async () => {
    pool = await tempFolder({ run: quickTools });
  });
  afterAll(() => pool?.dispose());
  beforeEach(() => {
    of = { pool: 'test', name: `set-${++count}` };
    native = join(pool.path, `native ${count}`);
  });

  const crashingAt = (fatal: string): VolumePort =>
    pool.open({
      step: (step) => {
        if (step === fatal) throw new Crash(step);
      },
    });
  const dies = async (promise: Promise<unknown>) =>
    expect(await promise.catch((error: unknown) => error)).toMatchObject({ cause: expect.any(Crash) });
  const text = (...path: string[]) => readFile(join(...path), 'utf8').catch(() => undefined);
  const names = async (volumes: VolumePort) => (await volumes.snapshots(of, patient())).map(({ name }) => name);
  const inSnapshot = (name: string) => text(pool.home(of), 'snapshots', name, 'files', 'file');
  const trash = () => readdir(join(pool.path, 'floatlab', 'trash')).catch(() => []);
  const destroy = (volumes: VolumePort) => volumes.destroy(of, { scrub: false }, patient());

  /** A dataset whose snapshot `old` says "one", and which itself says "two". @returns where its files are */
  const prepare = async (kind: 'made' | 'adopted' = 'made'): Promise<string> => {
    if (kind === 'adopted') await mkdir(native);
    const { path } =
      kind === 'made'
        ? await pool.volumes.create(of, spec, patient())
        : await pool.volumes.adopt(native, of, patient());
    await writeFile(join(path, 'file'), 'one');
    await pool.volumes.snapshot(of, 'old', patient());
    await writeFile(join(path, 'file'), 'two');
    await pool.volumes.snapshot(of, 'newer', patient());
    return path;
  };
  const expectRolledBack = async (volumes: VolumePort, path: string) => {
    expect(await names(volumes)).toEqual(['old', 'newer', 'stash']);
    expect(await volumes.inspect(of, patient())).toMatchObject({ path });
    expect(await text(path, 'file')).toBe('one');
    expect([await inSnapshot('stash'), await inSnapshot('old')]).toEqual(['two', 'one']);
    const marker = path === native ? 'adopted.json' : 'live';
    expect((await readdir(pool.home(of))).toSorted()).toEqual([marker, 'rolled-back.json', 'snapshots']);
  };

  test('the steps are the ones that are tested here', async () => {
    const steps: string[] = [];
    const volumes = pool.open({ step: (step) => void steps.push(step) });
    await volumes.create(of, spec, patient());
    expect(steps.splice(0)).toEqual(createSteps);
    await volumes.snapshot(of, 'old', patient());
    expect(steps.splice(0)).toEqual(snapshotSteps);
    await volumes.rollback(of, 'old', 'stash', patient());
    expect(steps.splice(0)).toEqual(rollbackSteps);
    await volumes.removeSnapshots(of, ['old', 'stash'], patient());
    expect(steps.splice(0)).toEqual(removeSteps);
    await volumes.destroy(of, { scrub: false }, patient());
    expect(steps.splice(0)).toEqual(destroySteps);
    await mkdir(native);
    await volumes.adopt(native, of, patient());
    expect(steps.splice(0)).toEqual(adoptSteps);
    await volumes.release(of, patient());
    expect(steps.splice(0)).toEqual(destroySteps);
  });

  test.each(createSteps)('a create that dies after "%s" is finished by a repetition', async (step) => {
    await dies(crashingAt(step).create(of, spec, patient()));
    const volumes = pool.open();
    const named = step === 'named';
    expect((await volumes.list('test', patient())).includes(of.name)).toBe(named);
    expect((await volumes.inspect(of, patient())) !== undefined).toBe(named);
    await volumes.create(of, spec, patient());
    expect((await readdir(pool.home(of))).toSorted()).toEqual(['live', 'snapshots']);
  });

  test.each(createSteps)('a create that dies after "%s" can be destroyed', async (step) => {
    await dies(crashingAt(step).create(of, spec, patient()));
    await destroy(pool.open());
    expect(existsSync(pool.home(of))).toBe(false);
  });

  test.each(createSteps)('a clone that dies after "%s" is whole or not there, and is finished', async (step) => {
    const from = of;
    await prepare();
    of = { ...of, name: `${of.name}-clone` };
    await dies(crashingAt(step).clone(from, 'old', of, spec, patient()));
    const volumes = pool.open();
    expect((await volumes.inspect(of, patient())) !== undefined).toBe(step === 'named');
    const { path } = await volumes.clone(from, 'old', of, spec, patient());
    expect([await text(path, 'file'), await names(volumes)]).toEqual(['one', []]);
    expect((await readdir(pool.home(of))).toSorted()).toEqual(['live', 'snapshots']);
  });

  test.each(snapshotSteps)('a snapshot that dies after "%s" is whole or not there, and can be taken', async (step) => {
    const path = await prepare();
    await dies(crashingAt(step).snapshot(of, 'new', patient()));
    await writeFile(join(path, 'file'), 'three');
    const volumes = pool.open();
    const named = step === 'named';
    expect(await names(volumes)).toEqual(named ? ['old', 'newer', 'new'] : ['old', 'newer']);
    await volumes.snapshot(of, 'new', patient());
    expect(await names(volumes)).toEqual(['old', 'newer', 'new']);
    expect(await inSnapshot('new')).toBe(named ? 'two' : 'three');
    expect((await readdir(pool.home(of))).toSorted()).toEqual(['live', 'snapshots']);
  });

  test.each(rollbacks)('a rollback (%s) that dies after "%s" happened whole or not at all', async (kind, step) => {
    const path = await prepare(kind);
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    expect(await volumes.list('test', patient())).toContain(of.name);
    if (rollbackSteps.indexOf(step) >= rollbackSteps.indexOf('moved-aside')) {
      await expectRolledBack(volumes, path);
    } else {
      expect(await names(volumes)).toEqual(['old', 'newer']);
      expect(await text(path, 'file')).toBe('two');
    }
    await volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(volumes, path);
  });

  test.each(rollbackSteps)('a rollback that dies after "%s" is finished by a repetition at once', async (step) => {
    const path = await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    await volumes.rollback(of, 'old', 'stash', patient());
    await expectRolledBack(volumes, path);
  });

  test.each(rollbacks)('finishing a rollback (%s) can die again after "%s"', async (kind, step) => {
    const path = await prepare(kind);
    await dies(crashingAt('moved-aside').rollback(of, 'old', 'stash', patient()));
    await crashingAt(step)
      .inspect(of, patient())
      .catch(() => undefined);
    await expectRolledBack(pool.open(), path);
  });

  test.each(rollbackSteps)('a rollback that dies after "%s" can be given up for another one', async (step) => {
    const path = await prepare();
    await dies(crashingAt(step).rollback(of, 'old', 'stash', patient()));
    const volumes = pool.open();
    await volumes.rollback(of, 'newer', 'stash-2', patient());
    expect(await text(path, 'file')).toBe('two');
    expect(await names(volumes)).toContain('stash-2');
  });

  test('an engine that makes an empty folder in the middle of a rollback does not disturb it', async () => {
    const path = await prepare();
    await dies(crashingAt('moved-aside').rollback(of, 'old', 'stash', patient()));
    await mkdir(path);
    await expectRolledBack(pool.open(), path);
  });

  test('files that somebody puts in the place in the middle of a rollback are not lost', async () => {
    const path = await prepare();
    await dies(crashingAt('moved-aside').rollback(of, 'old', 'stash', patient()));
    await mkdir(path);
    await writeFile(join(path, 'file'), 'somebody');
    expect(await codeOf(pool.open().inspect(of, patient()))).toBe('DAMAGED');
    expect(await text(path, 'file')).toBe('somebody');
  });

  test.each(removeSteps)('snapshots whose removal dies after "%s" are gone, and so is what they took', async (step) => {
    await prepare();
    await dies(crashingAt(step).removeSnapshots(of, ['old', 'newer'], patient()));
    const volumes = pool.open();
    expect(await names(volumes)).toEqual([]);
    await volumes.removeSnapshots(of, ['old', 'newer'], patient());
    expect((await readdir(pool.home(of))).toSorted()).toEqual(['live', 'snapshots']);
  });

  test.each(adoptSteps)('an adoption that dies after "%s" is finished by a repetition', async (step) => {
    await mkdir(native);
    await dies(crashingAt(step).adopt(native, of, patient()));
    const volumes = pool.open();
    expect((await volumes.inspect(of, patient())) !== undefined).toBe(step === 'adopted');
    expect(await volumes.adopt(native, of, patient())).toMatchObject({ path: native });
  });

  test.each(destroySteps)('a release that dies after "%s" is finished by a repetition', async (step) => {
    await prepare('adopted');
    await dies(crashingAt(step).release(of, patient()));
    const volumes = pool.open();
    await volumes.release(of, patient());
    expect(await volumes.inspect(of, patient())).toBeUndefined();
    expect(await text(native, 'file')).toBe('two');
    expect([existsSync(pool.home(of)), await trash()]).toEqual([false, []]);
  });

  test.each(destroySteps)(
    'a destroy that dies after "%s" is whole or done, and a repetition does the rest',
    async (step) => {
      const path = await prepare();
      await dies(crashingAt(step).destroy(of, { scrub: false }, patient()));
      const volumes = pool.open();
      if (step === 'marked')
        expect([await text(path, 'file'), await names(volumes)]).toEqual(['two', ['old', 'newer']]);
      else expect(await volumes.inspect(of, patient())).toBeUndefined();
      await volumes.create(of, spec, patient());
      await destroy(volumes);
      expect([existsSync(pool.home(of)), await trash()]).toEqual([false, []]);
    },
  );

  describe('while a copy is made', () => {
    const meanwhile =
      (happens: () => Promise<unknown>): RunCommand =>
      async (file, args, options) => {
        const ran = await quickTools(file, args, options);
        if (file === 'cp' && args.includes('--archive')) await happens();
        return ran;
      };

    test.each(['removed', 'replaced'])('of a snapshot for a clone, one that is %s makes no clone', async (what) => {
      await prepare();
      const into = { ...of, name: `${of.name}-clone` };
      const volumes = pool.open({
        run: meanwhile(async () => {
          await pool.volumes.removeSnapshots(of, ['old'], patient());
          if (what === 'replaced') await pool.volumes.snapshot(of, 'old', patient());
        }),
      });
      expect(await codeOf(volumes.clone(of, 'old', into, spec, patient()))).toBe('MISSING');
      expect(await volumes.inspect(into, patient())).toBeUndefined();
      expect(await readdir(pool.home(into))).toEqual(['snapshots']);
    });

    test('of a dataset, one that somebody moves away makes no snapshot', async () => {
      const path = await prepare();
      const volumes = pool.open({
        run: meanwhile(async () => {
          await rename(path, `${path}-aside`);
          await mkdir(path);
        }),
      });
      expect(await codeOf(volumes.snapshot(of, 'new', patient()))).toBe('DAMAGED');
      expect(await names(volumes)).toEqual(['old', 'newer']);
      expect(await text(`${path}-aside`, 'file')).toBe('two');
    });
  });

  describe('a copy that fails half way', () => {
    /** `cp` that copies one file of it and then fails like this. */
    const failing =
      (fail: () => ReturnType<RunCommand>): RunCommand =>
      async (file, args, options) => {
        if (file !== 'cp' || !args.includes('--archive')) return quickTools(file, args, options);
        const to = args.at(-1) ?? '';
        await mkdir(to);
        await writeFile(join(to, 'file'), 'half');
        return fail();
      };
    const full = failing(async () => ({
      exitCode: 1,
      stdout: '',
      stderr: "cp: error writing '/x/file': No space left on device\n",
    }));
    const cancelled = failing(async () => {
      throw new IoError('ABORTED', { op: 'cp', target: of.name, message: 'cancelled' });
    });

    test('because the disk is full leaves nothing behind', async () => {
      const path = await prepare();
      const volumes = pool.open({ run: full });
      const before = (await readdir(pool.home(of))).toSorted();
      expect(await codeOf(volumes.snapshot(of, 'new', patient()))).toBe('NO_SPACE');
      expect(await codeOf(volumes.rollback(of, 'old', 'stash', patient()))).toBe('NO_SPACE');
      expect((await readdir(pool.home(of))).toSorted()).toEqual(before);
      expect([await names(volumes), await text(path, 'file')]).toEqual([['old', 'newer'], 'two']);
      const into = { ...of, name: `${of.name}-clone` };
      expect(await codeOf(volumes.clone(of, 'old', into, spec, patient()))).toBe('NO_SPACE');
      expect(await readdir(pool.home(into))).toEqual(['snapshots']);
      expect(await volumes.inspect(into, patient())).toBeUndefined();
    });

    test('because it was cancelled is thrown away by the next call that changes something', async () => {
      const path = await prepare();
      expect(await codeOf(pool.open({ run: cancelled }).snapshot(of, 'new', patient()))).toBe('ABORTED');
      expect(existsSync(join(pool.home(of), 'making'))).toBe(true);
      expect(await names(pool.volumes)).toEqual(['old', 'newer']);
      expect(await text(path, 'file')).toBe('two');
      await pool.volumes.snapshot(of, 'new', patient());
      expect(await inSnapshot('new')).toBe('two');
      expect(existsSync(join(pool.home(of), 'making'))).toBe(false);
    });

    test('of a rollback leaves the dataset as it was', async () => {
      const path = await prepare();
      const before = await stat(path);
      expect(await codeOf(pool.open({ run: cancelled }).rollback(of, 'old', 'stash', patient()))).toBe('ABORTED');
      expect([await names(pool.volumes), await text(path, 'file')]).toEqual([['old', 'newer'], 'two']);
      expect((await stat(path)).ino).toBe(before.ino);
      expect(existsSync(join(pool.home(of), 'rollback'))).toBe(false);
    });
  });
});
