/** Room and constraints: what a pool may promise, what grows where it is, and where a volume may be. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leftOf, promisedTo } from '#actors/placement/capacity.ts';
import { choose, type Need } from '#actors/placement/choose.ts';
import { TestLab } from '../test-lab.ts';

const gib = 2 ** 30;
const fast = { name: 'fast', driver: 'btrfs' as const, sizeBytes: 50 * gib };
const tank = { name: 'tank', driver: 'zfs' as const, sizeBytes: 100 * gib };

/** Atlas in the attic with two pools, vega with one. */
function withNodes(): TestLab {
  const lab = new TestLab();
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  lab.join('atlas', 0, [fast, tank]);
  lab.join('vega', 0, [{ ...fast, sizeBytes: 200 * gib }]);
  lab.must('label-node', { name: 'atlas', labels: { zone: 'attic' } });
  return lab;
}

const placed = (lab: TestLab, need: Need) => {
  const { node, pools } = choose(lab.lab, { needs: [need], only: [] });
  return node && `${node}/${pools[0]}`;
};

describe('a constraint', () => {
  test.each([
    [{}, 'node:vega/fast'],
    [{ labels: { zone: 'attic' } }, 'node:atlas/tank'],
    [{ labels: { zone: 'attic' }, pool: 'fast' }, 'node:atlas/fast'],
    [{ driver: 'zfs' as const }, 'node:atlas/tank'],
    [{ driver: 'dir' as const }, undefined],
    [{ pool: 'tank', driver: 'btrfs' as const }, undefined],
  ])('%j leads to %s', (constraints, where) => {
    expect(placed(withNodes(), { bytes: gib, constraints })).toBe(where);
  });

  test('that does not hold says which one, of every node', () => {
    const { candidates } = choose(withNodes().lab, {
      needs: [{ bytes: gib, constraints: { labels: { zone: 'cellar' } } }],
      only: [],
    });
    expect(candidates.map(({ refused }) => refused)).toEqual([
      'lacks the label zone=cellar',
      'lacks the label zone=cellar',
    ]);
  });

  test('is never broken, and no pool is ever promised more than it has', () => {
    const constraints = fc.record(
      {
        pool: fc.constantFrom('fast', 'tank'),
        driver: fc.constantFrom('btrfs' as const, 'zfs' as const),
        labels: fc.constantFrom({ zone: 'attic' }, {}),
      },
      { requiredKeys: [] },
    );
    const need = fc.record({ bytes: fc.integer({ min: 1, max: 60 }).map((n) => n * gib), constraints });
    fc.assert(
      fc.property(fc.array(need, { minLength: 1, maxLength: 4 }), (needs) => {
        const lab = withNodes();
        const { node, pools } = choose(lab.lab, { needs, only: [] });
        if (!node) return;
        const there = lab.lab.get(node)?.context;
        const taken = new Map<string, number>();
        needs.forEach((one, n) => {
          const pool = there?.facts.pools.find(({ name }) => name === pools[n]);
          expect(pool).toBeDefined();
          expect(one.constraints.pool ?? pool?.name).toBe(pool?.name);
          expect(one.constraints.driver ?? pool?.driver).toBe(pool?.driver);
          for (const [key, value] of Object.entries(one.constraints.labels ?? {}))
            expect(there?.metadata.labels[key]).toBe(value);
          taken.set(pool?.name ?? '', (taken.get(pool?.name ?? '') ?? 0) + one.bytes);
        });
        for (const pool of there?.facts.pools ?? [])
          expect(taken.get(pool.name) ?? 0).toBeLessThanOrEqual(pool.sizeBytes * 0.8);
      }),
    );
  });

  const spec = { sizeBytes: gib };

  test.each([
    [{ labels: { zone: 'cellar' } }, 'atlas lacks the label zone=cellar; vega lacks the label zone=cellar'],
    [{ pool: 'tank', driver: 'btrfs' as const }, 'atlas has pool tank, which is on zfs, and not on btrfs'],
    [{ driver: 'dir' as const }, 'atlas has no pool on dir'],
    [{ pool: 'none' }, 'vega has no pool none'],
  ])('%j that no node can ever keep is refused with the reasons', (constraints, words) => {
    const { rejected } = withNodes().run('create-volume', { name: 'data', spec: { ...spec, constraints } });
    expect(rejected?.code).toBe('NO_NODE_FITS');
    expect(rejected?.explain).toContain(words);
  });

  test('of a volume that has its place is changed where that place may stay; else it says to move it first', () => {
    const lab = withNodes();
    lab.must('create-volume', { name: 'data', spec });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'fast' }, 'policy:placement');
    lab.provision();
    lab.must('change-volume', { name: 'data', constraints: { pool: 'fast', labels: { zone: 'attic' } } });
    const { rejected } = lab.run('change-volume', { name: 'data', constraints: { driver: 'zfs' } });
    expect(rejected).toMatchObject({ code: 'MOVE_FIRST', hint: expect.stringContaining('floatlab volume move data') });
    // Whoever says where it goes has said where it may be.
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    expect(lab.lab.get(lab.volume('data'))?.context.move?.spec.constraints).toEqual({
      pool: 'tank',
      labels: { zone: 'attic' },
    });
  });

  test('keeps a volume from a pool that it may not be in, whoever proposes that', () => {
    const lab = withNodes();
    lab.must('create-volume', { name: 'data', spec: { ...spec, constraints: { pool: 'tank' } } });
    const place = { volume: lab.volume('data'), node: 'node:atlas' as const, pool: 'fast' };
    expect(lab.run('place-volume', place, 'policy:placement').rejected?.code).toBe('NOT_NOW');
    expect(lab.run('place-volume', { ...place, pool: 'tank' }, 'policy:placement').rejected).toBeUndefined();
  });

  test('of two volumes of one app that contradict each other is refused', () => {
    const compose = `name: photos
services:
  web: { image: nginx, volumes: ["a:/a", "b:/b"] }
volumes:
  a: { x-floatlab: { nodes: { zone: attic } } }
  b: { x-floatlab: { nodes: { zone: cellar } } }
`;
    const { rejected } = withNodes().run('deploy-app', { compose });
    expect(rejected).toMatchObject({ code: 'NO_NODE_FITS', explain: expect.stringContaining('zone=attic') });
  });

  test('of the volumes of an app may lead them into several pools of one node', () => {
    const compose = `name: photos
services:
  web: { image: nginx, volumes: ["a:/a", "b:/b"] }
volumes:
  a: { x-floatlab: { pool: fast, nodes: { zone: attic } } }
  b: { x-floatlab: { driver: zfs, grow-to: 30GiB } }
`;
    const lab = withNodes();
    lab.must('deploy-app', { compose });
    const specs = ['a', 'b'].map((key) => lab.lab.get(lab.volume(`photos-${key}`))?.context.spec);
    expect(specs).toMatchObject([
      { constraints: { pool: 'fast', labels: { zone: 'attic' } } },
      { constraints: { driver: 'zfs' }, growToBytes: 30 * gib },
    ]);
  });
});

describe('room', () => {
  const atlas = (lab: TestLab) => {
    const node = lab.lab.get('node:atlas');
    if (!node) throw new Error('there is no atlas');
    return node;
  };

  test('to grow is kept for a volume from the beginning, and growing into it takes none', () => {
    const lab = withNodes();
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: gib, growToBytes: 40 * gib } });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'fast' }, 'policy:placement');
    lab.provision();
    expect(leftOf(fast, atlas(lab), lab.lab)).toBe(0);
    lab.must('change-volume', { name: 'data', sizeBytes: 40 * gib });
    lab.provision();
    expect(lab.run('change-volume', { name: 'data', sizeBytes: 41 * gib }).rejected?.code).toBe('NO_NODE_FITS');
  });

  test('that is less than its size is refused, and none is kept for one that grew past it', () => {
    const lab = withNodes();
    const small = { name: 'data', spec: { sizeBytes: 2 * gib, growToBytes: gib } };
    expect(lab.run('create-volume', small).rejected?.code).toBe('INVALID');
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: gib, growToBytes: 2 * gib } });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'fast' }, 'policy:placement');
    lab.provision();
    lab.must('change-volume', { name: 'data', sizeBytes: 3 * gib });
    lab.provision();
    expect(lab.run('change-volume', { name: 'data', growToBytes: 2 * gib + 1 }).rejected?.code).toBe('INVALID');
    lab.must('change-volume', { name: 'data', growToBytes: 0 });
  });

  test('that is kept is the larger of size and growth', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (sizeBytes, growToBytes) => {
        expect(promisedTo({ sizeBytes, growToBytes })).toBe(Math.max(sizeBytes, growToBytes));
      }),
    );
  });

  test('of a pool is what somebody leaves of it: so much of it, without what is left to others', () => {
    const lab = withNodes();
    lab.must('limit-pool', { name: 'atlas', pool: 'tank', fillPercent: 50 });
    lab.must('limit-pool', { name: 'atlas', pool: 'tank', reserveBytes: 10 * gib });
    expect(leftOf(tank, atlas(lab), lab.lab)).toBe(40 * gib);
    expect(lab.run('limit-pool', { name: 'atlas', pool: 'tank', fillPercent: 50 }).events).toEqual([]);
    expect(lab.run('limit-pool', { name: 'atlas', pool: 'none', fillPercent: 50 }).rejected?.code).toBe('NOT_FOUND');
    expect(placed(lab, { bytes: 41 * gib, constraints: { driver: 'zfs' } })).toBeUndefined();
    expect(placed(lab, { bytes: 40 * gib, constraints: { driver: 'zfs' } })).toBe('node:atlas/tank');
  });

  test('that is refused says how far the pool may be promised', () => {
    const lab = withNodes();
    lab.must('limit-pool', { name: 'vega', pool: 'fast', fillPercent: 60, reserveBytes: 20 * gib });
    const { rejected } = lab.run('create-volume', { name: 'data', spec: { sizeBytes: 150 * gib } });
    expect(rejected?.explain).toContain('(60 % of its 200 GiB, without 20 GiB that are left to others)');
  });

  test('volumes of an app that fit into no single pool may share the pools of a node', () => {
    const lab = new TestLab();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.join('atlas', 0, [fast, { ...fast, name: 'more' }]);
    const { pools } = choose(lab.lab, { needs: [{ bytes: 30 * gib }, { bytes: 35 * gib }], only: [] });
    expect(pools.toSorted()).toEqual(['fast', 'more']);
  });
});

describe('how a volume is to be made', () => {
  const can = {
    ...{ quota: true, changes: true, copyOnWrite: true, together: false, scrubbedDestroy: false },
    ...{ recordSize: false, compression: ['off' as const, 'zstd' as const] },
  };
  const both = { ...can, recordSize: true, compression: ['off' as const, 'lz4' as const] };
  const withAbilities = (): TestLab => {
    const lab = new TestLab();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.join('atlas', 0, [
      { ...fast, can },
      { ...tank, sizeBytes: 20 * gib, can: both },
    ]);
    return lab;
  };
  const create = (lab: TestLab, spec: object) =>
    lab.run('create-volume', { name: 'db', spec: { sizeBytes: gib, ...spec } }).rejected;

  test.each([
    [{ compression: 'zstd' as const }, 'node:atlas/fast'],
    [{ compression: 'lz4' as const }, 'node:atlas/tank'],
    [{ recordSizeBytes: 16_384 }, 'node:atlas/tank'],
    [{ recordSizeBytes: 16_384, compression: 'zstd' as const }, undefined],
  ])('decides where it may be: %j in %s', (make, where) => {
    expect(placed(withAbilities(), { bytes: gib, ...make })).toBe(where);
  });

  test('is refused at once where no pool can, with what they can', () => {
    expect(create(withAbilities(), { compression: 'gzip' })).toMatchObject({
      code: 'UNSUPPORTED',
      explain:
        'No pool can make volume db as it is wanted: atlas has pool fast, which has no compression gzip, but off, zstd, ' +
        'and pool tank, which has no compression gzip, but off, lz4.',
    });
    const inFast = { recordSizeBytes: 16_384, constraints: { pool: 'fast' } };
    expect(create(withAbilities(), inFast)?.explain).toContain('has pool fast, which knows no record sizes');
    expect(create(withAbilities(), { recordSizeBytes: 16_384, compression: 'lz4' })).toBeUndefined();
  });

  test('is waited for where the only pool that can is full, and that is said', () => {
    const lab = withAbilities();
    const { candidates } = choose(lab.lab, { needs: [{ bytes: 40 * gib, recordSizeBytes: 16_384 }], only: [] });
    expect(candidates[0]?.refused).toBe('has 16 GiB left, and 40 GiB are wanted');
  });

  test('of a node that does not say what its pools can, is found out there', () => {
    expect(create(withNodes(), { recordSizeBytes: 16_384 })).toBeUndefined();
  });
});
