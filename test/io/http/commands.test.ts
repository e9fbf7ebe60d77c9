import { describe, expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import type { RunResult } from '#io/lab/port.ts';
import { LogError } from '#io/log/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { send, startServer, until } from './test-server.ts';

const done = (fields: Partial<Exclude<RunResult, { rejected: unknown }>> = {}): RunResult => ({
  index: asIndex(7),
  unchanged: false,
  operation: 'operation:abc',
  events: [{ stream: 'app:1', type: 'app.start-requested', data: {}, words: 'App photos starts.' }],
  ...fields,
});

describe('a command', () => {
  test('that takes a while answers 202 and says where its operation is', async () => {
    const { api, lab } = await startServer();
    lab.onRun = () => done();
    const answer = await api('/api/v1/apps/default/photos/start', { method: 'POST' });
    expect(answer.status).toBe(202);
    expect(answer.headers['location']).toBe('/api/v1/operations/operation:abc');
    expect(answer.json).toEqual({
      index: 7,
      operation: 'operation:abc',
      unchanged: false,
      dryRun: false,
      events: [{ stream: 'app:1', type: 'app.start-requested', data: {}, words: 'App photos starts.' }],
    });
    expect(lab.requests).toMatchObject([
      { name: 'start-app', input: { namespace: 'default', name: 'photos' }, by: 'user:admin', dryRun: false },
    ]);
  });

  test('that is done at once answers 200, one that makes something 201', async () => {
    const { api, lab } = await startServer();
    lab.onRun = () => done({ operation: undefined });
    expect((await api('/api/v1/settings', { method: 'PATCH', body: { timeZone: 'UTC' } })).status).toBe(200);
    const body = { name: 'nightly', volume: 'data', cron: '0 2 * * *' };
    const made = await api('/api/v1/schedules', { method: 'POST', body });
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe('/api/v1/schedules/default/nightly');
    lab.onRun = () => done({ operation: undefined, unchanged: true, events: [] });
    expect((await api('/api/v1/schedules', { method: 'POST', body })).status).toBe(200);
  });

  test('that would change something to what it is already answers 304, and a dry run of it says so in words', async () => {
    const { api, lab } = await startServer();
    lab.onRun = () => done({ operation: undefined, unchanged: true, events: [] });
    const request = { method: 'PATCH', body: { keep: 'last:3' } } as const;
    const answer = await api('/api/v1/volumes/default/data', request);
    expect(answer.status).toBe(304);
    expect(answer.headers['floatlab-index']).toBe('7');
    expect((await api('/api/v1/volumes/default/data?dryRun=true', request)).json).toMatchObject({ unchanged: true });
  });

  test('takes its input from path, body and, where there is no body, query', async () => {
    const { api, lab } = await startServer();
    await api('/api/v1/volumes/team/data/snapshots', { method: 'POST', body: { as: 'before', note: 'x' } });
    await api('/api/v1/volumes/team/data/snapshots', { method: 'POST' });
    await api('/api/v1/apps/team/wiki?withVolumes=true', { method: 'DELETE' });
    await api('/api/v1/apps/team/wiki?withVolumes=false', { method: 'DELETE' });
    await api('/api/v1/apps/team/wiki', { method: 'DELETE' });
    await api('/api/v1/volumes/team/data?keepForMs=60000&purge=false', { method: 'DELETE' });
    await api('/api/v1/apps', { method: 'POST', body: { compose: 'services: {}', name: 'wiki' } });
    expect(lab.requests.map(({ name, input }) => [name, input])).toEqual([
      ['take-snapshot', { namespace: 'team', name: 'data', as: 'before', note: 'x' }],
      ['take-snapshot', { namespace: 'team', name: 'data' }],
      ['remove-app', { namespace: 'team', name: 'wiki', withVolumes: true }],
      ['remove-app', { namespace: 'team', name: 'wiki', withVolumes: false }],
      ['remove-app', { namespace: 'team', name: 'wiki' }],
      ['delete-volume', { namespace: 'team', name: 'data', keepForMs: 60_000, purge: false }],
      ['deploy-app', { compose: 'services: {}', name: 'wiki' }],
    ]);
  });

  test('whose body contradicts the path, or that has a body where none belongs, is refused', async () => {
    const { api, lab } = await startServer();
    const contradicted = await api('/api/v1/volumes/team/data', { method: 'PATCH', body: { name: 'other' } });
    expect(contradicted.json).toMatchObject({ code: 'INVALID', fields: [{ path: 'name' }] });
    expect((await api('/api/v1/volumes/team/data', { method: 'DELETE', body: { force: true } })).status).toBe(400);
    expect((await api('/api/v1/apps/team/wiki?withVolumes=yes', { method: 'DELETE' })).json).toMatchObject({
      code: 'INVALID',
      fields: [{ path: 'withVolumes' }],
    });
    expect((await api('/api/v1/apps/team/wiki?withvolumes=true', { method: 'DELETE' })).json).toMatchObject({
      fields: [{ path: 'withvolumes' }],
      hint: 'It takes dryRun, withVolumes.',
    });
    expect(lab.requests).toEqual([]);
  });

  test('is only tried with dryRun', async () => {
    const { api, lab } = await startServer();
    lab.onRun = () => done();
    const answer = await api('/api/v1/apps/default/photos/stop?dryRun=true', { method: 'POST' });
    expect([answer.status, answer.json.dryRun, answer.headers['location']]).toEqual([200, true, undefined]);
    expect(lab.requests[0]).toMatchObject({ name: 'stop-app', dryRun: true });
    expect((await api('/api/v1/apps/default/photos/stop?dryRun=1', { method: 'POST' })).status).toBe(400);
  });

  test('that is refused says why, by the class of its code', async () => {
    const { api, lab } = await startServer();
    const statuses: unknown[] = [];
    for (const code of ['INVALID', 'FORBIDDEN', 'NOT_FOUND', 'NAME_TAKEN', 'SHRINKING'] as const) {
      lab.onRun = () => ({ rejected: { code, explain: 'No.', hint: 'Try otherwise.' } });
      const { status, json, headers } = await api('/api/v1/namespaces', { method: 'POST', body: { name: 'x' } });
      expect(headers['content-type']).toBe('application/problem+json');
      expect(json).toMatchObject({
        type: `urn:floatlab:problem:${code.toLowerCase()}`,
        status,
        detail: 'No.',
        hint: 'Try otherwise.',
        code,
      });
      statuses.push(status);
    }
    expect(statuses).toEqual([400, 403, 404, 409, 422]);
  });
});

describe('an Idempotency-Key', () => {
  const start = (headers: Record<string, string>, body: object = { name: 'team' }) => ({
    method: 'POST',
    body,
    headers,
  });
  const path = '/api/v1/namespaces';

  test('makes the same request the same command', async () => {
    const { api, lab } = await startServer();
    const [one, two] = [
      await api(path, start({ 'idempotency-key': 'k1' })),
      await api(path, start({ 'idempotency-key': 'k1' })),
    ];
    expect(two.json).toEqual(one.json);
    await api(path, start({ 'idempotency-key': 'k2' }));
    await api(path, start({}));
    await api(path, start({}));
    const ids = lab.requests.map(({ id }) => id);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]{20,32}$/);
  });

  test('is not taken for another request', async () => {
    const { api, lab } = await startServer();
    await api(path, start({ 'idempotency-key': 'k' }));
    const other = await api(path, start({ 'idempotency-key': 'k' }, { name: 'other' }));
    expect([other.status, other.json.code]).toEqual([409, 'KEY_REUSED']);
    const elsewhere = await api('/api/v1/nodes/team/cordon', { method: 'POST', headers: { 'idempotency-key': 'k' } });
    expect(elsewhere.json.code).toBe('KEY_REUSED');
    expect(lab.requests.length).toBe(1);
  });

  test('may be used again after a refusal, for the corrected request, and is not used up by a dry run', async () => {
    const { api, lab } = await startServer();
    lab.onRun = () => ({ rejected: { code: 'NAME_TAKEN', explain: 'No.' } });
    expect((await api(path, start({ 'idempotency-key': 'k' }))).status).toBe(409);
    lab.onRun = () => done({ operation: undefined });
    expect((await api(`${path}?dryRun=true`, start({ 'idempotency-key': 'k' }))).status).toBe(200);
    expect((await api(path, start({ 'idempotency-key': 'k' }, { name: 'other' }))).status).toBe(201);
  });

  test('has to look like one', async () => {
    const { api } = await startServer();
    for (const key of ['', 'x'.repeat(256), 'with space']) {
      const answer = await api(path, start({ 'idempotency-key': key }));
      expect([key.length, answer.status, answer.json.fields?.[0].path]).toEqual([key.length, 400, 'Idempotency-Key']);
    }
  });
});

describe('when something fails', () => {
  test('a command that takes too long has an unknown outcome', async () => {
    const clock = new VirtualClock(Date.now());
    const { api, lab, token } = await startServer({ clock });
    await token();
    lab.onRun = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const pending = api('/api/v1/namespaces', { method: 'POST', body: { name: 'x' } });
    await until(() => lab.requests.length === 1);
    await clock.run(30_000);
    expect((await pending).json).toMatchObject({ status: 504, code: 'TIMED_OUT' });
  });

  test('a closed log is not available, a broken one leaves the outcome open', async () => {
    const { api, lab } = await startServer();
    const post = () => api('/api/v1/namespaces', { method: 'POST', body: { name: 'x' } });
    lab.onRun = () => Promise.reject(new LogError('CLOSED', 'the log is closed', ''));
    const closed = await post();
    expect([closed.status, closed.json.code, closed.headers['retry-after']]).toEqual([503, 'STOPPING', '2']);
    lab.onRun = () => Promise.reject(new LogError('BROKEN', 'disk on fire', ''));
    expect((await post()).json).toMatchObject({ status: 504, code: 'TIMED_OUT' });
    lab.onRun = () => Promise.reject(new LogError('REFUSED', 'the entry is too large', 'Send less.'));
    expect((await post()).json).toMatchObject({ status: 400, code: 'TOO_LARGE', detail: 'The entry is too large.' });
  });

  test('what nobody foresaw says nothing of the inside, and the log says all of it', async () => {
    const { api, lab, logged } = await startServer();
    lab.onRun = () => Promise.reject(new Error('secret: hunter2'));
    const answer = await api('/api/v1/namespaces', { method: 'POST', body: { name: 'x' } });
    expect([answer.status, answer.json.code]).toEqual([500, 'INTERNAL']);
    expect(answer.text).not.toContain('hunter2');
    const requestId = answer.headers['x-request-id'];
    expect(answer.json.hint).toContain(requestId);
    expect(logged.find(({ level, requestId: id }) => level === 50 && id === requestId)?.['error']).toContain('hunter2');
  });
});

describe('a request that is not understood', () => {
  const path = '/api/v1/namespaces';
  const json = { 'content-type': 'application/json' };

  test.each([
    ['malformed JSON', { body: '{"name":', headers: json }, 'INVALID'],
    ['JSON that is no object', { body: '[1]', headers: json }, 'INVALID'],
    ['null', { body: 'null', headers: json }, 'INVALID'],
    ['bytes that are no UTF-8', { body: Buffer.from('{"name":"\xff"}', 'latin1'), headers: json }, 'INVALID'],
    ['a form', { body: 'name=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, 'INVALID'],
    ['text', { body: '{"name":"x"}', headers: { 'content-type': 'text/plain' } }, 'INVALID'],
    ['no type', { body: '{"name":"x"}', headers: {} }, 'INVALID'],
    ['more than 8 MiB', { body: `"${'x'.repeat(8 * 2 ** 20)}"`, headers: json }, 'TOO_LARGE'],
    [
      'more than 8 MiB in chunks',
      { body: `"${'x'.repeat(8 * 2 ** 20)}"`, headers: { ...json, 'transfer-encoding': 'chunked' } },
      'TOO_LARGE',
    ],
  ])('%s is refused', async (_, sent, code) => {
    const { api, lab } = await startServer();
    const answer = await api(path, { method: 'POST', ...sent });
    expect([answer.status, answer.json.code]).toEqual([400, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(lab.requests).toEqual([]);
  });

  test('a body in chunks, or with a charset, is understood', async () => {
    const { api, lab } = await startServer();
    const headers = { 'content-type': 'Application/JSON; charset=utf-8', 'transfer-encoding': 'chunked' };
    expect((await api(path, { method: 'POST', body: '{"name":"team"}', headers })).status).toBe(201);
    expect(lab.requests[0]?.input).toEqual({ name: 'team' });
  });

  test('a body with tricks for prototypes is only data', async () => {
    const { api, lab } = await startServer();
    await api(path, { method: 'POST', body: '{"name":"x","__proto__":{"polluted":true}}', headers: json });
    expect(Object.keys(lab.requests[0]?.input as object)).toContain('__proto__');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test('an unknown path or method is a problem that says what there is', async () => {
    const { api, url } = await startServer();
    expect((await api('/api/v1/nothing')).json).toMatchObject({ status: 404, code: 'NO_SUCH_ROUTE' });
    expect((await api('/api/v1/apps', { method: 'DELETE' })).json).toMatchObject({
      code: 'NO_SUCH_ROUTE',
      hint: 'This path takes GET, POST.',
    });
    expect((await send(`${url}/api/v1/live`)).json).toMatchObject({ code: 'NO_SUCH_ROUTE' });
    expect((await send(`${url}/api/v1/apps`, { method: 'OPTIONS' })).json.code).toBe('NO_SUCH_ROUTE');
  });

  test('every answer has an id and headers that protect the pages', async () => {
    const { url } = await startServer();
    for (const path of ['/healthz', '/api/v1/apps', '/nothing.js']) {
      const { headers } = await send(url + path);
      expect(headers['x-request-id']).toMatch(/^[a-z0-9]{20}$/);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toContain("script-src 'self';");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
  });
});
