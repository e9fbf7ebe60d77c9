import { describe, expect, test } from 'vitest';
import type { LiveLogLine } from '#io/contract/live.ts';
import { IoError } from '#io/devices/error.ts';
import { StoreError } from '#io/stores/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import type { FakeLab } from './fake-lab.ts';
import { startServer, until } from './test-server.ts';

const ref = 'a'.repeat(64);
const config = (compose: string, name = 'photos') => ({
  kind: 'app',
  id: `app:${name}`,
  metadata: { name, namespace: 'default', labels: {} },
  status: { compose },
});

describe('the compose file of an app', () => {
  test('comes back byte for byte, as it is and as it was', async () => {
    const { api, lab, blobs } = await startServer();
    const [now, before] = [Buffer.from('\uFEFFname: photos\r\n# äöü\tend'), Buffer.from('name: photos\n')];
    blobs.set(ref, before);
    blobs.set('b'.repeat(64), now);
    lab.commit({ config: { put: { 'app:1': config(ref) } } });
    lab.commit({ config: { put: { 'app:1': config('b'.repeat(64)) } } });
    const answer = await api('/api/v1/apps/default/photos/compose');
    expect(answer.headers['content-type']).toBe('text/yaml; charset=utf-8');
    expect(answer.bytes).toEqual(now);
    expect((await api('/api/v1/apps/default/photos/compose?at=1')).bytes).toEqual(before);
    const headers = { 'if-none-match': String(answer.headers['etag']) };
    expect((await api('/api/v1/apps/default/photos/compose', { headers })).status).toBe(304);
    expect((await api('/api/v1/apps/default/photos/compose?at=1', { headers })).status).toBe(200);
  });

  test('that is not there, or not on this node, is not found', async () => {
    const lab = { get: () => Promise.reject(new StoreError('MISSING', 'no', '')) };
    const { api, lab: fake } = await startServer({ blobs: lab });
    expect((await api('/api/v1/apps/default/photos/compose')).json).toMatchObject({
      code: 'NOT_FOUND',
      detail: 'There is no app photos.',
    });
    fake.commit({ config: { put: { 'app:1': config(ref) } } });
    expect((await api('/api/v1/apps/default/photos/compose')).json.detail).toBe(
      'The compose file of app photos is not on this node.',
    );
  });

  test('is checked without an app', async () => {
    const { api, lab } = await startServer();
    const check = (compose: string) => api('/api/v1/compose/validate', { method: 'POST', body: { compose } });
    const good = await check('name: wiki\nversion: "3"\nservices:\n  web:\n    image: nginx:1.27\n');
    expect(good.json).toMatchObject({ findings: [], name: 'wiki', notes: [{ line: 2 }] });
    const wrong = await check('services:\n  web:\n    imag: nginx\n');
    expect(wrong.status).toBe(200);
    expect(wrong.json.findings[0]).toMatchObject({
      file: 'compose.yaml',
      line: expect.any(Number),
      frame: expect.any(String),
    });
    expect((await api('/api/v1/compose/validate', { method: 'POST', body: {} })).json.fields[0].path).toBe('compose');
    expect(lab.requests).toEqual([]);
  });
});

describe('the log of an app', () => {
  const line = (n: number): LiveLogLine => ({ service: 'web', at: n, stream: 'stdout', text: `line ${n}` });
  const withApp = (lab: FakeLab) => lab.addActor('app:1', 'photos');

  test('is read as far back as was asked for', async () => {
    const { api, lab, containers } = await startServer();
    withApp(lab);
    containers.onLogs = async function* () {
      yield line(1);
      yield line(2);
    };
    expect((await api('/api/v1/apps/default/photos/logs')).json).toEqual({ items: [line(1), line(2)] });
    await api('/api/v1/apps/default/photos/logs?service=web&tail=5&since=17');
    expect(containers.logCalls.map(({ app, options }) => [app, options])).toEqual([
      ['app:1', { tail: 200, follow: false }],
      ['app:1', { service: 'web', tail: 5, sinceMs: 17, follow: false }],
    ]);
    expect((await api('/api/v1/apps/default/photos/logs?tail=10001')).status).toBe(400);
    expect((await api('/api/v1/apps/default/wiki/logs')).status).toBe(404);
  });

  test('keeps the newest lines when there are too many', async () => {
    const { api, lab, containers } = await startServer();
    withApp(lab);
    containers.onLogs = async function* () {
      for (let n = 1; n <= 45_000; n++) yield line(n);
    };
    const { items, dropped } = (await api('/api/v1/apps/default/photos/logs')).json;
    expect([items.length, dropped, items[0].at, items.at(-1).at]).toEqual([20_000, 25_000, 25_001, 45_000]);
  });

  test('keeps the newest lines when they are too long, however few', async () => {
    const { api, lab, containers } = await startServer();
    withApp(lab);
    const text = 'x'.repeat(1024 * 1024);
    containers.onLogs = async function* () {
      for (let n = 1; n <= 40; n++) yield { ...line(n), text };
    };
    const { items, dropped } = (await api('/api/v1/apps/default/photos/logs')).json;
    expect([items.length, dropped, items[0].at, items.at(-1).at]).toEqual([8, 32, 33, 40]);
  });

  test('of a service that does not exist, or of an engine that is away, says so', async () => {
    const { api, lab, containers } = await startServer();
    withApp(lab);
    const failing = (code: 'MISSING' | 'ENGINE_UNREACHABLE' | 'FAILED') => {
      // oxlint-disable-next-line require-yield -- it fails before its first line
      containers.onLogs = async function* () {
        throw new IoError(code, {
          op: 'logs',
          target: 'photos',
          message: 'app photos has no service x',
          hint: 'It has web.',
        });
      };
      return api('/api/v1/apps/default/photos/logs');
    };
    expect((await failing('MISSING')).json).toMatchObject({
      status: 404,
      detail: 'App photos has no service x.',
      hint: 'It has web.',
    });
    expect((await failing('ENGINE_UNREACHABLE')).json).toMatchObject({ status: 503, code: 'ENGINE_UNREACHABLE' });
    const failed = await failing('FAILED');
    expect([failed.status, failed.text.includes('service x')]).toEqual([500, false]);
  });

  test('that does not come in time is given up', async () => {
    const clock = new VirtualClock(Date.now());
    const { api, lab, containers, token } = await startServer({ clock });
    await token();
    withApp(lab);
    // oxlint-disable-next-line require-yield -- no line ever comes
    containers.onLogs = async function* (signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const reading = api('/api/v1/apps/default/photos/logs');
    await until(() => containers.logCalls.length === 1);
    await clock.run(30_000);
    expect((await reading).json).toMatchObject({ status: 504, code: 'TIMED_OUT' });
  });
});
