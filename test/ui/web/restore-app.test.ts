/** Which steps bring an app back: in place of what is there, or from nothing. */
import { describe, expect, it } from 'vitest';
import type { AppRow } from '#projections/views/apps.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { kitIn } from '#ui/web/format/kit.ts';
import { stepsToRestore } from '#ui/web/format/restore-app.ts';

const backup = (volume: string) =>
  ({
    namespace: 'default',
    name: `${volume}-1`,
    volumeName: volume,
    volume: { id: `volume:${volume}`, name: volume },
  }) as BackupRow;
const volume = (name: string, more: Partial<VolumeRow> = {}) =>
  ({ id: `volume:${name}`, namespace: 'default', name, discarded: null, ...more }) as VolumeRow;
const app = (state: string) => ({ namespace: 'default', name: 'photos', state }) as AppRow;
const set = { app: 'photos', namespace: 'default', backups: [backup('db'), backup('web')] };
const files = { compose: 'name: photos\n', files: {} };
const commands = (...[of, lab, found]: Parameters<typeof stepsToRestore>) =>
  stepsToRestore(of, lab, found).map(({ command, input }) => [command, input]);

describe('an app comes back', () => {
  it('in place: it is stopped, its volumes are replaced, and it goes on', () => {
    const lab = { apps: [app('running')], volumes: [volume('db'), volume('web')] };
    const target = { namespace: 'default', name: 'photos' };
    expect(commands(set, lab, undefined)).toEqual([
      ['stop-app', target],
      ['restore-backup', { namespace: 'default', name: 'db-1', to: 'db', replace: true }],
      ['restore-backup', { namespace: 'default', name: 'web-1', to: 'web', replace: true }],
      ['start-app', target],
    ]);
  });

  it('and stays off when it was off', () => {
    const lab = { apps: [app('stopped')], volumes: [volume('db'), volume('web')] };
    expect(commands(set, lab, undefined).map(([command]) => command)).toEqual(['restore-backup', 'restore-backup']);
  });

  it('from nothing: volumes under their names, then its compose file', () => {
    expect(commands(set, { apps: [], volumes: [] }, files)).toEqual([
      ['restore-backup', { namespace: 'default', name: 'db-1', as: 'db' }],
      ['restore-backup', { namespace: 'default', name: 'web-1', as: 'web' }],
      ['deploy-app', { namespace: 'default', name: 'photos', compose: files.compose, files: {} }],
    ]);
  });

  it('into a volume that was given another name, and never into one that was deleted', () => {
    const renamed = volume('db', { name: 'database' });
    const gone = volume('web', { discarded: { name: 'web', purgeAt: 1 } as VolumeRow['discarded'] });
    expect(commands(set, { apps: [app('stopped')], volumes: [renamed, gone] }, undefined)).toEqual([
      ['restore-backup', { namespace: 'default', name: 'db-1', to: 'database', replace: true }],
      ['restore-backup', { namespace: 'default', name: 'web-1', as: 'web' }],
    ]);
  });
});

it('a kit shows what it opens, and anything else is no kit', () => {
  const target = { name: 'usb', where: '/mnt/usb on atlas', store: { kind: 'directory', path: '/mnt/usb' } };
  const kit = { floatlabBackupKit: 1, lab: 'home', madeAt: '', keys: {}, targets: [{ ...target, repository: null }] };
  expect(kitIn(JSON.stringify(kit))).toEqual({ floatlabBackupKit: 1, lab: 'home', targets: [target] });
  expect(kitIn('no json')).toBeUndefined();
  expect(kitIn('{"targets": []}')).toBeUndefined();
});
