/** The machines that are in, or ask to be. */
import { command, list, show, type Route } from './route.ts';

const node = '/api/v1/nodes/{name}';

export const nodesRoutes: readonly Route[] = [
  list('nodes', '/api/v1/nodes', 'nodes', 'List the nodes', ['state']),
  show('nodes', node, 'nodes', 'Show a node'),
  command('cordon-node', 'post', `${node}/cordon`, 'nodes', 'Give the node nothing new', false),
  command('uncordon-node', 'post', `${node}/uncordon`, 'nodes', 'Let the node take new work', false),
  command('approve-node', 'post', `${node}/approve`, 'nodes', 'Let a node in that asks to join', false),
  command('refuse-node', 'post', `${node}/refuse`, 'nodes', 'Send a node away that asks to join', false),
  command(
    'label-node',
    'patch',
    `${node}/labels`,
    'nodes',
    'Change labels; what is not named stays, null takes one away',
    false,
  ),
  command(
    'limit-pool',
    'put',
    `${node}/pools/{pool}/limits`,
    'nodes',
    'Say how much of a pool volumes may be promised, and what is left to others',
    false,
  ),
  command('change-node-role', 'put', `${node}/role`, 'nodes', 'Say whether the node may vote and run apps', false),
  command('leave-node', 'post', `${node}/leave`, 'nodes', 'Let a node that holds nothing leave the lab'),
  command(
    'remove-node',
    'delete',
    node,
    'nodes',
    'Remove a node that is down; with `force` also one that holds something, which is lost',
  ),
];
