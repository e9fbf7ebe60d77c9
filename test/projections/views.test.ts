import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { kinds, type Kind } from '#events/envelope.ts';
import { Folded, tableViews } from '#io/lab/folded.ts';
import type { ConfigRow } from '#projections/config.ts';
import { projections } from '#projections/registry.ts';
import { Table, type Changes } from '#projections/rows.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { history } from '#test/golden/history.ts';

const photos = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"], ports: ["8080:80"] }
volumes: { data: {} }
x-floatlab: { name: My Photos, url: "https://photos.lab" }
`;

function foldedOf(lab: TestLab): Folded {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  return folded;
}

describe('views', () => {
  test('an app shows its title, its services, where it runs and since when', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const [[, row] = []] = foldedOf(lab).rows('apps');
    expect(row).toMatchObject({
      name: 'photos',
      title: 'My Photos',
      url: 'https://photos.lab',
      state: 'running',
      node: { name: 'atlas' },
      services: { web: { state: 'running', container: 'c1', ports: [{ published: 8080 }] } },
      volumes: [{ key: 'data', name: 'photos-data' }],
    });
  });

  test('a volume counts its snapshots and knows the newest', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'one');
    lab.now += 1000;
    lab.snapshotTaken('photos-data', 'two');
    expect(foldedOf(lab).rows('volumes')[0]?.[1]).toMatchObject({ snapshots: 2, lastSnapshotAt: lab.now });
    const snapshot = lab.snapshot('photos-data', 'one');
    lab.must('remove-snapshot', { name: 'photos-data', snapshot: 'one' });
    lab.must('report-snapshot-removed', { snapshot, visit: lab.visit(snapshot) }, 'node:atlas');
    const folded = foldedOf(lab);
    expect(folded.rows('volumes')[0]?.[1]).toMatchObject({ snapshots: 1, lastSnapshotAt: lab.now });
    expect(folded.rows('snapshots').map(([, { name }]) => name)).toEqual(['two']);
  });

  test('the newest snapshot of a volume is one that is there: that which goes again is behind no more', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'one');
    const first = lab.now;
    lab.now += 1000;
    lab.snapshotTaken('photos-data', 'two');
    const newest = () => foldedOf(lab).rows('volumes')[0]?.[1].lastSnapshotAt;
    const remove = (name: string): void => {
      const snapshot = lab.snapshot('photos-data', name);
      lab.must('remove-snapshot', { name: 'photos-data', snapshot: name });
      lab.must('report-snapshot-removed', { snapshot, visit: lab.visit(snapshot) }, 'node:atlas');
    };
    remove('two');
    expect(newest()).toBe(first);
    remove('one');
    expect(newest()).toBeNull();
  });

  test('a pool shows what may be promised of it, by its limits, and what is, with the room that volumes are kept', () => {
    const lab = TestLab.ready();
    const status = { state: 'online' as const, sizeBytes: 100 * 2 ** 30, layout: 'single' as const };
    lab.must(
      'report-pool',
      {
        ...{ pool: 'pool:atlas/main', driver: 'btrfs', origin: 'usual', where: '/pool', scrub: null },
        status: { ...status, devices: [], problems: [] },
      },
      'node:atlas',
    );
    const row = () => foldedOf(lab).rows('pools')[0]?.[1];
    expect(row()).toMatchObject({ promisableBytes: 80 * 2 ** 30, reservedBytes: 0 });
    lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, growToBytes: 2 ** 31 } });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    lab.must('limit-pool', { name: 'atlas', pool: 'main', fillPercent: 50, reserveBytes: 2 ** 30 });
    expect(row()).toMatchObject({ promisableBytes: 49 * 2 ** 30, reservedBytes: 2 ** 31 });
  });

  test('a node shows what is promised on it, and the overview counts by state', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const folded = foldedOf(lab);
    expect(folded.rows('nodes')[0]?.[1]).toMatchObject({ volumes: 1, instances: 1, reservedBytes: 2 ** 30 });
    expect(folded.rows('overview')[0]?.[1].counts).toMatchObject({
      app: { running: 1 },
      volume: { ready: 1 },
      node: { up: 1 },
    });
  });

  test('what goes leaves no row behind', () => {
    const folded = new Folded();
    for (const event of history()) folded.fold(event);
    for (const view of ['apps', 'volumes', 'nodes', 'snapshots', 'replicas', 'schedules'] as const)
      expect(folded.rows(view)).toEqual([]);
    expect(folded.rows('overview')[0]?.[1].counts).toEqual({
      app: {},
      volume: {},
      node: {},
      schedule: {},
      replica: {},
    });
  });
});

describe('alerts', () => {
  test('are there as long as their reason, and say what to do', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const instance = lab.instance('photos');
    const problem = { code: 'PORT_IN_USE', message: 'Port 8080 is in use.', hint: 'Choose another.' };
    lab.must('report-instance-failed', { instance, visit: lab.visit(instance), problem }, 'node:atlas');
    expect(foldedOf(lab).rows('alerts')[0]?.[1]).toMatchObject({
      rule: 'app-failed',
      severity: 'critical',
      message: 'App photos failed: Port 8080 is in use.',
      hint: 'Choose another.',
    });
    lab.must('start-app', { name: 'photos' });
    expect(foldedOf(lab).rows('alerts')).toEqual([]);
  });

  test('a node that does not answer is one', () => {
    const lab = TestLab.ready();
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    expect(
      foldedOf(lab)
        .rows('alerts')
        .map(([, { rule, name }]) => [rule, name]),
    ).toEqual([['node-down', 'atlas']]);
  });
});

describe('the configuration database', () => {
  test('has every object with apiVersion, kind, metadata, specification and status', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const rows = foldedOf(lab)
      .rows('config')
      .map(([, row]) => row);
    expect(new Set(rows.map(({ kind }) => kind))).toEqual(
      new Set(['app', 'cluster', 'instance', 'namespace', 'node', 'volume']),
    );
    for (const row of rows) {
      expect(row.apiVersion).toBe('floatlab/v1');
      expect(row.metadata.uuid).toMatch(/^[0-9a-f]{8}-/);
      expect(row.status['state']).toBeTypeOf('string');
    }
  });

  test('keeps apart what was asked for and how it is', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'one');
    const rows = foldedOf(lab)
      .rows('config')
      .map(([, row]) => row);
    const keysOf = (kind: Kind) => {
      const { spec, status } = rows.find((row) => row.kind === kind) as ConfigRow;
      return [Object.keys(spec).toSorted(), Object.keys(status).toSorted()];
    };
    expect(keysOf('cluster')).toEqual([
      ['bouncer', 'timeZone'],
      ['fold', 'generation', 'members', 'since', 'state'],
    ]);
    expect(keysOf('snapshot')).toEqual([
      ['change', 'note', 'reason', 'set', 'volume'],
      [
        'guid',
        'held',
        'hooks',
        'lineage',
        'problem',
        'requestedAt',
        'sequence',
        'since',
        'state',
        'takenAt',
        'together',
      ],
    ]);
    expect(rows.find(({ kind }) => kind === 'volume')).toMatchObject({
      spec: { sizeBytes: 2 ** 30 },
      status: { state: 'ready', node: 'node:atlas', pool: expect.any(String) },
    });
    for (const row of rows) expect(row.status).not.toHaveProperty('metadata');
  });

  test('is told by the actors alone, at every moment', () => {
    const folded = new Folded();
    for (const event of history()) {
      folded.fold(event);
      const actors = kinds.flatMap((kind) => folded.lab.list(kind) as readonly ActorState[]);
      const again = new Folded();
      again.restore({ index: folded.lab.index, at: folded.lab.at }, actors, []);
      expect(again.rows('config')).toEqual(folded.rows('config'));
    }
  });
});

describe('activity', () => {
  test('says every event in one sentence, without a word missing', () => {
    const folded = new Folded();
    for (const event of history()) {
      folded.fold(event);
      const [[, row] = []] = (folded.takeChanges().get('activity') as Changes<ActivityRow> | undefined)?.put ?? [];
      expect(row?.words).toMatch(/^[A-Za-z].*[.!]$/s);
      expect(row?.words).not.toMatch(/undefined|\[object|null/);
      expect(row?.who).not.toBe('');
    }
  });
});

describe('rows', () => {
  test('tell what changed since they were asked last, and no more', () => {
    const rows = new Table<{ n: number }>();
    rows.put('a', { n: 1 });
    rows.put('b', { n: 1 });
    rows.put('b', { n: 2 });
    rows.delete('a');
    rows.delete('never');
    expect(rows.take()).toEqual({ put: [['b', { n: 2 }]], deleted: ['a'] });
    expect(rows.take()).toBeUndefined();
    rows.delete('b');
    rows.put('b', { n: 3 });
    expect(rows.take()).toEqual({ put: [['b', { n: 3 }]], deleted: [] });
  });

  test('a bounded table drops the oldest that may go, whatever the order of arrival', () => {
    type Ended = { at: number; ended: boolean };
    const bound = { limit: 2, order: (row: Ended) => row.at, mayGo: (row: Ended) => row.ended };
    for (const keys of [
      ['a', 'b', 'c'],
      ['c', 'b', 'a'],
      ['b', 'a', 'c'],
    ]) {
      const rows = new Table<Ended>(bound);
      const made: Record<string, Ended> = {
        a: { at: 1, ended: false },
        b: { at: 2, ended: true },
        c: { at: 3, ended: true },
      };
      for (const key of keys) rows.put(key, made[key] as Ended);
      expect(rows.entries().map(([key]) => key)).toEqual(['a', 'c']);
    }
  });

  test('every row says who may read it', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'one');
    const folded = foldedOf(lab);
    for (const view of tableViews) {
      for (const [, row] of folded.rows(view))
        expect(projections[view].scope(row as never)).toMatchObject({ verb: 'read' });
    }
  });
});
