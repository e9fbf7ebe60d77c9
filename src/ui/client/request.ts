/** From a route and what is to be said to a request: what goes into the path, the query, the body. Pure. */
import type { CommandName } from '#actors/commands.ts';
import { bodySchema, pathParams, routes } from '#io/contract/routes.ts';
import type { Method, Route, Special } from '#io/contract/routes/route.ts';

export interface PlainRequest {
  readonly method: Uppercase<Method>;
  /** Path and query. */
  readonly target: string;
  /** JSON; undefined for none. */
  readonly body?: unknown;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const upper = (method: Method): Uppercase<Method> => method.toUpperCase() as Uppercase<Method>;

export function commandRequest(name: CommandName, input: object, query: Query): PlainRequest {
  const route = commandRoutes.get(name);
  if (!route) throw new Error(`command ${name} has no route: only the lab itself gives it`);
  // A namespace that is left out is the default one, in a path as in a body.
  const fields: Record<string, unknown> = { namespace: 'default', ...input };
  const path = fillPath(route.path, fields);
  const taken = new Set(pathParams(route.path));
  if (!('namespace' in input)) taken.add('namespace');
  const rest = Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => !taken.has(key) && value !== undefined),
  );
  if (route.method === 'delete') return { method: 'DELETE', target: withQuery(path, { ...(rest as Query), ...query }) };
  const target = withQuery(path, query);
  return bodySchema(route)
    ? { method: upper(route.method), target, body: rest }
    : { method: upper(route.method), target };
}

export const viewRequest = (view: string, one: boolean, params: object, query: Query): PlainRequest => ({
  method: 'GET',
  target: withQuery(fillPath(viewRoute(view, one).path, { namespace: 'default', ...params }), query),
});

export function specialRequest(special: Special, params: object, query: Query, body?: unknown): PlainRequest {
  const route = routes.find(({ action }) => 'special' in action && action.special === special);
  if (!route) throw new Error(`there is no route ${special}`);
  const target = withQuery(fillPath(route.path, { namespace: 'default', ...params }), query);
  return body === undefined ? { method: upper(route.method), target } : { method: upper(route.method), target, body };
}

const commandRoutes: ReadonlyMap<CommandName, Route> = new Map(
  routes.flatMap((route) => ('command' in route.action ? [[route.action.command, route] as const] : [])),
);

/** Whether people may give this command: the others are the lab's own. */
export const hasRoute = (name: CommandName): boolean => commandRoutes.has(name);

function viewRoute(view: string, one: boolean): Route {
  const route = routes.find(({ action }) => 'view' in action && action.view === view && action.one === one);
  if (!route) throw new Error(`view ${view} cannot be ${one ? 'shown' : 'listed'}`);
  return route;
}

function fillPath(path: string, fields: object): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = (fields as Record<string, unknown>)[name];
    if (typeof value !== 'string' || value === '') throw new Error(`${path} needs ${name}`);
    // `.` and `..` would be taken for steps in the path, encoded or not.
    if (value === '.' || value === '..') throw new Error(`${name} cannot be ${value}`);
    return encodeURIComponent(value);
  });
}

function withQuery(path: string, query: Query): string {
  const said = Object.entries(query).filter(
    (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
  );
  if (said.length === 0) return path;
  return `${path}?${new URLSearchParams(said.map(([key, value]) => [key, String(value)])).toString()}`;
}
