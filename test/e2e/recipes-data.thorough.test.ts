/** What `docs/operations.md` says of pools and volumes, typed as it stands there, on a real daemon with real disks. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '#test/reality/host.ts';
import { loopDisks, type LoopDisks } from '#test/io/devices/pools/loop-disks.ts';
import { missingDocker } from '#test/engine-fixture.ts';
import { DaemonFixture } from '#test/daemon-fixture.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const MiB = 2 ** 20;

describeReal('the recipes for pools and volumes', missingDocker() ?? missingBtrfs(), () => {
  let daemon: DaemonFixture;
  let disks: LoopDisks;
  let node: string;
  let devices: string[];

  /** Types it, and expects that it goes well. */
  const floatlab = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await daemon.cli(...args);
    expect(code, `floatlab ${args.join(' ')}: ${stderr}`).toBe(0);
    return stdout.replaceAll(/\s+/g, ' ');
  };
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr } = await daemon.cli(...args);
    expect(code, `floatlab ${args.join(' ')} went well`).not.toBe(0);
    return stderr;
  };
  const pathOf = async (volume: string): Promise<string> =>
    (JSON.parse((await daemon.cli('volume', 'show', volume, '-o', 'json')).stdout) as { path: string }).path;
  const shows = (pool: string): Promise<string> => floatlab('pool', 'show', pool);
  const device = (n: number): string => devices[n] ?? 'missing';
  const mounted = (): string => join(daemon.dataDir, 'moved');

  beforeAll(async () => {
    daemon = await DaemonFixture.make(['--pool-size', '1GiB', '--no-sample', '--name', 'atlas']);
    node = 'atlas';
    disks = await loopDisks();
    const sizes = [300, 300, 400, 200];
    devices = [];
    // All of them beforehand: a device that is made later gets the name of one that was lost.
    for (const size of sizes) devices.push(await disks.add(size * MiB));
    await daemon.start();
    await daemon.login();
  }, 120_000);
  afterAll(async () => {
    await daemon.end('SIGKILL');
    // Before its folder is removed: what is mounted there is not to be emptied, and would hold it.
    for (const where of [mounted(), join(daemon.dataDir, 'pool', 'tank')])
      await disks.tool('umount', where).catch(() => undefined);
    await daemon.dispose();
    await disks.dispose();
  }, 120_000);

  test('a pool is made of disks, and one that is in use or holds something is not taken', async () => {
    await floatlab('pool', 'create', `${node}/tank`, device(0), device(1), '--layout', 'mirror');
    expect(await shows(`${node}/tank`)).toMatch(/state online.*btrfs, mirror of 2, made through the lab/);
    expect(await refused('pool', 'create', `${node}/other`, device(0))).toContain('belongs to pool tank');
    expect(await refused('pool', 'create', `${node}/other`, '/dev/none')).toMatch(/\/dev\/none/);
    await floatlab('pool', 'forget', `${node}/other`, '--yes').catch(() => undefined);
  });

  test('a file that was deleted comes back from a snapshot, and what is there stays', async () => {
    await floatlab('volume', 'create', 'photos', '--size', '64MiB', '--pool', 'tank');
    const path = await pathOf('photos');
    await mkdir(join(path, 'config'));
    await writeFile(join(path, 'config/app.ini'), 'port = 80\n');
    await floatlab('volume', 'snapshot', 'photos', '--as', 'monday');
    await rm(join(path, 'config/app.ini'));
    await floatlab('files', 'restore', 'photos@monday', 'config/app.ini');
    expect(await readFile(join(path, 'config/app.ini'), 'utf8')).toBe('port = 80\n');
    await writeFile(join(path, 'config/app.ini'), 'port = 8080\n');
    await floatlab('files', 'restore', 'photos@monday', 'config/app.ini');
    expect(await readFile(join(path, 'config/app.ini'), 'utf8')).toBe('port = 8080\n');
    expect(await readFile(join(path, 'config/app.ini.restored-monday'), 'utf8')).toBe('port = 80\n');
  });

  test('a volume goes out as an archive, and comes back as another volume', async () => {
    const archive = join(disks.folder, 'photos.tar');
    await floatlab('volume', 'export', 'photos@monday', '--file', archive);
    await floatlab('volume', 'create', 'copy', '--size', '64MiB', '--pool', 'tank');
    await floatlab('volume', 'import', 'copy', '--file', archive);
    expect(await readFile(join(await pathOf('copy'), 'config/app.ini'), 'utf8')).toBe('port = 80\n');
    expect(await refused('volume', 'import', 'copy', '--file', archive)).toContain('not empty');
  });

  test('a volume is made larger, moved, and rolled back past newer snapshots', async () => {
    await floatlab('volume', 'set', 'photos', '--size', '96MiB');
    await floatlab('volume', 'move', 'photos', '--pool', 'main', '--yes');
    expect(await readFile(join(await pathOf('photos'), 'config/app.ini'), 'utf8')).toBe('port = 8080\n');
    await floatlab('volume', 'snapshot', 'photos', '--as', 'tuesday');
    await writeFile(join(await pathOf('photos'), 'config/app.ini'), 'broken');
    await floatlab('volume', 'snapshot', 'photos', '--as', 'wednesday');
    await floatlab('volume', 'rollback', 'photos', 'tuesday', '--past-newer', '--yes');
    expect(await readFile(join(await pathOf('photos'), 'config/app.ini'), 'utf8')).toBe('port = 8080\n');
    expect(await floatlab('volume', 'snapshots', 'photos')).toMatch(/stash-/);
  });

  test('a volume that was deleted by mistake is back, with what it held', async () => {
    await floatlab('volume', 'rm', 'copy', '--yes');
    await floatlab('volume', 'recover', 'copy-deleted', '--as', 'copy');
    expect(await readFile(join(await pathOf('copy'), 'config/app.ini'), 'utf8')).toBe('port = 80\n');
  });

  test('what is in a pool already is adopted, and given back as it is', async () => {
    const native = join(daemon.dataDir, 'pool', 'tank', 'old');
    await disks.tool('btrfs', 'subvolume', 'create', native);
    await writeFile(join(native, 'letter'), 'from before');
    await floatlab('volume', 'adopt', `${node}/tank`, native, '--as', 'old', '--size', '64MiB');
    await floatlab('volume', 'release', 'old', '--yes');
    expect(await readFile(join(native, 'letter'), 'utf8')).toBe('from before');
  });

  test('a disk that is gone is replaced while the volumes of its pool go on', async () => {
    await daemon.end('SIGTERM');
    await disks.tool('umount', join(daemon.dataDir, 'pool', 'tank'));
    await disks.detach(device(1));
    await daemon.start();
    await until('it is degraded', 60_000, async () => /state degraded/.test(await shows(`${node}/tank`)));
    expect(await readFile(join(await pathOf('copy'), 'config/app.ini'), 'utf8')).toBe('port = 80\n');
    const [, number = ''] = /and (\d+) \(unavailable\)/.exec(await shows(`${node}/tank`)) ?? [];
    const small = await refused('pool', 'replace', `${node}/tank`, number, '--by', device(3));
    expect(small).toMatch(/smaller than the old/);
    await floatlab('pool', 'replace', `${node}/tank`, number, '--by', device(2));
    await until('it is whole', 60_000, async () => /state online/.test(await shows(`${node}/tank`)));
  });

  test('a pool is scrubbed, and says what was found', async () => {
    await floatlab('pool', 'scrub', `${node}/tank`);
    await until('it has ended', 60_000, async () => /scrub finished.*0 errors/.test(await shows(`${node}/tank`)));
  });

  test('a pool is forgotten once it is empty, and adopted where its disks are then', async () => {
    expect(await refused('pool', 'forget', `${node}/tank`, '--yes')).toContain('still holds');
    for (const name of ['copy', 'photos-moved']) await floatlab('volume', 'rm', name, '--purge', '--yes');
    await floatlab('pool', 'forget', `${node}/tank`, '--yes');
    await mkdir(mounted(), { recursive: true });
    await disks.tool('mount', device(0), mounted());
    await floatlab('pool', 'adopt', `${node}/tank`, mounted());
    const adopts = ['volume', 'adopt', `${node}/tank`, join(mounted(), 'old'), '--as', 'old', '--size', '64MiB'];
    await until('the node has told of it', 60_000, async () => (await daemon.cli(...adopts)).code === 0);
    expect(await readFile(join(await pathOf('old'), 'letter'), 'utf8')).toBe('from before');
    await floatlab('volume', 'release', 'old', '--yes');
  });
});
