import { commandSchemas, type CommandName } from '#actors/commands.ts';
import { problemOf } from '#io/contract/problem.ts';
import { bodySchema, pageKeyHeader, pathParams, routes } from '#io/contract/routes.ts';
import { ApiError, UnreachableError } from '#ui/client/errors.ts';
import { commandRequest, hasRoute } from '#ui/client/request.ts';
import { createRestClient, type Fetch, type RestClient } from '#ui/client/rest.ts';
import { describe, expect, test } from 'vitest';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}
type Reply = { readonly status?: number; readonly body?: unknown; readonly text?: string } | Error;

/** A client whose server answers with each reply in turn, the last one for ever. */
function scripted(...replies: readonly Reply[]): { readonly client: RestClient; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = async (url, { method, headers, body }) => {
    const reply = replies[Math.min(sent.length, replies.length - 1)] ?? {};
    sent.push({ method, url, headers, body: body === undefined ? undefined : JSON.parse(body) });
    if (reply instanceof Error) throw reply;
    const { status = 200 } = reply;
    const bytes = new TextEncoder().encode(reply.text ?? JSON.stringify(reply.body ?? {}));
    return { ok: status < 400, status, arrayBuffer: async () => bytes.buffer };
  };
  const client = createRestClient({ baseUrl: 'http://lab', fetch, token: 'secret', pause: async () => undefined });
  return { client, sent };
}

const networkError = (code: string): Error =>
  Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(`connect ${code}`), { code }) });

describe('a command', () => {
  test('goes to its route: what the path names into the path, the rest into the body', async () => {
    const { client, sent } = scripted();
    await client.run('take-snapshot', { namespace: 'media', name: 'photos-db', note: 'before the upgrade' });
    expect(sent[0]).toMatchObject({
      method: 'POST',
      url: 'http://lab/api/v1/volumes/media/photos-db/snapshots',
      body: { note: 'before the upgrade' },
    });
  });

  test('without a namespace goes to the default one', async () => {
    const { client, sent } = scripted();
    await client.run('stop-app', { name: 'photos' });
    expect(sent[0]).toMatchObject({ url: 'http://lab/api/v1/apps/default/photos/stop', body: undefined });
  });

  test('that deletes says the rest in the query', async () => {
    const { client, sent } = scripted();
    await client.run('remove-app', { name: 'photos', withVolumes: true }, { dryRun: true });
    expect(sent[0]).toMatchObject({
      method: 'DELETE',
      url: 'http://lab/api/v1/apps/default/photos?withVolumes=true&dryRun=true',
      body: undefined,
    });
  });

  test('that finds everything so already is told without a body', async () => {
    const { client } = scripted({ status: 304, text: '' });
    const answer = await client.run('change-volume', { name: 'photos-db', keep: 'last:3' });
    expect(answer).toEqual({ index: 0, unchanged: true, dryRun: false, events: [] });
  });

  test('says every field of its input exactly once, and nothing else, whatever the command', () => {
    const routed = routes.flatMap((route) =>
      'command' in route.action ? [[route.action.command, route] as const] : [],
    );
    expect(routed.length).toBeGreaterThan(20);
    for (const [name, route] of routed) {
      const fields = Object.keys((commandSchemas[name] as { shape: object }).shape);
      const input = Object.fromEntries(fields.map((field) => [field, `of-${field}`]));
      const { target, body } = commandRequest(name, input, {});
      const [path = '', query = ''] = target.split('?');
      const inPath = pathParams(route.path).filter((field) => path.split('/').includes(`of-${field}`));
      const said = [...inPath, ...new URLSearchParams(query).keys(), ...Object.keys(body ?? {})];
      expect(said.toSorted(), name).toEqual(fields.toSorted());
      if (body !== undefined) expect(bodySchema(route), name).toBeDefined();
    }
  });

  test('of the lab itself has no route', () => {
    const own = (Object.keys(commandSchemas) as CommandName[]).filter((name) => !hasRoute(name));
    expect(own).toContain('place-volume');
    expect(() => commandRequest('place-volume', {}, {})).toThrow('only the lab itself gives it');
  });

  test('carries a key of its own, and the same key when the connection was lost', async () => {
    const { client, sent } = scripted(networkError('ECONNRESET'), networkError('ECONNREFUSED'), { body: { index: 7 } });
    expect(await client.run('start-app', { name: 'photos' })).toMatchObject({ index: 7 });
    await client.run('start-app', { name: 'photos' });
    const keys = sent.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toMatch(/^[\w-]{20,}$/);
    expect(keys.slice(0, 3)).toEqual([keys[0], keys[0], keys[0]]);
    expect(keys[3]).not.toBe(keys[0]);
  });

  test('that may have arrived has an unknown outcome, even when the last attempt did not leave', async () => {
    const { client } = scripted(networkError('ECONNRESET'), networkError('ECONNREFUSED'));
    const error = await client.run('start-app', { name: 'photos' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ maybeSent: true, message: 'http://lab does not answer: nothing listens there.' });
  });

  test('that never left has no unknown outcome', async () => {
    const { client, sent } = scripted(networkError('ECONNREFUSED'));
    await expect(client.run('start-app', { name: 'photos' })).rejects.toMatchObject({ maybeSent: false });
    expect(sent).toHaveLength(3);
  });

  test('cannot be steered to another path by a name', async () => {
    const { client, sent } = scripted();
    await client.run('stop-app', { name: 'a/../../x?y=1#z' });
    expect(sent[0]?.url).toBe('http://lab/api/v1/apps/default/a%2F..%2F..%2Fx%3Fy%3D1%23z/stop');
    await expect(client.run('stop-app', { name: '..' })).rejects.toThrow('name cannot be ..');
  });
});

describe('a read', () => {
  const none = { status: 503, body: { code: 'NO_LEADER', title: 'No leader', detail: 'no majority', status: 503 } };

  test('without a majority is asked for again as what the server knows', async () => {
    const { client, sent } = scripted(none, { body: { items: [], index: 7 } });
    expect(await client.list('apps', { filters: { state: 'running' } })).toMatchObject({ index: 7 });
    expect(sent.map(({ url }) => url)).toEqual([
      'http://lab/api/v1/apps?state=running',
      'http://lab/api/v1/apps?state=running&stale=true',
    ]);
  });

  test('of the past is not, nor one that is refused for another reason', async () => {
    const past = scripted(none);
    await expect(past.client.show('apps', { name: 'photos' }, { at: 3 })).rejects.toMatchObject({ code: 'NO_LEADER' });
    expect(past.sent).toHaveLength(1);
    const wrong = scripted({ ...none, status: 404, body: { ...none.body, code: 'NOT_FOUND', status: 404 } });
    await expect(wrong.client.show('apps', { name: 'photos' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(wrong.sent).toHaveLength(1);
  });
});

describe('a page', () => {
  const page = (key: () => string | undefined) => {
    const sent: { headers: Record<string, string>; body: unknown }[] = [];
    const fetch: Fetch = async (_, { headers, body }) => {
      sent.push({ headers, body: body === undefined ? undefined : JSON.parse(body) });
      return { ok: true, status: 200, arrayBuffer: async () => new TextEncoder().encode('{"key":"k2"}').buffer };
    };
    return { client: createRestClient({ baseUrl: '', fetch, pageKey: key }), sent };
  };

  test('signs in for a cookie and a key, and shows the key that it has then with every request', async () => {
    const kept: { key?: string | undefined } = {};
    const { client, sent } = page(() => kept.key);
    kept.key = (await client.signIn('admin', 'secret', { page: true })).key;
    await client.whoami();
    await client.run('start-app', { name: 'photos' });
    expect(sent[0]?.body).toEqual({ name: 'admin', password: 'secret', page: true });
    expect(sent.map(({ headers }) => headers[pageKeyHeader])).toEqual([undefined, 'k2', 'k2']);
    expect(sent.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
  });
});

describe('reading', () => {
  test('lists a view with filters, a moment and a limit', async () => {
    const { client, sent } = scripted({ body: { items: [], index: 1 } });
    await client.list('apps', { filters: { namespace: 'media' }, at: '2026-11-21T10:00:00Z', limit: 5 });
    expect(sent[0]).toMatchObject({
      method: 'GET',
      url: 'http://lab/api/v1/apps?namespace=media&at=2026-11-21T10%3A00%3A00Z&limit=5',
      headers: { authorization: 'Bearer secret' },
    });
  });

  test('follows the cursor to the last page', async () => {
    const { client, sent } = scripted(
      { body: { items: [{ name: 'a' }], index: 1, cursor: 'next' } },
      { body: { items: [{ name: 'b' }], index: 1 } },
    );
    const names: string[] = [];
    for await (const { name } of client.listAll('apps')) names.push(name);
    expect(names).toEqual(['a', 'b']);
    expect(sent[1]?.url).toBe('http://lab/api/v1/apps?cursor=next');
  });

  test('finds every view that can be listed or shown', async () => {
    const { client, sent } = scripted({ body: { items: [], index: 1 } });
    for (const { action, path } of routes) {
      if (!('view' in action)) continue;
      const params = { name: 'x', id: 'operation:x' };
      if (action.one) await client.show(action.view as 'apps', params);
      else await client.list(action.view as 'apps', { params });
      const wanted = path.replace('{namespace}', 'default').replace('{name}', 'x').replace('{id}', 'operation%3Ax');
      expect(sent.at(-1)?.url).toBe(`http://lab${wanted}`);
    }
  });

  test('waits for an operation as long as it takes', async () => {
    const { client, sent } = scripted({ body: { state: 'running' } }, { body: { state: 'succeeded' } });
    expect(await client.waitOperation('operation:x')).toMatchObject({ state: 'succeeded' });
    expect(sent.map(({ url }) => url)).toEqual([
      'http://lab/api/v1/operations/operation%3Ax/wait?timeout=25',
      'http://lab/api/v1/operations/operation%3Ax/wait?timeout=25',
    ]);
  });

  test('gives a compose file as it is', async () => {
    const { client } = scripted({ text: '\ufeffservices: {}\r\n' });
    expect(await client.composeFile({ name: 'photos' })).toBe('\ufeffservices: {}\r\n');
  });
});

describe('an error', () => {
  test('carries the problem and its class', async () => {
    const problem = problemOf('VOLUME_IN_USE', 'Volume photos-db is in use.', { hint: 'floatlab down photos' });
    const { client, sent } = scripted({ status: 409, body: problem });
    const error = await client.run('delete-volume', { name: 'photos-db' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'VOLUME_IN_USE', kind: 'conflict', problem });
    expect(sent).toHaveLength(1);
  });

  test('with a code that is not known here is judged by its status', async () => {
    const { client } = scripted({ status: 409, body: { code: 'BRAND_NEW', detail: 'x', status: 409 } });
    await expect(client.whoami()).rejects.toMatchObject({ code: 'BRAND_NEW', kind: 'conflict' });
  });

  test('of something that is no lab says so', async () => {
    const { client } = scripted({ status: 502, text: '<html>Bad gateway</html>' });
    await expect(client.whoami()).rejects.toThrow('http://lab answered 502, but not as FloatLab does.');
    const { client: other } = scripted({ text: '<html>Welcome</html>' });
    await expect(other.whoami()).rejects.toThrow('http://lab answered 200, but not as FloatLab does.');
  });

  test('is not waited out when the person gives up', async () => {
    const { client, sent } = scripted(networkError('ECONNRESET'));
    const giveUp = new AbortController();
    giveUp.abort(new Error('enough'));
    await expect(client.list('apps', { signal: giveUp.signal })).rejects.toThrow('enough');
    expect(sent).toHaveLength(1);
  });

  test('after a change of the password is not tried again: the first attempt may have changed it', async () => {
    const { client, sent } = scripted(networkError('ECONNRESET'));
    await expect(client.changePassword('old', 'new-password')).rejects.toThrow('the connection was lost');
    expect(sent).toHaveLength(1);
  });
});
