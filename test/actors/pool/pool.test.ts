/** What people ask of pools and what nodes tell of theirs, as decisions. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { driversOf, fewestDevices } from '#actors/pool/layouts.ts';
import { isNews, isScrubNews } from '#actors/pool/news.ts';
import { workOf } from '#actors/registry.ts';
import type { PoolStatus } from '#events/pool.ts';
import { poolLayout } from '#events/values/pool.ts';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '../test-lab.ts';

const node = 'atlas';
const by = 'node:atlas';
const stream = 'pool:atlas/tank';
const well: PoolStatus = {
  state: 'online',
  layout: 'mirror',
  sizeBytes: 2 ** 40,
  devices: [
    { name: '/dev/sdb', role: 'data', state: 'online' },
    { name: '/dev/sdc', role: 'data', state: 'online' },
  ],
  problems: [],
};
const ill: PoolStatus = {
  ...well,
  state: 'degraded',
  devices: [
    { name: '/dev/sdb', role: 'data', state: 'online' },
    { name: '2', role: 'data', state: 'unavailable', was: '/dev/sdc' },
  ],
  problems: [{ code: 'device-failed', severity: 'faulty', device: '2', text: 'It is gone.', repair: 'Replace it.' }],
};

function withTank(): TestLab {
  const lab = TestLab.ready();
  lab.must('create-pool', { node, name: 'tank', layout: 'mirror', devices: ['/dev/sdb', '/dev/sdc'] });
  lab.must('report-pool-opened', { pool: stream, visit: lab.visit(stream), where: '/pool/tank', status: well }, by);
  return lab;
}
const tell = (lab: TestLab, status: PoolStatus) =>
  lab.types(
    'report-pool',
    { pool: stream, driver: 'btrfs', origin: 'made', where: '/pool/tank', status, scrub: null },
    by,
  );

describe('making a pool', () => {
  test('asks its node, and gives it a scrub every month once it is there', () => {
    const lab = TestLab.ready();
    const input = { node, name: 'tank', layout: 'mirror', devices: ['/dev/sdb', '/dev/sdc'] } as const;
    expect(lab.types('create-pool', { ...input, devices: [...input.devices] })).toEqual([
      'operation.started',
      'pool.requested',
    ]);
    expect(lab.lab.get(stream)?.state).toBe('creating');
    const opened = { pool: stream, visit: lab.visit(stream), where: '/pool/tank', status: well } as const;
    expect(lab.types('report-pool-opened', opened, by)).toEqual(['pool.opened', 'schedule.created']);
    expect(lab.lab.list('schedule')[0]?.context.metadata.name).toBe('scrub-atlas-tank');
  });

  test('that fails leaves no schedule, also where somebody had made one for it by then', () => {
    const lab = TestLab.ready();
    lab.must('create-pool', { node, name: 'tank', devices: ['/dev/sdb'] });
    lab.must('create-schedule', { name: 'scrub', pool: 'atlas/tank', cron: '0 3 1 * *' });
    const problem = { code: 'BUSY', message: '/dev/sdb is in use: mounted at /' };
    lab.must('report-pool-failed', { pool: stream, visit: lab.visit(stream), problem }, by);
    expect([lab.lab.get(stream)?.state, lab.lab.list('schedule')]).toEqual(['failed', []]);
  });

  test.each([
    ['too few devices', { layout: 'mirror', devices: ['/dev/sdb'] }, 'INVALID'],
    ['neither devices nor a size', {}, 'INVALID'],
    ['both of them', { devices: ['/dev/sdb'], sizeBytes: 2 ** 30 }, 'INVALID'],
    ['a file that is too small for btrfs', { sizeBytes: 2 ** 30 - 1 }, 'INVALID'],
    ['a file that is too small for zfs', { driver: 'zfs', sizeBytes: 2 ** 27 - 1 }, 'INVALID'],
    ['a mirror in a file', { layout: 'mirror', sizeBytes: 2 ** 30 }, 'INVALID'],
    ['a device that is named twice', { layout: 'mirror', devices: ['/dev/sdb', '/dev/sdb'] }, 'INVALID'],
    [
      'a layout that the file system lacks',
      { driver: 'btrfs', layout: 'raidz1', devices: ['/dev/sdb', '/dev/sdc'] },
      'UNSUPPORTED',
    ],
    ['the name of another pool', { name: 'main', devices: ['/dev/sdb'] }, 'NAME_TAKEN'],
  ])('with %s is refused', (_, input, code) => {
    const asked = { node, name: 'tank', ...input } as Parameters<typeof TestLab.prototype.must<'create-pool'>>[1];
    expect(TestLab.ready().run('create-pool', asked).rejected?.code).toBe(code);
  });

  test('does not take a disk that another pool has', () => {
    const lab = withTank();
    const { rejected } = lab.run('create-pool', { node, name: 'other', devices: ['/dev/sdb'] });
    expect(rejected).toMatchObject({ code: 'NAME_TAKEN' });
    expect(rejected?.explain).toContain('belongs to pool tank');
  });

  test('says in its plan whose data would be lost', () => {
    const lab = TestLab.ready();
    lab.must('create-pool', { node, name: 'tank', devices: ['/dev/sdb'], erase: true });
    expect(lab.changes).toEqual(['What is on /dev/sdb would be lost for ever.']);
  });

  test('that failed is tried again under the same name, or forgotten', () => {
    const lab = TestLab.ready();
    lab.must('create-pool', { node, name: 'tank', devices: ['/dev/sdb'] });
    const problem = { code: 'HELD', message: 'It holds data.' };
    lab.must('report-pool-failed', { pool: stream, visit: lab.visit(stream), problem }, by);
    expect(lab.lab.get(stream)?.state).toBe('failed');
    lab.must('create-pool', { node, name: 'tank', devices: ['/dev/sdb'], erase: true });
    expect(lab.lab.get(stream)).toMatchObject({ state: 'creating', context: { problem: null } });
  });

  test('of a node that is away is refused', () => {
    const lab = TestLab.ready();
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: null }, 'policy:liveness');
    expect(lab.run('create-pool', { node, name: 'tank', devices: ['/dev/sdb'] }).rejected?.code).toBe('NOT_NOW');
  });
});

describe('what a node tells of a pool', () => {
  test('becomes an event when it is new, and only then', () => {
    const lab = withTank();
    expect(tell(lab, well)).toEqual([]);
    expect(tell(lab, ill)).toEqual(['pool.health-changed']);
    expect(lab.lab.get(stream)?.state).toBe('degraded');
    expect(tell(lab, ill)).toEqual([]);
    expect(tell(lab, well)).toEqual(['pool.health-changed']);
  });

  test('of another node is not believed', () => {
    const lab = withTank();
    lab.join('vega');
    const input = { pool: stream, driver: 'btrfs', origin: 'made', where: '/', status: ill, scrub: null } as const;
    expect(lab.run('report-pool', { ...input }, 'node:vega').rejected?.code).toBe('FORBIDDEN');
  });

  test('while a disk is replaced changes how it is, and not what is being done', () => {
    const lab = withTank();
    tell(lab, ill);
    lab.must('replace-pool-device', { node, name: 'tank', device: '/dev/sdc', by: '/dev/sdd' });
    expect(lab.lab.get(stream)).toMatchObject({
      state: 'replacing',
      context: { change: { old: '2', by: '/dev/sdd' } },
    });
    tell(lab, { ...ill, problems: [] });
    expect(lab.lab.get(stream)?.state).toBe('replacing');
    lab.must('report-pool-changed', { pool: stream, visit: lab.visit(stream), status: well, scrub: null }, by);
    expect(lab.lab.get(stream)).toMatchObject({ state: 'online', context: { change: null } });
  });

  test('that it named at its start and has no more ends it, unless volumes are in it', () => {
    const lab = TestLab.ready();
    const found = {
      pool: stream,
      driver: 'btrfs',
      origin: 'given',
      where: '/mnt/tank',
      status: well,
      scrub: null,
    } as const;
    lab.must('report-pool', { ...found }, by);
    lab.must('create-volume', { name: 'db', spec: { sizeBytes: 2 ** 30 } });
    lab.must('report-pool-absent', { pool: stream }, by);
    expect(lab.lab.get(stream)).toBeUndefined();
  });

  test('is no news as long as only figures in its sentences move', () => {
    const figure = fc.nat(1000);
    fc.assert(
      fc.property(figure, figure, fc.integer({ min: -9, max: 9 }), (a, b, permille) => {
        const with_ = (count: number, sizeBytes: number): PoolStatus => ({
          ...ill,
          sizeBytes,
          problems: ill.problems.map((problem) => ({ ...problem, text: `It has had ${count} errors.` })),
        });
        const size = 2 ** 40;
        expect(isNews(with_(a, size), with_(b, size + Math.trunc((size * permille) / 1000)))).toBe(false);
      }),
    );
    expect(isNews(ill, { ...ill, problems: [] })).toBe(true);
    expect(isNews(null, well)).toBe(true);
  });

  test('of a scrub is news when it begins, ends, or ends once more', () => {
    const running = { state: 'running', startedAt: 1 } as const;
    const ended = { state: 'finished', endedAt: 2, errors: 0 } as const;
    expect(isScrubNews(null, null)).toBe(false);
    expect(isScrubNews(null, running)).toBe(true);
    expect(isScrubNews(running, { ...running })).toBe(false);
    expect(isScrubNews(running, ended)).toBe(true);
    expect(isScrubNews(ended, { ...ended })).toBe(false);
    expect(isScrubNews(ended, { ...ended, endedAt: 3 })).toBe(true);
  });
});

describe('clearing a pool', () => {
  const stopped: PoolStatus = {
    ...{ ...well, state: 'unavailable' },
    problems: [{ code: 'pool-stopped', severity: 'faulty', text: 'It has stopped.', repair: 'Look at its cables.' }],
  };
  const alerts = (lab: TestLab): readonly string[] => {
    const folded = new Folded();
    for (const event of lab.events) folded.fold(event);
    return folded.rows('alerts').flatMap(([, { hint, stream: of }]) => (of === stream && hint !== null ? [hint] : []));
  };

  test('that has stopped is what its alert says, and ends the alert', () => {
    const lab = withTank();
    tell(lab, stopped);
    expect(alerts(lab)).toEqual([expect.stringContaining('floatlab pool clear atlas/tank')]);
    expect(lab.types('clear-pool', { node, name: 'tank' })).toEqual(['operation.started', 'pool.clearing-requested']);
    const pool = lab.lab.get(stream);
    expect(pool && workOf(pool, lab.lab)).toMatchObject({ work: 'clear-pool', input: { pool: 'tank' } });
    lab.must('report-pool-changed', { pool: stream, visit: lab.visit(stream), status: well, scrub: null }, by);
    expect(lab.lab.get(stream)).toMatchObject({ state: 'online', context: { problem: null } });
    expect(alerts(lab)).toEqual([]);
  });

  test('that does not come about says why, and leaves it as it is', () => {
    const lab = withTank();
    tell(lab, stopped);
    lab.must('clear-pool', { node, name: 'tank' });
    const problem = { code: 'READ_ONLY', message: 'The kernel refuses.', hint: 'Restart the machine.' };
    lab.must('report-pool-failed', { pool: stream, visit: lab.visit(stream), problem }, by);
    expect(lab.lab.get(stream)).toMatchObject({ state: 'unavailable', context: { problem } });
  });
});

describe('forgetting a pool', () => {
  test('is refused while volumes of the lab are in it', () => {
    const lab = withTank();
    const facts = lab.lab.get('node:atlas')?.context.facts;
    if (!facts) throw new Error('no facts');
    const pools = [...facts.pools, { name: 'tank', driver: 'btrfs' as const, sizeBytes: 2 ** 40 }];
    lab.must('report-node', { node: 'node:atlas', addresses: [], facts: { ...facts, pools } }, by);
    lab.must('create-volume', { name: 'db', spec: { sizeBytes: 2 ** 30 } });
    lab.must('place-volume', { volume: lab.volume('db'), node: 'node:atlas', pool: 'tank' }, 'policy:placement');
    expect(lab.run('forget-pool', { node, name: 'tank' }).rejected).toMatchObject({ code: 'NOT_EMPTY' });
  });

  test('leaves nothing of it in the lab, its schedule neither', () => {
    const lab = withTank();
    lab.must('forget-pool', { node, name: 'tank' });
    lab.must('report-pool-released', { pool: stream, visit: lab.visit(stream) }, by);
    expect(lab.lab.get(stream)).toBeUndefined();
    expect(lab.lab.list('schedule')).toEqual([]);
  });

  test('what is in a pool that was opened just now is adopted once its node has told of it, and not refused for ever', () => {
    const lab = withTank();
    const adopt = { name: 'old', node, pool: 'tank', native: '/old', spec: { sizeBytes: 2 ** 30 } };
    expect(lab.run('adopt-volume', adopt).rejected).toMatchObject({ code: 'NOT_NOW' });
    expect(lab.run('adopt-volume', { ...adopt, pool: 'none' }).rejected).toMatchObject({ code: 'NOT_FOUND' });
  });

  test('nothing is placed in a pool once it is forgotten, before its node says what it has left', () => {
    const lab = withTank();
    const atlas = lab.lab.get('node:atlas');
    if (!atlas) throw new Error('there is no node');
    const { addresses, facts } = atlas.context;
    const tank = { name: 'tank', driver: 'btrfs' as const, sizeBytes: 2 ** 45 };
    lab.must(
      'report-node',
      { node: by, addresses: [...addresses], facts: { ...facts, pools: [...facts.pools, tank] } },
      by,
    );
    lab.must('forget-pool', { node, name: 'tank' });
    lab.must('report-pool-released', { pool: stream, visit: lab.visit(stream) }, by);
    expect(lab.lab.get('node:atlas')?.context.facts.pools.map(({ name }) => name)).toEqual(['main']);
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
    const placed = { volume: lab.volume('data'), node: by, pool: 'tank' } as const;
    expect(lab.run('place-volume', placed, 'policy:placement').rejected).toBeDefined();
  });
});

test('a volume whose pool cannot delete without a trace is not deleted with --scrub', () => {
  const lab = TestLab.ready();
  const facts = lab.lab.get('node:atlas')?.context.facts;
  if (!facts) throw new Error('no facts');
  const can = {
    ...{ quota: true, changes: true, recordSize: true, copyOnWrite: true, together: true },
    ...{ compression: [], scrubbedDestroy: false },
  };
  const pools = facts.pools.map((pool) => ({ ...pool, can }));
  lab.must('report-node', { node: 'node:atlas', addresses: [], facts: { ...facts, pools } }, by);
  lab.must('create-volume', { name: 'db', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('db'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  const { rejected } = lab.run('delete-volume', { name: 'db', scrub: true });
  expect(rejected).toMatchObject({ code: 'UNSUPPORTED' });
  expect(rejected?.hint).toContain('floatlab volume rm db --purge');
  expect(lab.run('delete-volume', { name: 'db', purge: true }).rejected).toBeUndefined();
});

test('every layout belongs to a file system, and asks for at least as many devices as it has copies', () => {
  for (const layout of poolLayout.options) {
    expect(driversOf(layout).length).toBeGreaterThan(0);
    expect(fewestDevices[layout]).toBeGreaterThanOrEqual(layout === 'single' ? 1 : 2);
  }
});
