/** A pool that is gone for good: whatever its volumes were doing, nobody waits for a node any more. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policies } from '#actors/policies/registry.ts';
import { settled, workOf } from '#actors/registry.ts';
import type { PoolStatus } from '#events/pool.ts';
import { kinds, type StreamId } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const node = 'node:atlas';
const tank = 'pool:atlas/tank';
const sizeBytes = 2 ** 30;
const well: PoolStatus = { state: 'online', layout: 'mirror', sizeBytes: 2 ** 40, devices: [], problems: [] };
const gone: PoolStatus = {
  ...well,
  state: 'unavailable',
  problems: [{ code: 'pool-unavailable', severity: 'faulty', text: 'Its disks are gone.', repair: 'Bring them back.' }],
};

function withTank(origin: 'made' | 'given' = 'made'): TestLab {
  const lab = new TestLab();
  lab.must('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  lab.join('atlas', 0, [
    { name: 'main', driver: 'btrfs', sizeBytes: 2 ** 40 },
    { name: 'tank', driver: 'btrfs', sizeBytes: 2 ** 40 },
  ]);
  tell(lab, well, origin);
  return lab;
}
const tell = (lab: TestLab, status: PoolStatus, origin: 'made' | 'given' = 'made') =>
  lab.must('report-pool', { pool: tank, driver: 'btrfs', origin, where: '/pool/tank', status, scrub: null }, node);

const report = (lab: TestLab, name: string) => ({ volume: lab.volume(name), visit: lab.visit(lab.volume(name)) });
const place = (lab: TestLab, name: string, pool = 'tank') =>
  lab.must('place-volume', { volume: lab.volume(name), node, pool }, 'policy:placement');

function creating(lab: TestLab, name: string, pool = 'tank'): void {
  lab.must('create-volume', { name, spec: { sizeBytes } });
  place(lab, name, pool);
}
function ready(lab: TestLab, name: string, pool = 'tank'): void {
  creating(lab, name, pool);
  lab.must('report-volume-provisioned', { ...report(lab, name), dataset: name, path: `/pool/${name}` }, node);
}
function snapshotted(lab: TestLab, name: string): void {
  ready(lab, name);
  lab.snapshotTaken(name, 'monday');
}
const failed = (lab: TestLab, name: string) =>
  lab.must('report-volume-failed', { ...report(lab, name), problem: { code: 'FAILED', message: 'no' } }, node);
function adopted(lab: TestLab, name: string): void {
  lab.must('adopt-volume', { name, node: 'atlas', pool: 'tank', native: `/x/${name}`, spec: { sizeBytes } });
}
function taken(lab: TestLab, name: string): void {
  adopted(lab, name);
  lab.must('report-volume-provisioned', { ...report(lab, name), dataset: name, path: `/x/${name}` }, node);
}

/** Everything that a volume in a pool may be doing, and what is left of it in the lab. */
const doings: Readonly<Record<string, (lab: TestLab, name: string) => void>> = {
  creating,
  ready,
  'with snapshots': snapshotted,
  'failed in creating': (lab, name) => (creating(lab, name), failed(lab, name)),
  'taking a snapshot': (lab, name) => {
    ready(lab, name);
    lab.must('take-snapshot', { name, as: 'now' });
  },
  'being cloned': (lab, name) => {
    ready(lab, name);
    lab.must('clone-volume', { name, as: `${name}-clone` });
  },
  cloning: (lab, name) => {
    snapshotted(lab, name);
    lab.must('clone-volume', { name, as: `${name}-clone`, snapshot: 'monday' });
  },
  changing: (lab, name) => {
    ready(lab, name);
    lab.must('change-volume', { name, sizeBytes: 2 * sizeBytes });
  },
  'failed in changing': (lab, name) => {
    ready(lab, name);
    lab.must('change-volume', { name, sizeBytes: 2 * sizeBytes });
    failed(lab, name);
  },
  missing: (lab, name) => {
    ready(lab, name);
    const problem = { code: 'MISSING', message: 'It is not there.' };
    lab.must('report-volume-look', { ...report(lab, name), problem, isGone: true }, node);
  },
  'rolling-back': (lab, name) => {
    snapshotted(lab, name);
    lab.must('rollback-volume', { name, snapshot: 'monday' });
  },
  copying: (lab, name) => {
    snapshotted(lab, name);
    lab.must('move-volume', { name, pool: 'main' });
  },
  moving: (lab, name) => {
    snapshotted(lab, name);
    lab.must('move-volume', { name, pool: 'main' });
    lab.must('report-volume-copied', report(lab, name), node);
  },
  'moving within': (lab, name) => {
    snapshotted(lab, name);
    lab.must('move-volume', { name, compression: 'zstd' });
  },
  arriving: (lab, name) => {
    ready(lab, name, 'main');
    lab.must('move-volume', { name, pool: 'tank' });
  },
  discarded: (lab, name) => {
    snapshotted(lab, name);
    lab.must('delete-volume', { name });
  },
  deleting: (lab, name) => {
    snapshotted(lab, name);
    lab.must('delete-volume', { name, purge: true });
  },
  'failed in deleting': (lab, name) => {
    snapshotted(lab, name);
    lab.must('delete-volume', { name, purge: true });
    failed(lab, name);
  },
  adopting: adopted,
  adopted: taken,
  releasing: (lab, name) => {
    taken(lab, name);
    lab.must('release-volume', { name });
  },
  restoring: (lab, name) => {
    snapshotted(lab, name);
    lab.must('restore-files', { name, snapshot: 'monday', paths: ['a'] });
  },
  exporting: (lab, name) => {
    snapshotted(lab, name);
    lab.must('export-volume', { name, snapshot: 'monday' });
  },
  'waiting to be exported': (lab, name) => {
    ready(lab, name);
    lab.must('export-volume', { name });
  },
  importing: (lab, name) => {
    ready(lab, name);
    lab.must('import-volume', { name });
  },
  'on a schedule': (lab, name) => {
    snapshotted(lab, name);
    lab.must('create-schedule', { name: `${name}-daily`, volume: name, cron: '0 3 * * *' });
  },
};
const doing = Object.keys(doings);

/** What the policies want at this moment, until they want nothing. */
function settle(lab: TestLab): void {
  for (let round = 0; round < 10; round++) {
    const wanted = policies
      .filter(({ name }) => name === 'operations' || name === 'transfers')
      .flatMap((policy) =>
        policy.subjects
          .flatMap((kind) => lab.lab.list(kind))
          .flatMap(({ stream }) => policy.propose(stream, lab.lab, {} as never, lab.now)),
      );
    if (wanted.length === 0) return;
    for (const { name, input } of wanted) lab.run(name, input as never, 'policy:test');
  }
}
const waitingFor = (lab: TestLab) =>
  kinds
    .flatMap((kind) => lab.lab.list(kind))
    .flatMap((actor) => workOf(actor, lab.lab) ?? [])
    .filter(({ input }) => JSON.stringify(input).includes('"pool":"tank"'));
const forget = (lab: TestLab) => lab.must('forget-pool', { node: 'atlas', name: 'tank', force: true });
const lose = (lab: TestLab): void => {
  tell(lab, gone);
  forget(lab);
};
const stateOf = (lab: TestLab, name: string) => lab.lab.byName('volume', 'default', name)?.state;

describe('a pool that is declared lost', () => {
  test.each(doing)('leaves nobody waiting for its node: a volume %s', (what) => {
    const lab = withTank();
    doings[what]?.(lab, 'v');
    lose(lab);
    expect(waitingFor(lab).map(({ work }) => work)).toEqual(['release-pool']);
    settle(lab);
    const running = lab.lab
      .list('operation')
      .filter(({ state, context }) => state === 'running' && context.command !== 'forget-pool');
    // What stays in the other pool goes on there.
    expect(
      running.filter(({ context }) => settled(lab.lab.get(context.target as StreamId) as never) !== undefined),
    ).toEqual([]);
    expect(lab.lab.list('transfer')).toEqual([]);
  });

  test('whatever its volumes are doing at once, and whatever was lost, every name is free and nothing is quarantined', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...doing), { minLength: 1, maxLength: 5 }), (whats) => {
        const lab = withTank();
        for (const [n, what] of whats.entries()) doings[what]?.(lab, `v${n}`);
        const before = lab.lab.list('volume').map(({ context }) => context.metadata.name);
        lose(lab);
        settle(lab);
        expect(kinds.flatMap((kind) => lab.lab.list(kind)).filter(({ quarantined }) => quarantined !== null)).toEqual(
          [],
        );
        expect(waitingFor(lab).map(({ work }) => work)).toEqual(['release-pool']);
        for (const name of before) {
          const isElsewhere = lab.lab.byName('volume', 'default', name)?.context.pool === 'main';
          if (isElsewhere) continue;
          lab.must('create-volume', { name, spec: { sizeBytes } });
          expect(stateOf(lab, name)).toBe('unplaced');
        }
        // The name of the pool is free, too.
        lab.must('report-pool-released', { pool: tank, visit: lab.visit(tank) }, node);
        expect(lab.lab.get(tank)).toBeUndefined();
      }),
      { numRuns: 25 },
    );
  });

  test('ends with the word of a person alone, and never of one that can be read', () => {
    const lab = withTank();
    ready(lab, 'v');
    const named = { node: 'atlas', name: 'tank' };
    expect(lab.run('forget-pool', { ...named, force: true }).rejected).toMatchObject({ code: 'NOT_NOW' });
    tell(lab, gone);
    const { rejected } = lab.run('forget-pool', named);
    expect(rejected).toMatchObject({ code: 'NOT_EMPTY' });
    expect(rejected?.explain).toContain('cannot be reached, and holds 1 volume.');
    expect(rejected?.hint).toContain('floatlab pool forget atlas/tank --force');
  });

  test('says beforehand what is lost', () => {
    const lab = withTank();
    snapshotted(lab, 'photos');
    lab.must('export-volume', { name: 'photos', snapshot: 'monday' });
    doings['copying']?.(lab, 'films');
    lose(lab);
    expect(lab.changes).toEqual([
      '2 volumes would be lost for ever, with 2 snapshots: films, photos.',
      'Volume films was on its way to pool main: what had been copied by then, would stay as volume films-copied.',
      'Files that are on their way would not arrive: the export of photos.',
    ]);
  });

  test('ends the schedules of its scrubs', () => {
    const lab = withTank();
    ready(lab, 'v');
    lab.must('create-schedule', { name: 'scrub', pool: 'atlas/tank', cron: '0 3 1 * *' });
    lose(lab);
    expect(lab.lab.list('schedule')).toEqual([]);
  });

  test('that its node names at its start stays until it is named no more, without its volumes', () => {
    const lab = withTank('given');
    ready(lab, 'v');
    tell(lab, gone, 'given');
    forget(lab);
    expect(lab.lab.get(tank)?.state).toBe('unavailable');
    expect(stateOf(lab, 'v')).toBe('failed');
  });

  test('fails the apps that stood on it, and halts what runs of them', () => {
    const lab = withTank();
    lab.must('deploy-app', { compose });
    place(lab, 'shop-db');
    lab.must('report-volume-provisioned', { ...report(lab, 'shop-db'), dataset: 'd', path: '/pool/d' }, node);
    lab.must('assign-instance', { app: lab.app('shop'), node }, 'policy:placement');
    const instance = lab.instance('shop');
    lab.must('report-instance-started', { instance, visit: lab.visit(instance), services: {}, warnings: [] }, node);
    lose(lab);
    expect(lab.lab.get(lab.app('shop'))).toMatchObject({
      state: 'failed',
      context: { problem: { code: 'VOLUME_LOST' } },
    });
    expect(lab.lab.get(instance)?.state).toBe('failed');

    // Alone it is not made anew below the app; with the app it is, and its schedule is there again.
    expect(lab.run('create-volume', { name: 'shop-db', spec: { sizeBytes } }).rejected?.code).toBe('VOLUME_IN_USE');
    expect(lab.run('delete-volume', { name: 'shop-db' }).rejected?.code).toBe('VOLUME_IN_USE');
    lab.must('deploy-app', { compose });
    expect(stateOf(lab, 'shop-db')).toBe('unplaced');
    expect(lab.lab.get(lab.app('shop'))?.context.volumes['db']).toBe(lab.volume('shop-db'));
    const schedules = lab.lab.list('schedule').map(({ context }) => [context.metadata.name, context.spec.volume]);
    expect(schedules).toEqual([['shop-db-snapshot', lab.volume('shop-db')]]);
  });

  test('leaves an app that is started again waiting, with what to do about it', () => {
    const lab = withTank();
    lab.must('deploy-app', { compose, start: false });
    place(lab, 'shop-db');
    lose(lab);
    lab.must('start-app', { name: 'shop' });
    const [proposal] =
      policies.find(({ name }) => name === 'placement')?.propose(lab.app('shop'), lab.lab, {} as never, lab.now) ?? [];
    expect(proposal).toMatchObject({ name: 'delay-app', input: { problem: { code: 'VOLUME_LOST' } } });
  });

  test('keeps what a move had brought into another pool by then', () => {
    const lab = withTank();
    doings['moving']?.(lab, 'films');
    const dataset = lab.lab.get(lab.volume('films'))?.context.move?.dataset;
    lose(lab);
    expect(workOf(lab.lab.get(lab.volume('films-copied')) as never, lab.lab)).toMatchObject({
      work: 'create-dataset',
      input: { pool: 'main', dataset },
    });
    expect(stateOf(lab, 'films')).toBe('failed');
  });

  test('lets a volume that was on its way into it stay where it is', () => {
    const lab = withTank();
    doings['arriving']?.(lab, 'films');
    lose(lab);
    expect(lab.lab.get(lab.volume('films'))).toMatchObject({ state: 'ready', context: { pool: 'main' } });
    expect(lab.lab.list('volume')).toHaveLength(1);
  });
});

describe('a volume that was lost', () => {
  const lost = (what = 'with snapshots'): TestLab => {
    const lab = withTank();
    doings[what]?.(lab, 'v');
    lose(lab);
    return lab;
  };

  test('is deleted at once, also without its node', () => {
    const lab = lost();
    expect(lab.types('delete-volume', { name: 'v' })).toEqual(['operation.started', 'volume.deleted']);
    expect(stateOf(lab, 'v')).toBeUndefined();
  });

  test('that had been adopted is deleted or given back alike: nothing of it is there', () => {
    expect(lost('adopted').types('delete-volume', { name: 'v', purge: true })).toEqual([
      'operation.started',
      'volume.deleted',
    ]);
    expect(lost('adopted').types('release-volume', { name: 'v' })).toEqual(['operation.started', 'volume.released']);
  });

  test('takes no room, is not tried again, and keeps its node from nothing', () => {
    const lab = lost();
    expect(lab.run('retry-volume', { name: 'v' }).rejected).toMatchObject({ code: 'NOT_NOW' });
    expect(lab.lab.referrers(node, 'volume')).toEqual([]);
  });

  test.each([
    ['a clone', (lab: TestLab) => lab.must('clone-volume', { name: 'other', as: 'v' })],
    ['another name', (lab: TestLab) => lab.must('rename-volume', { name: 'other', to: 'v' })],
    [
      'what was deleted before',
      (lab: TestLab) => {
        lab.must('delete-volume', { name: 'other' });
        lab.must('recover-volume', { name: 'other-deleted', as: 'v' });
      },
    ],
    [
      'what is there already',
      (lab: TestLab) =>
        lab.must('adopt-volume', { name: 'v', node: 'atlas', pool: 'main', native: '/x', spec: { sizeBytes } }),
    ],
  ])('gives its name to %s', (_, take) => {
    const lab = lost();
    const was = lab.volume('v');
    ready(lab, 'other', 'main');
    take(lab);
    expect(lab.volume('v')).not.toBe(was);
    expect(lab.lab.get(was)).toBeUndefined();
  });
});

const compose = `
name: shop
services:
  web: { image: nginx, volumes: ['db:/data'] }
volumes:
  db:
    x-floatlab: { size: 1GiB, snapshot: { schedule: '0 3 * * *' } }
`;
