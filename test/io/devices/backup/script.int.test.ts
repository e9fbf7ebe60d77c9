/** A backup in a folder, brought back by the script for whoever has no FloatLab: python3, openssl and tar alone. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backup } from '#io/devices/backup/backup.ts';
import { backupKeyOf } from '#io/devices/backup/format/keys.ts';
import { initRepository } from '#io/devices/backup/repository.ts';
import { openBackup } from '#io/devices/backup/restore.ts';
import { openDirStore } from '#io/devices/backup/store/dir.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { makeKit } from '#io/backup-kit/kit.ts';
import { makeRecoveryKey } from '#io/pki/recovery-key.ts';
import { wrapSecrets } from '#io/pki/sealed-secrets.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { packTree } from '#io/devices/tree/archive.ts';
import { describeReal } from '#test/real.ts';
import { bytesOf, collect, requestOf, signal } from './repositories.ts';

const run = promisify(execFile);
const script = join(import.meta.dirname, '..', '..', '..', '..', 'examples', 'restore-backup', 'restore-backup.py');

describeReal('a backup in a folder', undefined, () => {
  let root: string;
  const at = (...names: string[]) => join(root, ...names);
  const key = backupKeyOf(new Uint8Array(32).fill(5));

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'floatlab-backup-'));
    for (const name of ['volume/sub', 'store', 'out', 'part']) await mkdir(at(...name.split('/')), { recursive: true });
    await writeFile(at('volume', 'text'), 'words, '.repeat(300_000));
    await writeFile(at('volume', 'sub', 'noise'), bytesOf(1, 1_500_000));
    await writeFile(at('key'), `${Buffer.from(key).toString('hex')}\n`);
    const store = await openDirStore(at('store'), signal);
    const repository = await initRepository(
      { store, key, clock: realClock, random: realRandom, by: 'a test', packBytes: 2 ** 19 },
      signal,
    );
    const files = [{ name: 'compose.yaml', bytes: Buffer.from('services: {}\n') }];
    const content = packTree(at('volume'), [], signal);
    await backup(repository, { ...requestOf('one', new Uint8Array()), content, files }, signal);
    const opened = await openBackup(repository, 'one', signal);
    await writeFile(at('part.tar'), await collect(opened.path('sub')));
  });
  afterAll(() => rm(root, { recursive: true }));

  test('is restored by standard tools', async () => {
    const options = { encoding: 'buffer', maxBuffer: 2 ** 26 } as const;
    const { stdout: tar } = await run('python3', [script, at('store'), at('key'), 'one'], options);
    await writeFile(at('all.tar'), tar);
    await run('tar', ['--extract', '--file', at('all.tar'), '--directory', at('out')]);
    await run('diff', ['--recursive', at('volume'), at('out')]);
    const { stdout: compose } = await run('python3', [script, at('store'), at('key'), 'one', 'compose.yaml']);
    expect(compose).toBe('services: {}\n');
    const { stdout: list } = await run('python3', [script, at('store'), at('key')]);
    expect(list).toBe('one\tlab-1\tphotos\t1700000000000\n');
  });

  test('gives one path as a tar that GNU tar takes', async () => {
    await run('tar', ['--extract', '--file', at('part.tar'), '--directory', at('part')]);
    expect((await readFile(at('part', 'sub', 'noise'))).equals(bytesOf(1, 1_500_000))).toBe(true);
    await expect(readFile(at('part', 'text'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('is opened by the kit of the lab with its recovery key, and by no other one', async () => {
    const recoveryKey = makeRecoveryKey();
    const dataKey = new Uint8Array(32).fill(5);
    const kit = await makeKit({
      ...{ lab: TestLab.ready().lab, dataKey, nowMs: 0 },
      sealed: wrapSecrets(recoveryKey, { data_key: Buffer.from(dataKey).toString('base64url') }),
      blob: () => Promise.reject(new Error('there is none')),
    });
    await writeFile(at('kit.json'), kit);
    const listed = async (typed: string) => {
      await writeFile(at('recovery'), typed);
      const env = { ...process.env, FLOATLAB_RECOVERY_KEY_FILE: at('recovery') };
      return (await run('python3', [script, at('store'), at('kit.json')], { env })).stdout;
    };
    expect(await listed(`${recoveryKey.toLowerCase().replaceAll('-', ' ')}\n`)).toBe(
      'one\tlab-1\tphotos\t1700000000000\n',
    );
    await expect(listed(makeRecoveryKey())).rejects.toMatchObject({
      stderr: expect.stringContaining('not the one of this kit'),
    });
    const slip = `${recoveryKey.slice(0, -1)}${recoveryKey.endsWith('0') ? '1' : '0'}`;
    await expect(listed(slip)).rejects.toMatchObject({ stderr: expect.stringContaining('a letter wrong') });
  });

  test('is not opened with another key', async () => {
    await writeFile(at('other'), '00'.repeat(32));
    const failing = run('python3', [script, at('store'), at('other'), 'one']);
    await expect(failing).rejects.toMatchObject({ stderr: expect.stringContaining('not the key') });
  });
});
