/** Apps, from their compose files. */
import { commandSchemas } from '#actors/commands.ts';
import { command, list, show, special, type Route } from './route.ts';

const app = '/api/v1/apps/{namespace}/{name}';

/** Without files those of the last revision count, of the app that is named here or in the file. */
export const validateComposeBody = commandSchemas['deploy-app'].omit({ start: true });

export const appsRoutes: readonly Route[] = [
  list('apps', '/api/v1/apps', 'apps', 'List the apps', ['namespace', 'name', 'state', 'selector']),
  command('deploy-app', 'post', '/api/v1/apps', 'apps', 'Create an app from a compose file, or bring it to this file'),
  special('validate-compose', 'post', '/api/v1/compose/validate', 'apps', 'Check a compose file without an app', {
    body: validateComposeBody,
  }),
  special(
    'compose-schema',
    'get',
    '/api/v1/compose/schema.json',
    'apps',
    'The JSON schema of compose files, for editors',
    {
      open: true,
    },
  ),
  show('apps', app, 'apps', 'Show an app'),
  special('compose-file', 'get', `${app}/compose`, 'apps', 'The compose file, byte for byte'),
  command(
    'edit-app',
    'patch',
    `${app}/compose`,
    'apps',
    'Change single values of its compose file, which keeps its comments',
  ),
  special('app-logs', 'get', `${app}/logs`, 'apps', 'Log lines of its services, newest last', {
    query: {
      service: 'Only this service',
      tail: 'The last n lines of each service (default 200)',
      since: 'Lines after this time, in milliseconds since 1970',
    },
  }),
  command(
    'move-app',
    'post',
    `${app}/move`,
    'apps',
    'Move an app with all of its volumes to another node, where replicas take their places',
  ),
  command(
    'cancel-app-move',
    'post',
    `${app}/move/cancel`,
    'apps',
    'Give up the move of an app and its volumes to another node, as long as it is not decided there',
    false,
  ),
  command('tie-app', 'post', `${app}/tie`, 'apps', 'Say that its data outside of volumes lies on this node, too'),
  command('start-app', 'post', `${app}/start`, 'apps', 'Start an app'),
  command('stop-app', 'post', `${app}/stop`, 'apps', 'Stop an app'),
  command('restart-app', 'post', `${app}/restart`, 'apps', 'Restart an app'),
  command('check-app-images', 'post', `${app}/images/check`, 'apps', 'Ask the registries for newer images of an app'),
  command('update-app', 'post', `${app}/images/update`, 'apps', 'Go on with the newer images of its registries'),
  command('remove-app', 'delete', app, 'apps', 'Remove an app; its volumes are kept unless withVolumes is true'),
];
