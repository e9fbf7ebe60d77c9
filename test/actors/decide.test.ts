import { describe, expect, test } from 'vitest';
import { rolloutPolicy } from '#actors/policies/rollout.ts';
import { workOf } from '#actors/registry.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { TestLab } from './test-lab.ts';

const photos = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { snapshot: { schedule: "0 * * * *" } }
`;

describe('deploying an app', () => {
  test('creates the app, its volume and its schedule in one entry, and starts it', () => {
    expect(TestLab.ready().types('deploy-app', { compose: photos })).toEqual([
      'operation.started',
      'volume.created',
      'schedule.created',
      'app.created',
      'app.start-requested',
    ]);
  });

  test('the same file again changes nothing', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    expect(lab.types('deploy-app', { compose: photos })).toEqual([]);
  });

  test('another file is a new revision, and the app goes on by itself', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    expect(lab.types('deploy-app', { compose: photos.replace('nginx', 'caddy') })).toEqual([
      'operation.started',
      'app.updated',
    ]);
    expect(lab.lab.get(lab.app('photos'))?.state).toBe('updating');
  });

  test('a mistake in the file is shown where it is, and nothing happens', () => {
    const { events, rejected } = TestLab.ready().run('deploy-app', {
      compose: 'name: x\nservices:\n  web:\n    imag: nginx\n',
    });
    expect(events).toEqual([]);
    expect(rejected?.code).toBe('COMPOSE_INVALID');
    expect(rejected?.findings?.map(({ line }) => line)).toContain(4);
  });

  test('nothing secret enters the log', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', {
      compose: 'name: db\nservices:\n  db: { image: postgres, environment: { PASSWORD: hunter2 } }\n',
    });
    expect(JSON.stringify(lab.entries)).not.toContain('hunter2');
    expect(lab.blobs.some((bytes) => new TextDecoder().decode(bytes).includes('hunter2'))).toBe(true);
  });

  test('a volume that was kept is attached again, with its data', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const volume = lab.volume('photos-data');
    const instance = lab.instance('photos');
    lab.must('remove-app', { name: 'photos' });
    lab.must('stop-instance', { instance, because: 'the app is removed' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    expect(lab.types('deploy-app', { compose: photos })).toContain('volume.attached');
    expect(lab.volume('photos-data')).toBe(volume);
  });

  test("another app's volume is refused", () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.must('deploy-app', {
      compose: 'name: a-b\nservices: { s: { image: x, volumes: ["c:/c"] } }\nvolumes: { c: {} }\n',
    });
    const { rejected } = lab.run('deploy-app', {
      compose: 'name: a\nservices: { s: { image: x, volumes: ["b-c:/c"] } }\nvolumes: { b-c: {} }\n',
    });
    expect(rejected).toMatchObject({ code: 'VOLUME_IN_USE', explain: 'Volume a-b-c is in use by app a-b.' });
  });
});

describe('one instance, never two', () => {
  test('no second instance is assigned while the first is not known to have stopped', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.must('restart-app', { name: 'photos' });
    const app = lab.app('photos');
    expect(lab.run('assign-instance', { app, node: 'node:atlas' }, 'policy:placement').rejected?.code).toBe('NOT_NOW');
    const instance = lab.instance('photos');
    lab.must('stop-instance', { instance, because: 'the app is restarted' }, 'policy:rollout');
    expect(lab.run('assign-instance', { app, node: 'node:atlas' }, 'policy:placement').rejected?.code).toBe('NOT_NOW');
    expect(lab.types('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas')).toEqual([
      'instance.stopped',
      'app.resumed',
    ]);
    expect(lab.types('assign-instance', { app, node: 'node:atlas' }, 'policy:placement')).toEqual([
      'instance.assigned',
    ]);
  });

  test('only the node that holds it may say that it stopped', () => {
    const lab = TestLab.ready();
    lab.join('vega');
    lab.running(photos);
    const instance = lab.instance('photos');
    lab.must('stop-app', { name: 'photos' });
    lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
    const report = { instance, visit: lab.visit(instance) };
    expect(lab.run('report-instance-stopped', report, 'node:vega').rejected?.code).toBe('FORBIDDEN');
    expect(lab.run('report-instance-stopped', report, 'user:admin').rejected?.code).toBe('FORBIDDEN');
  });

  test('an outcome counts only for its visit', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const instance = lab.instance('photos');
    const stale = lab.visit(instance) - 1;
    expect(lab.run('report-instance-stopped', { instance, visit: stale }, 'node:atlas').rejected?.code).toBe('STALE');
  });

  test('the epoch of an instance is the index of its assignment', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const assigned = lab.events.find(({ type }) => type === 'instance.assigned');
    expect(lab.lab.get(lab.instance('photos'))?.context.epoch).toBe(assigned?.index);
  });
});

describe('an instance that fails', () => {
  const problem = { code: 'PORT_IN_USE', message: 'Port 80 is in use.' };
  const failed = (): { lab: TestLab; instance: StreamId<'instance'> } => {
    const lab = TestLab.ready();
    lab.running(photos);
    const instance = lab.instance('photos');
    lab.must('report-instance-failed', { instance, visit: lab.visit(instance), problem }, 'node:atlas');
    return { lab, instance };
  };
  const workOfIt = (lab: TestLab, instance: StreamId<'instance'>): string | undefined => {
    const actor = lab.lab.get(instance);
    return actor && workOf(actor, lab.lab)?.work;
  };

  test('asks its node to halt what still runs; then nothing is known to run, and nothing more is asked', () => {
    const { lab, instance } = failed();
    expect(workOfIt(lab, instance)).toBe('halt-instance');
    expect(lab.types('report-instance-halted', { instance, visit: lab.visit(instance) }, 'node:atlas')).toEqual([
      'instance.halted',
    ]);
    expect(lab.lab.get(instance)).toMatchObject({ state: 'halted', context: { services: {}, problem } });
    expect(workOfIt(lab, instance)).toBeUndefined();
  });

  test.each([false, true])('is stopped before the next one is assigned (halted: %s)', (isHalted) => {
    const { lab, instance } = failed();
    if (isHalted) lab.must('report-instance-halted', { instance, visit: lab.visit(instance) }, 'node:atlas');
    lab.must('start-app', { name: 'photos' });
    const app = lab.app('photos');
    expect(lab.run('assign-instance', { app, node: 'node:atlas' }, 'policy:placement').rejected?.code).toBe('NOT_NOW');
    expect(rolloutPolicy.propose(app, lab.lab, { get: () => undefined }, lab.now)).toMatchObject([
      { name: 'stop-instance', input: { instance } },
    ]);
    lab.must('stop-instance', { instance, because: 'the app is started again' }, 'policy:rollout');
    expect(workOfIt(lab, instance)).toBe('stop-instance');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    lab.must('assign-instance', { app, node: 'node:atlas' }, 'policy:placement');
  });
});

describe('what a person is warned of', () => {
  const missing = { service: 'cache', problem: { code: 'MISSING', message: 'web starts without cache.' } };

  test('is an event of its own, before what it did not hold back', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: 'name: shop\nservices: { web: { image: nginx } }\n' });
    lab.must('assign-instance', { app: lab.app('shop'), node: 'node:atlas' }, 'policy:placement');
    const instance = lab.instance('shop');
    const report = { instance, visit: lab.visit(instance), services: {}, warnings: [missing] };
    expect(lab.types('report-instance-started', report, 'node:atlas')).toEqual([
      'instance.warned',
      'instance.started',
      'app.started',
    ]);
    lab.must('stop-app', { name: 'shop' });
    lab.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
    const stopped = { instance, visit: lab.visit(instance), warnings: [{ problem: missing.problem }] };
    expect(lab.types('report-instance-stopped', stopped, 'node:atlas')).toEqual([
      'instance.warned',
      'instance.stopped',
      'app.stopped',
    ]);
  });
});

describe('services of a running app', () => {
  const report = (lab: TestLab, state: 'exited' | 'running', problem?: Problem): readonly string[] => {
    const instance = lab.instance('photos');
    const status = { state, container: 'c1', restarts: 0 };
    const about = { instance, visit: lab.visit(instance), service: 'web', status };
    return lab.types('report-service', problem ? { ...about, problem } : about, 'node:atlas');
  };

  test('one that was unwell from the start makes the app degraded although nothing about it is new', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: 'name: photos\nservices: { web: { image: nginx } }\n' });
    lab.must('assign-instance', { app: lab.app('photos'), node: 'node:atlas' }, 'policy:placement');
    const instance = lab.instance('photos');
    const web = { state: 'exited' as const, container: 'c1', restarts: 0 };
    lab.must('report-instance-started', { instance, visit: lab.visit(instance), services: { web } }, 'node:atlas');
    expect(report(lab, 'exited')).toEqual(['app.degraded']);
    expect(report(lab, 'exited')).toEqual([]);
  });

  test('another reason is told, the same one is not told again', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const gone = { code: 'MISSING', message: 'It is gone.' };
    const taken = { code: 'PORT_IN_USE', message: 'Port 80 is in use.' };
    expect(report(lab, 'exited', gone)).toEqual(['instance.service-changed', 'app.degraded']);
    expect(report(lab, 'exited', gone)).toEqual([]);
    expect(report(lab, 'exited', taken)).toEqual(['app.degraded']);
    expect(report(lab, 'running')).toEqual(['instance.service-changed', 'app.recovered']);
  });
});

describe('volumes', () => {
  test('a volume of an app cannot be deleted, and the refusal says what to do', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const { rejected } = lab.run('delete-volume', { name: 'photos-data' });
    expect(rejected).toMatchObject({ code: 'VOLUME_IN_USE', hint: expect.stringContaining('floatlab down photos') });
  });

  test('a roll-back pauses the app, waits until nothing uses the volume, and lets the app go on', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'good');
    const volume = lab.volume('photos-data');
    const instance = lab.instance('photos');
    expect(lab.types('rollback-volume', { name: 'photos-data', snapshot: 'good' })).toEqual([
      'operation.started',
      'volume.rollback-requested',
      'app.paused',
    ]);
    expect(lab.run('drain-volume', { volume }, 'policy:rollout').rejected?.code).toBe('NOT_NOW');
    lab.must('stop-instance', { instance, because: 'a volume is rolled back' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    lab.must('drain-volume', { volume }, 'policy:rollout');
    const stash = { name: 'stash-x', guid: 'g', takenAt: lab.now };
    expect(lab.types('report-volume-rolled-back', { volume, visit: lab.visit(volume), stash }, 'node:atlas')).toEqual([
      'volume.rolled-back',
      'snapshot.requested',
      'snapshot.taken',
      'app.resumed',
    ]);
  });

  test('a snapshot that a roll-back needs cannot be removed meanwhile', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.snapshotTaken('photos-data', 'good');
    lab.must('rollback-volume', { name: 'photos-data', snapshot: 'good' });
    expect(lab.run('remove-snapshot', { name: 'photos-data', snapshot: 'good' }).rejected?.code).toBe('NOT_NOW');
  });

  test('a deletion that failed is not tried again once an app is meant to have the volume', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.must('create-volume', { name: 'other-data', spec: { sizeBytes: 2 ** 26 } });
    const volume = lab.volume('other-data');
    lab.must('place-volume', { volume, node: 'node:atlas', pool: 'main' }, 'policy:placement');
    lab.provision();
    lab.must('delete-volume', { name: 'other-data', purge: true });
    const problem = { code: 'BUSY', message: 'It is busy.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    const compose = photos.replace('name: photos', 'name: other');
    expect(lab.run('deploy-app', { compose }).rejected?.code).toBe('NOT_NOW');
  });

  test('snapshots that get no name from a person get one of their own, also while time stands still', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    lab.must('take-snapshot', { name: 'photos-data', as: '2026-01-01-0000-00-2' });
    for (let n = 0; n < 4; n++) lab.must('take-snapshot', { name: 'photos-data' });
    const schedule = lab.lab.byName('schedule', 'default', 'photos-data-snapshot');
    const dueAt = schedule?.context.dueAt ?? 0;
    lab.now = dueAt;
    lab.must('take-snapshot', { name: 'photos-data' });
    lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:', dueAt }, 'policy:schedules');
    const names = lab.lab.referrers(lab.volume('photos-data'), 'snapshot').map(({ context }) => context.metadata.name);
    expect(names.toSorted()).toEqual([
      '2026-01-01-0000-00',
      '2026-01-01-0000-00-2',
      '2026-01-01-0000-00-3',
      '2026-01-01-0000-00-4',
      '2026-01-01-0000-00-5',
      '2026-01-01-0100-00',
      '2026-01-01-0100-00-2',
    ]);
  });

  test('a volume that has no place yet is changed at once: nobody waits for it', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'v', spec: { sizeBytes: 2 ** 26 } });
    expect(lab.types('change-volume', { name: 'v', sizeBytes: 2 ** 27 })).toEqual(['volume.spec-changed']);
  });

  test('a volume grows and does not shrink', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    expect(lab.types('change-volume', { name: 'photos-data', sizeBytes: 2 ** 31 })).toContain('volume.spec-changed');
    expect(lab.run('change-volume', { name: 'photos-data', sizeBytes: 2 ** 26 }).rejected?.code).toBe('SHRINKING');
  });
});

describe('bad input', () => {
  test.each(['', 'a/b', 'a b', '..', '-a', 'a-', 'А', 'a\u200b', 'x'.repeat(64), 'A', '__proto__'])(
    'the name %j is refused',
    (name) => {
      const { rejected } = TestLab.ready().run('create-volume', { name, spec: { sizeBytes: 2 ** 26 } });
      expect(rejected?.code).toBe('INVALID');
      expect(rejected?.fields?.[0]?.path).toBe('name');
    },
  );

  test.each([0, -1, 1.5, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY])('the size %d is refused', (sizeBytes) => {
    expect(TestLab.ready().run('create-volume', { name: 'v', spec: { sizeBytes } }).rejected?.code).toBe('INVALID');
  });

  test.each(['* * * *', '', '* * * * * *', '61 * * * *', 'banana'])('the schedule %j is refused', (cron) => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'v', spec: { sizeBytes: 2 ** 26 } });
    expect(lab.run('create-schedule', { name: 's', volume: 'v', cron }).rejected?.code).toBe('INVALID');
  });

  test('unknown fields are refused, not ignored', () => {
    const input = { name: 'v', spec: { sizeBytes: 2 ** 26 }, colour: 'red' };
    expect(TestLab.ready().run('create-volume', input as never).rejected?.code).toBe('INVALID');
  });

  test('a command that nobody gives by hand is refused to people', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    expect(lab.run('stop-instance', { instance: lab.instance('photos'), because: 'x' }).rejected?.code).toBe(
      'FORBIDDEN',
    );
  });
});

describe('schedules', () => {
  const often = (lab: TestLab, name: string, cron: string, timeZone?: string): void => {
    lab.must('create-schedule', { name, volume: 'v', cron, ...(timeZone === undefined ? {} : { timeZone }) });
  };
  const dueAt = (lab: TestLab, name: string): string =>
    new Date(lab.lab.byName('schedule', 'default', name)?.context.dueAt ?? 0).toISOString();

  test("those without a time zone of their own follow the lab's", () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'v', spec: { sizeBytes: 2 ** 26 } });
    lab.now += 3_600_000;
    often(lab, 'nightly', '15 3 * * *');
    often(lab, 'elsewhere', '15 3 * * *', 'Asia/Tokyo');
    often(lab, 'hourly', '0 * * * *');
    often(lab, 'sleeping', '15 3 * * *');
    lab.must('suspend-schedule', { name: 'sleeping' });
    expect(dueAt(lab, 'nightly')).toBe('2026-01-01T03:15:00.000Z');
    expect(lab.types('change-settings', { timeZone: 'America/New_York' })).toEqual([
      'cluster.settings-changed',
      'schedule.changed',
    ]);
    expect(dueAt(lab, 'nightly')).toBe('2026-01-01T08:15:00.000Z');
    expect(dueAt(lab, 'elsewhere')).toBe('2026-01-01T18:15:00.000Z');
    lab.must('resume-schedule', { name: 'sleeping' });
    expect(dueAt(lab, 'sleeping')).toBe('2026-01-01T08:15:00.000Z');
  });

  test("a run that is due when the lab's time zone changes still runs", () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'v', spec: { sizeBytes: 2 ** 26 } });
    often(lab, 'nightly', '15 3 * * *');
    lab.now = Date.UTC(2026, 0, 1, 4);
    lab.must('change-settings', { timeZone: 'America/New_York' });
    const schedule = lab.lab.byName('schedule', 'default', 'nightly');
    const fired = { schedule: schedule?.stream ?? 'schedule:', dueAt: Date.UTC(2026, 0, 1, 3, 15) } as const;
    expect(lab.types('fire-schedule', fired, 'policy:schedules')).toEqual(['schedule.fired']);
    expect(dueAt(lab, 'nightly')).toBe('2026-01-01T08:15:00.000Z');
  });

  test('missed runs run once', () => {
    const lab = TestLab.ready();
    lab.running(photos);
    const schedule = lab.lab.byName('schedule', 'default', 'photos-data-snapshot');
    const { dueAt } = schedule?.context ?? { dueAt: 0 };
    lab.now = dueAt + 5 * 3_600_000 + 1;
    const events = lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:', dueAt }, 'policy:schedules');
    expect(events.map(({ type }) => type)).toEqual(['schedule.fired', 'snapshot.requested']);
    expect(events[0]?.data).toMatchObject({ missed: 5, dueAt: dueAt + 6 * 3_600_000 });
    expect(
      lab.types('fire-schedule', { schedule: schedule?.stream ?? 'schedule:', dueAt }, 'policy:schedules'),
    ).toEqual([]);
  });
});
