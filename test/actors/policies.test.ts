import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observations } from '#actors/observations.ts';
import { choose } from '#actors/placement/choose.ts';
import { Deadlines } from '#actors/policies/deadlines.ts';
import { fullnessPolicy } from '#actors/policies/fullness.ts';
import { livenessPolicy, silenceMs } from '#actors/policies/liveness.ts';
import { lastsAfterMs, placementPolicy } from '#actors/policies/placement.ts';
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
    expect(lab.lab.get(lab.app('photos'))?.context.delay?.message).toBe(`No node fits: atlas ${reason}.`);
    // Said once: nothing new, no new event.
    expect(settle(lab)).toEqual([]);
  });

  test('what waits long says so once more, also when the reason has changed meanwhile', () => {
    const lab = TestLab.ready();
    lab.must('cordon-node', { name: 'atlas' });
    lab.must('deploy-app', { compose: photos });
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    settle(lab);
    const waits = (): object[] =>
      [lab.app('photos'), lab.volume('loose')].map((stream) => {
        const { delay, delayLasts } = lab.lab.get<'app' | 'volume'>(stream)?.context ?? {};
        return { delay: delay?.message, delayLasts };
      });
    const cordoned = { delay: 'No node fits: atlas is cordoned.', delayLasts: false };
    expect(waits()).toEqual([cordoned, cordoned]);
    lab.now += lastsAfterMs - 1;
    expect(settle(lab)).toEqual([]);
    lab.now += 1;
    expect(settle(lab)).toEqual(['delay-app', 'delay-volume']);
    expect(waits()).toEqual([
      { ...cordoned, delayLasts: true },
      { ...cordoned, delayLasts: true },
    ]);
    expect(settle(lab)).toEqual([]);
    lab.join('vega', 2 ** 20);
    settle(lab);
    expect(waits()[0]).toEqual({
      delay: 'No node fits: atlas is cordoned; vega has 819 KiB left, and 10 GiB are wanted.',
      delayLasts: true,
    });
    lab.must('uncordon-node', { name: 'atlas' });
    settle(lab);
    expect(lab.lab.get(lab.volume('loose'))?.context).toMatchObject({
      delay: null,
      delayedAt: null,
      delayLasts: false,
    });
  });

  test('the moment at which waiting begins to last is a deadline, and none once there is a place', () => {
    const lab = TestLab.ready();
    lab.must('cordon-node', { name: 'atlas' });
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    settle(lab);
    const dueAt = () => placementPolicy.dueAt?.(lab.volume('loose'), lab.lab, nothingSeen);
    expect(dueAt()).toBe(lab.now + lastsAfterMs);
    lab.must('uncordon-node', { name: 'atlas' });
    settle(lab);
    expect(dueAt()).toBeUndefined();
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
          const { node } = choose(lab.lab, { needs: [{ bytes: size * 2 ** 30 }], only: [] });
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

describe('fullness', () => {
  const gib = 2 ** 30;
  const seeing = (fills: Record<string, object>): Observations => ({
    get: (what, of) => {
      const value = fills[`${what} ${of}`];
      return value && ({ value, at: 0 } as never);
    },
  });
  const ready = (): { lab: TestLab; volume: StreamId<'volume'> } => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 10 * gib } });
    settle(lab);
    lab.provision();
    settle(lab);
    return { lab, volume: lab.volume('loose') };
  };

  test('a volume is full from 90 % of its size on, until it is below 85 %', () => {
    const { lab, volume } = ready();
    const measure = (share: number): readonly string[] => {
      const from = lab.events.length;
      settle(lab, seeing({ [`fill ${volume}`]: { usedBytes: Math.floor(share * 10 * gib), sizeBytes: 10 * gib } }));
      return lab.events.slice(from).map(({ type }) => type);
    };
    expect([0.89, 0.9, 0.99, 0.86, 0.84, 0.89].map(measure)).toEqual([
      [],
      ['volume.filled'],
      [],
      [],
      ['volume.eased'],
      [],
    ]);
  });

  test('of a volume without a limit of its own the size counts that was asked for', () => {
    const { lab, volume } = ready();
    settle(lab, seeing({ [`fill ${volume}`]: { usedBytes: 9.5 * gib } }));
    expect(lab.lab.get(volume)?.context.full).toEqual({ usedBytes: 9.5 * gib, sizeBytes: 10 * gib });
  });

  test('a pool is full from 95 % on, each by itself', () => {
    const { lab } = ready();
    const pool = (usedBytes: number) => ({ usedBytes, sizeBytes: 100 });
    settle(lab, seeing({ 'pools node:atlas': { main: pool(95), other: pool(94) } }));
    expect(lab.lab.get('node:atlas')?.context.fullPools).toEqual({ main: pool(95) });
    settle(lab, seeing({ 'pools node:atlas': { main: pool(91), other: pool(94) } }));
    expect(lab.lab.get('node:atlas')?.context.fullPools).toEqual({});
  });

  test('what nobody has measured is unknown: nothing is full of it, and nothing has room again', () => {
    const { lab, volume } = ready();
    expect(settle(lab)).toEqual([]);
    settle(lab, seeing({ [`fill ${volume}`]: { usedBytes: 10 * gib } }));
    expect(settle(lab)).toEqual([]);
    expect(lab.lab.get(volume)?.context.full).not.toBeNull();
  });

  test('a measurement that crosses is acted on at once, any other not at all', () => {
    const { lab, volume } = ready();
    const due = (usedBytes: number) =>
      fullnessPolicy.dueAt?.(volume, lab.lab, seeing({ [`fill ${volume}`]: { usedBytes } }));
    expect([due(1), due(9.9 * gib)]).toEqual([undefined, 0]);
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

describe('liveness of a node whose clock is wrong', () => {
  const node = 'node:atlas';
  const clockAt = (at: number): Observations => ({
    get: (what) => (what === 'clock' ? { value: { aheadMs: 5 }, at } : undefined) as never,
  });
  const away = (): TestLab => {
    const lab = TestLab.ready();
    lab.must('report-node-stopped', { node }, node);
    lab.now += 60_000;
    return lab;
  };

  test('it is said at once of one that is away, and once', () => {
    const lab = away();
    const seen = clockAt(lab.now);
    expect(livenessPolicy.dueAt?.(node, lab.lab, seen)).toBe(lab.now);
    const [proposal] = livenessPolicy.propose(node, lab.lab, seen, lab.now);
    expect(proposal).toMatchObject({ name: 'report-node-clock', input: { node, aheadMs: 5 } });
    lab.must('report-node-clock', { node, aheadMs: 5 }, 'policy:liveness');
    expect(livenessPolicy.dueAt?.(node, lab.lab, seen)).toBeUndefined();
    expect(livenessPolicy.propose(node, lab.lab, seen, lab.now)).toEqual([]);
  });

  test('what was heard before it was stopped does not count, nor of one that is up', () => {
    const lab = away();
    expect(livenessPolicy.propose(node, lab.lab, clockAt(lab.now - 60_001), lab.now)).toEqual([]);
    const up = TestLab.ready();
    expect(livenessPolicy.dueAt?.(node, up.lab, clockAt(up.now))).toBeUndefined();
    expect(livenessPolicy.propose(node, up.lab, clockAt(up.now), up.now)).toEqual([]);
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
