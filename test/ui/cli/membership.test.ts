/** The command line on who belongs to the lab: tokens, letting in, roles, labels, leaving, the group, the bouncer. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { TokenRow } from '#projections/views/tokens.ts';
import { member } from '#test/io/http/fake-cluster.ts';
import { FakeServer } from './fake-server.ts';
import { emptyHome } from './home.ts';
import { appRow, nodeRow, serviceRow } from './sample-rows.ts';
import { hourMs, lines, minuteMs, now, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => lab.forget());

const floatlab = (command: string, setting: Setting = {}): Promise<Run> =>
  run(command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [], { server: lab.url, ...setting });

describe('floatlab node token', () => {
  const route = 'POST /api/v1/cluster/join-token';
  const made = {
    token: 'flt1-abc',
    id: 'k3x9',
    expiresAt: now + 3 * hourMs,
    command: 'npm start -- --join flt1-abc',
  };

  test('prints the command for the new machine, and that the token is shown once', async () => {
    lab.on(route, { status: 201, json: made });
    const { code, out, err } = await floatlab('node token');
    expect(out).toBe('npm start -- --join flt1-abc\n');
    expect(err).toContain('within 3 h');
    expect(err).toContain('floatlab node token revoke k3x9');
    expect(code).toBe(0);
    expect(lab.heard[0]?.body).toEqual({ validFor: '3h' });
    expect(lab.heard[0]?.headers['idempotency-key']).toMatch(/^[\w-]{36}$/);
  });

  test('says what the machine becomes', async () => {
    lab.on(route, { status: 201, json: made });
    await floatlab('node token --role witness --label zone=attic --label team=home --valid-for 30m --replaces vega');
    expect(lab.heard[0]?.body).toEqual({
      role: 'witness',
      labels: { zone: 'attic', team: 'home' },
      validFor: '30m',
      replaces: 'vega',
    });
    expect((await floatlab('node token -q')).out).toBe('flt1-abc\n');
    expect(JSON.parse((await floatlab('node token -o json')).out)).toMatchObject({ token: 'flt1-abc', id: 'k3x9' });
  });

  test.each(['--role king', '--label zone', '--label =x', '--valid-for soon', '--replaces A/B/C'])(
    'with %s asks for nothing',
    async (wrong) => {
      expect((await floatlab(`node token ${wrong}`)).code).toBe(2);
      expect(lab.heard).toEqual([]);
    },
  );

  test('whose answer is lost is not asked for again: nobody would see the first one', async () => {
    lab.on(route, 'hang up');
    const { code, err } = await floatlab('node token');
    expect(code).toBe(7);
    expect(err).toContain('floatlab node token ls shows it');
    expect(lab.heard).toHaveLength(1);
  });

  test('says why no machine can join', async () => {
    lab.problem(route, 'NO_DOOR', 'No other machine can reach this node.', { hint: 'npm start -- --node-listen …' });
    expect(await floatlab('node token')).toMatchObject({ code: 6, out: '' });
  });

  test('lists and revokes', async () => {
    const row: TokenRow = {
      id: 'k3x9',
      state: 'open',
      role: 'any',
      labels: {},
      replaces: null,
      issuedAt: now - hourMs,
      expiresAt: now + 2 * hourMs,
      usedBy: null,
      endedAt: null,
    };
    const used: TokenRow = { ...row, id: 'old1', state: 'used', usedBy: { id: 'node:v', name: 'vega' }, issuedAt: 1 };
    lab.on('GET /api/v1/tokens', { json: { items: [used, row], index: 1 } });
    const { out } = await floatlab('node token ls');
    expect(lines(out)[1]).toMatch(/^k3x9 +open +any +1 h ago +in 2 h +– +–$/);
    expect(lines(out)[2]).toMatch(/^old1 +used .* vega/);
    lab.command('DELETE /api/v1/tokens/k3x9');
    expect(await floatlab('node token revoke k3x9')).toMatchObject({
      code: 0,
      err: 'Token k3x9 opens nothing any more.\n',
    });
  });
});

describe('every command about a node', () => {
  const cases: readonly [string, string, object | undefined][] = [
    ['node approve vega', 'POST /api/v1/nodes/vega/approve', undefined],
    ['node refuse vega --because "not ours"', 'POST /api/v1/nodes/vega/refuse', { because: 'not ours' }],
    ['node role polaris witness', 'PUT /api/v1/nodes/polaris/role', { role: 'witness' }],
    ['node label vega zone=cellar old-', 'PATCH /api/v1/nodes/vega/labels', { labels: { zone: 'cellar', old: null } }],
    ['node leave vega --yes', 'POST /api/v1/nodes/vega/leave', undefined],
    ['node rm vega --yes', 'DELETE /api/v1/nodes/vega', undefined],
  ];
  test.each(cases)('floatlab %s', async (command, route, body) => {
    lab.command(route);
    const { code, err } = await floatlab(command);
    expect(err).toMatch(/^[A-Z].*\.\n$/);
    expect(code).toBe(0);
    expect(lab.changes).toEqual([route]);
    expect(lab.heard.at(-1)?.body).toEqual(body);
  });

  test.each(['node label vega zone', 'node label vega "a b=c"', 'node role vega king', 'node label vega'])(
    'floatlab %s changes nothing',
    async (wrong) => {
      expect((await floatlab(wrong)).code).toBe(2);
      expect(lab.heard).toEqual([]);
    },
  );

  test('one that waits is shown with the key to compare, and with what to say', async () => {
    lab.rows('/api/v1/nodes', [nodeRow('vega', { state: 'waiting', keySha256: 'ab'.repeat(32), member: null })]);
    const { out } = await floatlab('node show vega');
    expect(out).toContain('SHA-256');
    expect(out).toContain('floatlab node approve vega');
  });

  test('the list says who votes and what fails together', async () => {
    lab.rows('/api/v1/nodes', [
      nodeRow('atlas', { member: 'voter', zone: 'attic' }),
      nodeRow('polaris', { member: 'voter', role: 'witness', departing: true }),
    ]);
    const { out } = await floatlab('node ls -o wide');
    expect(lines(out)[1]).toMatch(/^atlas +up .* voter .* attic/);
    expect(lines(out)[2]).toMatch(/^polaris +up, leaving .*voter \(witness\)/);
  });
});

describe('floatlab node leave', () => {
  const route = 'POST /api/v1/nodes/vega/leave';
  const operation = 'operation:7kq2wxyzabcd';

  test('is done when the lab says that the node is out', async () => {
    lab.on('GET /api/v1/cluster/status', { json: { members: [member('atlas', { isSelf: true })] } });
    lab.command(route, { operation });
    const { code, err } = await floatlab('node leave vega --yes');
    expect(err).toMatch(/^✓ Node vega has left the lab\. {2}\(op-7kq2wxyz, .*\)\n$/);
    expect(code).toBe(0);
  });

  test('of the node that is asked is done when the others let it in no more: it hears of no end', async () => {
    let looks = 0;
    lab.on('GET /api/v1/cluster/status', () => {
      looks += 1;
      const outcast = looks > 2 ? { code: 'NOT_ADMITTED', message: 'Out.', hint: '' } : undefined;
      return { json: { members: [member('vega', { isSelf: true })], outcast } };
    });
    lab.command(route, { operation });
    const { code, err } = await floatlab('node leave vega --yes');
    expect([code, err, looks]).toEqual([0, 'Node vega has left the lab.\n', 3]);
    expect(lab.heard.some(({ path }) => path.includes('/wait'))).toBe(false);
  });

  test('of the node that is asked gives up when the others do not get on', async () => {
    lab.on('GET /api/v1/cluster/status', { json: { members: [member('vega', { isSelf: true })] } });
    lab.command(route, { operation });
    const { code, err } = await floatlab('node leave vega --yes --timeout 100ms');
    expect(code).toBe(7);
    expect(err).toContain('Node vega is still on its way out of the lab (TIMED_OUT)');
  });
});

describe('floatlab node rm --force', () => {
  const route = 'DELETE /api/v1/nodes/vega';
  const lossy = {
    events: [
      { stream: 'volume:1', type: 'volume.deleted', data: {}, words: 'Volume photos-db would be gone.' },
      { stream: 'node:vega', type: 'node.removed', data: {}, words: 'Node vega would be removed.' },
    ],
    changes: ['1 volume would be lost, with all snapshots: photos-db.', 'Switch the machine off first.'],
  };

  test('shows what is lost and asks for the name', async () => {
    lab.command(route, lossy);
    const done = await floatlab('node rm vega --force', { tty: true, answers: ['vega'] });
    expect(done.err).toContain('1 volume would be lost, with all snapshots: photos-db.');
    expect(done.asked[0]).toContain('Type vega');
    expect(done.code).toBe(0);
    expect(lab.changes).toEqual([route]);
    expect(lab.heard.at(-1)?.query).toMatchObject({ force: 'true' });
  });

  test('does nothing when another name is typed, and where nobody can be asked', async () => {
    lab.command(route, lossy);
    expect((await floatlab('node rm vega --force', { tty: true, answers: ['wega'] })).code).toBe(1);
    expect((await floatlab('node rm vega --force')).code).toBe(2);
    expect(lab.changes).toEqual([]);
  });

  test('asks yes or no where nothing is lost', async () => {
    lab.command(route, { events: [lossy.events[1]] as never });
    const { code, asked } = await floatlab('node rm vega', { tty: true, answers: [true] });
    expect(asked).toEqual(['Remove node vega from the lab?']);
    expect(code).toBe(0);
  });

  test('tells a refusal before it asks', async () => {
    lab.problem(route, 'NOT_NOW', 'Node vega is up.');
    expect(await floatlab('node rm vega', { tty: true })).toMatchObject({ code: 5, asked: [] });
  });
});

describe('floatlab cluster', () => {
  const status = (more: Partial<ClusterStatus> = {}): ClusterStatus => ({
    lab: 'lab-1',
    generation: 1,
    term: 3,
    leader: 'atlas-1',
    hasQuorum: true,
    isChanging: false,
    isSuspect: false,
    committed: 812,
    index: 1204,
    members: [
      member('atlas', { isLeader: true, isSelf: true }),
      member('polaris', { behind: 1 }),
      member('vega', { isReachable: false, behind: undefined }),
      member('rigel', { votes: 'learner', isFetching: true }),
    ],
    promises: ['Three nodes decide: the lab goes on without any one of them, and decides nothing without two.'],
    ...more,
  });
  const answer = (more: Partial<ClusterStatus> = {}) => lab.on('GET /api/v1/cluster/status', { json: status(more) });

  test('status says who leads, who answers, how far each is, and what that promises', async () => {
    answer();
    const { code, out } = await floatlab('cluster status');
    expect(lines(out)).toEqual([
      'leader  atlas, in term 3',
      'quorum  2 of 3 voters answer',
      'log     entry 812 is committed, event 1204 is known here',
      '',
      'NODE     VOTE     STATE    BEHIND',
      'atlas    leader   answers  –',
      'polaris  voter    answers  1 entry',
      'vega     voter    silent   –',
      'rigel    learner  answers  fetches a snapshot',
      '',
      'Three nodes decide: the lab goes on without any one of them, and decides nothing',
      'without two.',
    ]);
    expect(code).toBe(0);
  });

  test('status says who holds a lease, where that is known', async () => {
    const members = [
      member('atlas', { isLeader: true, isSelf: true, lease: { state: 'held', leftMs: 7400 } }),
      member('polaris', { lease: { state: 'ending', leftMs: 3000 } }),
      member('vega', { lease: { state: 'lapsed' } }),
      member('rigel', { lease: { state: 'none' } }),
      member('sirius'),
    ];
    answer({ members, promises: [] });
    const { out } = await floatlab('cluster status');
    const table = lines(out).slice(4);
    expect(table).toEqual([
      'NODE     VOTE    STATE    BEHIND   LEASE',
      'atlas    leader  answers  –        8 s',
      'polaris  voter   answers  nothing  over in 3 s',
      'vega     voter   answers  nothing  lapsed',
      'rigel    voter   answers  nothing  –',
      'sirius   voter   answers  nothing  –',
    ]);
  });

  test('status ends with 8 without a majority, in every form', async () => {
    answer({ leader: undefined, hasQuorum: false });
    for (const form of ['', '-o json', '-q']) expect((await floatlab(`cluster status ${form}`)).code, form).toBe(8);
    expect((await floatlab('cluster status')).out).toContain('no majority of the voters answers');
  });

  test('status says why the others do not let this node in, and what to do about it', async () => {
    const outcast = {
      code: 'NOT_ADMITTED',
      message: 'Node vega does not belong to the lab any more: it left, or was removed.',
      hint: 'If it should belong to it again: empty its data directory.',
    };
    answer({
      leader: undefined,
      hasQuorum: false,
      outcast,
      members: [member('atlas'), member('vega', { isSelf: true })],
    });
    const { code, out } = await floatlab('cluster status');
    expect(code).toBe(8);
    const said = out.replaceAll(/\s+/g, ' ');
    expect(said).toContain('leader nobody, as far as this node knows: the others do not let it in');
    expect(said).toContain(outcast.message);
    expect(said).toContain(outcast.hint);
  });

  test('status says of a node whose clock is wrong what is wrong, there and elsewhere', async () => {
    const aheadMs = 3653 * 86_400_000;
    const vega = { isReachable: false, clockAheadMs: aheadMs };
    answer({ members: [member('atlas', { isLeader: true, isSelf: true }), member('vega', vega)] });
    expect(lines((await floatlab('cluster peers')).out)[2]).toMatch(/^vega +voter +clock 3653 d ahead/);
    const outcast = {
      code: 'CLOCK_WRONG',
      message: "The clock of node vega is 3653 d ahead of the lab's.",
      hint: 'Set it.',
    };
    answer({ leader: undefined, hasQuorum: false, outcast, members: [member('vega', { isSelf: true })] });
    const said = (await floatlab('cluster status')).out.replaceAll(/\s+/g, ' ');
    expect(said).toContain('as far as this node knows: clocks keep it from the others quorum not known here');
    expect(said).toContain(`${outcast.message} hint Set it.`);
    expect(said).not.toContain('no majority');
  });

  test('status tells a node that was stopped from one that is silent', async () => {
    const members = [
      member('atlas', { isLeader: true, isSelf: true }),
      member('vega', { isReachable: false, isStopped: true }),
    ];
    answer({ members });
    expect(lines((await floatlab('cluster peers')).out)[2]).toMatch(/^vega +voter +stopped/);
  });

  test('status tells what is not as it should be', async () => {
    answer({ isSuspect: true, isChanging: true, generation: 2 });
    const { out } = await floatlab('cluster status');
    expect(out).toContain('does not vote until it is whole again');
    expect(out).toContain('is just being changed');
    expect(out).toContain('the lab was recovered');
  });

  test('peers is the table alone', async () => {
    answer();
    expect((await floatlab('cluster peers -q')).out).toBe('atlas\npolaris\nvega\nrigel\n');
    expect(lines((await floatlab('cluster peers')).out)).toHaveLength(5);
    expect(JSON.parse((await floatlab('cluster peers -o json')).out)).toHaveLength(4);
  });

  test('transfer says who leads', async () => {
    lab.on('POST /api/v1/cluster/transfer', { json: { leader: 'vega', unchanged: false } });
    expect(await floatlab('cluster transfer vega')).toMatchObject({ code: 0, err: 'Node vega leads now.\n' });
    expect(lab.heard[0]?.body).toEqual({ node: 'vega' });
    lab.problem('POST /api/v1/cluster/transfer', 'NOT_A_VOTER', 'Node rigel cannot lead.');
    expect((await floatlab('cluster transfer rigel')).code).toBe(6);
  });

  describe('bouncer', () => {
    const put = 'PUT /api/v1/bouncer';
    const rules = [{ name: 'pi-*', address: '192.0.2.0/24', do: 'admit' }, { do: 'refuse' }];

    test('lists the rules in their order', async () => {
      const spec = { bouncer: rules };
      lab.on('GET /api/v1/config', { json: { items: [{ kind: 'cluster', spec }], index: 1 } });
      for (const words of ['cluster bouncer', 'cluster bouncer ls']) {
        const [, first, second] = lines((await floatlab(words)).out);
        expect(first).toMatch(/^ +1 {2}name pi-\*, address 192\.0\.2\.0\/24 +admit$/);
        expect(second).toMatch(/^ +2 {2}any node +refuse$/);
      }
      expect(lab.heard[0]?.query).toMatchObject({ kind: 'cluster' });
      lab.on('GET /api/v1/config', { json: { items: [{ kind: 'cluster', spec: { bouncer: [] } }], index: 1 } });
      expect((await floatlab('cluster bouncer')).err).toContain('No rules: a machine without a token waits');
    });

    test('is set from a file, or by rules', async () => {
      lab.command(put);
      const home = await emptyHome();
      await writeFile(join(home, 'b.yaml'), '- name: pi-*\n  address: 192.0.2.0/24\n  do: admit\n- do: refuse\n');
      expect((await floatlab('cluster bouncer set b.yaml', { home, cwd: home })).code).toBe(0);
      expect(lab.heard.at(-1)?.body).toEqual({ rules });
      const said = '--rule "admit name=pi-* address=192.0.2.0/24" --rule "ask label=zone=attic" --rule refuse';
      expect(await floatlab(`cluster bouncer set ${said}`)).toMatchObject({
        code: 0,
        err: 'The bouncer has 3 rules.\n',
      });
      expect(lab.heard.at(-1)?.body).toEqual({
        rules: [rules[0], { do: 'ask', labels: { zone: 'attic' } }, { do: 'refuse' }],
      });
    });

    test('asks before it lets everybody in', async () => {
      lab.command(put);
      expect((await floatlab('cluster bouncer set --rule admit')).code).toBe(2);
      expect(lab.changes).toEqual([]);
      expect((await floatlab('cluster bouncer set --rule admit --yes')).code).toBe(0);
    });

    test.each(['', 'x.yaml', '--rule maybe', '--rule "admit colour=red"', '--rule "admit address=home"'])(
      'set %s changes nothing',
      async (wrong) => {
        expect((await floatlab(`cluster bouncer set ${wrong}`)).code).toBe(2);
        expect(lab.heard).toEqual([]);
      },
    );
  });
});

describe('an app on a node that is down', () => {
  const hint = 'Bring atlas back; the app does not move to another node by itself yet.';
  const lost = appRow('photos', {
    state: 'unknown',
    decided: 'running',
    lastHeardAt: now - 3 * minuteMs,
    since: now - 2 * minuteMs,
    services: { web: serviceRow({ state: 'unknown' }) },
    delay: {
      code: 'NODE_DOWN',
      message: 'Node atlas is down: whether app photos still runs there is not known.',
      hint,
    },
  });
  beforeEach(() => lab.rows('/api/v1/apps', [lost, appRow('wiki')]).rows('/api/v1/volumes', []));

  test('is not listed as running', async () => {
    const { out } = await floatlab('ps');
    expect(lines(out)[1]).toMatch(/^photos +unknown \(last heard 3 m ago\) +atlas/);
    expect(lines(out)[2]).toMatch(/^wiki +running/);
    expect((await floatlab('ps photos')).out).toContain('unknown');
  });

  test('is shown with why, and with what does not happen by itself', async () => {
    const { out } = await floatlab('app show photos');
    expect(out.replaceAll(/\s+/g, ' ')).toContain('unknown (last heard 3 m ago) on atlas');
    expect(out).toContain('NODE_DOWN');
    expect(out.replaceAll(/\s+/g, ' ')).toContain('does not move to another node by itself yet');
  });

  test('is not counted as running', async () => {
    const overview = {
      name: 'home',
      counts: { app: { running: 2 }, volume: {}, node: { up: 1, down: 1 } },
      cordoned: 0,
    };
    lab.on('GET /api/v1/apps', ({ query }) => ({
      json: { items: query['state'] === 'unknown' ? [lost] : [], index: 1 },
    }));
    lab.on('GET /api/v1/overview', { json: overview }).on('GET /api/v1/alerts', { json: { items: [], index: 1 } });
    expect((await floatlab('status')).out).toContain('Lab home: 1 of 2 apps runs; 1 is on a node that is down.');
  });

  test('cannot be restarted, and the reason is said before anything is asked', async () => {
    const { code, err, asked } = await floatlab('app restart photos', { tty: true });
    expect(asked).toEqual([]);
    expect(code).toBe(5);
    expect(err.replaceAll(/\s+/g, ' ')).toContain(
      'Node atlas is down (last heard 3 m ago): app photos cannot be restarted there (NODE_DOWN)',
    );
    expect(err.replaceAll(/\s+/g, ' ')).toContain('does not move to another node by itself yet');
    expect((await floatlab('app restart photos --yes')).code).toBe(5);
    expect(lab.changes).toEqual([]);
  });
});

describe('without a leader', () => {
  test('what is shown is said to be old, once and beside the data', async () => {
    const page = { items: [nodeRow('atlas')], index: 812 };
    lab.on('GET /api/v1/nodes', { json: page, headers: { 'floatlab-stale': 'true' } });
    const { out, err, code } = await floatlab('node ls');
    expect(out).toContain('atlas');
    expect(err.match(/has no leader/g)).toHaveLength(1);
    expect(err).toContain('floatlab cluster status');
    expect(code).toBe(0);
    lab.on('GET /api/v1/nodes', { json: page });
    expect((await floatlab('node ls')).err).toBe('');
  });
});
