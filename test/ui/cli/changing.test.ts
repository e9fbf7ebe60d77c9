import { problemCodes, type ProblemCode } from '#io/contract/problem.ts';
import { exitCodeOf } from '#ui/cli/exit-codes.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FakeServer } from './fake-server.ts';
import { alertRow, appRow, operationRow, scheduleRow, volumeRow } from './sample-rows.ts';
import { lines, now, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => lab.forget());

const floatlab = (command: string, setting: Setting = {}): Promise<Run> =>
  run(command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [], { server: lab.url, ...setting });

const operation = 'operation:7kq2wxyzabcd';
const stop = 'POST /api/v1/apps/default/photos/stop';

/** What was said with the last change that was not only a dry run. */
const said = (): unknown =>
  lab.heard.findLast(({ method, query }) => method !== 'GET' && query['dryRun'] !== 'true')?.body;

const rollbackOf = (newer: readonly string[], writtenBytes?: number) => ({
  json: {
    snapshot: 'monday',
    takenAt: now - 2 * 3_600_000,
    newer: newer.map((snapshot) => ({ snapshot, takenAt: now, reason: 'schedule', note: null })),
    ...(writtenBytes === undefined ? {} : { writtenBytes }),
    lineage: { of: 1, present: 1, opens: 2 },
    app: 'photos',
  },
});

describe('a change', () => {
  test('waits until it is done and says so on stderr', async () => {
    lab.command(stop, { operation });
    const { code, out, err } = await floatlab('app stop photos -y');
    expect(err).toBe('✓ App photos is stopped.  (op-7kq2wxyz, 0.0 s)\n');
    expect(out).toBe('');
    expect(code).toBe(0);
    expect(lab.heard[0]?.headers['idempotency-key']).toMatch(/^[\w-]{36}$/);
  });

  test('that says where data outside of volumes lies names the node', async () => {
    lab.command('POST /api/v1/apps/default/photos/tie', {});
    const { code, err } = await floatlab('app tie photos vega');
    expect(err).toContain('tied to vega');
    expect(said()).toEqual({ node: 'vega' });
    expect(code).toBe(0);
  });

  test('is silent with -q', async () => {
    lab.command(stop, { operation });
    expect(await floatlab('app stop photos -y -q')).toMatchObject({ code: 0, out: '', err: '' });
  });

  test('with --detach prints the operation and does not wait', async () => {
    lab.command(stop, { operation });
    expect((await floatlab('app stop photos -y --detach')).out).toBe('op-7kq2wxyz\n');
    expect(lab.heard).toHaveLength(1);
  });

  test('with --dry-run prints what would happen and changes nothing', async () => {
    const events = [
      { stream: operation, type: 'operation.started', data: {}, words: 'admin would ask to stop app photos.' },
      { stream: 'app:photos', type: 'app.stop-requested', data: {}, words: 'App photos would stop.' },
    ];
    lab.command(stop, { events });
    const { out, err } = await floatlab('app stop photos -y --dry-run');
    expect(err).toBe('What would happen:\n');
    expect(out).toBe('admin would ask to stop app photos.\nApp photos would stop.\n');
    expect(lab.changes).toEqual([]);
    expect(JSON.parse((await floatlab('app stop photos -y --dry-run -o json')).out)).toMatchObject({
      dryRun: true,
      events,
    });
  });

  test('says when there was nothing to do', async () => {
    lab.command(stop, { unchanged: true });
    expect(await floatlab('app stop photos -y')).toMatchObject({ code: 0, err: 'App photos is stopped already.\n' });
  });

  test('prints the answer and the outcome as JSON', async () => {
    lab.command(stop, { operation });
    const { out, err } = await floatlab('app stop photos -y -o json');
    expect(JSON.parse(out)).toMatchObject({ operation, outcome: { state: 'succeeded' } });
    expect(err).toBe('');
  });

  test('that fails says why and ends with 1', async () => {
    const problem = { code: 'EXITED', message: 'Service web exited with code 1.', hint: 'floatlab logs photos web' };
    lab.command('POST /api/v1/apps/default/photos/start', { operation }, { state: 'failed', problem });
    const { code, out, err } = await floatlab('app start photos');
    expect(lines(err)).toEqual(['error: Service web exited with code 1 (EXITED)', 'hint:  floatlab logs photos web']);
    expect(out).toBe('');
    expect(code).toBe(1);
  });

  test('that takes too long ends with 7 and says how to go on waiting', async () => {
    lab.command(stop, { operation });
    lab.on(`GET /api/v1/operations/${encodeURIComponent(operation)}/wait`, () => new Promise(() => undefined));
    const { code, err } = await floatlab('app stop photos -y --timeout 50ms');
    expect(code).toBe(7);
    expect(lines(err)).toEqual([
      'error: op-7kq2wxyz still runs after 0.1 s (TIMED_OUT)',
      'hint:  floatlab operation wait op-7kq2wxyz',
    ]);
  });

  describe('that waits', () => {
    const create = 'volume create huge --size 500GiB';
    const problem = { code: 'NO_NODE_FITS', message: 'No node fits: vm has 3.94 GiB left, and 500 GiB are wanted.' };
    const path = `GET /api/v1/operations/${encodeURIComponent(operation)}`;
    const waiting = (answerAfterMs: number): void => {
      lab.command('POST /api/v1/volumes', { operation });
      lab.on(path, { json: operationRow('op-7kq2wxyz', { state: 'running', waits: problem }) });
      lab.on(`${path}/wait`, async () => {
        await new Promise((resolve) => setTimeout(resolve, answerAfterMs));
        return { json: operationRow('op-7kq2wxyz') };
      });
    };

    test('says why while it does', { timeout: 20_000 }, async () => {
      waiting(2500);
      const { code, err } = await floatlab(create);
      expect(lines(err)[0]).toBe('It waits: No node fits: vm has 3.94 GiB left, and 500 GiB are wanted.');
      expect(code).toBe(0);
      expect((await floatlab(`${create} -q`)).err).toBe('');
    });

    test('says why when it takes too long', async () => {
      waiting(5000);
      const { code, err } = await floatlab(`${create} --timeout 50ms`);
      expect(code).toBe(7);
      expect(err.replaceAll(/\n {2,}/g, ' ')).toContain(
        'op-7kq2wxyz still runs after 0.1 s. It waits: No node fits: vm has 3.94 GiB left, and 500 GiB are wanted (TIMED_OUT)',
      );
    });
  });

  test('goes on in the lab when the person stops waiting', async () => {
    const ctrlC = new AbortController();
    lab.command(stop, { operation });
    lab.on(`GET /api/v1/operations/${encodeURIComponent(operation)}/wait`, () => {
      ctrlC.abort();
      return new Promise(() => undefined);
    });
    const { code, err } = await floatlab('app stop photos -y', { interrupt: ctrlC.signal });
    expect(code).toBe(130);
    expect(lines(err)).toEqual(['op-7kq2wxyz goes on without you: floatlab operation wait op-7kq2wxyz']);
  });

  test('waits through a restart of the daemon', async () => {
    lab.command(stop, { operation });
    let asked = 0;
    lab.on(`GET /api/v1/operations/${encodeURIComponent(operation)}/wait`, () =>
      ++asked < 4 ? 'hang up' : { json: operationRow('op-7kq2wxyz') },
    );
    expect((await floatlab('app stop photos -y')).code).toBe(0);
  });

  test('without an answer has an unknown outcome', async () => {
    lab.on(stop, 'hang up');
    const { code, err } = await floatlab('app stop photos -y');
    expect(code).toBe(7);
    expect(lines(err)[0]).toBe(
      'error: No answer came to stop-app: whether it took effect is not known (OUTCOME_UNKNOWN)',
    );
    expect(new Set(lab.heard.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(lab.heard).toHaveLength(3);
  });
});

describe('every command', () => {
  const cases: readonly [string, string, object | undefined][] = [
    ['app start photos', 'POST /api/v1/apps/default/photos/start', undefined],
    ['app restart media/films --yes', 'POST /api/v1/apps/media/films/restart', undefined],
    ['app rm photos --yes', 'DELETE /api/v1/apps/default/photos', undefined],
    ['down photos --yes', 'DELETE /api/v1/apps/default/photos', undefined],
    [
      'volume create archive --size 5GiB --keep "24h:1h last:3" --label team=home',
      'POST /api/v1/volumes',
      { name: 'archive', spec: { sizeBytes: 5 * 2 ** 30, keep: '24h:1h last:3' }, labels: { team: 'home' } },
    ],
    ['volume set archive --size 20g', 'PATCH /api/v1/volumes/default/archive', { sizeBytes: 20 * 2 ** 30 }],
    [
      'volume set archive --on-change settle=10s',
      'PATCH /api/v1/volumes/default/archive',
      { snapshotOnChange: { settleMs: 10_000, minIntervalMs: 300_000 } },
    ],
    ['volume set archive --on-change no', 'PATCH /api/v1/volumes/default/archive', { snapshotOnChange: null }],
    [
      'volume create archive --size 5GiB --on-change no',
      'POST /api/v1/volumes',
      { name: 'archive', spec: { sizeBytes: 5 * 2 ** 30 }, labels: {} },
    ],
    ['volume retry archive', 'POST /api/v1/volumes/default/archive/retry', undefined],
    ['volume rm archive --yes', 'DELETE /api/v1/volumes/default/archive', undefined],
    ['volume rollback archive monday --yes', 'POST /api/v1/volumes/default/archive/rollback', { snapshot: 'monday' }],
    ['volume rollback archive --cancel', 'POST /api/v1/volumes/default/archive/rollback/cancel', undefined],
    ['volume note archive monday kept', 'PATCH /api/v1/volumes/default/archive/snapshots/monday', { note: 'kept' }],
    ['volume note archive monday --clear', 'PATCH /api/v1/volumes/default/archive/snapshots/monday', { note: null }],
    ['volume rm-snapshot archive monday --yes', 'DELETE /api/v1/volumes/default/archive/snapshots/monday', undefined],
    ['node cordon atlas', 'POST /api/v1/nodes/atlas/cordon', undefined],
    ['node uncordon atlas', 'POST /api/v1/nodes/atlas/uncordon', undefined],
    ['node rm vega --yes', 'DELETE /api/v1/nodes/vega', undefined],
    ['namespace create media', 'POST /api/v1/namespaces', { name: 'media' }],
    ['namespace rm media', 'DELETE /api/v1/namespaces/media', undefined],
    [
      'schedule create nightly -n media --volume films --cron "0 3 * * *" --time-zone Europe/Berlin',
      'POST /api/v1/schedules',
      { namespace: 'media', name: 'nightly', volume: 'films', cron: '0 3 * * *', timeZone: 'Europe/Berlin' },
    ],
    [
      'schedule create nightly --app photos --cron "0 3 * * *"',
      'POST /api/v1/schedules',
      { name: 'nightly', app: 'photos', cron: '0 3 * * *' },
    ],
    [
      'schedule create offsite --app photos --backup-to usb --cron "0 3 * * *" --keep 14d:1d --test-restore-every 30d',
      'POST /api/v1/schedules',
      {
        ...{ name: 'offsite', app: 'photos', backupTo: 'usb', cron: '0 3 * * *' },
        ...{ keep: '14d:1d', testRestoreEveryMs: 30 * 86_400_000 },
      },
    ],
    [
      'schedule edit nightly --cron "0 4 * * *" --time-zone Europe/Berlin',
      'PATCH /api/v1/schedules/default/nightly',
      { cron: '0 4 * * *', timeZone: 'Europe/Berlin' },
    ],
    [
      'schedule edit nightly --time-zone lab --backup-to usb --keep none --test-restore-every none',
      'PATCH /api/v1/schedules/default/nightly',
      { timeZone: null, backupTo: 'usb', keep: '', testRestoreEveryMs: 0 },
    ],
    ['schedule suspend nightly', 'POST /api/v1/schedules/default/nightly/suspend', undefined],
    ['schedule resume nightly', 'POST /api/v1/schedules/default/nightly/resume', undefined],
    ['schedule rm nightly -y', 'DELETE /api/v1/schedules/default/nightly', undefined],
  ];

  test.each(cases)('floatlab %s', async (command, route, body) => {
    lab.command(route).rows('/api/v1/apps', [appRow('films', { namespace: 'media' })]);
    const { code, err } = await floatlab(command);
    expect(err).toMatch(/^[A-Z].*\.\n$/);
    expect(code).toBe(0);
    expect(lab.changes).toEqual([route]);
    expect(lab.heard.at(-1)?.body).toEqual(body);
  });

  test.each([
    [
      'volume snapshot photos-db',
      'POST /api/v1/volumes/default/photos-db/snapshots',
      'Snapshot 2026-11-21-1200-00 of photos-db is taken.',
    ],
    [
      'snapshot take --volume photos-db',
      'POST /api/v1/volumes/default/photos-db/snapshots',
      'Snapshot 2026-11-21-1200-00 of photos-db is taken.',
    ],
    [
      'snapshot take --app photos',
      'POST /api/v1/apps/default/photos/snapshots',
      'A set of snapshots of app photos is taken, each called 2026-11-21-1200-00.',
    ],
  ])('%s prints the name of the snapshot', async (command, route, done) => {
    const metadata = {
      name: '2026-11-21-1200-00',
      namespace: 'default',
      labels: {},
      annotations: {},
      uuid: '0d4c3b1e-3e0a-4b7a-9a53-0d2f4f0a9b11',
    };
    const events = [
      {
        stream: 'snapshot:x',
        type: 'snapshot.requested',
        data: { metadata, volume: 'volume:x', reason: 'manual' },
        words: '',
      },
    ];
    lab.command(route, { operation, events });
    const { out, err } = await floatlab(`${command} --note "version 2"`);
    expect(out).toBe('2026-11-21-1200-00\n');
    expect(err).toContain(done);
    expect(lab.heard[0]?.body).toEqual({ note: 'version 2' });
  });

  test('operation wait ends as the operation did', async () => {
    lab.on('GET /api/v1/operations/op-7kq2wxyz', {
      json: operationRow('op-7kq2wxyz', { id: operation as `operation:${string}` }),
    });
    const wait = `GET /api/v1/operations/${encodeURIComponent(operation)}/wait`;
    lab.on(wait, { json: operationRow('op-7kq2wxyz') });
    expect(await floatlab('operation wait op-7kq2wxyz')).toMatchObject({
      code: 0,
      err: '✓ deploy-app of photos is done after 5.1 s.\n',
    });
    lab.on(wait, {
      json: operationRow('op-7kq2wxyz', { state: 'failed', problem: { code: 'EXITED', message: 'It exited.' } }),
    });
    expect(await floatlab('operation wait op-7kq2wxyz')).toMatchObject({ code: 1, err: 'error: It exited (EXITED)\n' });
  });
});

describe('a question', () => {
  beforeEach(() => {
    const volumes = [{ id: 'volume:photos-db', name: 'photos-db', key: 'db' }] as const;
    lab.rows('/api/v1/apps', [appRow('photos', { volumes })]);
    lab.rows('/api/v1/volumes', [volumeRow('photos-db'), volumeRow('wiki-data')]);
    lab.command('DELETE /api/v1/apps/default/photos');
    lab.command('DELETE /api/v1/volumes/default/photos-db');
  });

  test('says which volumes of an app go, and that they can be recovered', async () => {
    const { code, err, asked } = await floatlab('down photos --volumes', { tty: true, answers: [true] });
    expect(asked).toEqual(['Remove app photos and its volumes?']);
    expect(lines(err)[0]).toBe(
      'Volume photos-db (5 GiB, 24 snapshots) will be deleted; it can be recovered for 7 d, and takes its room until then.',
    );
    expect(err).not.toContain('wiki-data');
    expect(code).toBe(0);
    expect(lab.heard.at(-1)?.query).toEqual({ withVolumes: 'true' });
  });

  test('asks for the name before data is lost, and says what is lost', async () => {
    const { code, err, asked } = await floatlab('volume rm photos-db --scrub', { tty: true, answers: ['photos-db'] });
    expect(asked).toEqual(['This cannot be undone. Type photos-db to go on']);
    expect(lines(err)[0]).toBe('Volume photos-db (5 GiB, 24 snapshots) will be deleted for ever.');
    expect(code).toBe(0);
    expect(lab.heard.at(-1)?.query).toEqual({ purge: 'true', scrub: 'true' });
  });

  test('changes nothing when another name is typed', async () => {
    const { code, err } = await floatlab('volume rm photos-db --purge', { tty: true, answers: ['photos'] });
    expect(code).toBe(1);
    expect(err).toContain('You did not type photos-db: nothing was changed (DECLINED)');
    expect(lab.changes).toEqual([]);
  });

  test.each([
    ['app stop photos', 'POST /api/v1/apps/default/photos/stop', 'Stop app photos? Nobody reaches it until it is'],
    ['app restart photos', 'POST /api/v1/apps/default/photos/restart', 'Restart app photos? Nobody reaches it for'],
    ['app rm photos', 'DELETE /api/v1/apps/default/photos', 'Remove app photos? It is stopped; its volumes are kept.'],
    ['down photos', 'DELETE /api/v1/apps/default/photos', 'Remove app photos? It is stopped; its volumes are kept.'],
  ])('comes before %s interrupts an app, and is answered by --yes', async (command, route, question) => {
    lab.command(route);
    const declined = await floatlab(command, { tty: true, answers: [false] });
    expect(declined.asked).toEqual([expect.stringContaining(question)]);
    expect(declined.code).toBe(1);
    expect((await floatlab(command)).code).toBe(2);
    expect(lab.changes).toEqual([]);
    expect(await floatlab(command, { tty: true, answers: [true] })).toMatchObject({ code: 0 });
    expect(await floatlab(`${command} --yes`)).toMatchObject({ code: 0, asked: [] });
    expect(lab.changes).toEqual([route, route]);
  });

  test('is not asked when nothing is interrupted: the app is stopped, or only starts', async () => {
    lab.rows('/api/v1/apps', [appRow('photos', { state: 'stopped', instance: null })]);
    for (const verb of ['stop', 'restart', 'start']) {
      lab.command(`POST /api/v1/apps/default/photos/${verb}`);
      expect(await floatlab(`app ${verb} photos`), verb).toMatchObject({ code: 0, asked: [] });
    }
  });

  test('comes before a schedule is lost', async () => {
    lab.rows('/api/v1/schedules', [scheduleRow('nightly')]).command('DELETE /api/v1/schedules/default/nightly');
    const { code, asked } = await floatlab('schedule rm nightly', { tty: true, answers: [false] });
    expect(asked).toEqual(['Remove schedule nightly? It takes no more snapshots of photos-db.']);
    expect(code).toBe(1);
    expect(lab.changes).toEqual([]);
    expect(await floatlab('schedule rm nightly -y')).toMatchObject({ code: 0, asked: [] });
  });

  test('is not asked with --yes', async () => {
    expect(await floatlab('down photos --volumes --yes')).toMatchObject({ code: 0, asked: [] });
  });

  test('is never asked off a terminal: the run ends and says what to add', async () => {
    const { code, err, asked } = await floatlab('down photos --volumes');
    expect(code).toBe(2);
    expect(asked).toEqual([]);
    expect(err).toContain('nobody can be asked: this is not a terminal (USAGE)\nhint:  Add --yes to go on unasked.');
    expect(lab.changes).toEqual([]);
  });

  test('comes after a refusal, not before it', async () => {
    lab.problem(
      'DELETE /api/v1/volumes/default/photos-db',
      'VOLUME_IN_USE',
      'Volume photos-db is in use by app photos.',
      {
        hint: 'floatlab down photos',
      },
    );
    const { code, err, asked } = await floatlab('volume rm photos-db', { tty: true });
    expect(code).toBe(5);
    expect(asked).toEqual([]);
    expect(err).toContain('Volume photos-db is in use by app photos (VOLUME_IN_USE)');
  });

  test('before a roll-back says what will happen and how to undo it', async () => {
    const events = [
      {
        stream: 'volume:photos-db',
        type: 'volume.rollback-requested',
        data: {},
        words: 'Volume photos-db goes back to snapshot monday.',
      },
    ];
    lab.command('POST /api/v1/volumes/default/photos-db/rollback', { events });
    lab.on('GET /api/v1/volumes/default/photos-db/rollback', rollbackOf(['tuesday', 'wednesday'], 3 * 2 ** 20));
    const { err, asked, code } = await floatlab('volume rollback photos-db monday', { tty: true, answers: [false] });
    expect(lines(err).slice(0, 5)).toEqual([
      'Volume photos-db goes back to snapshot monday.',
      expect.stringMatching(/^It will be as it was 2 h ago/),
      '3 MiB were written since then.',
      '2 snapshots are newer: tuesday, wednesday. They stay, in the line of the history that is left.',
      'What it holds now is kept as a snapshot: roll back to that to undo.',
    ]);
    expect(asked).toEqual(['Roll photos-db back to monday?']);
    expect(code).toBe(1);
    expect(lab.changes).toEqual([]);
  });

  test('that was told of newer snapshots, and answered with yes, is word enough to go past them', async () => {
    lab.command('POST /api/v1/volumes/default/photos-db/rollback');
    lab.on('GET /api/v1/volumes/default/photos-db/rollback', rollbackOf(['tuesday']));
    await floatlab('volume rollback photos-db monday', { tty: true, answers: [true] });
    expect(said()).toEqual({ snapshot: 'monday', pastNewer: true });
    await floatlab('volume rollback photos-db monday --yes');
    expect(said()).toEqual({ snapshot: 'monday' });
    await floatlab('volume rollback photos-db monday --yes --past-newer');
    expect(said()).toEqual({ snapshot: 'monday', pastNewer: true });
  });

  test('as a dry run past newer snapshots is told, with the word that it needs, and not refused', async () => {
    lab.command('POST /api/v1/volumes/default/photos-db/rollback', {
      events: [{ stream: 'volume:v', type: 'volume.rollback-requested', data: {}, words: 'It would go back.' }],
    });
    lab.on('GET /api/v1/volumes/default/photos-db/rollback', rollbackOf(['tuesday']));
    const { code, out } = await floatlab('volume rollback photos-db monday --dry-run');
    expect([code, lines(out)]).toEqual([
      0,
      [
        'It would go back.',
        expect.stringMatching(/^monday was taken at .*\. How much was written since then is unknown\.$/),
        '1 snapshot is newer: tuesday. It stays, in the line of the history that is left.',
        'Without --past-newer it is refused, because of 1 newer snapshot.',
      ],
    ]);
    expect(lab.changes).toEqual([]);
  });

  test('of a pool that is gone for good says what is lost, and asks for its name', async () => {
    const changes = ['2 volumes would be lost for ever: films, photos.'];
    lab.command('DELETE /api/v1/nodes/atlas/pools/tank', { changes });
    const forget = 'pool forget atlas/tank --force';
    const no = await floatlab(forget, { tty: true, answers: ['atlas'] });
    expect(no.code).toBe(1);
    expect(no.err).toContain('2 volumes would be lost for ever: films, photos.');
    expect(no.asked).toEqual(['This cannot be undone. Type tank to go on']);
    expect(lab.changes).toEqual([]);
    expect((await floatlab(forget, { tty: true, answers: ['tank'] })).code).toBe(0);
    expect(lab.heard.findLast(({ method }) => method === 'DELETE')?.query).toEqual({ force: 'true' });
    lab.command('DELETE /api/v1/nodes/atlas/pools/tank');
    const plain = await floatlab('pool forget atlas/tank', { tty: true, answers: [true] });
    expect(plain.asked).toEqual(['Let pool atlas/tank go? What is in it stays, and the lab does not use it any more.']);
  });

  test('of an operation: it is canceled, and how it has ended is told', async () => {
    const route = `/api/v1/operations/${encodeURIComponent(operation)}`;
    const ends = (more: Parameters<typeof operationRow>[1]) => {
      const row = operationRow('op-7kq2wxyz', { command: 'import-volume', targetName: 'photos-db', ...more });
      lab.command(`DELETE ${route}`).on(`GET ${route}/wait`, { json: row });
    };
    const problem = { code: 'CANCELED', message: 'It was canceled, and the volume is as it was before.' };
    ends({ state: 'failed', problem });
    expect(await floatlab(`operation cancel ${operation}`)).toMatchObject({
      code: 0,
      err: '✓ import-volume of photos-db is canceled, and undone.\n',
    });
    ends({ state: 'succeeded', problem: null });
    expect(await floatlab(`operation cancel ${operation}`)).toMatchObject({
      code: 5,
      err: expect.stringContaining('import-volume of photos-db was done before it could be canceled (TOO_LATE)'),
    });
    ends({ state: 'failed', problem: { code: 'NO_SPACE', message: 'the volume is full' } });
    expect(await floatlab(`operation cancel ${operation}`)).toMatchObject({ code: 1 });
    expect((await floatlab(`operation cancel ${operation} --detach`)).err).toBe('op-7kq2wxyz is being canceled.\n');
  });

  test('to a size without a unit is told from one that is too small', async () => {
    const { code, err } = await floatlab('volume create photos-db --size 200');
    expect(code).toBe(2);
    expect(lines(err)).toEqual([
      'error: --size 200 has no unit: that is 200 B (USAGE)',
      'hint:  Write for example 200GiB. Units are KiB, MiB, GiB, TiB and PiB; K, M, G, T and P mean the same.',
    ]);
  });

  test('before a move says what stays; what is adopted, limited and placed is asked for as it was said', async () => {
    const changes = ['Its 3 snapshots do not come along.'];
    lab.command('POST /api/v1/volumes/default/photos-db/move', { changes });
    const { err, asked } = await floatlab('volume move photos-db --pool fast --record-size 16KiB', {
      tty: true,
      answers: [true],
    });
    expect(lines(err)[0]).toBe('Its 3 snapshots do not come along.');
    expect(asked).toEqual(['Move photos-db?']);
    expect(said()).toEqual({ pool: 'fast', recordSizeBytes: 16_384 });
    lab.command('POST /api/v1/volumes/adopt');
    await floatlab('volume adopt atlas/main tank/photos --as photos --size 1GiB');
    expect(said()).toMatchObject({
      ...{ name: 'photos', node: 'atlas', pool: 'main', native: 'tank/photos' },
      spec: { sizeBytes: 2 ** 30 },
    });
    lab.command('PUT /api/v1/nodes/atlas/pools/main/limits');
    await floatlab('node limit atlas main --fill 70 --reserve 1GiB');
    expect(said()).toEqual({ fillPercent: 70, reserveBytes: 2 ** 30 });
    lab.command('PATCH /api/v1/volumes/default/photos-db');
    await floatlab('volume set photos-db --grow-to 40GiB --node-label zone=attic --driver zfs');
    expect(said()).toEqual({
      growToBytes: 40 * 2 ** 30,
      constraints: { labels: { zone: 'attic' }, driver: 'zfs' },
    });
    expect((await floatlab('volume set photos-db --anywhere --pool fast')).code).toBe(2);
  });
});

describe('moving an app', () => {
  test('says what happens, asks, and takes all of its volumes along', async () => {
    const changes = ['Volumes photos-data, photos-db go to vega.'];
    lab.command('POST /api/v1/apps/default/photos/move', { changes });
    const { err, asked } = await floatlab('app move photos --node vega --no-replica', { tty: true, answers: [true] });
    expect(lines(err)[0]).toBe(changes[0]);
    expect(asked).toEqual(['Move app photos?']);
    expect(said()).toEqual({ node: 'vega', replica: false });
    lab.command('POST /api/v1/apps/default/photos/move/cancel');
    expect((await floatlab('app move photos --cancel')).code).toBe(0);
  });

  test.each(['app move photos', 'app move photos --cancel --node vega', 'app move photos --cancel --no-replica'])(
    '%s is no such request',
    async (line) => expect((await floatlab(line)).code).toBe(2),
  );
});

describe('the exit code', () => {
  test.each(Object.keys(problemCodes) as ProblemCode[])('of %s follows from its class', async (code) => {
    lab.problem('GET /api/v1/nodes', code, 'It is so.');
    const ended = await floatlab('node ls');
    expect(ended.code).toBe(exitCodeOf[problemCodes[code]]);
    expect(ended.err).toContain(`error: It is so (${code})`);
    expect(ended.out).toBe('');
  });

  test('tells the classes apart that scripts branch on', () => {
    expect(exitCodeOf).toMatchObject({
      invalid: 2,
      unauthenticated: 3,
      forbidden: 3,
      missing: 4,
      conflict: 5,
      refused: 6,
      unknown: 7,
      unavailable: 8,
    });
  });

  test('of a lab that does not answer is 8', async () => {
    const gone = await FakeServer.start();
    const { url } = gone;
    await gone.stop();
    const { code, err } = await floatlab('node ls', { server: url });
    expect(code).toBe(8);
    expect(lines(err)[0]).toBe(`error: ${url} does not answer: nothing listens there (UNREACHABLE)`);
  });

  test.each([
    'volume ls --no-such-option',
    'no-such-command',
    'app show',
    'volume',
    'ps -o xml',
    'ps --at yesterday-ish',
    'app show Not_A_Name',
    'volume create x --size huge',
    'volume create x --size 5GiB --keep sometimes',
    'volume set x',
    'volume set x --on-change sometimes',
    'snapshot take',
    'snapshot take --app photos --volume photos-db',
    'schedule create nightly --cron "0 3 * * *"',
    'schedule edit nightly',
    'schedule edit nightly --keep sometimes',
    'logs photos --tail many',
    'app stop photos --timeout soon',
    'up --server ftp://lab',
    'ps --context nowhere',
  ])('of a wrong call is 2: floatlab %s', async (command) => {
    const { code, out, err } = await floatlab(command);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).not.toBe('');
    expect(lab.changes).toEqual([]);
  });
});

describe('an error', () => {
  test('names wrong fields, and the places in a compose file with the source around them', async () => {
    const findings = [
      {
        path: 'services.web.ports[0]',
        file: 'compose.yaml',
        line: 7,
        column: 9,
        message: '`80` publishes no port.',
        hint: 'Write 8080:80.',
        frame: '  6 |     ports:\n> 7 |       - "80"\n    |         ^',
      },
    ];
    lab.problem('GET /api/v1/nodes', 'COMPOSE_INVALID', 'compose.yaml has 1 problem.', { findings });
    expect(lines((await floatlab('node ls')).err)).toEqual([
      'error: compose.yaml has 1 problem (COMPOSE_INVALID)',
      '',
      'compose.yaml:7:9 services.web.ports[0]',
      '  `80` publishes no port.',
      '  6 |     ports:',
      '> 7 |       - "80"',
      '    |         ^',
      '  hint: Write 8080:80.',
      '',
    ]);
    lab.problem('GET /api/v1/nodes', 'INVALID', 'a: wrong.', {
      fields: [
        { path: 'a', message: 'wrong' },
        { path: 'b', message: 'also wrong' },
      ],
    });
    expect((await floatlab('node ls')).err).toContain('       b: also wrong\n');
  });

  test('wraps on a terminal and stays one line in a file', async () => {
    const long = `It is so ${'because of this and that '.repeat(8)}`;
    lab.problem('GET /api/v1/nodes', 'NOT_NOW', long);
    expect(lines((await floatlab('node ls')).err)).toHaveLength(1);
    const wrapped = await floatlab('node ls', { tty: true });
    expect(lines(wrapped.err).length).toBeGreaterThan(2);
    // oxlint-disable-next-line no-control-regex -- colours take no column
    for (const line of lines(wrapped.err)) expect(line.replace(/\u001b\[\d+m/g, '').length).toBeLessThanOrEqual(80);
  });
});

describe('a command in a hint', () => {
  const failed = { code: 'EXITED', message: 'It exited.', hint: 'Look at its log: floatlab logs films web.' };
  const start = 'POST /api/v1/apps/media/films/start';
  beforeEach(() => lab.command(start, { operation }, { state: 'failed', problem: failed }));

  test('says the namespace when it would mean another one without', async () => {
    for (const command of ['app start films -n media', 'app start media/films']) {
      expect(lines((await floatlab(command)).err)[1], command).toBe(
        'hint:  Look at its log: floatlab logs films web -n media.',
      );
    }
  });

  test('says nothing that is meant anyhow', async () => {
    const { err } = await floatlab('app start films', { env: { FLOATLAB_NAMESPACE: 'media' } });
    expect(lines(err)[1]).toBe('hint:  Look at its log: floatlab logs films web.');
  });

  test('says default when another namespace is the usual one', async () => {
    lab.command('POST /api/v1/apps/default/films/start', { operation }, { state: 'failed', problem: failed });
    const { err } = await floatlab('app start films -n default', { env: { FLOATLAB_NAMESPACE: 'media' } });
    expect(err).toContain('floatlab logs films web -n default.');
  });

  test('says the lab when this run was told which', async () => {
    const { err } = await run(['app', 'start', 'films', '-n', 'media', '--server', lab.url]);
    expect(err).toContain(`floatlab logs films web -n media --server ${lab.url}.`);
  });

  test('is right in a list of all namespaces too', async () => {
    lab.rows('/api/v1/alerts', [alertRow('films', { namespace: 'media' }), alertRow('photos')]);
    const { out } = await floatlab('alert ls');
    expect(out).toContain('hint: floatlab logs films -n media shows why.');
    expect(out).toContain('hint: floatlab logs photos shows why.');
  });
});

test('a namespace that is not empty stays, with what shows why', async () => {
  lab.problem('DELETE /api/v1/namespaces/media', 'NOT_EMPTY', 'Namespace media holds 2 objects.');
  expect(await floatlab('namespace rm media')).toMatchObject({
    code: 6,
    err: 'error: Namespace media holds 2 objects (NOT_EMPTY)\nhint:  floatlab ps -n media shows what is in it.\n',
  });
});

describe('the power of a simulated machine', () => {
  const route = 'PUT /api/v1/simulation/machines/vega/power';
  const machines = (power: 'on' | 'off'): void => void lab.rows('/api/v1/simulation/machines', [machine(power)]);
  const machine = (power: 'on' | 'off') => ({ name: 'vega', power });

  test('is taken away with a word on how it comes back', async () => {
    lab.on(route, ({ body }) => ({ json: { name: 'vega', ...(body as object) } }));
    const { code, out, err } = await floatlab('node power vega off -y');
    expect(err).toContain('Node vega has no power');
    expect(err).toContain('floatlab node power vega on');
    expect([code, out]).toEqual([0, '']);
    expect(await floatlab('node power vega on -q')).toMatchObject({ code: 0, out: '', err: '' });
    expect(JSON.parse((await floatlab('node power vega on -o json')).out)).toEqual({ name: 'vega', power: 'on' });
  });

  test('is taken away once somebody agrees: what runs there ends', async () => {
    machines('on');
    lab.on(route, { json: machine('off') });
    const declined = await floatlab('node power vega off', { tty: true, answers: [false] });
    expect(declined).toMatchObject({
      code: 1,
      asked: ['Take the power of node vega away? What runs there ends.'],
      err: expect.stringContaining('You declined') as string,
    });
    expect(await floatlab('node power vega off')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes') as string,
    });
    expect(lab.changes).toEqual([]);
    expect((await floatlab('node power vega off', { tty: true, answers: [true] })).code).toBe(0);
    expect(lab.changes).toEqual([route]);
  });

  test('is taken from a machine that has none, and given back, without a question', async () => {
    machines('off');
    lab.on(route, { json: machine('off') });
    expect(await floatlab('node power vega off', { tty: true })).toMatchObject({ code: 0, asked: [] });
    machines('on');
    expect(await floatlab('node power vega on', { tty: true })).toMatchObject({ code: 0, asked: [] });
  });

  test('is not to be had of a machine that is not there', async () => {
    lab.rows('/api/v1/simulation/machines', []);
    lab.problem(route, 'NOT_FOUND', 'There is no simulated machine vega.');
    const { code, err } = await floatlab('node power vega off');
    expect(code).toBe(4);
    expect(err).toContain('floatlab node ls shows what there is.');
  });
});

test('a moment may be an index, a time or how long ago', async () => {
  lab.rows('/api/v1/nodes', []);
  for (const at of ['812', '2h', '2h ago', '2026-11-20T10:00:00Z']) await floatlab(`node ls --at "${at}"`);
  expect(lab.heard.map(({ query }) => query['at'])).toEqual([
    '812',
    new Date(now - 7_200_000).toISOString(),
    new Date(now - 7_200_000).toISOString(),
    '2026-11-20T10:00:00.000Z',
  ]);
});
