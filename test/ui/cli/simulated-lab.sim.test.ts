/** The command line against the real API of a simulated lab: what a person does in the first ten minutes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pino from 'pino';
import { openSimulatedLab } from '#io/daemon/simulated-lab.ts';
import { readSettings } from '#io/daemon/settings.ts';
import type { RunningDaemon } from '#io/daemon/main.ts';
import type { OperationRow } from '#projections/operations.ts';
import { emptyHome } from './home.ts';
import { lines, run, type Run, type Setting } from './test-world.ts';

let daemon: RunningDaemon;
let url = '';
let password = '';
let home: string;
let folder: string;

beforeAll(async () => {
  const parsed = readSettings(['--simulate', '3', '--listen', '127.0.0.1:0', '--no-sample'], {}, 1000);
  if (!('settings' in parsed)) throw new Error('the settings of the test are wrong');
  daemon = await openSimulatedLab(parsed.settings, {
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    onBroken: (error) => {
      throw error;
    },
  });
  const welcome = daemon.welcome.join('\n');
  url = /http:\S+/.exec(welcome)?.[0] ?? '';
  password = /password +(\S+)/.exec(welcome)?.[1] ?? '';
  home = await emptyHome();
  folder = join(home, 'photos');
  await mkdir(folder);
  await writeFile(
    join(folder, 'compose.yaml'),
    'services:\n  web:\n    image: ${IMAGE}\n    ports: ["8080:80"]\n    volumes: ["db:/data"]\nvolumes:\n  db: {}\n',
  );
  await writeFile(join(folder, '.env'), 'IMAGE=nginx:1.27\n');
});
afterAll(() => daemon.stop());

const floatlab = (words: string, setting: Setting = {}): Promise<Run> =>
  run(words.split(' ').filter(Boolean), { home, cwd: folder, ...setting });

describe('a person with a new lab', () => {
  test('signs in', async () => {
    expect(await floatlab('ps', { server: url })).toMatchObject({
      code: 3,
      err: expect.stringContaining('floatlab login') as string,
    });
    const { code, err } = await floatlab(`login ${url} --password-stdin`, { stdin: `${password}\n` });
    expect(err).toContain(`Signed in to ${url} as admin`);
    expect(code).toBe(0);
    expect((await floatlab('whoami -q')).out).toBe('admin\n');
  });

  test('looks around', async () => {
    expect(lines((await floatlab('status')).out)).toEqual(
      expect.arrayContaining(['3 nodes are up.', 'No alerts.']) as string[],
    );
    const nodes = lines((await floatlab('node ls -q')).out);
    expect(nodes).toHaveLength(3);
    expect(await floatlab(`volume candidates ${nodes[0]}/main`)).toMatchObject({ code: 0, out: '' });
    expect(JSON.parse((await floatlab(`volume candidates ${nodes[0]}/main -o json`)).out)).toEqual([]);
    expect(await floatlab(`volume candidates ${nodes[0]}/none`)).toMatchObject({ code: 4 });
    expect(await floatlab('adopt scan')).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining('Nothing runs beside the lab') as string,
    });
    expect(await floatlab(`adopt plan ${nodes[0]}/shop`)).toMatchObject({
      code: 4,
      err: expect.stringContaining(`floatlab adopt scan --node ${nodes[0]}`) as string,
    });
    const { code, out } = await floatlab('cluster status');
    expect(code).toBe(0);
    expect(out).toContain('nobody: one process decides for all simulated nodes');
    expect(out).toContain('One process decides for all 3 simulated nodes');
    expect(out).not.toMatch(/quorum|voter/);
    for (const what of ['volume', 'schedule', 'operation', 'alert', 'app']) {
      expect(await floatlab(`${what} ls`), what).toMatchObject({ code: 0, out: '' });
    }
  });

  test('brings an app up and sees what is done', async () => {
    expect((await floatlab('up --dry-run')).out).toContain('Volume photos-db would be created');
    const { code, out, err } = await floatlab('up --yes --timeout 2m');
    expect(err).toMatch(/✓ volume photos-db +created on \w+/);
    expect(err).toMatch(/✓ web +running/);
    expect(out).toMatch(/^photos runs, simulated, at \w+:8080 {2}\(operation op-\w{8}, /);
    expect(code).toBe(0);
    expect(await floatlab('up --yes')).toMatchObject({
      code: 0,
      err: expect.stringContaining('nothing to do') as string,
    });
    expect(lines((await floatlab('ps')).out)[1]).toMatch(/^photos +running/);
    expect((await floatlab('app compose photos')).out).toContain('image: ${IMAGE}');
  });

  test('says what another file would change, and changes nothing', async () => {
    expect(await floatlab('diff')).toMatchObject({ code: 0, out: '', err: 'There is no difference.\n' });
    const path = join(folder, 'compose.yaml');
    const text = await readFile(path, 'utf8');
    try {
      await writeFile(path, text.replace('["8080:80"]', '["8081:80"]').replace('db: {}', 'db: {}\n  more: {}'));
      const { code, out } = await floatlab('diff');
      expect(code).toBe(1);
      expect(out).toContain('Create volume photos-more (1 GiB).');
      expect(out).toMatch(/^Service web: port .*8081.*It is restarted\.$/m);
      expect(lines(out)).toEqual(expect.arrayContaining(['-    ports: ["8080:80"]', '+    ports: ["8081:80"]']));
      expect((await floatlab('app compose photos')).out).toContain('8080:80');
      expect(JSON.parse((await floatlab('diff photos -o json')).out)).toMatchObject({ same: false });
    } finally {
      await writeFile(path, text);
    }
  });

  test('asks for newer images, of which the registries have none', async () => {
    const { code, err } = await floatlab('app update photos --yes');
    expect(err).toContain('runs what its registries have already: nothing to do.');
    expect(code).toBe(0);
    expect((await floatlab('ps photos -o wide')).out).toMatch(/web .* nginx:1\.27 +[0-9a-f]{12} /);
  });

  test('reads its log and runs a command in it', async () => {
    expect(await floatlab('logs photos')).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string });
    expect((await floatlab('exec photos web -- echo hello')).code).toBe(0);
  });

  test('takes a snapshot and goes back to it', async () => {
    const name = (await floatlab('volume snapshot photos-db')).out.trim();
    expect(name).toMatch(/^\d{4}-\d{2}-\d{2}-/);
    expect((await floatlab(`volume rollback photos-db ${name} --yes --timeout 2m`)).code).toBe(0);
    expect(lines((await floatlab('volume snapshots photos-db -q')).out)).toEqual([
      name,
      expect.stringMatching(/^stash-/) as string,
    ]);
    expect((await floatlab('volume history photos-db')).out).toContain('was rolled back');
  });

  test('takes the power of a machine away, and gives it back', async () => {
    expect(await floatlab('node power vega off')).toMatchObject({ code: 2 });
    expect(await floatlab('node power vega off --yes')).toMatchObject({
      code: 0,
      err: expect.stringContaining('Node vega has no power') as string,
    });
    expect(await floatlab('node power vega on')).toMatchObject({ code: 0, err: expect.stringContaining('starts') });
    expect((await floatlab('node power nobody off')).code).toBe(4);
    expect((await floatlab('node power vega perhaps')).code).toBe(2);
  });

  test('asks what an operation did, and how the lab was before', async () => {
    const operations = JSON.parse((await floatlab('operation ls -o json')).out) as OperationRow[];
    const deploy = operations.find(({ command }) => command === 'deploy-app');
    expect(deploy?.state).toBe('succeeded');
    expect((await floatlab(`operation wait ${deploy?.name}`)).code).toBe(0);
    const { out } = await floatlab(`event ls --operation ${deploy?.name}`);
    expect(out).toContain('App photos was created.');
    const first = lines((await floatlab(`event ls --operation ${deploy?.name} -q`)).out).at(-1);
    expect((await floatlab(`ps -q --at ${Number(first) - 1}`)).out).toBe('');
    expect((await floatlab('ps -q --at 999999')).code).toBe(4);
  });

  test('is refused what would do harm, and takes the app away with its data', async () => {
    expect((await floatlab('volume rm photos-db --yes')).code).toBe(5);
    expect((await floatlab('down photos --volumes --yes --timeout 2m')).code).toBe(0);
    expect((await floatlab('ps -q')).out).toBe('');
    expect(await floatlab('app show photos')).toMatchObject({
      code: 4,
      err: 'error: There is no app photos (NOT_FOUND)\nhint:  floatlab app ls shows what there is.\n',
    });
  });

  test('signs out', async () => {
    expect((await floatlab('logout')).code).toBe(0);
    expect((await floatlab('ps')).code).toBe(3);
  });
});
