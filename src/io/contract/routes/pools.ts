/** The pools of the nodes, and the disks that new ones could be made of. */
import { command, list, special, type Route } from './route.ts';

const pools = '/api/v1/nodes/{node}/pools';
const pool = `${pools}/{name}`;

export const poolsRoutes: readonly Route[] = [
  list('pools', '/api/v1/pools', 'pools', 'List the pools of all nodes', ['node', 'state', 'driver']),
  special(
    'list-disks',
    'get',
    '/api/v1/nodes/{node}/disks',
    'pools',
    'The disks of a node as they are now: which are free, and what keeps the others from being taken',
  ),
  command('create-pool', 'post', pools, 'pools', 'Make a pool of disks, or in one file'),
  special('show-pool', 'get', pool, 'pools', 'Show a pool'),
  special(
    'list-volume-candidates',
    'get',
    `${pool}/volume-candidates`,
    'pools',
    'What lies in a pool and could become a volume where it is, and why not where not',
  ),
  command(
    'adopt-pool',
    'post',
    `${pool}/adopt`,
    'pools',
    'Take over a dataset, a btrfs or a folder that is there already',
  ),
  command('forget-pool', 'delete', pool, 'pools', 'Manage a pool no more; what is in it stays'),
  command('grow-pool', 'post', `${pool}/grow`, 'pools', 'Use what its devices have gained, or make its file larger'),
  command('add-pool-devices', 'post', `${pool}/devices`, 'pools', 'Give a pool more devices'),
  command('replace-pool-device', 'post', `${pool}/replace`, 'pools', 'Put a new device in the place of another one'),
  command(
    'clear-pool',
    'post',
    `${pool}/clear`,
    'pools',
    'Forget the errors that a pool has counted, let it go on where it stopped, and take writes again',
  ),
  command(
    'scrub-pool',
    'post',
    `${pool}/scrub`,
    'pools',
    'Start, pause or cancel a scrub: everything is read and verified',
  ),
];
