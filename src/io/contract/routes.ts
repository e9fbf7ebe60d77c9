/**
 * The REST API as one table. The server registers it, OpenAPI is generated from it, both clients call by it.
 *
 * A route runs a command (its body is the command's schema without what the path already says), reads a view, or is
 * one of the few `special` ones. Every command takes `?dryRun=true` and the header `Idempotency-Key`; every view takes
 * `?at=<index or time>`, `?limit`, `?cursor`, and a filter by each name in `filters`.
 */
import { commandSchemas, type CommandName } from '#actors/commands.ts';
import type { ViewName } from '#projections/registry.ts';
import { z } from 'zod';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

export type RouteAction =
  | {
      readonly command: CommandName;
      /** Path parameters by the names of the command's fields. */ readonly long: boolean;
    }
  | {
      readonly view: ViewName;
      /** One row, found by the path's parameters. */ readonly one: boolean;
      readonly filters: readonly string[];
    }
  | {
      readonly special: Special;
      readonly body?: z.ZodType;
      readonly query?: Readonly<Record<string, string>>;
      readonly open?: boolean;
      /** Also for collectors of figures, who show a token that opens nothing else. */
      readonly collected?: boolean;
    };

export type Special =
  | 'sign-in'
  | 'sign-out'
  | 'whoami'
  | 'change-password'
  | 'compose-file'
  | 'validate-compose'
  | 'app-logs'
  | 'object-history'
  | 'events'
  | 'wait-operation'
  | 'health'
  | 'ready'
  | 'metrics'
  | 'openapi'
  | 'simulated-machines'
  | 'set-power';

export interface Route {
  readonly id: string;
  readonly method: Method;
  /** With `{namespace}` and `{name}` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly action: RouteAction;
}

const command = (id: CommandName, method: Method, path: string, tag: string, summary: string, long = true): Route => ({
  id,
  method,
  path,
  summary,
  tag,
  action: { command: id, long },
});

const list = (view: ViewName, path: string, tag: string, summary: string, filters: readonly string[]): Route => ({
  id: `list-${view}`,
  method: 'get',
  path,
  summary,
  tag,
  action: { view, one: false, filters },
});

const show = (view: ViewName, path: string, tag: string, summary: string): Route => ({
  id: `show-${view}`,
  method: 'get',
  path,
  summary,
  tag,
  action: { view, one: true, filters: [] },
});

const special = (
  id: Special,
  method: Method,
  path: string,
  tag: string,
  summary: string,
  more: Omit<Extract<RouteAction, { special: Special }>, 'special'> = {},
): Route => ({
  id,
  method,
  path,
  summary,
  tag,
  action: { special: id, ...more },
});

const app = '/api/v1/apps/{namespace}/{name}';
const volume = '/api/v1/volumes/{namespace}/{name}';
const schedule = '/api/v1/schedules/{namespace}/{name}';
const node = '/api/v1/nodes/{name}';

export const signInBody = z.strictObject({
  name: z.string().min(1).max(63),
  password: z.string().min(1).max(1024),
  /** A page of this server signs in: with a cookie and a key instead of a bearer token. */
  page: z.boolean().exactOptional(),
});
export const changePasswordBody = z.strictObject({
  current: z.string().min(1).max(1024),
  next: z.string().min(10, 'a password has at least 10 characters').max(1024),
});
/** Without files those of the last revision count, of the app that is named here or in the file. */
export const validateComposeBody = commandSchemas['deploy-app'].omit({ start: true });

export const powerBody = z.strictObject({ power: z.enum(['on', 'off']) });
export type Power = z.infer<typeof powerBody>['power'];

export const routes: readonly Route[] = [
  special(
    'sign-in',
    'post',
    '/api/v1/session',
    'session',
    'Sign in; answers with a bearer token, or sets a cookie for a page and answers with the page’s key',
    { body: signInBody, open: true },
  ),
  special('whoami', 'get', '/api/v1/session', 'session', 'Who is signed in'),
  special('sign-out', 'delete', '/api/v1/session', 'session', 'Sign out'),
  special(
    'change-password',
    'put',
    '/api/v1/session/password',
    'session',
    'Change one’s password; ends all other sessions',
    { body: changePasswordBody },
  ),

  show('overview', '/api/v1/overview', 'lab', 'The lab at a glance'),
  command('change-settings', 'patch', '/api/v1/settings', 'lab', 'Change the settings of the lab', false),
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

  list('nodes', '/api/v1/nodes', 'nodes', 'List the nodes', ['state']),
  show('nodes', node, 'nodes', 'Show a node'),
  command('cordon-node', 'post', `${node}/cordon`, 'nodes', 'Give the node nothing new', false),
  command('uncordon-node', 'post', `${node}/uncordon`, 'nodes', 'Let the node take new work', false),
  command('remove-node', 'delete', node, 'nodes', 'Remove a node that is down and holds nothing', false),

  list('apps', '/api/v1/apps', 'apps', 'List the apps', ['namespace', 'name', 'state', 'selector']),
  command('deploy-app', 'post', '/api/v1/apps', 'apps', 'Create an app from a compose file, or bring it to this file'),
  special('validate-compose', 'post', '/api/v1/compose/validate', 'apps', 'Check a compose file without an app', {
    body: validateComposeBody,
  }),
  show('apps', app, 'apps', 'Show an app'),
  special('compose-file', 'get', `${app}/compose`, 'apps', 'The compose file, byte for byte'),
  special('app-logs', 'get', `${app}/logs`, 'apps', 'Log lines of its services, newest last', {
    query: {
      service: 'Only this service',
      tail: 'The last n lines of each service (default 200)',
      since: 'Lines after this time, in milliseconds since 1970',
    },
  }),
  command('start-app', 'post', `${app}/start`, 'apps', 'Start an app'),
  command('stop-app', 'post', `${app}/stop`, 'apps', 'Stop an app'),
  command('restart-app', 'post', `${app}/restart`, 'apps', 'Restart an app'),
  command('remove-app', 'delete', app, 'apps', 'Remove an app; its volumes are kept unless withVolumes is true'),

  list('volumes', '/api/v1/volumes', 'volumes', 'List the volumes', [
    'namespace',
    'name',
    'state',
    'app',
    'node',
    'selector',
  ]),
  command('create-volume', 'post', '/api/v1/volumes', 'volumes', 'Create a volume'),
  show('volumes', volume, 'volumes', 'Show a volume'),
  command('change-volume', 'patch', volume, 'volumes', 'Change size or retention'),
  command('retry-volume', 'post', `${volume}/retry`, 'volumes', 'Try again what failed'),
  command('delete-volume', 'delete', volume, 'volumes', 'Delete a volume with its snapshots'),
  list('snapshots', `${volume}/snapshots`, 'volumes', 'List the snapshots of a volume, oldest first', [
    'state',
    'reason',
  ]),
  command('take-snapshot', 'post', `${volume}/snapshots`, 'volumes', 'Take a snapshot'),
  command('remove-snapshot', 'delete', `${volume}/snapshots/{snapshot}`, 'volumes', 'Remove a snapshot'),
  command(
    'rollback-volume',
    'post',
    `${volume}/rollback`,
    'volumes',
    'Go back to a snapshot; what is replaced is kept as a snapshot',
  ),

  list('schedules', '/api/v1/schedules', 'schedules', 'List the schedules', ['namespace', 'state', 'volume', 'app']),
  command('create-schedule', 'post', '/api/v1/schedules', 'schedules', 'Create a schedule', false),
  show('schedules', schedule, 'schedules', 'Show a schedule'),
  command('suspend-schedule', 'post', `${schedule}/suspend`, 'schedules', 'Suspend a schedule', false),
  command('resume-schedule', 'post', `${schedule}/resume`, 'schedules', 'Resume a schedule', false),
  command('remove-schedule', 'delete', schedule, 'schedules', 'Remove a schedule', false),

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

  special('events', 'get', '/api/v1/events', 'events', 'Events, newest first', {
    query: {
      before: 'Only events before this index',
      after: 'Only events after this index, oldest first',
      limit: 'At most 1000 (default 100)',
      correlation: 'Only events of this operation',
    },
  }),
  special('object-history', 'get', '/api/v1/history/{stream}', 'events', 'Events of one object, newest first', {
    query: { before: 'Only events before this index', limit: 'At most 1000 (default 100)' },
  }),

  special(
    'simulated-machines',
    'get',
    '/api/v1/simulation/machines',
    'simulation',
    'The machines of a simulated lab (`floatlabd --simulate`); there is no such path in a real one',
  ),
  special(
    'set-power',
    'put',
    '/api/v1/simulation/machines/{name}/power',
    'simulation',
    'Take the power of a simulated machine away, or give it back; there is no such path in a real lab',
    { body: powerBody },
  ),

  special('health', 'get', '/healthz', 'system', 'The process runs', { open: true }),
  special('ready', 'get', '/readyz', 'system', 'The node serves: log open, history folded, engine and pool reachable', {
    open: true,
  }),
  special(
    'metrics',
    'get',
    '/metrics',
    'system',
    'Prometheus metrics; the token in the file `metrics-token` of the data directory opens this, and nothing else',
    { collected: true },
  ),
  special('openapi', 'get', '/api/v1/openapi.json', 'system', 'This document', { open: true }),
];

/** Where the session of a page lives; strict, so that no other site's page can use it. */
export const sessionCookie = 'floatlab_session';
/**
 * Where a page shows the key that it got when it signed in. Browsers send a cookie to every port of a host, so that an
 * app on another port gets it too: without the key, which only pages of one port can read, it opens nothing.
 */
export const pageKeyHeader = 'floatlab-page-key';

/** Answer of a command. */
export const commandAnswer = z.object({
  index: z.int(),
  /** Id of the operation to wait for, `operation:…`; absent when nothing is left to do. */
  operation: z.string().optional(),
  unchanged: z.boolean(),
  dryRun: z.boolean(),
  events: z.array(z.object({ stream: z.string(), type: z.string(), data: z.unknown(), words: z.string() })),
  /** Of a new revision: what is different, service by service, as sentences. */
  changes: z.array(z.string()).optional(),
});
export type CommandAnswer = z.infer<typeof commandAnswer>;

/** Answer of a list. */
export interface Page<R> {
  readonly items: readonly R[];
  /** The index that the rows stand at. */
  readonly index: number;
  /** For the next page; absent at the end. */
  readonly cursor?: string;
}

export interface SessionAnswer {
  readonly name: string;
  readonly role: 'admin';
  readonly expiresAt: number;
  /** Only when signing in, and when the password was changed: it replaces the one before. Not for pages. */
  readonly token?: string;
  /** The same for pages: what opens the session together with the cookie. */
  readonly key?: string;
  /** The password is still the one that the first start printed. */
  readonly initialPassword: boolean;
  /** Nothing in this lab is real: its apps have no addresses, its machines can lose their power at a word. */
  readonly simulated?: true;
}

/** A machine of a simulated lab. */
export interface SimulatedMachine {
  readonly name: string;
  readonly power: Power;
}

/** Names of the parameters in a path. */
export const pathParams = (path: string): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');

/** The body of a command's route: its schema without what the path says; undefined when nothing is left. */
export function bodySchema(route: Route): z.ZodType | undefined {
  if ('special' in route.action) return route.action.body;
  if (!('command' in route.action) || route.method === 'delete') return undefined;
  const schema = commandSchemas[route.action.command] as z.ZodObject;
  const mask = Object.fromEntries(pathParams(route.path).map((name) => [name, true as const]));
  const rest = schema.omit(mask as never);
  return Object.keys(rest.shape).length === 0 ? undefined : rest;
}
