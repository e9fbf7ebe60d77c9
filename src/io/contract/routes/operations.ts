/** What was asked for and is under way, or has ended. */
import { command, list, show, special, type Route } from './route.ts';

export const operationsRoutes: readonly Route[] = [
  list('operations', '/api/v1/operations', 'operations', 'List the operations', ['state', 'target', 'command']),
  show('operations', '/api/v1/operations/{id}', 'operations', 'Show an operation'),
  special(
    'wait-operation',
    'get',
    '/api/v1/operations/{id}/wait',
    'operations',
    'Wait until the operation has ended, at most `timeout` seconds (default 30, at most 300)',
    { query: { timeout: 'Seconds' } },
  ),
  command(
    'cancel-operation',
    'delete',
    '/api/v1/operations/{id}',
    'operations',
    'Cancel a restore, an export or an import: the volume is as it was before',
    false,
  ),
];
