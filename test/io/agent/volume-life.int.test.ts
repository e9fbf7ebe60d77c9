/** Volumes that are adopted, moved, released, and changed by hand, on a real btrfs with the real workers. */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judge, type Found } from '#actors/sensors/volume-look.ts';
import type { LabView } from '#actors/actor.ts';
import type { WorkInput } from '#actors/work.ts';
import { volumeFiles, type FilesPorts } from '#io/agent/volume-files.ts';
import { VolumeLooks, type VolumeLooksParts } from '#io/agent/volume-looks.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { datasetWorkers } from '#io/agent/workers/datasets.ts';
import { rollbackFailures, rollbackWorkers } from '#io/agent/workers/rollback.ts';
import { lifeWorkers } from '#io/agent/workers/volume-life.ts';
import { realContent } from '#io/devices/content/real.ts';
import { asIoError, type IoError } from '#io/devices/error.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

type Work =
  | 'adopt-dataset'
  | 'release-dataset'
  | 'copy-dataset'
  | 'move-dataset'
  | 'create-dataset'
  | 'rollback-dataset';

describeReal('volumes on a real machine', missingBtrfs(), () => {
  let pool: TempPool;
  let ports: Ports;
  beforeAll(async () => {
    pool = await tempPool();
    ports = { volumes: pool.volumes, content: realContent() } as Ports;
    await mkdir(join(pool.mountpoint, 'theirs'));
  });
  afterAll(() => pool.dispose());

  const run: Run = {
    signal: new AbortController().signal,
    timeoutMs: 60_000,
    progress: () => {},
    fence: () => {},
    caughtUp: () => Promise.resolve(),
    report: () => Promise.resolve(),
  } as unknown as Run;

  /** Does one piece of work as the agent would. @returns what it reports */
  async function work<W extends Work>(name: W, input: WorkInput[W]): Promise<Record<string, unknown>> {
    const workers = { ...datasetWorkers, ...lifeWorkers, ...rollbackWorkers };
    const order = { work: name, subject: 'volume:v', visit: 1, input } as never;
    const worker = workers[name] as (order: never, ports: Ports, run: Run) => Promise<{ input: object }>;
    return (await worker(order, ports, run)).input as Record<string, unknown>;
  }

  const spec = { sizeBytes: 2 ** 28 };
  const of = (dataset: string) => ({ pool: 'test', dataset });

  /** What its node concludes of it now. */
  async function look(dataset: string, path: string) {
    let found: Found;
    try {
      const reach = await ports.content.reach(path, run);
      const info = await ports.volumes.inspect({ pool: 'test', name: dataset }, run);
      found = { reach, dataset: info ? { path: info.path, sizeBytes: info.sizeBytes } : null };
    } catch (error) {
      found = { error: asIoError(error, 'look', dataset).problem };
    }
    return judge({ name: 'v', ...of(dataset), path, ...spec }, found);
  }

  test('a subvolume is adopted, moved away from, and given back with its files and its quota', async () => {
    const native = join(pool.mountpoint, 'theirs', 'photos');
    await pool.tool('btrfs', 'subvolume', 'create', native);
    await pool.tool('btrfs', 'qgroup', 'limit', String(2 ** 29), native);
    await writeFile(join(native, 'page'), 'old', { mode: 0o640 });
    const { path } = await work('adopt-dataset', { ...of('photos'), spec, native });
    expect(path).toBe(native);
    expect((await ports.volumes.inspect({ pool: 'test', name: 'photos' }, run))?.sizeBytes).toBe(spec.sizeBytes);
    const moving = { ...of('photos'), spec, to: of('photos-new') };
    await work('copy-dataset', moving);
    await writeFile(join(native, 'page'), 'newer');
    const moved = await work('move-dataset', moving);
    expect(await readFile(join(String(moved['path']), 'page'), 'utf8')).toBe('newer');
    expect((await stat(join(String(moved['path']), 'page'))).mode & 0o777).toBe(0o640);
    await work('release-dataset', of('photos'));
    expect(await readFile(join(native, 'page'), 'utf8')).toBe('newer');
    expect(await pool.tool('btrfs', 'qgroup', 'show', '--raw', '-ref', native)).toContain(String(2 ** 29));
  });

  test('a snapshot that somebody took by hand is shown apart from those of the lab, and stays', async () => {
    await work('create-dataset', { ...of('diary'), spec });
    const { path } = (await ports.volumes.inspect({ pool: 'test', name: 'diary' }, run)) ?? { path: '' };
    await ports.volumes.snapshot({ pool: 'test', name: 'diary' }, 'ours', run);
    const theirs = join(pool.mountpoint, 'theirs', 'diary-by-hand');
    await pool.tool('btrfs', 'subvolume', 'snapshot', '-r', path, theirs);
    const context = { metadata: { name: 'diary' }, node: 'node:n', path, pool: 'test', dataset: 'diary' };
    const lab = { get: () => ({ stream: 'volume:v', state: 'ready', context }) } as unknown as LabView;
    const { foreignSnapshots } = volumeFiles(lab, () => ports as unknown as FilesPorts);
    const shown = await foreignSnapshots('volume:v', run.signal);
    const found = { name: theirs, takenAt: expect.any(Number), exclusiveBytes: null };
    expect(shown).toEqual({ items: [found], truncated: false });
    expect(Math.abs((shown.items[0]?.takenAt ?? 0) - Date.now())).toBeLessThan(600_000);
    await ports.volumes.removeSnapshots({ pool: 'test', name: 'diary' }, ['ours'], run);
    expect((await foreignSnapshots('volume:v', run.signal)).items).toEqual([found]);
  });

  test('what holds more than it shall have is left as it is', async () => {
    const native = join(pool.mountpoint, 'theirs', 'large');
    await pool.tool('btrfs', 'subvolume', 'create', native);
    await writeFile(join(native, 'film'), Buffer.alloc(20 * 2 ** 20, 1));
    await pool.tool('btrfs', 'filesystem', 'sync', pool.mountpoint);
    const small = { sizeBytes: 16 * 2 ** 20 };
    await expect(work('adopt-dataset', { ...of('large'), spec: small, native })).rejects.toMatchObject({
      code: 'INVALID',
      hint: expect.stringContaining('larger size'),
    });
    expect(await ports.volumes.list('test', run)).not.toContain('large');
  });

  test('a dataset that was renamed by hand is missing, is not made anew, and is well when it is back', async () => {
    const { path } = await work('create-dataset', { ...of('wiki'), spec });
    const at = String(path);
    await writeFile(join(at, 'page'), 'kept');
    expect(await look('wiki', at)).toEqual({ problem: null, isGone: false });
    await rename(at, join(pool.mountpoint, 'theirs', 'elsewhere'));
    expect(await look('wiki', at)).toMatchObject({ isGone: true });
    await expect(work('create-dataset', { ...of('wiki'), spec, isThere: true })).rejects.toMatchObject({
      code: expect.stringMatching(/MISSING|DAMAGED/),
    });
    await rename(join(pool.mountpoint, 'theirs', 'elsewhere'), at);
    expect(await look('wiki', at)).toEqual({ problem: null, isGone: false });
    expect(await readFile(join(at, 'page'), 'utf8')).toBe('kept');
  });

  test('a quota that was changed by hand is told, and set again by the work that repairs', async () => {
    const { path } = await work('create-dataset', { ...of('mail'), spec });
    await pool.tool('btrfs', 'qgroup', 'limit', String(2 ** 30), String(path));
    expect((await look('mail', String(path)))?.problem?.code).toBe('QUOTA');
    await work('create-dataset', { ...of('mail'), spec, isThere: true });
    expect(await look('mail', String(path))).toEqual({ problem: null, isGone: false });
  });

  test('a snapshot that was destroyed by hand is noticed, and going back to it leaves the volume as it is', async () => {
    const { path } = await work('create-dataset', { ...of('notes'), spec });
    await writeFile(join(String(path), 'page'), 'kept');
    const dataset = { pool: 'test', name: 'notes' };
    const taken = [];
    for (const name of ['one', 'two']) taken.push(await ports.volumes.snapshot(dataset, name, run));
    const snapshots = taken.map(({ name, guid }) => ({
      stream: `snapshot:${name}`,
      state: 'available',
      visit: 2,
      context: { guid },
    }));
    const context = { metadata: { name: 'notes' }, path, spec, pool: 'test', dataset: 'notes', drift: null };
    const volume = { stream: 'volume:notes', state: 'ready', visit: 5, context };
    const told: object[] = [];
    const view = {
      get: () => volume,
      referrers: (_: string, kind: string) => (kind === 'volume' ? [volume] : snapshots),
    };
    const lab = { view, run: (ask: object) => (told.push(ask), Promise.resolve({})) };
    const random = { id: () => 'id', next: () => 0 };
    const looks = new VolumeLooks({
      node: 'node:n',
      lab,
      ports,
      random,
      log: undefined,
    } as unknown as VolumeLooksParts);
    await looks.look();
    await pool.tool('btrfs', 'subvolume', 'delete', await ports.volumes.snapshotPath(dataset, 'one', run));
    await looks.look();
    expect(told).toEqual([]);
    await looks.look();
    expect(told).toMatchObject([
      {
        name: 'report-snapshots-gone',
        input: { volume: 'volume:notes', visit: 5, snapshots: [{ snapshot: 'snapshot:one', visit: 2 }] },
      },
    ]);
    const order = {
      subject: 'volume:notes',
      visit: 7,
      input: { ...of('notes'), to: 'one', stash: 'was', isCanceled: false },
    };
    const error = await rollbackWorkers['rollback-dataset'](order as never, ports, run).catch(
      (thrown: unknown) => thrown,
    );
    expect(rollbackFailures['rollback-dataset']?.(order as never, error as IoError)).toMatchObject({
      name: 'report-volume-rollback-failed',
      input: { visit: 7, problem: { code: 'MISSING' }, isGone: true },
    });
    expect(await readFile(join(String(path), 'page'), 'utf8')).toBe('kept');
  });

  test('a pool that is mounted read-only is told, and one that is not mounted at all', async () => {
    const { path } = await work('create-dataset', { ...of('films'), spec });
    await pool.tool('mount', '-o', 'remount,ro', pool.mountpoint);
    expect((await look('films', String(path)))?.problem?.code).toBe('READ_ONLY');
    await pool.tool('mount', '-o', 'remount,rw', pool.mountpoint);
    await pool.unmount();
    expect(await look('films', String(path))).toMatchObject({ isGone: true });
    await pool.mount();
    expect(await look('films', String(path))).toEqual({ problem: null, isGone: false });
  });
});
