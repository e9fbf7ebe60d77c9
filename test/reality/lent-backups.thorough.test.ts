/** Backups of one real lab in a place that another one lends, over its API: two machines that belong to nobody else. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from '#io/contract/routes.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { missingDocker, sharedEngine } from '#test/engine-fixture.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { missingMachines, pause, until } from './host.ts';
import { RealLab } from './lab.ts';
import type { Machine } from './machine.ts';

const MiB = 2 ** 20;

describeReal('a place that another lab lends', missingMachines() ?? missingBtrfs() ?? missingDocker(), () => {
  const ends: (() => Promise<unknown>)[] = [];
  let lender: RealLab;
  let owner: RealLab;
  /** On the lender's machine. */
  let folder: string;
  /** On the owner's. */
  let scratch: string;
  beforeAll(async () => {
    const { socketPath } = await sharedEngine();
    lender = await RealLab.make(1);
    ends.push(() => lender[Symbol.asyncDispose]());
    const pool = await tempPool({ sizeBytes: 1024 * MiB });
    ends.push(() => pool.dispose());
    owner = await RealLab.make(1, {
      network: lender.network,
      first: 11,
      prepare: async (machine) =>
        void (machine.settings = ['--engine', socketPath, '--pool', `tank=${pool.mountpoint}`]),
    });
    ends.push(() => owner[Symbol.asyncDispose]());
    folder = join(dirname(machineOf(lender).disk.dataDir), 'lent');
    await mkdir(folder);
    scratch = pool.folder;
  }, 180_000);
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
  }, 60_000);

  const machineOf = (lab: RealLab): Machine => lab.machines[0] as Machine;
  const owns = (...args: readonly string[]): Promise<string> => owner.tells(machineOf(owner), ...args);
  const lends = (...args: readonly string[]): Promise<string> => lender.tells(machineOf(lender), ...args);
  const volume = async (name: string): Promise<VolumeRow | undefined> => {
    const { items } = await owner.api(machineOf(owner)).ask<Page<VolumeRow>>('/api/v1/volumes?limit=1000');
    return items.find((row) => row.name === name && row.state === 'ready');
  };
  const filesOf = async (name: string): Promise<string> =>
    (await until(`${name} is ready`, 60_000, () => volume(name))).path ?? '';

  test('is asked for with its token alone, keeps what is brought although it dies meanwhile, and gives it back', async () => {
    const told = await lends('backup', 'target', 'add', 'friends', '--path', folder, '--lend', '--quota', '512MiB');
    const token = told.trim().split('\n').at(-1) ?? '';
    const { authority } = JSON.parse(await lends('cluster', 'status', '-o', 'json')) as { authority: string };
    const add = async (secret: string, name: string) => {
      const file = join(scratch, `${name}.token`);
      await writeFile(file, `${secret}\n`);
      const where = ['--lab', machineOf(lender).url, '--vault', 'friends', '--fingerprint', authority];
      return owner.cli(machineOf(owner), ['backup', 'target', 'add', name, ...where, '--token-file', file]);
    };
    const wrong = await add('a'.repeat(token.length), 'wrong');
    expect([wrong.code === 0, wrong.err]).toEqual([false, expect.stringMatching(/token/i)]);
    await owns('backup', 'target', 'rm', 'wrong', '--yes');
    expect(await add(token, 'away')).toMatchObject({ code: 0, err: expect.anything() });
    await owns('volume', 'create', 'photos', '--size', '300MiB');
    const path = await filesOf('photos');
    const files = Array.from({ length: 6 }, (_, n) => [`photo-${n}`, randomBytes(8 * MiB)] as const);
    for (const [name, bytes] of files) await writeFile(join(path, name), bytes);
    await owns('backup', 'target', 'set', 'away', '--limit', '4MiB');
    await owns('backup', 'create', 'photos', '--to', 'away', '--detach');
    await until('something is there', 60_000, async () => (await readdir(folder, { recursive: true })).length > 10);
    await machineOf(lender).end('SIGKILL');
    await pause(1500);
    await machineOf(lender).start();
    await machineOf(owner).end('SIGKILL');
    await machineOf(owner).start();
    await owns('backup', 'target', 'set', 'away', '--limit', 'none');
    const kept = await until('the backup is kept', 120_000, async () => {
      const { items } = await owner.api(machineOf(owner)).ask<Page<BackupRow>>('/api/v1/backups?limit=100');
      const failed = items.find(({ state }) => state === 'failed');
      if (failed) throw new Error(JSON.stringify(failed.problem));
      return items.find(({ isGood }) => isGood);
    });
    await owns('backup', 'restore', kept.name, '--as', 'again', '--yes', '--wait');
    const again = await filesOf('again');
    for (const [name, bytes] of files) expect((await readFile(join(again, name))).equals(bytes), name).toBe(true);
    // Nobody who has the disk of the lender can read any of it.
    const stored = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const entry of stored.filter((one) => one.isFile()))
      expect((await readFile(join(entry.parentPath, entry.name))).includes('photo-0')).toBe(false);
  }, 600_000);
});
