/** Logins of registries of images. */
import { command, list, type Route } from './route.ts';

export const registryRoutes: readonly Route[] = [
  list('registries', '/api/v1/registries', 'registries', 'List the registries that the lab has a login of', []),
  command(
    'open-registry',
    'put',
    '/api/v1/registries/{registry}',
    'registries',
    'Give the lab the login of a registry: every node pulls its images with it',
    false,
  ),
  command(
    'close-registry',
    'delete',
    '/api/v1/registries/{registry}',
    'registries',
    'Forget the login of a registry',
    false,
  ),
];
