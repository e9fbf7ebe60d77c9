import { describe, expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import type { RunRequest } from '#io/lab/port.ts';
import { parseToken, tokenHash } from '#io/links/token.ts';
import { LogError } from '#io/log/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { FakeCluster, member } from './fake-cluster.ts';
import { appRow, type FakeLab } from './fake-lab.ts';
import { send, startServer, until, type TestServer } from './test-server.ts';

const nodeRow = (name: string, more: object = {}): object => ({
  id: `node:${name}-1`,
  name,
  labels: {},
  state: 'up',
  joinedAt: 1,
  role: 'any',
  member: null,
  incarnation: null,
  ...more,
});

function threeNodes(lab: FakeLab): void {
  const put = Object.fromEntries(['atlas', 'polaris', 'vega'].map((name) => [`node:${name}-1`, nodeRow(name)]));
  lab.commit({
    nodes: { put },
    overview: { put: { lab: { uuid: 'u-1', generation: 2, promises: ['One of three.'] } } },
  });
}

async function grouped(
  options: Parameters<typeof startServer>[0] = {},
): Promise<TestServer & { cluster: FakeCluster }> {
  const cluster = new FakeCluster();
  const server = await startServer({ cluster, ...options });
  threeNodes(server.lab);
  return { ...server, cluster };
}

describe('the status of the group', () => {
  test('is what the nodes know of each other', async () => {
    const { api, cluster } = await grouped();
    const { status, json } = await api('/api/v1/cluster/status');
    expect(status).toBe(200);
    expect(json).toEqual(JSON.parse(JSON.stringify(cluster.status())));
  });

  test('says by its absence that nobody is known to lead', async () => {
    const { api, cluster } = await grouped();
    cluster.lead(undefined);
    const { json } = await api('/api/v1/cluster/status');
    expect([json.hasQuorum, 'leader' in json]).toEqual([false, false]);
  });

  test('of a simulated lab says that nobody leads and nobody votes there, instead of making up who does', async () => {
    const { api, lab } = await startServer();
    threeNodes(lab);
    lab.commit({
      nodes: {
        put: {
          'node:atlas-1': nodeRow('atlas', { state: 'down', joinedAt: 0 }),
          'node:late-1': nodeRow('late', { joinedAt: 9, state: 'waiting' }),
        },
      },
    });
    const { json } = await api('/api/v1/cluster/status');
    expect(json).toMatchObject({
      lab: 'u-1',
      generation: 2,
      simulated: expect.stringContaining('One process decides for all 3 simulated nodes'),
      hasQuorum: true,
      promises: [],
    });
    expect('leader' in json).toBe(false);
    expect(json.members.some((one: Record<string, unknown>) => one['isLeader'] || one['isSelf'])).toBe(false);
    expect(json.members.map((one: Record<string, unknown>) => [one['name'], one['votes'], one['isReachable']])).toEqual(
      [
        ['atlas', 'none', false],
        ['polaris', 'none', true],
        ['vega', 'none', true],
      ],
    );
  });

  test('is for those who are signed in', async () => {
    const { url } = await grouped();
    expect((await send(`${url}/api/v1/cluster/status`)).status).toBe(401);
  });
});

describe('handing the leadership over', () => {
  const transfer = (server: TestServer, node: string) =>
    server.api('/api/v1/cluster/transfer', { method: 'POST', body: { node } });

  test('answers once the other node leads', async () => {
    const server = await grouped();
    const { status, json } = await transfer(server, 'vega');
    expect([status, json]).toEqual([200, { leader: 'vega', unchanged: false }]);
    expect(server.cluster.asked).toEqual(['vega-1']);
  });

  test('to the one that leads does nothing', async () => {
    const server = await grouped();
    expect((await transfer(server, 'atlas')).json).toEqual({ leader: 'atlas', unchanged: true });
    expect(server.cluster.asked).toEqual([]);
  });

  test('is refused in words where it cannot be', async () => {
    const server = await grouped();
    const { cluster, lab } = server;
    expect((await transfer(server, 'nobody')).json).toMatchObject({ code: 'NOT_FOUND', status: 404 });
    expect((await transfer(server, 'polaris')).json).toMatchObject({
      code: 'NOT_A_VOTER',
      detail: 'Node polaris cannot lead: it follows the log and has no vote.',
    });
    lab.commit({
      nodes: {
        put: {
          'node:polaris-1': nodeRow('polaris', { role: 'learner' }),
          'node:new-1': nodeRow('new', { state: 'waiting' }),
        },
      },
    });
    expect((await transfer(server, 'polaris')).json).toMatchObject({
      detail: 'Node polaris cannot lead: its role is learner.',
      hint: expect.stringContaining('floatlab node role polaris any'),
    });
    expect((await transfer(server, 'new')).json).toMatchObject({
      code: 'NOT_NOW',
      detail: 'Node new waits to be let in.',
    });
    cluster.members = cluster.members.map((one) => (one.name === 'vega' ? { ...one, isReachable: false } : one));
    expect((await transfer(server, 'vega')).json).toMatchObject({
      code: 'NOT_NOW',
      detail: 'Node vega does not answer: it cannot lead.',
    });
    cluster.lead(undefined);
    expect((await transfer(server, 'vega')).json).toMatchObject({ code: 'NO_LEADER', status: 503 });
    expect(cluster.asked).toEqual([]);
    expect((await transfer(server, '../x')).json).toMatchObject({ code: 'INVALID', fields: [{ path: 'node' }] });
  });

  test('to a witness is refused while a voter that runs apps would take it back at once', async () => {
    const server = await grouped();
    const { cluster, lab } = server;
    lab.commit({ nodes: { put: { 'node:vega-1': nodeRow('vega', { role: 'witness' }) } } });
    expect((await transfer(server, 'vega')).json).toMatchObject({
      code: 'NOT_NOW',
      detail: 'Node vega is a witness: it would hand leadership on at once, to a voter that runs apps.',
      hint: expect.stringContaining('floatlab cluster transfer atlas'),
    });
    expect(cluster.asked).toEqual([]);
    // Where all voters are witnesses one of them leads.
    lab.commit({ nodes: { put: { 'node:atlas-1': nodeRow('atlas', { role: 'witness' }) } } });
    expect((await transfer(server, 'vega')).status).toBe(200);
  });

  test('to a node that was stopped says so', async () => {
    const server = await grouped();
    const { cluster } = server;
    cluster.members = cluster.members.map((one) => (one.name === 'vega' ? { ...one, isStopped: true } : one));
    expect((await transfer(server, 'vega')).json).toMatchObject({
      code: 'NOT_NOW',
      detail: 'Node vega was stopped on purpose: it cannot lead.',
    });
  });

  test('does not wait for ever for a node that does not take it', async () => {
    const clock = new VirtualClock(Date.now());
    const server = await grouped({ clock });
    server.cluster.onTransfer = () => Promise.resolve();
    await server.token();
    const answer = transfer(server, 'vega');
    await until(() => server.cluster.asked.length === 1);
    await clock.run(10_001);
    expect((await answer).json).toMatchObject({
      code: 'TIMED_OUT',
      detail: 'Node vega was asked to lead and did not within 10 s; atlas leads.',
    });
  });

  test('is nothing that a lab with one log can do', async () => {
    const server = await startServer();
    threeNodes(server.lab);
    server.lab.commit({ nodes: { put: { 'node:vega-1': nodeRow('vega', { member: 'voter' }) } } });
    expect((await transfer(server, 'vega')).json).toMatchObject({ code: 'NOT_NOW' });
  });
});

describe('a join token', () => {
  const make = (server: TestServer, body: object = {}, headers: Record<string, string> = {}) =>
    server.api('/api/v1/cluster/join-token', { method: 'POST', body, headers });

  /** As the lab does it: the event says what was issued, and a repetition what was issued the first time. */
  const issue = ({ input }: RunRequest) => ({
    index: asIndex(1),
    unchanged: false,
    operation: undefined,
    events: [
      {
        stream: 'cluster:lab' as const,
        type: 'cluster.token-issued' as const,
        data: { token: (input as { tokenId: string }).tokenId, expiresAt: 1_800_000_000_000 },
        words: '',
      },
    ],
  });

  test('says where the lab is, proves it, and has a secret of which the lab knows the hash alone', async () => {
    const server = await grouped();
    server.lab.onRun = issue;
    const { status, json, headers } = await make(server, {
      role: 'witness',
      labels: { zone: 'attic' },
      validFor: '30m',
    });
    expect([status, headers['cache-control']]).toEqual([201, 'no-store']);
    const token = parseToken(json.token);
    expect(token).toMatchObject({ addresses: ['192.0.2.7:7401'], caSha256: 'ab'.repeat(32), id: json.id });
    const [request] = server.lab.requests;
    expect(request).toMatchObject({
      name: 'issue-token',
      by: 'user:admin',
      input: {
        tokenId: json.id,
        hash: tokenHash(token.secret),
        role: 'witness',
        labels: { zone: 'attic' },
        validMs: 1_800_000,
      },
    });
    expect(json).toMatchObject({
      expiresAt: 1_800_000_000_000,
      command: `npm start -- --join ${json.token} --witness`,
    });
    // Neither the lab nor the log of the daemon has what opens.
    const secret = Buffer.from(token.secret);
    const kept = JSON.stringify([server.lab.requests, server.logged]);
    for (const form of [json.token, secret.toString('hex'), secret.toString('base64url'), secret.toString('base64')]) {
      expect(kept).not.toContain(form);
    }
  });

  test('has another secret every time', async () => {
    const server = await grouped();
    server.lab.onRun = issue;
    const [one, other] = [await make(server), await make(server)];
    expect(parseToken(one.json.token).secret).not.toEqual(parseToken(other.json.token).secret);
  });

  test('for the successor of a node says its name in the command', async () => {
    const server = await grouped();
    server.lab.onRun = issue;
    expect((await make(server, { replaces: 'vega' })).json.command).toMatch(/--join flt1-\S+ --name vega$/);
  });

  test('is not shown a second time for the same Idempotency-Key', async () => {
    const server = await grouped();
    server.lab.onRun = issue;
    const key = { 'idempotency-key': 'k-1' };
    const first = await make(server, {}, key);
    expect(first.status).toBe(201);
    const again = await make(server, {}, key);
    expect(again.json).toMatchObject({
      code: 'KEY_REUSED',
      hint: expect.stringContaining(`token revoke ${first.json.id}`),
    });
    expect(again.text).not.toContain('flt1-');
    const other = await server.api('/api/v1/nodes/vega/cordon', { method: 'POST', headers: key });
    expect(other.json).toMatchObject({ code: 'KEY_REUSED' });
  });

  test('cannot be made where no other machine would reach the lab, which says what to do', async () => {
    const server = await grouped();
    server.cluster.door = undefined;
    const { status, json } = await make(server);
    expect([status, json.code]).toEqual([422, 'NO_DOOR']);
    expect(json.hint).toContain('--node-listen');
    const simulated = await startServer({ simulation: { machines: () => [], setPower: () => Promise.resolve() } });
    expect((await make(simulated)).json).toMatchObject({
      code: 'NO_DOOR',
      detail: expect.stringContaining('simulated'),
    });
    expect([...server.lab.requests, ...simulated.lab.requests]).toEqual([]);
  });

  test.each([
    [{ validFor: 'soon' }, 'validFor'],
    [{ validFor: '10s' }, 'validFor'],
    [{ validFor: '8d' }, 'validFor'],
    [{ role: 'king' }, 'role'],
    [{ replaces: 'A B' }, 'replaces'],
    [{ secret: 'mine' }, ''],
  ])('is refused for %j', async (body, path) => {
    const server = await grouped();
    expect((await make(server, body)).json).toMatchObject({ code: 'INVALID', fields: [{ path }] });
    expect(server.lab.requests).toEqual([]);
  });

  test('that the lab refuses is no token', async () => {
    const server = await grouped();
    server.lab.onRun = () => ({ rejected: { code: 'TOO_MANY', explain: 'The lab has 100 open tokens.' } });
    expect((await make(server)).json).toMatchObject({ code: 'TOO_MANY' });
  });
});

describe('a lab that nobody leads', () => {
  test('is not ready, and says why to those who are signed in', async () => {
    const { url, api, lab } = await grouped();
    expect((await send(`${url}/readyz`)).status).toBe(200);
    lab.hasLeader = false;
    const open = await send(`${url}/readyz`);
    expect([open.status, open.json.detail]).toEqual([503, 'This node is not ready: leader.']);
    expect(open.text).not.toContain('majority');
    expect((await api('/readyz')).text).toContain('no majority');
  });

  test('answers nobody who wants to be sure, and with what was known whoever asks for that, marked', async () => {
    const { api, lab } = await grouped();
    lab.commit({ apps: { put: { 'app:a': appRow('a') } } });
    const before = await api('/api/v1/apps');
    expect([before.status, before.headers['floatlab-stale']]).toEqual([200, undefined]);
    lab.onReadIndex = () => Promise.reject(new LogError('NO_QUORUM', 'no majority answers', 'Wait.'));
    expect((await api('/api/v1/apps')).json).toMatchObject({ code: 'NO_LEADER', status: 503 });
    expect((await api('/api/v1/apps/default/a')).json).toMatchObject({ code: 'NO_LEADER', status: 503 });
    const list = await api('/api/v1/apps?stale=true');
    expect([list.status, list.headers['floatlab-stale']]).toEqual([200, 'true']);
    expect((await api('/api/v1/apps/default/a?stale=true')).headers['floatlab-stale']).toBe('true');
    const etag = { 'if-none-match': String(before.headers['etag']) };
    const known = await api('/api/v1/apps?stale=true', { headers: etag });
    expect([known.status, known.headers['floatlab-stale']]).toEqual([304, 'true']);
    // The past is as it was.
    expect((await api('/api/v1/apps?at=1')).headers['floatlab-stale']).toBeUndefined();
  });
});

describe('a read', () => {
  test('waits until everything that was acknowledged is there', async () => {
    const { api, lab } = await grouped();
    lab.onReadIndex = async () => {
      await Promise.resolve();
      lab.commit({ apps: { put: { 'app:late': appRow('late') } } });
    };
    expect((await api('/api/v1/apps')).json.items).toHaveLength(1);
    expect((await api('/api/v1/apps/default/late')).status).toBe(200);
  });

  test('does not wait for ever', async () => {
    const clock = new VirtualClock(Date.now());
    const { api, lab, token } = await grouped({ clock });
    let asked = false;
    lab.onReadIndex = (signal) =>
      new Promise((_, reject) => {
        asked = true;
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    await token();
    const answer = api('/api/v1/apps');
    await until(() => asked);
    await clock.run(5001);
    expect((await answer).json).toMatchObject({ code: 'NO_LEADER' });
  });

  test('of the past is never stale, and one that may be is asked for by true', async () => {
    const { api } = await grouped();
    for (const query of ['stale=true&at=1', 'stale=yes'])
      expect((await api(`/api/v1/apps?${query}`)).json).toMatchObject({ code: 'INVALID', fields: [{ path: 'stale' }] });
  });
});

test('a member that fetches a snapshot is shown as such', async () => {
  const { api, cluster } = await grouped();
  cluster.members = [member('atlas', { isLeader: true }), member('vega', { isFetching: true, behind: undefined })];
  const { json } = await api('/api/v1/cluster/status');
  expect(json.members[1]).toMatchObject({ isFetching: true });
  expect('behind' in json.members[1]).toBe(false);
});
