import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { appRow, operationRow, type FakeLab } from './fake-lab.ts';
import { send, startServer, until } from './test-server.ts';

const names = (json: { items: { name: string }[] }): string[] => json.items.map(({ name }) => name);

function someApps(lab: FakeLab): void {
  lab.commit({ apps: { put: { 'app:a': appRow('a', { labels: { tier: 'web' } }) } } });
  lab.commit({ apps: { put: { 'app:b': appRow('b', { state: 'failed', labels: { tier: 'db', env: 'test' } }) } } });
  lab.commit({ apps: { put: { 'app:c': appRow('c', { namespace: 'team', labels: {} }) } } });
}

describe('a list', () => {
  test('gives rows with the index that they stand at', async () => {
    const { api, lab } = await startServer();
    expect((await api('/api/v1/apps')).json).toEqual({ items: [], index: 0 });
    someApps(lab);
    const { json } = await api('/api/v1/apps');
    expect([names(json), json.index, json.cursor]).toEqual([['a', 'b', 'c'], 3, undefined]);
  });

  test('is filtered by fields and by labels', async () => {
    const { api, lab } = await startServer();
    someApps(lab);
    const list = async (query: string) => names((await api(`/api/v1/apps?${query}`)).json);
    expect(await list('state=failed')).toEqual(['b']);
    expect(await list('state=failed,running')).toEqual(['a', 'b', 'c']);
    expect(await list('namespace=team&name=c')).toEqual(['c']);
    expect(await list('name=c&namespace=default')).toEqual([]);
    expect(await list('selector=tier%3Dweb')).toEqual(['a']);
    expect(await list('selector=tier=web,env!=test')).toEqual(['a']);
    expect(await list('selector=env!=test')).toEqual(['a', 'c']);
    expect(await list('selector=tier')).toEqual(['a', 'b']);
    expect(await list('selector=!tier')).toEqual(['c']);
    expect(await list('selector=tier==db')).toEqual(['b']);
  });

  test('is filtered by other objects, by name or by id, and knows the metadata of the configuration', async () => {
    const { api, lab } = await startServer();
    const volume = (name: string, app: string | null) => ({
      id: `volume:${name}`,
      namespace: 'default',
      name,
      labels: {},
      app: app && { id: `app:${app}1`, name: app },
    });
    const config = { kind: 'app', id: 'app:1', metadata: { name: 'a', namespace: 'team', labels: { x: 'y' } } };
    lab.commit({
      volumes: { put: { v1: volume('v1', 'photos'), v2: volume('v2', null) } },
      config: { put: { 'app:1': config } },
    });
    expect(names((await api('/api/v1/volumes?app=photos')).json)).toEqual(['v1']);
    expect(names((await api('/api/v1/volumes?app=app:photos1')).json)).toEqual(['v1']);
    expect(names((await api('/api/v1/volumes?app=')).json)).toEqual(['v2']);
    for (const query of ['kind=app', 'namespace=team', 'name=a', 'selector=x=y']) {
      expect([query, (await api(`/api/v1/config?${query}`)).json.items.length]).toEqual([query, 1]);
    }
    expect((await api('/api/v1/config?namespace=default')).json.items).toEqual([]);
  });

  test('refuses what it does not understand', async () => {
    const { api, lab } = await startServer();
    someApps(lab);
    for (const query of [
      'colour=red',
      'limit=0',
      'limit=1001',
      'limit=x',
      'limit=-1',
      'cursor=%21',
      'cursor=e30',
      'at=yesterday',
      'at=-1',
      'at=2024-13-01',
      'selector=a=b=c',
      'selector=,',
      'state=a&state=b',
    ]) {
      const answer = await api(`/api/v1/apps?${query}`);
      expect([query, answer.status, answer.json.code, answer.json.fields?.[0].path]).toEqual([
        query,
        400,
        'INVALID',
        query.split('=')[0],
      ]);
    }
  });

  test('comes in pages that have every row once, whatever is added in between', async () => {
    const { api, lab } = await startServer();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 7 }),
        fc.array(fc.integer({ min: 0, max: 999 }), { maxLength: 5 }),
        async (ids, limit, later) => {
          lab.commit({ apps: { del: lab.rows('apps').map(([key]) => key) } });
          const key = (id: number) => `app:${String(id).padStart(3, '0')}`;
          const rows = (of: readonly number[]) => Object.fromEntries(of.map((id) => [key(id), appRow(`n${id}`)]));
          lab.commit({ apps: { put: rows(ids) } });
          const found: string[] = [];
          let cursor: string | undefined;
          do {
            const page = (await api(`/api/v1/apps?limit=${limit}${cursor === undefined ? '' : `&cursor=${cursor}`}`))
              .json;
            expect(page.items.length).toBeLessThanOrEqual(limit);
            found.push(...names(page));
            cursor = page.cursor;
            const more = later.pop();
            if (more !== undefined) lab.commit({ apps: { put: rows([more]) } });
          } while (cursor !== undefined);
          expect(new Set(found).size).toBe(found.length);
          expect(found).toEqual(expect.arrayContaining(ids.map((id) => `n${id}`)));
        },
      ),
      { numRuns: 20 },
    );
  });

  test('has at most a thousand rows a page and two hundred by default', async () => {
    const { api, lab } = await startServer();
    const put = Object.fromEntries(Array.from({ length: 1100 }, (_, n) => [`app:${n}`, appRow(`n${n}`)]));
    lab.commit({ apps: { put } });
    expect((await api('/api/v1/apps')).json.items.length).toBe(200);
    const page = (await api('/api/v1/apps?limit=1000')).json;
    expect(page.items.length).toBe(1000);
    expect((await api(`/api/v1/apps?limit=1000&cursor=${page.cursor}`)).json.items.length).toBe(100);
  });

  test('of the snapshots of a volume has those of this volume only', async () => {
    const { api, lab } = await startServer();
    const snapshot = (name: string, volume: string) => ({
      namespace: 'default',
      name,
      volume: { id: `volume:${volume}`, name: volume },
    });
    lab.commit({
      volumes: {
        put: {
          'volume:v1': { id: 'volume:v1', namespace: 'default', name: 'v1' },
          'volume:v2': { id: 'volume:v2', namespace: 'team', name: 'v1' },
        },
      },
      snapshots: { put: { 'volume:v1|1': snapshot('s1', 'v1'), 'volume:v2|1': snapshot('s2', 'v2') } },
    });
    expect(names((await api('/api/v1/volumes/default/v1/snapshots')).json)).toEqual(['s1']);
    expect(names((await api('/api/v1/volumes/team/v1/snapshots')).json)).toEqual(['s2']);
    expect((await api('/api/v1/volumes/default/none/snapshots')).json).toMatchObject({
      code: 'NOT_FOUND',
      detail: 'There is no volume none.',
    });
    expect((await api('/api/v1/volumes/default/v1/snapshots?at=0')).json).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('one object', () => {
  test('is found by namespace and name, by name, or by id', async () => {
    const { api, lab } = await startServer();
    someApps(lab);
    lab.commit({
      nodes: { put: { 'node:n1': { id: 'node:n1', name: 'atlas' } } },
      operations: { put: { 'operation:x': operationRow('x') } },
    });
    lab.commit({ overview: { put: { lab: { name: 'home', counts: {} } } } });
    expect((await api('/api/v1/apps/team/c')).json.name).toBe('c');
    expect((await api('/api/v1/apps/team/app:c')).json.name).toBe('c');
    expect((await api('/api/v1/nodes/atlas')).json.id).toBe('node:n1');
    expect((await api('/api/v1/nodes/node:n1')).json.name).toBe('atlas');
    for (const id of ['operation:x', 'x', 'op-x', 'operation%3Ax'])
      expect((await api(`/api/v1/operations/${id}`)).json.id).toBe('operation:x');
    expect((await api('/api/v1/overview')).json.name).toBe('home');
  });

  test('that is not there is a problem that names it', async () => {
    const { api } = await startServer();
    expect((await api('/api/v1/apps/default/wiki')).json).toMatchObject({
      status: 404,
      code: 'NOT_FOUND',
      detail: 'There is no app wiki.',
    });
    expect((await api('/api/v1/apps/team/wiki')).json.detail).toBe('There is no app wiki in namespace team.');
    expect((await api('/api/v1/nodes/%2e%2e%2fx')).json.code).toBe('NOT_FOUND');
  });
});

describe('the past', () => {
  test('is read by index and by time', async () => {
    const { api, lab } = await startServer();
    someApps(lab);
    lab.commit({ apps: { del: ['app:a'], put: { 'app:b': appRow('b') } } });
    const at = async (moment: string | number) => {
      const { json } = await api(`/api/v1/apps?at=${moment}`);
      return [names(json), json.index];
    };
    expect(await at(0)).toEqual([[], 0]);
    expect(await at(2)).toEqual([['a', 'b'], 2]);
    expect(await at(4)).toEqual([['b', 'c'], 4]);
    // The first commit was one second after this time.
    const start = 1_700_000_000_000;
    expect(await at(start + 2500)).toEqual([['a', 'b'], 2]);
    expect(await at(new Date(start + 1000).toISOString())).toEqual([['a'], 1]);
    expect(await at('2023-11-14T23:13:22%2B01:00')).toEqual([['a', 'b'], 2]);
    expect(await at('2023-11-14T23:13:22+01:00')).toEqual([['a', 'b'], 2]);
    expect(await at('2000-01-01')).toEqual([[], 0]);
    expect((await api('/api/v1/apps/default/a?at=3')).json.name).toBe('a');
    expect((await api('/api/v1/apps/default/a')).status).toBe(404);
    expect((await api('/api/v1/apps/default/a?at=5')).json).toMatchObject({ status: 404, code: 'PAST_HEAD' });
  });
});

describe('an ETag', () => {
  test('saves what the client has already, until the view changes', async () => {
    const { api, lab } = await startServer();
    someApps(lab);
    const first = await api('/api/v1/apps');
    const etag = String(first.headers['etag']);
    const again = (tag: string, path = '/api/v1/apps') => api(path, { headers: { 'if-none-match': tag } });
    const known = await again(etag);
    expect([known.status, known.text, known.headers['etag']]).toEqual([304, '', etag]);
    expect((await again(`"x", ${etag}`)).status).toBe(304);
    expect((await again('"x"')).status).toBe(200);
    lab.commit({ nodes: { put: { n: { id: 'node:n', name: 'n' } } } });
    expect((await again(etag)).status).toBe(304);
    lab.commit({ apps: { put: { 'app:d': appRow('d') } } });
    const changed = await again(etag);
    expect([changed.status, changed.json.items.length]).toEqual([200, 4]);
    expect(changed.headers['cache-control']).toBe('private, no-cache');

    const past = String((await api('/api/v1/apps?at=2')).headers['etag']);
    expect(past).not.toBe(etag);
    expect((await again(past, '/api/v1/apps?at=2')).status).toBe(304);
    expect((await again(past, '/api/v1/apps?at=3')).status).toBe(200);

    const one = String((await api('/api/v1/apps/default/a')).headers['etag']);
    expect((await again(one, '/api/v1/apps/default/a')).status).toBe(304);
    expect((await again(one, '/api/v1/apps/default/none')).status).toBe(404);
  });
});

describe('events', () => {
  test('come newest first, or oldest first after an index, or of one operation or object', async () => {
    const { api, lab } = await startServer();
    for (let n = 1; n <= 5; n++) {
      lab.commit({}, n === 3 ? { stream: 'volume:data', kind: 'volume', correlation: 'operation:9' } : {});
    }
    lab.addActor('volume:idle', 'idle');
    const indices = async (path: string) => (await api(path)).json.items.map(({ index }: { index: number }) => index);
    expect(await indices('/api/v1/events')).toEqual([5, 4, 3, 2, 1]);
    expect(await indices('/api/v1/events?limit=2')).toEqual([5, 4]);
    expect(await indices('/api/v1/events?before=3')).toEqual([2, 1]);
    expect(await indices('/api/v1/events?after=3')).toEqual([4, 5]);
    expect(await indices('/api/v1/events?correlation=operation:9')).toEqual([3]);
    expect(await indices('/api/v1/history/volume:data')).toEqual([3]);
    expect(await indices('/api/v1/history/volume%3Adata?before=3')).toEqual([]);
    expect(await indices('/api/v1/history/volume:idle')).toEqual([]);
    expect((await api('/api/v1/history/volume:none')).json.code).toBe('NOT_FOUND');
    expect((await api('/api/v1/history/nonsense')).json.code).toBe('NOT_FOUND');
    expect((await api('/api/v1/events?before=1&after=1')).status).toBe(400);
    expect((await api('/api/v1/events?limit=1001')).status).toBe(400);
  });
});

describe('waiting for an operation', () => {
  const row = (state: string) => ({ operations: { put: { 'operation:x': operationRow('x', { state }) } } });

  test('ends when it has ended', async () => {
    const { api, lab } = await startServer();
    lab.commit(row('running'));
    const others = lab.listeners('operations');
    const waiting = api('/api/v1/operations/operation:x/wait');
    await until(() => lab.listeners('operations') > others);
    lab.commit({ operations: { put: { 'operation:y': operationRow('y', { state: 'failed' }) } } });
    lab.commit(row('succeeded'));
    expect((await waiting).json).toMatchObject({ id: 'operation:x', state: 'succeeded' });
    expect((await api('/api/v1/operations/x/wait')).json.state).toBe('succeeded');
    expect(lab.listeners('operations')).toBe(others);
  });

  test('gives up after the time that the client named, and leaves nothing behind', async () => {
    const clock = new VirtualClock(Date.now());
    const { api, lab, token } = await startServer({ clock });
    await token();
    lab.commit(row('running'));
    const others = lab.listeners('operations');
    const waiting = api('/api/v1/operations/x/wait?timeout=300');
    await until(() => lab.listeners('operations') > others);
    await clock.run(300_000);
    expect((await waiting).json.state).toBe('running');
    expect(lab.listeners('operations')).toBe(others);
    expect((await api('/api/v1/operations/x/wait?timeout=0')).json.state).toBe('running');
    expect((await api('/api/v1/operations/x/wait?timeout=301')).status).toBe(400);
    expect((await api('/api/v1/operations/none/wait')).status).toBe(404);
  });

  test('ends when it is gone, and when the server stops', async () => {
    const { api, lab, server } = await startServer();
    lab.commit(row('running'));
    const others = lab.listeners('operations');
    const gone = api('/api/v1/operations/x/wait');
    await until(() => lab.listeners('operations') > others);
    lab.commit({ operations: { del: ['operation:x'] } });
    expect((await gone).status).toBe(404);
    lab.commit(row('running'));
    const stopped = api('/api/v1/operations/x/wait');
    await until(() => lab.listeners('operations') > others);
    await server.close();
    expect((await stopped).json).toMatchObject({ status: 503, code: 'STOPPING' });
  });
});

describe('the system', () => {
  test('says whether it lives and whether it serves; why not only to who is signed in', async () => {
    const checks = [
      { name: 'log', ok: true },
      { name: 'engine', ok: false, detail: '/var/run/docker.sock is away' },
    ];
    const { url, api } = await startServer({ ready: () => Promise.resolve(checks) });
    expect((await send(`${url}/healthz`)).json).toEqual({ status: 'ok' });
    const open = await send(`${url}/readyz`);
    expect(open.status).toBe(503);
    expect(open.json).toMatchObject({
      ready: false,
      code: 'NOT_READY',
      checks: [
        { name: 'log', ok: true },
        { name: 'engine', ok: false },
        { name: 'leader', ok: true },
      ],
    });
    expect(open.text).not.toContain('docker.sock');
    expect((await api('/readyz')).text).toContain('docker.sock');
  });

  test('gives its figures to who is signed in', async () => {
    const { api } = await startServer();
    const answer = await api('/metrics');
    expect([answer.text, answer.headers['content-type']]).toEqual([
      'floatlab_info 1\n',
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
  });
});

describe('a replica', () => {
  test('is told with what would be lost with it now, and of the past without', async () => {
    const { api, lab } = await startServer();
    const of = { id: 'replica:r', namespace: 'default', name: 'data-on-vega', state: 'idle' };
    lab.commit({ replicas: { put: { 'replica:r': of as never } } });
    const shown = async () => (await api('/api/v1/replicas/default/data-on-vega')).json.loss;
    expect(await shown()).toBeNull();
    lab.observe('replica-lag', { 'replica:r': { at: 5000, snapshot: 'aa', lossMs: 11_200, bytes: 4096 } });
    const { json, headers } = await api('/api/v1/replicas');
    expect(json.items).toEqual([{ ...of, loss: { seconds: 12, bytes: 4096, asOf: 5000 } }]);
    expect((await api(`/api/v1/replicas?at=${lab.index}`)).json.items).toEqual([of]);
    // What is told now is not what was known.
    const known = { headers: { 'if-none-match': String(headers['etag']) } };
    expect((await api('/api/v1/replicas', known)).status).toBe(304);
    lab.observe('replica-lag', { 'replica:r': { at: 6000, snapshot: 'aa' } });
    expect((await api('/api/v1/replicas', known)).status).toBe(200);
    expect(await shown()).toEqual({ seconds: null, bytes: null, asOf: 6000 });
  });
});
