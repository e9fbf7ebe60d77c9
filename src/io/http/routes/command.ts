/** Every route that runs a command: path, body and query become its input; its outcome becomes the answer. */
import { commandSchemas } from '#actors/commands.ts';
import { problemOfRejection } from '#io/contract/problem.ts';
import { indexHeader, pathParams, routes, type CommandAnswer } from '#io/contract/routes.ts';
import type { Route, RouteAction } from '#io/contract/routes/route.ts';
import type * as z from 'zod';
import type { RunResult } from '../../lab/port.ts';
import { readObject } from '../body.ts';
import { deadline } from '../deadline.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, ProblemError, wrongField } from '../problems.ts';
import { flag, readQuery } from '../query.ts';
import { commandIdOf, fingerprintOf, type UsedKeys } from './idempotency.ts';

/** A command that is not durable after this long: something is wrong, and the outcome open. */
const timeoutMs = 30_000;

export type CommandRoute = Route & { readonly action: Extract<RouteAction, { command: unknown }> };
export const isCommandRoute = (route: Route): route is CommandRoute => 'command' in route.action;

export function commandHandler(parts: Parts, usedKeys: UsedKeys) {
  return async (c: RouteContext, route: CommandRoute): Promise<Response> => {
    const { principal } = sessionOf(c);
    const queried = queryFields(route);
    const { dryRun: dryRunText, ...query } = readQuery(c, ['dryRun', ...queried.keys()]);
    const dryRun = flag('dryRun', dryRunText);
    const input = inputOf(c, route, await readObject(c), fromQuery(query, queried));
    const key = c.req.header('idempotency-key');
    const id = key === undefined ? parts.random.id() : commandIdOf(principal, key);
    const isKept = key !== undefined && !dryRun;
    if (isKept) usedKeys.use(id, fingerprintOf(route.id, input));

    const limit = deadline(parts.clock, timeoutMs);
    let result: RunResult;
    try {
      // A key may be of any time; what is drawn here is of now.
      const since = key === undefined ? { since: parts.lab.index } : {};
      const request = { id, ...since, name: route.action.command, input, by: principal, dryRun };
      result = await parts.lab.run(request, limit.signal);
    } catch (error) {
      if (!limit.signal.aborted) throw error;
      throw fail(
        'TIMED_OUT',
        `${route.summary}: not done after ${timeoutMs / 1000} s; whether it will be is not known.`,
        {
          hint: 'Look, or send the same request with the same Idempotency-Key.',
        },
      );
    } finally {
      limit.done();
    }
    if ('rejected' in result) {
      if (isKept) usedKeys.release(id);
      throw new ProblemError(problemOfRejection(result.rejected));
    }
    return answer(c, route, input, result, dryRun);
  };
}

function answer(
  c: RouteContext,
  route: CommandRoute,
  input: Readonly<Record<string, unknown>>,
  result: Exclude<RunResult, { rejected: unknown }>,
  dryRun: boolean,
): Response {
  const { unchanged, operation, index } = result;
  const body = bodyOf(result, dryRun);
  c.header('cache-control', 'no-store');
  if (unchanged && !dryRun && route.method === 'patch') {
    c.header(indexHeader, String(index));
    return c.body(null, 304);
  }
  if (dryRun || unchanged) return c.json(body, 200);
  if (route.action.long && operation !== undefined) {
    c.header('location', `/api/v1/operations/${operation}`);
    return c.json(body, 202);
  }
  if (!route.action.command.startsWith('create-')) return c.json(body, 200);
  const location = locationOf(route, input);
  if (location !== undefined) c.header('location', location);
  return c.json(body, 201);
}

export function bodyOf(result: Exclude<RunResult, { rejected: unknown }>, dryRun: boolean): CommandAnswer {
  const { index, unchanged, operation, events, changes = [] } = result;
  return {
    index,
    ...(operation === undefined ? {} : { operation }),
    unchanged,
    dryRun,
    events: events.map(({ stream, type, data, words }) => ({ stream, type, data, words })),
    ...(changes.length === 0 ? {} : { changes: [...changes] }),
  };
}

/** Where the new thing can be read, when there is such a route. */
function locationOf(route: Route, input: Readonly<Record<string, unknown>>): string | undefined {
  const path = `${route.path}/{namespace}/{name}`;
  if (!routes.some((other) => other.method === 'get' && other.path === path)) return undefined;
  const { namespace = 'default', name } = input;
  return typeof name === 'string' ? `${route.path}/${String(namespace)}/${name}` : undefined;
}

function inputOf(
  c: RouteContext,
  route: Route,
  body: Readonly<Record<string, unknown>>,
  query: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  if (route.method === 'delete' && Object.keys(body).length > 0) {
    throw fail('INVALID', 'This request takes no body.', { hint: 'Put its parameters into the query.' });
  }
  const path = Object.fromEntries(pathParams(route.path).map((name) => [name, c.req.param(name) ?? '']));
  for (const [name, value] of Object.entries(path)) {
    if (Object.hasOwn(body, name) && body[name] !== value) {
      throw wrongField(name, 'the body says another one than the path', 'Leave it out of the body.');
    }
  }
  return { ...body, ...query, ...path };
}

/** A delete has no body: what its command takes beside the path comes by the query. */
export function queryFields(route: CommandRoute): ReadonlyMap<string, z.ZodType> {
  if (route.method !== 'delete') return new Map();
  const { shape } = commandSchemas[route.action.command] as z.ZodObject;
  const inPath = new Set(pathParams(route.path));
  return new Map(
    Object.entries(shape).flatMap(([name, type]) => (inPath.has(name) ? [] : [[name, type as z.ZodType]])),
  );
}

/** In a query everything is text: what the schema wants as a truth value, or a number, becomes one. */
function fromQuery(
  query: Readonly<Record<string, string | undefined>>,
  fields: ReadonlyMap<string, z.ZodType>,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [name, type] of fields) {
    const text = query[name];
    if (text === undefined) continue;
    values[name] = type.safeParse(true).success ? flag(name, text) : isNumber(type, text) ? Number(text) : text;
  }
  return values;
}

const isNumber = (type: z.ZodType, text: string): boolean => /^-?\d{1,16}$/.test(text) && !type.safeParse(text).success;
