import { describe, expect, test } from 'vitest';
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
    lab.must('create-volume', { name: 'a-b-c', spec: { sizeBytes: 2 ** 26 } });
    lab.must('deploy-app', {
      compose: 'name: a-b\nservices: { s: { image: x, volumes: ["c:/c"] } }\nvolumes: { c: {} }\n',
    });
    const { rejected } = lab.run('deploy-app', {
      compose: 'name: a\nservices: { s: { image: x, volumes: ["b-c:/c"] } }\nvolumes: { b-c: {} }\n',
    });
    expect(rejected?.code).toBe('VOLUME_IN_USE');
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
    lab.must('delete-volume', { name: 'other-data' });
    const problem = { code: 'BUSY', message: 'It is busy.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    const compose = photos.replace('name: photos', 'name: other');
    expect(lab.run('deploy-app', { compose }).rejected?.code).toBe('NOT_NOW');
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
