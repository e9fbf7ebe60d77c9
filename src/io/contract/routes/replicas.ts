/** Replicas of volumes. */
import { command, list, show, type Route } from './route.ts';

const replica = '/api/v1/replicas/{namespace}/{name}';

export const replicasRoutes: readonly Route[] = [
  list('replicas', '/api/v1/replicas', 'replicas', 'List the replicas', [
    'namespace',
    'name',
    'state',
    'volume',
    'node',
  ]),
  command(
    'create-replica',
    'post',
    '/api/v1/volumes/{namespace}/{name}/replicas',
    'replicas',
    'Make a replica of a volume, on the node that is named or on the one with the most room',
  ),
  show('replicas', replica, 'replicas', 'Show a replica'),
  command(
    'sync-replica',
    'post',
    `${replica}/sync`,
    'replicas',
    'Bring a replica to the newest snapshot of its volume',
  ),
  command(
    'cancel-replica',
    'post',
    `${replica}/cancel`,
    'replicas',
    'End what a replica receives at the moment',
    false,
  ),
  command('pause-replica', 'post', `${replica}/pause`, 'replicas', 'Let a replica follow no more for a while', false),
  command('resume-replica', 'post', `${replica}/resume`, 'replicas', 'Let a replica follow again', false),
  command(
    'resync-replica',
    'post',
    `${replica}/resync`,
    'replicas',
    'Take a replica back to what its volume has; what it holds alone is kept as a deleted volume, or destroyed',
  ),
  command('remove-replica', 'delete', replica, 'replicas', 'Remove a replica with its data'),
];
