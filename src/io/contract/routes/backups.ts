/** Backups, and where they go. */
import { attachBody } from '../backups.ts';
import { command, list, show, special, type Route } from './route.ts';

const target = '/api/v1/backup-targets/{name}';
const vault = '/api/v1/vaults/{name}';
/** Sessions open nothing there. */
const byToken = 'with the token of that place';
const backup = '/api/v1/backups/{namespace}/{name}';

export const backupsRoutes: readonly Route[] = [
  list('backup-targets', '/api/v1/backup-targets', 'backups', 'List the targets of backups', ['state']),
  command('add-backup-target', 'post', '/api/v1/backup-targets', 'backups', 'Add a folder or a bucket for backups'),
  special(
    'attach-backup-target',
    'post',
    '/api/v1/backup-targets/attach',
    'backups',
    'Add a target of another lab, with its kit and its recovery key: it is read, and nothing is written there',
    { body: attachBody },
  ),
  special(
    'backup-kit',
    'get',
    '/api/v1/backup-kit',
    'backups',
    'What a person keeps offline to restore from the targets of this lab, together with the recovery key',
  ),
  show('backup-targets', target, 'backups', 'Show a target of backups'),
  command('change-backup-target', 'patch', target, 'backups', 'Change retention, verification, limit or keys', false),
  command('test-backup-target', 'post', `${target}/test`, 'backups', 'Look at a target, and at what is in it'),
  command('prune-backup-target', 'post', `${target}/prune`, 'backups', 'Remove what no backup there needs any more'),
  command(
    'remove-backup-target',
    'delete',
    target,
    'backups',
    'Forget a target with its backups; what lies there stays',
    false,
  ),
  special('list-vault-objects', 'get', `${vault}/objects`, 'backups', `List the objects of a lent place; ${byToken}`, {
    query: { prefix: 'Only those whose keys begin with it: a folder with its slash' },
    open: true,
  }),
  special('head-vault-object', 'get', `${vault}/head`, 'backups', `Look at an object of a lent place; ${byToken}`, {
    query: { key: 'Of the object' },
    open: true,
  }),
  special('get-vault-object', 'get', `${vault}/object`, 'backups', `Read an object of a lent place; ${byToken}`, {
    query: { key: 'Of the object', from: 'First byte', to: 'The byte after the last one' },
    open: true,
  }),
  special('put-vault-object', 'put', `${vault}/object`, 'backups', `Put an object that is not there yet; ${byToken}`, {
    query: { key: 'Of the object' },
    open: true,
  }),
  special(
    'delete-vault-object',
    'delete',
    `${vault}/object`,
    'backups',
    `Remove an object, where that is allowed; ${byToken}`,
    {
      query: { key: 'Of the object' },
      open: true,
    },
  ),
  list('backups', '/api/v1/backups', 'backups', 'List the backups', [
    'namespace',
    'name',
    'state',
    'target',
    'volumeName',
  ]),
  command(
    'create-backup',
    'post',
    '/api/v1/volumes/{namespace}/{name}/backups',
    'backups',
    'Back up a volume; done once the backup was read back',
  ),
  command(
    'back-up-app',
    'post',
    '/api/v1/apps/{namespace}/{name}/backups',
    'backups',
    'Back up all volumes of an app as a set, with its compose file',
  ),
  show('backups', backup, 'backups', 'Show a backup'),
  special(
    'backup-files',
    'get',
    `${backup}/files`,
    'backups',
    'The compose file of the app in a backup, and its files',
  ),
  special('list-backup-content', 'get', `${backup}/content`, 'backups', 'What is in a folder of a backup, by name', {
    query: {
      path: 'Of the folder; empty: the root',
      limit: 'At most so many, 1 to 1000; 500 when it is left out',
      cursor: 'Of the page before',
    },
  }),
  special(
    'read-backup-content',
    'get',
    `${backup}/archive`,
    'backups',
    'A file or folder of a backup as a tar, with its place in the volume',
    { query: { path: 'Of the file or folder; empty: all of it' } },
  ),
  command(
    'verify-backup',
    'post',
    `${backup}/verify`,
    'backups',
    'Read a backup back, or restore it as a test and compare',
  ),
  command('cancel-backup', 'post', `${backup}/cancel`, 'backups', 'End a backup that is not written yet', false),
  command(
    'restore-backup',
    'post',
    `${backup}/restore`,
    'backups',
    'Restore a backup into a new volume, or into one that is there',
  ),
  command('remove-backup', 'delete', backup, 'backups', 'Remove a backup from its target'),
];
