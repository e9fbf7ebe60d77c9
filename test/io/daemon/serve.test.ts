/** What the daemon's settings and its data directory mean for the API. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serve } from '#io/daemon/serve.ts';
import { readSettings } from '#io/daemon/settings.ts';
import { loneSigner } from '#io/http/auth/signer.ts';
import type { HttpServer } from '#io/http/server.ts';
import type { RunningLab } from '#io/lab/running.ts';
import { FakeContainers, FakeLab } from '#test/io/http/fake-lab.ts';
import { FakeCredentials, password, send } from '#test/io/http/test-server.ts';

let dataDir: string;
const running: HttpServer[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-serve-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
  await rm(dataDir, { recursive: true });
});

async function start(...args: string[]): Promise<HttpServer> {
  const parsed = readSettings(['--listen', '127.0.0.1:0', ...args], { FLOATLAB_DATA: dataDir }, 0);
  if (!('settings' in parsed)) throw new Error('the settings of the test are wrong');
  const server = await serve({
    settings: parsed.settings,
    lab: new FakeLab() as unknown as RunningLab,
    containers: new FakeContainers(),
    blobs: { get: () => Promise.reject(new Error('no blobs')) },
    credentials: new FakeCredentials(),
    signer: loneSigner(),
    tls: undefined,
    log: pino({ level: 'silent' }),
    ready: () => Promise.resolve([]),
  });
  running.push(server);
  return server;
}

const session = '/api/v1/session';

test('who has signed out is not signed in again by a restart', async () => {
  const first = await start();
  const url = first.urls[0] ?? '';
  const { json } = await send(url + session, { method: 'POST', body: { name: 'admin', password } });
  const headers = { authorization: `Bearer ${json.token}` };
  expect((await send(url + session, { method: 'DELETE', headers })).status).toBe(204);
  await first.close();
  const second = await start();
  expect((await send((second.urls[0] ?? '') + session, { headers })).status).toBe(401);
});

test('a simulated lab keeps nothing in the data directory', async () => {
  const server = await start('--simulate', '1');
  const url = server.urls[0] ?? '';
  const { json } = await send(url + session, { method: 'POST', body: { name: 'admin', password } });
  await send(url + session, { method: 'DELETE', headers: { authorization: `Bearer ${json.token}` } });
  expect(await readdir(dataDir)).toEqual([]);
});

test('the names of the settings are answered to, and others are not', async () => {
  const server = await start('--host-name', 'Lab.Example.ORG', '--host-name', '10.1.2.3');
  const status = async (host: string) => (await send(`${server.urls[0]}/healthz`, { headers: { host } })).status;
  expect(await status('lab.example.org')).toBe(200);
  expect(await status('10.1.2.3:7400')).toBe(200);
  expect(await status('other.example.org')).toBe(403);
});
