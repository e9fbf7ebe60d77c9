import { describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { execWindowBytes, liveProtocol, pageKeyProtocol, type LiveLogLine, type ToClient } from '#io/contract/live.ts';
import { IoError } from '#io/devices/error.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { appRow, operationRow, Pushed } from './fake-lab.ts';
import { password, send, signInPage, startServer, until, type TestServer } from './test-server.ts';

class Client {
  readonly ws: WebSocket;
  readonly frames: ToClient[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  /** Status of an upgrade that was refused. */
  refused: number | undefined;
  isOpen = false;

  constructor(
    server: TestServer,
    headers: Record<string, string>,
    path = '/api/v1/live',
    options: WebSocket.ClientOptions = {},
    protocols: readonly string[] = [],
  ) {
    this.ws = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, [...protocols], { headers, ...options });
    this.ws.on('open', () => (this.isOpen = true));
    this.ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ToClient;
      this.frames.push(frame);
      if (frame.t === 'snap' || frame.t === 'rows') this.say({ t: 'ack', index: frame.index });
    });
    this.ws.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    this.ws.on('unexpected-response', (request, response) => {
      this.refused = response.statusCode;
      request.destroy();
    });
    this.ws.on('error', () => undefined);
  }

  say(message: object | string): void {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  of(sub: number): Exclude<ToClient, { t: 'at' }>[] {
    return this.frames.filter((frame): frame is Exclude<ToClient, { t: 'at' }> => 'sub' in frame && frame.sub === sub);
  }

  /** The frames of a subscription, once there are that many. */
  async frame(sub: number, count = 1): Promise<Exclude<ToClient, { t: 'at' }>> {
    await until(() => this.of(sub).length >= count, `frame ${count} of ${sub}`);
    const found = this.of(sub)[count - 1];
    if (!found) throw new Error('no frame');
    return found;
  }
}

async function join(server: TestServer, options?: WebSocket.ClientOptions): Promise<Client> {
  const client = new Client(server, { authorization: `Bearer ${await server.token()}` }, '/api/v1/live', options);
  await until(() => client.frames.length > 0, 'the first bookmark');
  return client;
}

/** What a page offers to show its key. */
const keyed = (key: string): string[] => [liveProtocol, `${pageKeyProtocol}${key}`];

function gate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

describe('who may follow', () => {
  test('a program with a token, and a page of this server with its cookie', async () => {
    const server = await startServer();
    await join(server);
    const { cookie, key } = await signInPage(server.url);
    const page = new Client(server, { cookie, origin: server.url }, '/api/v1/live', {}, keyed(key));
    await until(() => page.frames.length > 0);
    expect(page.frames[0]).toMatchObject({ t: 'at', index: 0, stale: false });
    // The key is not said again.
    expect(page.ws.protocol).toBe('floatlab');
  });

  test('not with a cookie alone, which every app on this host gets to see, nor with the key of another page', async () => {
    const server = await startServer();
    const [{ cookie }, other] = [await signInPage(server.url), await signInPage(server.url)];
    for (const protocols of [[], ['floatlab'], keyed(other.key), keyed('')]) {
      const page = new Client(server, { cookie, origin: server.url }, '/api/v1/live', {}, protocols);
      await until(() => page.closed !== undefined);
      expect([page.closed?.code, page.frames]).toEqual([4401, []]);
    }
    const program = new Client(server, { authorization: `Bearer ${cookie.split('=')[1]}` });
    await until(() => program.refused === 401);
  });

  test('nobody else, whatever they try', async () => {
    const server = await startServer();
    const token = await server.token();
    const cookie = `floatlab_session=${token}`;
    const attempts: [Record<string, string>, string, number][] = [
      [{}, '/api/v1/live', 401],
      [{}, `/api/v1/live?token=${token}`, 401],
      [{ authorization: 'Bearer nonsense' }, '/api/v1/live', 401],
      [{ cookie }, '/api/v1/live', 403],
      [{ cookie, origin: 'https://evil.example' }, '/api/v1/live', 403],
      [{ cookie, origin: 'null' }, '/api/v1/live', 403],
      [{ authorization: `Bearer ${token}`, origin: 'https://evil.example' }, '/api/v1/live', 403],
      [{ authorization: `Bearer ${token}`, host: 'evil.example' }, '/api/v1/live', 403],
      [{ authorization: `Bearer ${token}` }, '/api/v1/other', 404],
      [{ authorization: `Bearer ${token}` }, '/', 404],
    ];
    for (const [headers, path, status] of attempts) {
      const client = new Client(server, headers, path);
      await until(() => client.refused !== undefined, `a refusal of ${JSON.stringify(headers)}`);
      expect([headers, path, client.refused]).toEqual([headers, path, status]);
      expect(client.isOpen).toBe(false);
    }
  });

  test('a page whose session is over is told by a close code, as it cannot see the status', async () => {
    const server = await startServer();
    const page = new Client(server, { cookie: 'floatlab_session=old', origin: server.url });
    await until(() => page.closed !== undefined);
    expect([page.closed?.code, page.frames]).toEqual([4401, []]);
  });

  test('only as long as the session holds', async () => {
    // A clock that stands still: it is the end of the session that tells, not the look each second.
    const server = await startServer({ clock: new VirtualClock(Date.now()) });
    const other = (await send(`${server.url}/api/v1/session`, { method: 'POST', body: { name: 'admin', password } }))
      .json.token as string;
    const [one, two] = [await join(server), new Client(server, { authorization: `Bearer ${other}` })];
    await until(() => two.frames.length > 0);
    await send(`${server.url}/api/v1/session`, { method: 'DELETE', headers: { authorization: `Bearer ${other}` } });
    await until(() => two.closed !== undefined);
    expect([two.closed?.code, one.closed]).toEqual([4401, undefined]);
    await server.api('/api/v1/session/password', {
      method: 'PUT',
      body: { current: password, next: 'another password' },
    });
    await until(() => one.closed !== undefined);
    expect(one.closed?.code).toBe(4401);
  });

  test('not longer than the session lasts', async () => {
    const clock = new VirtualClock(Date.now());
    const client = await join(await startServer({ clock }));
    clock.jump(12 * 3_600_000 - 1500);
    await clock.run(1000);
    expect(client.closed).toBeUndefined();
    await clock.run(1000);
    await until(() => client.closed !== undefined);
    expect(client.closed?.code).toBe(4401);
  });
});

describe('a view', () => {
  test('begins with a snapshot and goes on with what changes', async () => {
    const server = await startServer();
    const { lab } = server;
    lab.commit({ apps: { put: { 'app:a': appRow('a'), 'app:b': appRow('b') } } });
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'apps' });
    expect(await client.frame(1)).toEqual({
      t: 'snap',
      sub: 1,
      epoch: 'epoch-1',
      index: 1,
      more: false,
      rows: [
        ['app:a', appRow('a')],
        ['app:b', appRow('b')],
      ],
    });
    lab.commit({ apps: { put: { 'app:c': appRow('c') }, del: ['app:a'] } });
    expect(await client.frame(1, 2)).toEqual({
      t: 'rows',
      sub: 1,
      index: 2,
      put: [['app:c', appRow('c')]],
      del: ['app:a'],
    });
    client.say({ t: 'close', sub: 1 });
    client.say({ t: 'open', sub: 2, view: 'nodes' });
    expect(await client.frame(2)).toMatchObject({ t: 'snap', rows: [] });
    lab.commit({ apps: { put: { 'app:d': appRow('d') } }, nodes: { put: { n: { id: 'node:n', name: 'n' } } } });
    await client.frame(2, 2);
    expect(client.of(1).length).toBe(2);
  });

  test('has only the rows that were asked for, and forgets those that are not any more', async () => {
    const server = await startServer();
    const { lab } = server;
    const row = (state: string) => operationRow('x', { state });
    lab.commit({ operations: { put: { x: row('running'), y: operationRow('y', { state: 'failed' }) } } });
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'operations', where: { state: 'running' } });
    expect(await client.frame(1)).toMatchObject({ rows: [['x', row('running')]] });
    lab.commit({ operations: { put: { y: operationRow('y', { state: 'failed', endedAt: 1 }) } } });
    lab.commit({ operations: { put: { x: row('succeeded') } } });
    expect(await client.frame(1, 2)).toEqual({ t: 'rows', sub: 1, index: 3, put: [], del: ['x'] });
  });

  test('of the past is one snapshot', async () => {
    const server = await startServer();
    const { lab } = server;
    lab.commit({ apps: { put: { 'app:a': appRow('a') } } });
    lab.commit({ apps: { put: { 'app:b': appRow('b') } } });
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'apps', at: 1 });
    expect(await client.frame(1)).toMatchObject({ t: 'snap', index: 1, more: false, rows: [['app:a', { name: 'a' }]] });
    client.say({ t: 'open', sub: 2, view: 'activity', at: 1 });
    expect(await client.frame(2)).toMatchObject({ t: 'snap', index: 1, rows: [['000000000001', { index: 1 }]] });
    client.say({ t: 'open', sub: 3, view: 'apps', at: 3 });
    expect(await client.frame(3)).toMatchObject({ t: 'end', problem: { code: 'PAST_HEAD' } });
    client.say({ t: 'open', sub: 4, view: 'usage', at: 1 });
    expect(await client.frame(4)).toMatchObject({ t: 'end', problem: { code: 'INVALID' } });
    client.say({ t: 'open', sub: 5, view: 'apps' });
    await client.frame(5);
    lab.commit({ apps: { put: { 'app:c': appRow('c') } } });
    await client.frame(5, 2);
    expect([client.of(1).length, client.of(2).length]).toEqual([1, 1]);
  });

  test('activity has the last events, and then every new one', async () => {
    const server = await startServer();
    const { lab } = server;
    for (let n = 0; n < 150; n++) lab.commit({}, n % 50 === 0 ? { stream: 'volume:data', kind: 'volume' } : {});
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'activity' });
    client.say({ t: 'open', sub: 2, view: 'activity', limit: 2, where: { stream: 'volume:data' } });
    client.say({ t: 'open', sub: 3, view: 'activity', limit: 2, where: { kind: 'volume' } });
    const snap = await client.frame(1);
    expect(snap.t === 'snap' && snap.rows.map(([, row]) => (row as { index: number }).index)).toEqual(
      Array.from({ length: 100 }, (_, n) => 51 + n),
    );
    for (const sub of [2, 3]) {
      expect(await client.frame(sub)).toMatchObject({
        t: 'snap',
        rows: [
          ['000000000051', { index: 51 }],
          ['000000000101', { index: 101 }],
        ],
      });
    }
    lab.commit({});
    lab.commit({}, { stream: 'volume:data', kind: 'volume' });
    expect(await client.frame(2, 2)).toMatchObject({ t: 'rows', put: [['000000000152', { index: 152 }]] });
    const later = await client.frame(1, 2);
    expect(later).toMatchObject({ t: 'rows', del: [] });
  });

  test('shows what the nodes observe, also when nothing happens in the log', async () => {
    const server = await startServer();
    const { lab } = server;
    lab.observe('usage', { 'node:a': { at: 1, cpu: 0.5 } });
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'usage' });
    expect(await client.frame(1)).toMatchObject({ t: 'snap', index: 0, rows: [['node:a', { cpu: 0.5 }]] });
    lab.observe('usage', { 'node:a': { at: 2, cpu: 0.6 }, 'service:photos/web': { at: 2 } });
    expect(await client.frame(1, 2)).toMatchObject({
      t: 'rows',
      put: [
        ['node:a', { cpu: 0.6 }],
        ['service:photos/web', {}],
      ],
    });
    lab.observe('usage', {}, ['node:a']);
    expect(await client.frame(1, 3)).toMatchObject({ t: 'rows', put: [], del: ['node:a'] });
    client.say({ t: 'open', sub: 2, view: 'work', where: { app: 'app:1' } });
    await client.frame(2);
    lab.observe('work', {
      a: { subject: 'instance:1', app: 'app:1', state: 'working' },
      b: { subject: 'instance:2', app: 'app:2', state: 'working' },
    });
    expect(await client.frame(2, 2)).toMatchObject({ put: [['a', { app: 'app:1' }]] });
  });

  test('that does not exist, or a filter that does not, is a problem', async () => {
    const server = await startServer();
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'nothing' });
    expect(await client.frame(1)).toMatchObject({ t: 'end', problem: { code: 'NOT_FOUND' } });
    client.say({ t: 'open', sub: 2, view: 'audit' });
    expect(await client.frame(2)).toMatchObject({ t: 'end', problem: { code: 'NOT_FOUND' } });
    client.say({ t: 'open', sub: 3, view: 'apps', where: { colour: 'red' } });
    expect(await client.frame(3)).toMatchObject({
      t: 'end',
      problem: { code: 'INVALID', fields: [{ path: 'colour' }] },
    });
    client.say({ t: 'open', sub: 4, view: '__proto__', at: 0 });
    expect(await client.frame(4)).toMatchObject({ t: 'end', problem: { code: 'NOT_FOUND' } });
  });

  test('goes on after a lost connection where the client stands, if the server still can tell what it missed', async () => {
    const server = await startServer({ limits: { ringRows: 3 } });
    const { lab } = server;
    lab.commit({ apps: { put: { 'app:a': appRow('a') } } });
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'apps' });
    await client.frame(1);
    client.ws.terminate();
    lab.commit({ apps: { put: { 'app:b': appRow('b') } } });
    lab.commit({ apps: { put: { 'app:c': appRow('c') }, del: ['app:a'] } });

    const again = await join(server);
    again.say({ t: 'open', sub: 1, view: 'apps', after: 1, epoch: 'epoch-1' });
    expect(await again.frame(1)).toEqual({
      t: 'rows',
      sub: 1,
      index: 3,
      put: [
        ['app:b', appRow('b')],
        ['app:c', appRow('c')],
      ],
      del: ['app:a'],
    });
    again.say({ t: 'open', sub: 2, view: 'apps', after: 3, epoch: 'epoch-1' });
    expect(await again.frame(2)).toEqual({ t: 'rows', sub: 2, index: 3, put: [], del: [] });
    // Another start, a future that never was, and what is forgotten by now: everything anew.
    again.say({ t: 'open', sub: 3, view: 'apps', after: 1, epoch: 'epoch-0' });
    again.say({ t: 'open', sub: 4, view: 'apps', after: 9, epoch: 'epoch-1' });
    for (const sub of [3, 4]) expect(await again.frame(sub)).toMatchObject({ t: 'snap', index: 3 });
    lab.commit({ apps: { del: ['app:b'] } });
    again.say({ t: 'open', sub: 5, view: 'apps', after: 1, epoch: 'epoch-1' });
    expect(await again.frame(5)).toMatchObject({ t: 'snap', index: 4 });
    again.say({ t: 'open', sub: 6, view: 'apps', after: 3, epoch: 'epoch-1' });
    expect(await again.frame(6)).toMatchObject({ t: 'rows', put: [], del: ['app:b'] });
  });
});

describe('the connection', () => {
  test('tells each second where the lab is, and whether that is the present', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const server = await startServer({ clock });
    const client = await join(server);
    server.lab.commit({});
    await clock.run(1000);
    await until(() => client.frames.length === 2);
    expect(client.frames[1]).toEqual({ t: 'at', index: 1, time: 1_800_000_001_000, stale: false });
    server.lab.current = false;
    await clock.run(2000);
    await until(() => client.frames.length === 4);
    expect(client.frames[3]).toMatchObject({ t: 'at', stale: true });
  });

  test('tells that nobody leads: what it says may be old', async () => {
    const clock = new VirtualClock(1_800_000_000_000);
    const server = await startServer({ clock });
    const client = await join(server);
    server.lab.hasLeader = false;
    await clock.run(1000);
    await until(() => client.frames.length === 2);
    expect(client.frames[1]).toMatchObject({ t: 'at', stale: true });
  });

  test('that does not answer any more is ended', async () => {
    const clock = new VirtualClock(Date.now());
    const server = await startServer({ clock });
    const [dead, alive] = [await join(server, { autoPong: false }), await join(server)];
    await clock.run(30_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(dead.closed).toBeUndefined();
    await clock.run(30_000);
    await until(() => dead.closed !== undefined);
    expect([dead.closed?.code, alive.closed]).toEqual([1006, undefined]);
  });

  test('answers what it does not understand with a problem, and does not listen to it for ever', async () => {
    const server = await startServer();
    const client = await join(server);
    const wrong: [string, number][] = [
      ['nonsense', 0],
      ['null', 0],
      ['{"t":"fly","sub":7}', 7],
      ['{"t":"open","sub":7}', 7],
      ['{"t":"open","sub":-1,"view":"apps"}', 0],
      ['{"t":"open","sub":7,"view":"apps","extra":1}', 7],
      ['{"t":"exec","sub":7,"app":"a","service":"s","command":[],"tty":true}', 7],
      ['{"t":"input","sub":7,"data":"*"}', 7],
      ['{"t":"ack","index":"1"}', 0],
    ];
    for (const [n, [text, sub]] of wrong.entries()) {
      client.say(text);
      await until(() => client.frames.length > n + 1, text);
      expect([text, client.frames[n + 1]]).toMatchObject([text, { t: 'end', sub, problem: { code: 'INVALID' } }]);
    }
    client.say({ t: 'open', sub: 1, view: 'apps' });
    await client.frame(1);
    for (let n = 0; n < 20; n++) client.say('nonsense');
    await until(() => client.closed !== undefined);
    expect(client.closed?.code).toBe(1008);
  });

  test('takes no frame larger than the protocol allows, and no binary ones', async () => {
    const server = await startServer();
    const [large, binary] = [await join(server), await join(server)];
    large.say('x'.repeat(1024 * 1024 + 1));
    binary.ws.send(Buffer.from('{}'));
    await until(() => large.closed !== undefined && binary.closed !== undefined);
    expect([large.closed?.code, binary.closed?.code]).toEqual([1009, 1003]);
  });

  test('has at most 64 subscriptions, each under a number of its own', async () => {
    const server = await startServer();
    const client = await join(server);
    for (let sub = 1; sub <= 65; sub++) client.say({ t: 'open', sub, view: 'apps' });
    expect(await client.frame(65)).toMatchObject({ t: 'end', problem: { code: 'NOT_NOW' } });
    expect((await client.frame(64)).t).toBe('snap');
    client.say({ t: 'close', sub: 3 });
    client.say({ t: 'open', sub: 66, view: 'apps' });
    expect((await client.frame(66)).t).toBe('snap');
    client.say({ t: 'open', sub: 66, view: 'nodes' });
    expect(await client.frame(66, 2)).toMatchObject({ t: 'end', problem: { code: 'INVALID' } });
  });

  test('whose reader pauses gets, once it reads again, what came of everything meanwhile', async () => {
    const server = await startServer();
    const client = await join(server);
    client.say({ t: 'open', sub: 1, view: 'apps' });
    await client.frame(1);
    client.ws.pause();
    const memory = process.memoryUsage().external;
    const note = 'x'.repeat(100_000);
    for (let n = 1; n <= 400; n++) {
      server.lab.commit({ apps: { put: { [`app:${n % 10}`]: appRow(`n${n % 10}`, { note, n }) } } });
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    // 40 MB were told; a few are on their way.
    expect(process.memoryUsage().external - memory).toBeLessThan(20e6);
    const before = client.of(1).length;
    client.ws.resume();
    await until(() => client.of(1).some((frame) => 'index' in frame && frame.index === 400), 'the last index');
    expect(client.of(1).length - before).toBeLessThan(60);
    const rows = new Map(
      client.of(1).flatMap((frame) => (frame.t === 'rows' ? frame.put : [])) as [string, { n: number }][],
    );
    expect([...rows.values()].map(({ n }) => n).toSorted((a, b) => a - b)).toEqual([
      391, 392, 393, 394, 395, 396, 397, 398, 399, 400,
    ]);
  });

  test('leaves nothing behind, and ends when the server stops', async () => {
    const server = await startServer();
    const before = server.lab.listeners('usage');
    const [client, other] = [await join(server), await join(server)];
    for (const each of [client, other]) {
      each.say({ t: 'open', sub: 1, view: 'usage' });
      await each.frame(1);
    }
    expect(server.lab.listeners('usage')).toBe(before + 2);
    client.ws.close();
    await until(() => server.lab.listeners('usage') === before + 1);
    await server.server.close();
    await until(() => other.closed !== undefined);
    expect([other.closed?.code, server.lab.listeners('usage'), server.lab.listeners('apps')]).toEqual([
      1001,
      before,
      0,
    ]);
  });
});

describe('log lines', () => {
  const line = (n: number): LiveLogLine => ({ service: 'web', at: n, stream: 'stdout', text: `line ${n}` });

  test('come together, a tenth of a second after the first of them', async () => {
    const clock = new VirtualClock(Date.now());
    const server = await startServer({ clock });
    server.lab.addActor('app:1', 'photos');
    const pushed = new Pushed<LiveLogLine>();
    server.containers.onLogs = () => pushed;
    const client = await join(server);
    client.say({ t: 'logs', sub: 1, app: 'app:1', service: 'web', tail: 10, since: 5, follow: true });
    await until(() => server.containers.logCalls.length === 1);
    expect(server.containers.logCalls[0]).toMatchObject({
      app: 'app:1',
      options: { service: 'web', tail: 10, sinceMs: 5, follow: true },
    });
    pushed.push(line(1), line(2));
    await until(() => pushed.waiting === 0);
    await clock.run(99);
    pushed.push(line(3));
    await until(() => pushed.waiting === 0);
    expect(client.of(1)).toEqual([]);
    await clock.run(1);
    expect(await client.frame(1)).toEqual({ t: 'lines', sub: 1, lines: [line(1), line(2), line(3)] });
    pushed.push(line(4));
    pushed.end();
    expect(await client.frame(1, 2)).toEqual({ t: 'lines', sub: 1, lines: [line(4)] });
    expect(await client.frame(1, 3)).toEqual({ t: 'end', sub: 1 });
  });

  test('stop when nobody reads them any more', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos', 'team');
    server.containers.onLogs = () => new Pushed<LiveLogLine>();
    const client = await join(server);
    client.say({ t: 'logs', sub: 1, app: 'team/photos', follow: true });
    client.say({ t: 'logs', sub: 2, app: 'team/photos', follow: true });
    await until(() => server.containers.logCalls.length === 2);
    const aborted = () => server.containers.logCalls.map(({ signal }) => signal.aborted);
    client.say({ t: 'close', sub: 1 });
    await until(() => aborted()[0] === true);
    expect(aborted()).toEqual([true, false]);
    client.ws.terminate();
    await until(() => aborted()[1] === true);
  });

  test('of an app that is not there, or whose engine is away, are a problem', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    // oxlint-disable-next-line require-yield -- it fails before its first line
    server.containers.onLogs = async function* () {
      throw new IoError('ENGINE_UNREACHABLE', { op: 'logs', target: 'x', message: 'the engine is away' });
    };
    const client = await join(server);
    client.say({ t: 'logs', sub: 1, app: 'wiki', follow: true });
    client.say({ t: 'logs', sub: 2, app: 'photos', follow: true });
    client.say({ t: 'logs', sub: 3, app: 'app:none', follow: true });
    expect(await client.frame(1)).toMatchObject({
      t: 'end',
      problem: { code: 'NOT_FOUND', detail: 'There is no app wiki.' },
    });
    expect(await client.frame(2)).toMatchObject({
      t: 'end',
      problem: { code: 'ENGINE_UNREACHABLE', detail: 'The engine is away.' },
    });
    expect(await client.frame(3)).toMatchObject({ t: 'end', problem: { code: 'NOT_FOUND' } });
  });
});

describe('an exec', () => {
  const exec = {
    t: 'exec',
    sub: 1,
    app: 'photos',
    service: 'web',
    command: ['sh', '-c', 'secret'],
    tty: true,
    columns: 80,
    rows: 24,
  };
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  test('passes on what is typed, what is said, the size of the terminal and the exit code', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const begun = gate();
    server.containers.onExec = () => begun.passed;
    const client = await join(server);
    client.say(exec);
    client.say({ t: 'input', sub: 1, data: base64('early ') });
    await until(() => server.containers.execCalls.length === 1);
    expect(server.containers.execCalls[0]).toEqual({
      app: 'app:1',
      service: 'web',
      options: { command: ['sh', '-c', 'secret'], tty: true },
    });
    begun.open();
    await until(() => server.containers.sessions[0]?.written.length === 1);
    const [session] = server.containers.sessions;
    if (!session) throw new Error('no session');
    client.say({ t: 'input', sub: 1, data: base64('ls\n') });
    client.say({ t: 'resize', sub: 1, columns: 100, rows: 30 });
    client.say({ t: 'input', sub: 1 });
    await until(() => session.hasInputEnded);
    expect([session.written, session.sizes]).toEqual([
      ['early ', 'ls\n'],
      [
        [80, 24],
        [100, 30],
      ],
    ]);
    session.output.push(
      { stream: 'stdout', bytes: Buffer.from('hällo') },
      { stream: 'stderr', bytes: Buffer.from([0, 255]) },
    );
    session.exit(7);
    await until(() => client.of(1).at(-1)?.t === 'exit');
    const took = { t: 'took', sub: 1 };
    expect(client.of(1)).toEqual([
      { t: 'begun', sub: 1 },
      { ...took, bytes: 6 },
      { ...took, bytes: 3 },
      { t: 'output', sub: 1, stream: 'stdout', data: base64('hällo') },
      { t: 'output', sub: 1, stream: 'stderr', data: 'AP8=' },
      { t: 'exit', sub: 1, code: 7 },
    ]);
    // The number is free again; what is typed too late is no mistake.
    client.say({ t: 'input', sub: 1, data: base64('late') });
    client.say(exec);
    await until(() => server.containers.sessions.length === 2);
    expect(await client.frame(1, 7)).toEqual({ t: 'begun', sub: 1 });
    expect(JSON.stringify(server.logged.filter(({ msg }) => msg === 'exec'))).not.toContain('secret');
  });

  test('ends with the connection, also when it has not begun yet', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const [client, hasty] = [await join(server), await join(server)];
    client.say(exec);
    await until(() => server.containers.sessions.length === 1);
    client.ws.terminate();
    await until(() => server.containers.sessions[0]?.isClosed === true);

    const begun = gate();
    server.containers.onExec = () => begun.passed;
    hasty.say(exec);
    await until(() => server.containers.execCalls.length === 2);
    hasty.ws.close();
    await until(() => hasty.closed !== undefined);
    begun.open();
    await until(() => server.containers.sessions[1]?.isClosed === true);
  });

  test('has begun when its command runs, and not before', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const client = await join(server);
    const begun = gate();
    server.containers.onExec = () => begun.passed;
    client.say(exec);
    client.say({ t: 'resize', sub: 1, columns: 120, rows: 40 });
    await until(() => server.containers.execCalls.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(client.of(1)).toEqual([]);
    begun.open();
    expect(await client.frame(1)).toEqual({ t: 'begun', sub: 1 });
    // The size of now, not that of the beginning.
    expect(server.containers.sessions[0]?.sizes).toEqual([[120, 40]]);
  });

  test('holds its client to a window: the command is given one piece after the other, as it takes them', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const client = await join(server);
    client.say(exec);
    await client.frame(1);
    const [session] = server.containers.sessions;
    if (!session) throw new Error('no session');
    let taken = gate();
    session.onWrite = () => taken.passed;
    const piece = execWindowBytes / 4;
    for (let n = 0; n < 4; n++) client.say({ t: 'input', sub: 1, data: base64(String(n).repeat(piece)) });
    client.say({ t: 'input', sub: 1 });
    await until(() => session.written.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([session.written.length, client.of(1).length, session.hasInputEnded]).toEqual([1, 1, false]);
    const first = taken;
    taken = gate();
    first.open();
    expect(await client.frame(1, 2)).toEqual({ t: 'took', sub: 1, bytes: piece });
    await until(() => session.written.length === 2);
    taken.open();
    await until(() => session.hasInputEnded);
    expect(session.written).toEqual([0, 1, 2, 3].map((n) => String(n).repeat(piece)));
    expect(client.of(1).filter(({ t }) => t === 'took')).toHaveLength(4);
  });

  test('ends when its client sends more than the command has taken, and closes the command', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const client = await join(server);
    client.say(exec);
    await client.frame(1);
    const [session] = server.containers.sessions;
    if (!session) throw new Error('no session');
    session.onWrite = () => new Promise(() => undefined);
    client.say({ t: 'input', sub: 1, data: base64('x'.repeat(execWindowBytes)) });
    client.say({ t: 'input', sub: 1, data: base64('x') });
    expect(await client.frame(1, 2)).toMatchObject({ t: 'end', problem: { code: 'TOO_LARGE' } });
    expect(session.isClosed).toBe(true);
  });

  test('that cannot begin says why, and too much input for it is refused', async () => {
    const server = await startServer();
    server.lab.addActor('app:1', 'photos');
    const client = await join(server);
    server.containers.onExec = () =>
      Promise.reject(new IoError('MISSING', { op: 'exec', target: 'web', message: 'service web does not run' }));
    client.say(exec);
    expect(await client.frame(1)).toMatchObject({
      t: 'end',
      problem: { code: 'NOT_FOUND', detail: 'Service web does not run.' },
    });
    server.containers.onExec = () => new Promise(() => undefined);
    client.say({ ...exec, sub: 2 });
    for (let n = 0; n < 3; n++) client.say({ t: 'input', sub: 2, data: base64('x'.repeat(100_000)) });
    expect(await client.frame(2)).toMatchObject({ t: 'end', problem: { code: 'TOO_LARGE' } });
  });
});
