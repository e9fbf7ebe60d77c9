/** The command line, as it is built, as a process of its own: what only a process has. */
import { execa, type ResultPromise } from 'execa';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeServer } from './fake-server.ts';
import { activityRow, nodeRow } from './sample-rows.ts';
import { emptyHome } from './home.ts';

let lab: FakeServer;
let home: string;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(async () => {
  lab.forget();
  home = await emptyHome();
});

const start = (words: string, more: { input?: string } = {}): ResultPromise =>
  execa(process.execPath, [join('bin', 'floatlab.js'), ...words.split(' ')], {
    env: { FLOATLAB_SERVER: lab.url, XDG_CONFIG_HOME: home, HOME: home, NODE_OPTIONS: '', FORCE_COLOR: '1' },
    reject: false,
    ...more,
  }) as ResultPromise;

describe('the process', { timeout: 30_000 }, () => {
  test('ends with the exit code, data on stdout, errors on stderr, and no colours in a pipe', async () => {
    lab.rows('/api/v1/nodes', [nodeRow('atlas')]);
    const well = await start('node ls');
    expect(well.exitCode).toBe(0);
    expect(String(well.stdout)).toContain('atlas');
    expect(`${String(well.stdout)}${String(well.stderr)}`).not.toContain('\u001b');
    lab.problem('GET /api/v1/nodes', 'NOT_SIGNED_IN', 'This needs somebody who is signed in.');
    const refused = await start('node ls');
    expect(refused.exitCode).toBe(3);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toContain('error: This needs somebody who is signed in (NOT_SIGNED_IN)');
  });

  test('takes a password from its stdin, and never has one among its arguments', async () => {
    lab.on('POST /api/v1/session', {
      json: { name: 'admin', role: 'admin', expiresAt: 0, token: 't', initialPassword: false },
    });
    const login = start(`login ${lab.url} -u admin --password-stdin`, { input: 'correct horse\n' });
    const argv = login.pid === undefined ? '' : await readFile(`/proc/${login.pid}/cmdline`, 'utf8').catch(() => '');
    expect((await login).exitCode).toBe(0);
    expect(argv).not.toContain('correct horse');
    expect(lab.heard[0]?.body).toEqual({ name: 'admin', password: 'correct horse' });
    expect(await readFile(join(home, 'floatlab', 'contexts.json'), 'utf8')).toContain('"token": "t"');
  });

  test('ends with 130 on Ctrl-C', async () => {
    lab.on('GET /api/v1/events', { json: { items: [activityRow(1, 'App photos runs.')], index: 1 } });
    const follow = start('event follow');
    await new Promise<void>((resolve) => follow.stdout?.once('data', () => resolve()));
    follow.kill('SIGINT');
    expect((await follow).exitCode).toBe(130);
  });

  test('ends quietly when nobody reads its output any more', async () => {
    lab.on('GET /api/v1/events', { json: { items: [activityRow(1, 'App photos runs.')], index: 1 } });
    const follow = start('event follow');
    await new Promise<void>((resolve) => follow.stdout?.once('data', () => resolve()));
    follow.stdout?.destroy();
    lab.live = (message, say) => {
      if (message.t !== 'open') return;
      const rows = [...Array(50).keys()].map((n) => [String(n), activityRow(n, 'x'.repeat(9000))] as const);
      say({ t: 'snap', sub: message.sub, epoch: 'e', index: 50, rows, more: false });
    };
    // Whether it was following already or not: it asks again now.
    lab.dropLive();
    const { exitCode, stderr } = await follow;
    expect(exitCode).toBe(0);
    expect(stderr).not.toContain('EPIPE');
  });
});

describe('bin/floatlab.js', () => {
  test('says what to do when floatlab is not built', async () => {
    await mkdir(join(home, 'bin'));
    for (const name of ['floatlab.js', 'v8.js']) await copyFile(join('bin', name), join(home, 'bin', name));
    await copyFile('package.json', join(home, 'package.json'));
    const { exitCode, stderr } = await execa(process.execPath, [join(home, 'bin', 'floatlab.js'), 'ps'], {
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(stderr).toBe(`error: floatlab is not built yet (NOT_BUILT)\nhint:  run "npm start" once in ${home}/`);
  });
});
