/** Volumes and their snapshots. */
import { filesRoutes } from './files.ts';
import { command, list, show, special, type Route } from './route.ts';

const volume = '/api/v1/volumes/{namespace}/{name}';

export const volumesRoutes: readonly Route[] = [
  list('volumes', '/api/v1/volumes', 'volumes', 'List the volumes', [
    'namespace',
    'name',
    'state',
    'app',
    'node',
    'selector',
  ]),
  command('create-volume', 'post', '/api/v1/volumes', 'volumes', 'Create a volume'),
  command(
    'adopt-volume',
    'post',
    '/api/v1/volumes/adopt',
    'volumes',
    'Take over a dataset or subvolume that is there already as a volume, where it is',
  ),
  show('volumes', volume, 'volumes', 'Show a volume'),
  command('change-volume', 'patch', volume, 'volumes', 'Change size, growth, constraints, retention, owner or mode'),
  command(
    'label-volume',
    'patch',
    `${volume}/labels`,
    'volumes',
    'Change labels; what is not named stays, null takes one away',
    false,
  ),
  command('rename-volume', 'post', `${volume}/rename`, 'volumes', 'Give a volume another name'),
  command(
    'clone-volume',
    'post',
    `${volume}/clone`,
    'volumes',
    'Make a volume that begins with the content of this one',
  ),
  command(
    'move-volume',
    'post',
    `${volume}/move`,
    'volumes',
    'Move a volume to another node, where a replica takes its place; or into a new dataset of its node: then what it was stays for a while as a deleted volume',
  ),
  command(
    'cancel-move',
    'post',
    `${volume}/move/cancel`,
    'volumes',
    'Give up the move of a volume to another node, as long as it is not decided there',
    false,
  ),
  command('retry-volume', 'post', `${volume}/retry`, 'volumes', 'Try again what failed, or put right what is wrong'),
  command('release-volume', 'post', `${volume}/release`, 'volumes', 'Give back what was adopted, as it is'),
  command(
    'delete-volume',
    'delete',
    volume,
    'volumes',
    'Delete a volume with its snapshots: for ever when purge is true, else it can be recovered for a while',
  ),
  command('recover-volume', 'post', `${volume}/recover`, 'volumes', 'Bring a deleted volume back'),
  list('snapshots', `${volume}/snapshots`, 'volumes', 'List the snapshots of a volume, oldest first', [
    'state',
    'reason',
  ]),
  special(
    'preview-retention',
    'get',
    `${volume}/retention`,
    'volumes',
    'Which snapshots its retention keeps and drops, and why',
    { query: { keep: 'Another policy than the one that it has; empty: none' } },
  ),
  command('take-snapshot', 'post', `${volume}/snapshots`, 'volumes', 'Take a snapshot'),
  command(
    'take-app-snapshot',
    'post',
    '/api/v1/apps/{namespace}/{name}/snapshots',
    'volumes',
    'Take a set of snapshots, one of each volume of an app, around its hooks',
  ),
  command('remove-snapshot', 'delete', `${volume}/snapshots/{snapshot}`, 'volumes', 'Remove a snapshot'),
  command(
    'rollback-volume',
    'post',
    `${volume}/rollback`,
    'volumes',
    'Go back to a snapshot; what is replaced is kept as a snapshot. Past newer ones with pastNewer',
  ),
  special(
    'preview-rollback',
    'get',
    `${volume}/rollback`,
    'volumes',
    'What going back to a snapshot would leave behind',
    { query: { snapshot: 'Its name' } },
  ),
  ...filesRoutes(volume),
];
