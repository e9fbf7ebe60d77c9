/** The lab as a whole: its settings, alerts, configuration and namespaces. */
import { command, list, show, type Route } from './route.ts';

export const labRoutes: readonly Route[] = [
  show('overview', '/api/v1/overview', 'lab', 'The lab at a glance'),
  command('change-settings', 'patch', '/api/v1/settings', 'lab', 'Change the settings of the lab', false),
  command(
    'switch-fold-version',
    'post',
    '/api/v1/fold-version',
    'lab',
    'Fold events by a newer version of the machines, once every node can',
    false,
  ),
  list('alerts', '/api/v1/alerts', 'lab', 'What is wrong now', ['rule', 'severity', 'namespace', 'kind']),
  list(
    'config',
    '/api/v1/config',
    'lab',
    'The configuration database: every object with its specification and status',
    ['kind', 'namespace', 'name', 'selector'],
  ),
  command('create-namespace', 'post', '/api/v1/namespaces', 'lab', 'Create a namespace', false),
  command('delete-namespace', 'delete', '/api/v1/namespaces/{name}', 'lab', 'Delete an empty namespace', false),
];
