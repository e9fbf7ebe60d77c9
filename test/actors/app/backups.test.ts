/** What `backup` in a compose file makes of the backup schedules of its app. */
import { describe, expect, test } from 'vitest';
import { backupsPolicy } from '#actors/policies/backups.ts';
import type { Observations } from '#actors/observations.ts';
import type { StreamId } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const node = 'node:atlas';
const dayMs = 86_400_000;

/** @param top of the file @param db of one of its two volumes */
const wiki = (top: string, db = '{}'): string => `name: wiki
services:
  web: { image: nginx, volumes: ["data:/data", "db:/db"] }
volumes: { data: {}, db: { x-floatlab: ${db} } }
x-floatlab: ${top}
`;
const nightly = '{ backup: { target: usb, schedule: "30 3 * * *" } }';

function labWith(...targets: string[]): TestLab {
  const lab = TestLab.ready();
  for (const name of targets) {
    lab.must('add-backup-target', { name, store: { kind: 'directory', path: `/mnt/${name}` } });
    looked(lab, name);
  }
  return lab;
}

function looked(lab: TestLab, name: string): void {
  const target = targetOf(lab, name);
  const told = { target, visit: lab.visit(target), repository: '0f'.repeat(16), backups: 0 };
  lab.must('report-backup-target-checked', told, node);
}

const targetOf = (lab: TestLab, name: string): StreamId<'backup-target'> =>
  lab.lab.byName('backup-target', 'system', name)?.stream ?? 'backup-target:none';

const deploy = (lab: TestLab, compose: string) => lab.must('deploy-app', { compose, start: false });

/** By the names of the schedules. */
const sets = (lab: TestLab) =>
  Object.fromEntries(
    lab.lab
      .list('schedule')
      .filter(({ context }) => context.spec.action === 'backup')
      .map(({ context }) => [context.metadata.name, context.spec]),
  );

describe('the backup sets of an app', () => {
  test('hold all volumes of which its file says the same', () => {
    const lab = labWith('usb');
    deploy(lab, wiki('{ backup: { target: usb, schedule: "30 3 * * *", keep: "14d:1d", test-restore: 30d } }'));
    expect(sets(lab)).toEqual({
      'wiki-backup': {
        ...{ cron: '30 3 * * *', action: 'backup', app: lab.app('wiki'), target: targetOf(lab, 'usb') },
        ...{ keep: '14d:1d', testRestoreEveryMs: 30 * dayMs },
      },
    });
  });

  test('leave out a volume that says no, and make one of its own for a volume that says otherwise', () => {
    const lab = labWith('usb', 'attic');
    deploy(lab, wiki(nightly, '{ backup: false }'));
    expect(sets(lab)).toMatchObject({ 'wiki-backup': { volumes: ['data'] } });
    deploy(lab, wiki(nightly, '{ backup: { target: attic, schedule: "0 * * * *" } }'));
    expect(sets(lab)).toMatchObject({
      'wiki-backup': { volumes: ['data'], target: targetOf(lab, 'usb') },
      'wiki-backup-2': { volumes: ['db'], target: targetOf(lab, 'attic'), cron: '0 * * * *' },
    });
  });

  test('follow the file: they change under their name, stay when they are the same, and go with the key', () => {
    const lab = labWith('usb');
    deploy(lab, wiki(nightly));
    const [before] = lab.lab.list('schedule');
    const same = deploy(lab, wiki(nightly).replace('nginx', 'caddy'));
    expect(same.filter(({ type }) => type.startsWith('schedule.'))).toEqual([]);
    deploy(lab, wiki(nightly.replace('30 3', '0 5')));
    expect(sets(lab)).toMatchObject({ 'wiki-backup': { cron: '0 5 * * *' } });
    expect(lab.lab.list('schedule')[0]?.stream).toBe(before?.stream);
    deploy(lab, wiki('{}'));
    expect(sets(lab)).toEqual({});
  });

  test('go with the app', () => {
    const lab = labWith('usb');
    deploy(lab, wiki(nightly));
    lab.must('remove-app', { name: 'wiki' });
    expect(sets(lab)).toEqual({});
  });

  test('leave those alone that a person made', () => {
    const lab = labWith('usb');
    deploy(lab, wiki('{}'));
    lab.must('create-schedule', { name: 'wiki-backup', app: 'wiki', backupTo: 'usb', cron: '0 1 * * *' });
    const mine = sets(lab)['wiki-backup'];
    deploy(lab, wiki(nightly));
    expect(Object.keys(sets(lab)).toSorted()).toEqual(['wiki-backup', 'wiki-backup-2']);
    deploy(lab, wiki('{}'));
    expect(sets(lab)).toEqual({ 'wiki-backup': mine });
  });

  test('back up only their own volumes when they are due', () => {
    const lab = labWith('usb');
    deploy(lab, wiki(nightly, '{ backup: false }'));
    for (const name of ['wiki-data', 'wiki-db'])
      lab.must('place-volume', { volume: lab.volume(name), node, pool: 'main' }, 'policy:placement');
    lab.provision();
    const [schedule] = lab.lab.list('schedule');
    lab.now = schedule?.context.dueAt ?? 0;
    lab.must(
      'fire-schedule',
      { schedule: schedule?.stream ?? 'schedule:none', dueAt: schedule?.context.dueAt ?? 0 },
      'policy:schedules',
    );
    expect(lab.lab.list('backup').map(({ context }) => context.volumeName)).toEqual(['wiki-data']);
  });

  test('are refused where there is no such target, where it is of no use, and beside the volume itself', () => {
    const lab = labWith();
    const refused = () => lab.run('deploy-app', { compose: wiki(nightly), start: false }).rejected;
    expect(refused()).toMatchObject({ code: 'NOT_FOUND' });
    const lent = { tokenHash: '0a'.repeat(32), quotaBytes: 2 ** 30, appendOnly: false };
    lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: '/mnt/usb' }, lent });
    expect(refused()).toMatchObject({ code: 'UNSUPPORTED' });
    lab.must('remove-backup-target', { name: 'usb' });
    deploy(lab, wiki('{}'));
    for (const name of ['wiki-data', 'wiki-db'])
      lab.must('place-volume', { volume: lab.volume(name), node, pool: 'main' }, 'policy:placement');
    const store = { kind: 'pool' as const, node: 'atlas', pool: 'main', sizeBytes: 2 ** 30 };
    lab.must('add-backup-target', { name: 'usb', store });
    expect(refused()).toMatchObject({ code: 'INVALID' });
  });

  test('keep their target from being removed', () => {
    const lab = labWith('usb');
    deploy(lab, wiki(nightly));
    expect(lab.run('remove-backup-target', { name: 'usb' }).rejected).toMatchObject({ code: 'NOT_NOW' });
    deploy(lab, wiki('{}'));
    lab.must('remove-backup-target', { name: 'usb' });
  });
});

describe('what a set says of its backups', () => {
  /** A good backup of one volume, asked for by its schedule. */
  function backedUp(lab: TestLab): void {
    const [schedule] = lab.lab.list('schedule');
    const dueAt = schedule?.context.dueAt ?? 0;
    lab.now = dueAt;
    lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:none', dueAt }, 'policy:schedules');
    for (const { stream, context } of lab.lab.list('backup').filter(({ state }) => state === 'waiting')) {
      const snapshot = context.snapshot ?? 'snapshot:none';
      const taken = { snapshot, visit: lab.visit(snapshot), guid: `g-${lab.index}`, takenAt: lab.now };
      lab.must('report-snapshot-taken', taken, node);
      lab.must('begin-backup', { backup: stream }, 'policy:backups');
      const told = () => ({ backup: stream, visit: lab.visit(stream) });
      lab.must('report-backup-written', { ...told(), sizeBytes: 1, addedBytes: 1, takenAt: lab.now }, node);
      lab.must('report-backup-verified', { ...told(), readBytes: 1 }, node);
    }
  }

  const labOf = (terms: string): TestLab => {
    const lab = labWith('usb');
    deploy(lab, wiki(`{ backup: { target: usb, schedule: "30 3 * * *"${terms} } }`, '{ backup: false }'));
    lab.must('place-volume', { volume: lab.volume('wiki-data'), node, pool: 'main' }, 'policy:placement');
    lab.provision();
    return lab;
  };
  const proposed = (lab: TestLab) => backupsPolicy.propose(targetOf(lab, 'usb'), lab.lab, {} as Observations, lab.now);

  test('goes before what the target says: how many of them stay', () => {
    const lab = labOf(', keep: "last:2"');
    for (let n = 0; n < 4; n++) backedUp(lab);
    const expired = proposed(lab).find(({ name }) => name === 'expire-backups');
    expect(expired?.input).toMatchObject({ backups: [{}, {}] });
    lab.must('change-backup-target', { name: 'usb', keep: 'last:1' });
    if (lab.lab.get(targetOf(lab, 'usb'))?.state === 'checking') looked(lab, 'usb');
    expect(proposed(lab).find(({ name }) => name === 'expire-backups')?.input).toEqual(expired?.input);
    deploy(lab, wiki(nightly, '{ backup: false }'));
    expect(proposed(lab).find(({ name }) => name === 'expire-backups')?.input).toMatchObject({
      backups: [{}, {}, {}],
    });
  });

  test('and how often one is restored as a test, which changes as soon as the file does', () => {
    const lab = labOf('');
    backedUp(lab);
    expect(proposed(lab).map(({ name }) => name)).not.toContain('begin-restore-test');
    const terms = nightly.replace(' } }', ', test-restore: 30d } }');
    const events = deploy(lab, wiki(terms, '{ backup: false }'));
    expect(events.map(({ type }) => type)).toContain('schedule.changed');
    expect(proposed(lab).map(({ name }) => name)).toContain('begin-restore-test');
  });
});
