import { describe, expect, test } from 'vitest';
import { TestLab } from '../test-lab.ts';

const app = (name: string, volume: string, more = ''): string =>
  `name: ${name}\nservices: { web: { image: nginx, volumes: ["${volume}:/data"] } }\nvolumes: { ${volume}: {} }\n${more}`;

/** An app that was removed; its volumes are kept. */
function gone(lab: TestLab, compose: string): void {
  lab.running(compose);
  const name = /^name: (\S+)/.exec(compose)?.[1] ?? '';
  const instance = lab.instance(name);
  lab.must('remove-app', { name });
  lab.must('stop-instance', { instance, because: 'the app is removed' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
}

describe('a volume that was kept', () => {
  test('is for the app that had it, and for no other whose volume would be called the same', () => {
    const lab = TestLab.ready();
    gone(lab, app('photos', 'db-data'));
    expect(lab.run('deploy-app', { compose: app('photos-db', 'data') }).rejected).toEqual({
      code: 'NAME_TAKEN',
      explain: 'There is already a volume photos-db-data, and it holds what app photos kept in its volume db-data.',
      hint: 'If it is meant, deploy with --attach; else rename the app or the volume in the compose file, or delete what is there: floatlab volume rm photos-db-data.',
    });
    const volume = lab.volume('photos-db-data');
    expect(lab.types('deploy-app', { compose: app('photos', 'db-data') })).toContain('volume.attached');
    expect(lab.volume('photos-db-data')).toBe(volume);
    expect(lab.lab.get(volume)?.context).toMatchObject({ app: lab.app('photos'), formerly: null });
  });

  test('because a revision no longer named it, comes back with one that does', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: app('photos', 'data') });
    const volume = lab.volume('photos-data');
    lab.must('deploy-app', { compose: 'name: photos\nservices: { web: { image: nginx } }\n' });
    expect(lab.lab.get(volume)?.context).toMatchObject({
      app: null,
      formerly: { app: 'photos', volume: 'data' },
    });
    expect(lab.types('deploy-app', { compose: app('photos', 'data') })).toContain('volume.attached');
  });

  test('is not one that a person made by hand: nobody knows what for', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'photos-data', spec: { sizeBytes: 2 ** 26 } });
    expect(lab.run('deploy-app', { compose: app('photos', 'data') }).rejected).toMatchObject({
      code: 'NAME_TAKEN',
      explain: 'There is already a volume photos-data, and nothing says that it was made for this app.',
    });
  });

  test('is taken as it is where a person says that it is meant', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'photos-data', spec: { sizeBytes: 2 ** 26 } });
    const volume = lab.volume('photos-data');
    const attached = { compose: app('photos', 'data'), attach: ['data'] };
    expect(lab.types('deploy-app', attached)).toContain('volume.attached');
    expect(lab.lab.get(volume)?.context.app).toBe(lab.app('photos'));
    expect(lab.run('deploy-app', { compose: app('wiki', 'data'), attach: ['db'] }).rejected).toMatchObject({
      code: 'INVALID',
      explain: 'The compose file has no volume db to attach.',
    });
  });

  test('is not taken from another app, whoever says so', () => {
    const lab = TestLab.ready();
    lab.must('deploy-app', { compose: app('photos', 'db-data') });
    const other = { compose: app('photos-db', 'data'), attach: ['data'] };
    expect(lab.run('deploy-app', other).rejected).toMatchObject({ code: 'VOLUME_IN_USE' });
  });
});

test('a volume that the file calls otherwise, and the lab the same, stays with its app', () => {
  const lab = TestLab.ready();
  lab.must('deploy-app', { compose: app('photos', 'db_data') });
  const volume = lab.volume('photos-db-data');
  expect(lab.types('deploy-app', { compose: app('photos', 'db-data') })).toEqual(['operation.started', 'app.updated']);
  expect(lab.lab.get(volume)?.context.app).toBe(lab.app('photos'));
});

describe('the schedule of a volume', () => {
  const scheduled = (name: string, volume: string): string =>
    app(name, volume, 'x-floatlab: { snapshot: { schedule: "0 * * * *" } }\n');
  const names = (lab: TestLab): readonly string[] =>
    lab.lab
      .list('schedule')
      .map(({ context }) => context.metadata.name)
      .toSorted();

  test('gets a name that no other has', () => {
    const lab = TestLab.ready();
    lab.must('create-volume', { name: 'loose', spec: { sizeBytes: 2 ** 26 } });
    lab.must('create-schedule', { name: 'photos-data-snapshot', volume: 'loose', cron: '5 * * * *' });
    lab.must('deploy-app', { compose: scheduled('photos', 'data') });
    expect(names(lab)).toEqual(['photos-data-snapshot', 'photos-data-snapshot-2']);
  });

  test('also where names are cut', () => {
    const lab = TestLab.ready();
    const long = 'v'.repeat(50);
    const compose = `name: photos\nservices: { web: { image: nginx, volumes: ["${long}-a:/a", "${long}-b:/b"] } }
volumes: { ${long}-a: {}, ${long}-b: {} }
x-floatlab: { snapshot: { schedule: "0 * * * *" } }\n`;
    lab.must('deploy-app', { compose });
    expect(new Set(names(lab)).size).toBe(2);
    for (const name of names(lab)) expect(name.length).toBeLessThanOrEqual(63);
  });
});

describe('what fits into no pool, however much was removed', () => {
  test('is refused at once, with what the largest could promise', () => {
    const lab = TestLab.ready();
    lab.join('vega', 10 * 2 ** 30);
    expect(lab.run('create-volume', { name: 'huge', spec: { sizeBytes: 500 * 2 ** 30 } }).rejected).toEqual({
      code: 'NO_NODE_FITS',
      explain:
        '500 GiB for volume huge fit nowhere: the largest pool, main on atlas, can promise 80 GiB (80 % of its 100 GiB).',
      hint: 'Choose a smaller size, or give the lab a larger pool.',
    });
    lab.must('create-volume', { name: 'large', spec: { sizeBytes: 80 * 2 ** 30 } });
  });

  test('counts the volumes of an app together, because they go to one node', () => {
    const lab = TestLab.ready();
    const two = (size: string): string =>
      `name: photos\nservices: { web: { image: nginx, volumes: ["a:/a", "b:/b"] } }\nvolumes: { a: {}, b: {} }\nx-floatlab: { size: ${size} }\n`;
    expect(lab.run('deploy-app', { compose: two('50GiB') }).rejected).toMatchObject({
      code: 'NO_NODE_FITS',
      explain: expect.stringContaining('100 GiB for the volumes of app photos fit nowhere'),
    });
    lab.must('deploy-app', { compose: two('40GiB') });
  });

  test('counts the pool of a volume that has one', () => {
    const lab = TestLab.ready();
    lab.running(app('photos', 'data'));
    lab.join('vega', 500 * 2 ** 30);
    expect(lab.run('change-volume', { name: 'photos-data', sizeBytes: 90 * 2 ** 30 }).rejected).toMatchObject({
      explain: expect.stringContaining('pool main on atlas has 79 GiB left of what it can promise, 80 GiB'),
    });
    const larger = app('photos', 'data', 'x-floatlab: { size: 90GiB }\n');
    expect(lab.run('deploy-app', { compose: larger }).rejected?.code).toBe('NO_NODE_FITS');
  });

  test('is more than others leave: a volume grows only where there is room for it now', () => {
    const lab = TestLab.ready();
    lab.join('vega', 500 * 2 ** 30);
    lab.must('create-volume', { name: 'music', spec: { sizeBytes: 10 * 2 ** 30 } });
    const place = (name: string): void =>
      void lab.must('place-volume', { volume: lab.volume(name), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    place('music');
    lab.provision();
    lab.must('create-volume', { name: 'films', spec: { sizeBytes: 50 * 2 ** 30 } });
    place('films');
    expect(lab.run('change-volume', { name: 'music', sizeBytes: 31 * 2 ** 30 }).rejected).toEqual({
      code: 'NO_NODE_FITS',
      explain:
        '21 GiB more for volume music do not fit: pool main on atlas has 20 GiB left of what it can promise, ' +
        '80 GiB (80 % of its 100 GiB).',
      hint: 'Choose a smaller size, delete volumes that nobody needs, or give the lab a larger pool.',
    });
    lab.must('change-volume', { name: 'music', sizeBytes: 30 * 2 ** 30 });
    lab.provision();
    // What is full already is not in the way of a change that needs no room.
    lab.must('change-volume', { name: 'music', keep: 'last:3' });
  });

  test('is more than others leave: the volumes of an app grow together, and beside new ones', () => {
    const lab = TestLab.ready();
    const of = (size: string, more = ''): string =>
      `name: photos\nservices: { web: { image: nginx, volumes: ["a:/a", "b:/b"${more && `, "${more}:/c"`}] } }\n` +
      `volumes: { a: {}, b: {}${more && `, ${more}: {}`} }\nx-floatlab: { size: ${size} }\n`;
    lab.running(of('10GiB'));
    expect(lab.run('deploy-app', { compose: of('41GiB') }).rejected).toMatchObject({
      code: 'NO_NODE_FITS',
      explain: expect.stringContaining('62 GiB more for the volumes of app photos do not fit'),
    });
    lab.must('deploy-app', { compose: of('40GiB') });
    // One that has no place yet waits until there is room.
    lab.must('deploy-app', { compose: of('40GiB', 'c') });
  });

  test('is unknown as long as the lab has no pool', () => {
    const lab = new TestLab();
    lab.must('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.must('create-volume', { name: 'huge', spec: { sizeBytes: 2 ** 45 } });
  });
});
