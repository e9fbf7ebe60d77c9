/** What every route of pools answers, decided by the real decisions: 202, `unchanged`, 400, 404, 409, 422; and 503. */
import { describe, expect, test } from 'vitest';
import type { CommandName } from '#actors/commands.ts';
import { poolsRoutes } from '#io/contract/routes/pools.ts';
import { LogError } from '#io/log/port.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { askOf, type Asked } from './real-decisions.ts';
import { FakeLab } from './fake-lab.ts';
import { startServer } from './test-server.ts';

const gib = 2 ** 30;

const device = (name: string) => ({ name, role: 'data' as const, state: 'online' as const });
const status = (state: 'online' | 'degraded', ...devices: string[]) => ({
  ...{ state, layout: 'mirror' as const, sizeBytes: 100 * gib, problems: [] },
  devices: devices.map(device),
});

/** Pools of atlas: `main`, which every node has; `tank`, of two disks; `busy`, to which a disk is being added; `shelf`, forgotten. */
function labOfPools(): TestLab {
  const lab = TestLab.ready();
  const found = (name: string, origin: 'usual' | 'made', devices: readonly string[], scrub: object | null = null) =>
    lab.must(
      'report-pool',
      {
        ...{ pool: `pool:atlas/${name}`, driver: 'btrfs', origin, where: `/mnt/${name}` },
        ...{ status: status('online', ...devices), scrub },
      } as never,
      'node:atlas',
    );
  found('main', 'usual', ['/dev/sda']);
  found('tank', 'made', ['/dev/sdb', '/dev/sdc'], { state: 'running', startedAt: 1 });
  found('busy', 'made', ['/dev/sdd']);
  lab.must('add-pool-devices', { node: 'atlas', name: 'busy', devices: ['/dev/sde'] });
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: gib } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  return lab;
}

interface Row {
  readonly done: Asked;
  readonly nothing?: Asked;
  readonly missing: Asked;
  readonly conflict?: Asked;
  readonly refused?: Asked;
  readonly invalid?: Asked;
}

const all = '/api/v1/nodes/atlas/pools';
const at = (name: string, rest = ''): string => `${all}/${name}${rest}`;

const table: Partial<Record<CommandName, Row>> = {
  'create-pool': {
    done: [all, { name: 'new', devices: ['/dev/sdx'] }],
    missing: ['/api/v1/nodes/none/pools', { name: 'new', devices: ['/dev/sdx'] }],
    conflict: [all, { name: 'tank', devices: ['/dev/sdx'] }],
    refused: [all, { name: 'new', driver: 'btrfs', layout: 'raidz1', devices: ['/dev/sdx', '/dev/sdy', '/dev/sdz'] }],
    invalid: [all, { name: 'mirror', devices: ['/dev/sdx'] }],
  },
  'adopt-pool': {
    done: [at('new', '/adopt'), { driver: 'zfs', where: 'old/floatlab' }],
    missing: ['/api/v1/nodes/none/pools/new/adopt', { driver: 'btrfs', where: '/mnt/old' }],
    conflict: [at('new', '/adopt'), { driver: 'btrfs', where: '/mnt/tank' }],
    invalid: [at('new', '/adopt'), { driver: 'btrfs', where: '../tank' }],
  },
  'forget-pool': {
    done: [at('tank')],
    missing: [at('none')],
    conflict: [at('busy')],
  },
  'grow-pool': {
    done: [at('tank', '/grow'), {}],
    missing: [at('none', '/grow'), {}],
    conflict: [at('busy', '/grow'), {}],
    invalid: [at('tank', '/grow'), { sizeBytes: 0 }],
  },
  'add-pool-devices': {
    done: [at('tank', '/devices'), { devices: ['/dev/sdx'] }],
    missing: [at('none', '/devices'), { devices: ['/dev/sdx'] }],
    conflict: [at('tank', '/devices'), { devices: ['/dev/sda'] }],
    refused: [at('tank', '/devices'), { devices: ['/dev/sdx'], layout: 'raidz1' }],
    invalid: [at('tank', '/devices'), { devices: ['sdx; rm -rf /'] }],
  },
  'replace-pool-device': {
    done: [at('tank', '/replace'), { device: '/dev/sdb', by: '/dev/sdx' }],
    missing: [at('tank', '/replace'), { device: 'sdq', by: '/dev/sdx' }],
    conflict: [at('tank', '/replace'), { device: '/dev/sdb', by: '/dev/sda' }],
    invalid: [at('tank', '/replace'), { device: '/dev/sdb', by: 'sdx' }],
  },
  'clear-pool': {
    done: [at('tank', '/clear')],
    missing: [at('none', '/clear')],
    conflict: [at('busy', '/clear')],
  },
  'scrub-pool': {
    done: [at('tank', '/scrub'), { action: 'pause' }],
    nothing: [at('tank', '/scrub'), { action: 'start' }],
    missing: [at('none', '/scrub'), {}],
    conflict: [at('main', '/scrub'), { action: 'pause' }],
    invalid: [at('tank', '/scrub'), { action: 'stop' }],
  },
};

const commands = poolsRoutes.flatMap(({ action, method }) =>
  'command' in action ? [{ command: action.command, method: method.toUpperCase() }] : [],
);
const rows = commands.flatMap(({ command, method }) => {
  const row = table[command];
  return row ? [{ command, method, row }] : [];
});
const rehearsalOf = ([path, body]: Asked): Asked =>
  body === undefined ? [`${path}?dryRun=true`] : [`${path}?dryRun=true`, body];
const ask = (method: string, asked: Asked) => askOf(labOfPools(), method, asked);

describe('a route of pools', () => {
  test('is in this table, with each answer that it can give', () => {
    expect(Object.keys(table).toSorted()).toEqual(commands.map(({ command }) => command).toSorted());
  });

  test.each(rows)('$command is 202 with the operation, which goes on', async ({ method, row }) => {
    const { status: code, json, headers } = await ask(method, row.done);
    expect([code, json]).toMatchObject([202, { unchanged: false, operation: expect.stringMatching(/^operation:/) }]);
    expect(headers['location']).toBe(`/api/v1/operations/${json.operation}`);
  });

  test.each(rows)('$command as a rehearsal is 200, with what it would do', async ({ method, row: { done } }) => {
    const { status: code, json, headers } = await ask(method, rehearsalOf(done));
    expect([code, json]).toMatchObject([200, { dryRun: true, events: expect.arrayContaining([expect.anything()]) }]);
    expect(headers['location']).toBeUndefined();
  });

  test.each(rows.filter(({ row }) => row.nothing))('$command that changes nothing says so', async ({ method, row }) => {
    const { status: code, json } = await ask(method, row.nothing as Asked);
    expect([code, json]).toMatchObject([200, { unchanged: true }]);
  });

  test.each(rows)('$command of what is not there is 404', async ({ method, row }) => {
    const { status: code, json } = await ask(method, row.missing);
    expect([code, json]).toMatchObject([404, { code: 'NOT_FOUND', detail: expect.stringMatching(/\S/) }]);
  });

  const withReason = { detail: expect.stringMatching(/\S/), hint: expect.stringMatching(/\S/) };

  test.each(rows.filter(({ row }) => row.conflict))(
    '$command that is not possible now is 409, with the reason and what to do',
    async ({ method, row }) => {
      const { status: code, json } = await ask(method, row.conflict as Asked);
      expect([code, json]).toMatchObject([409, withReason]);
    },
  );

  test.each(rows.filter(({ row }) => row.refused))(
    '$command of what no file system can do is 422, with what can',
    async ({ method, row }) => {
      const { status: code, json } = await ask(method, row.refused as Asked);
      expect([code, json]).toMatchObject([422, { code: 'UNSUPPORTED', ...withReason }]);
    },
  );

  test.each(rows.filter(({ row }) => row.invalid))(
    '$command with a value that cannot be is 400, and never reaches a tool',
    async ({ method, row }) => {
      const { status: code, json } = await ask(method, row.invalid as Asked);
      expect([code, json]).toMatchObject([400, { code: 'INVALID' }]);
    },
  );

  test.each(['main'])('forgetting %s, which every node has, is refused with the reason', async (name) => {
    const { status: code, json } = await ask('DELETE', [at(name)]);
    expect([code, json]).toMatchObject([422, { code: 'BUILT_IN', ...withReason }]);
  });

  test.each(rows)('$command is 503 while nobody leads the lab, and says when to ask again', async ({ method, row }) => {
    const { api, lab } = await startServer({ lab: new FakeLab() });
    lab.onRun = () => Promise.reject(new LogError('NO_QUORUM', 'no majority', 'Start more of its nodes.'));
    const [path, body] = row.done;
    const { status: code, json } = await api(path, { method, ...(body === undefined ? {} : { body }) });
    expect([code, json]).toMatchObject([503, { code: 'NO_LEADER' }]);
  });
});
