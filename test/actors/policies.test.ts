import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observations } from '#actors/observations.ts';
import { choose } from '#actors/placement/choose.ts';
import { Deadlines } from '#actors/policies/deadlines.ts';
import { livenessPolicy, silenceMs } from '#actors/policies/liveness.ts';
import { policies } from '#actors/policies/registry.ts';
import type { Policy } from '#actors/policies/policy.ts';
import { PolicyRunner } from '#actors/policies/runner.ts';
import type { StreamId } from '#events/envelope.ts';
import { TestLab } from './test-lab.ts';

const photos = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 10GiB, keep: "last:2", snapshot: { schedule: "0 * * * *" } }
`;

const nothingSeen: Observations = { get: () => undefined };
const heardAt = (at: number): Observations => ({ get: () => ({ value: {}, at }) as never });

/** Runs what the policies propose, and what that wakes, until nothing more is proposed. */
function settle(lab: TestLab, seen: Observations = nothingSeen): readonly string[] {
  const runner = new PolicyRunner(policies, lab.lab, seen);
  runner.begin();
  const done: string[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const requests = [...runner.requests(lab.now)];
    if (requests.length === 0) return done;
    for (const { name, input, by } of requests) {
      const { events, rejected } = lab.run(name as 'finish-app', input as never, by);
      if (!rejected) done.push(name);
      for (const event of events) runner.observe({ event, before: undefined, after: lab.lab.get(event.stream) });
    }
  }
  throw new Error('the policies never come to rest');
}

describe('placement', () => {
  test('places the volumes of an app, then the app where they are', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: photos });
    expect(settle(lab)).toContain('place-volume');
    lab.provision();
    expect(settle(lab)).toContain('assign-instance');
    expect(lab.lab.get(lab.instance('photos'))?.context.node).toBe('node:atlas');
  });

  test('takes the node with the most free room, and says what it looked at', () => {
    const lab = TestLab.ready();
    lab.join('vega', 500 * 2 ** 30);
    lab.must('deploy-app', { compose: photos });
    settle(lab);
    expect(lab.lab.get(lab.volume('photos-data'))?.context.node).toBe('node:vega');
    const placed = lab.entries.find(({ drafts }) => drafts[0]?.type === 'volume.placed');
    expect(placed?.by).toBe('policy:placement');
  });

  test.each([
    ['is cordoned', (lab: TestLab) => lab.must('cordon-node', { name: 'atlas' })],
    [
      'does not answer',
      (lab: TestLab) => lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: 1 }, 'policy:liveness'),
    ],
  ])('a node that %s gets nothing new, and the app says why it waits', (reason, prepare) => {
    const lab = TestLab.ready();
    prepare(lab);
    lab.must('deploy-app', { compose: photos });
    settle(lab);
    expect(lab.lab.get(lab.app('photos'))?.context.delay?.message).toContain(`atlas: ${reason}`);
    // Said once: nothing new, no new event.
    expect(settle(lab)).toEqual([]);
  });

  test('proposals of one turn do not promise the same room twice', () => {
    const lab = TestLab.ready();
    for (const name of ['a', 'b']) lab.must('create-volume', { name, spec: { sizeBytes: 50 * 2 ** 30 } });
    settle(lab);
    expect(
      lab.lab
        .list('volume')
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(['creating', 'unplaced']);
  });

  test('a pool is promised to 80 %, and not a byte further', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 120 }), (first, second) => {
        const lab = TestLab.ready();
        for (const [name, size] of [
          ['a', first],
          ['b', second],
        ] as const) {
          const { node } = choose(lab.lab, { sizeBytes: size * 2 ** 30, needsPool: true, only: [] });
          if (!node) continue;
          lab.must('create-volume', { name, spec: { sizeBytes: size * 2 ** 30 } });
          lab.must('place-volume', { volume: lab.volume(name), node, pool: 'main' }, 'policy:placement');
        }
        const promised = lab.lab.list('volume').reduce((sum, { context }) => sum + context.spec.sizeBytes, 0);
        expect(promised).toBeLessThanOrEqual(80 * 2 ** 30);
      }),
    );
  });
});

describe('rollout', () => {
  test('a new revision stops the old instance first, and only then starts', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const old = lab.instance('photos');
    lab.must('deploy-app', { compose: photos.replace('nginx', 'caddy') });
    expect(settle(lab)).toEqual(expect.arrayContaining(['stop-instance']));
    expect(lab.lab.referrers(lab.app('photos'), 'instance')).toHaveLength(1);
    lab.must('report-instance-stopped', { instance: old, visit: lab.visit(old) }, 'node:atlas');
    expect(settle(lab)).toContain('assign-instance');
    expect(lab.lab.get(lab.instance('photos'))?.context.revision).toBe(2);
  });

  test('a volume that an instance of an older revision holds is not rolled back under it', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'good');
    lab.must('rollback-volume', { name: 'photos-data', snapshot: 'good' });
    lab.must('deploy-app', { compose: 'name: photos\nservices:\n  web: { image: nginx }\n' });
    settle(lab);
    expect(lab.lab.get(lab.volume('photos-data'))?.state).toBe('draining');
    const instance = lab.instance('photos');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    settle(lab);
    expect(lab.lab.get(lab.volume('photos-data'))?.state).toBe('rolling-back');
  });
});

describe('operations', () => {
  test('end when their target has come to rest, well or not', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    expect(settle(lab)).toContain('finish-operation');
    expect(lab.lab.list('operation')).toEqual([]);
    const instance = lab.instance('photos');
    lab.must('restart-app', { name: 'photos' });
    expect(settle(lab)).not.toContain('finish-operation');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    settle(lab);
    const next = lab.instance('photos');
    const problem = { code: 'PORT_IN_USE', message: 'Port 80 is in use.' };
    lab.must('report-instance-failed', { instance: next, visit: lab.visit(next), problem }, 'node:atlas');
    settle(lab);
    expect(lab.events.at(-1)).toMatchObject({ type: 'operation.failed', data: { problem } });
  });
});

describe('retention', () => {
  test('drops what no rule keeps, each with its reason, and never what a person took', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'mine');
    for (let hour = 0; hour < 4; hour++) {
      const schedule = lab.lab.byName('schedule', 'default', 'photos-data-snapshot');
      if (!schedule) throw new Error('no schedule');
      lab.now = schedule.context.dueAt;
      lab.must('fire-schedule', { schedule: schedule.stream, dueAt: lab.now }, 'policy:schedules');
      for (const snapshot of lab.lab.list('snapshot').filter(({ state }) => state === 'taking')) {
        lab.must(
          'report-snapshot-taken',
          { snapshot: snapshot.stream, visit: snapshot.visit, guid: snapshot.stream, takenAt: lab.now },
          'node:atlas',
        );
      }
    }
    settle(lab);
    const kept = lab.lab.list('snapshot').filter(({ state }) => state === 'available');
    expect(kept.filter(({ context }) => context.reason === 'schedule')).toHaveLength(2);
    expect(kept.some(({ context }) => context.metadata.name === 'mine')).toBe(true);
  });
});

describe('liveness', () => {
  test('a node that was never heard of is unknown, not silent', () => {
    const lab = TestLab.ready();
    lab.now += 10 * silenceMs;
    expect(livenessPolicy.propose('node:atlas', lab.lab, nothingSeen, lab.now)).toEqual([]);
  });

  test('a node that fell silent is down after its time, not before, and the proposal says since when', () => {
    const lab = TestLab.ready();
    const at = lab.now;
    expect(livenessPolicy.propose('node:atlas', lab.lab, heardAt(at), at + silenceMs - 1)).toEqual([]);
    expect(livenessPolicy.propose('node:atlas', lab.lab, heardAt(at), at + silenceMs)).toMatchObject([
      { name: 'report-node-down', input: { lastSeenAt: at } },
    ]);
  });
});

describe('the runner', () => {
  test('a refused proposal whose time has come is made again, but not at once', () => {
    const lab = TestLab.ready();
    const stubborn: Policy = {
      name: 'stubborn',
      subjects: ['node'],
      wakes: () => [],
      dueAt: () => 1000,
      propose: (subject) => [{ name: 'finish-app', input: { app: subject as StreamId<'app'> }, because: {} }],
    };
    const runner = new PolicyRunner([stubborn], lab.lab, nothingSeen);
    runner.begin();
    expect([...runner.requests(5000)]).toHaveLength(1);
    expect([...runner.requests(5000)]).toHaveLength(0);
    expect(runner.nextDueAt).toBe(6000);
    expect([...runner.requests(6000)]).toHaveLength(1);
  });

  test('the same cause makes the same command, another cause another one', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: photos });
    const ids = (): readonly string[] => {
      const runner = new PolicyRunner(policies, lab.lab, nothingSeen);
      runner.begin();
      return [...runner.requests(lab.now)].map(({ id }) => id);
    };
    expect(ids()).toEqual(ids());
    const before = ids();
    lab.must('cordon-node', { name: 'atlas' });
    expect(ids()).not.toEqual(before);
  });

  test('deadlines come in order, the latest word of each counts', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: 0, max: 8 }), fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined })),
        ),
        (sets) => {
          const deadlines = new Deadlines();
          const model = new Map<string, number>();
          for (const [key, at] of sets) {
            deadlines.set(`k${key}`, at);
            if (at === undefined) model.delete(`k${key}`);
            else model.set(`k${key}`, at);
          }
          const order: number[] = [];
          for (let first = deadlines.first; first; first = deadlines.first) {
            order.push(first.at);
            expect(model.get(first.key)).toBe(first.at);
            deadlines.set(first.key, undefined);
          }
          expect(order).toEqual([...model.values()].toSorted((a, b) => a - b));
        },
      ),
    );
  });
});
