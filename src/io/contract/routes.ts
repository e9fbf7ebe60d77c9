/**
 * The REST API as one table. The server registers it, OpenAPI is generated from it, both clients call by it.
 *
 * A route runs a command (its body is the command's schema without what the path already says), reads a view, or is
 * one of the few `special` ones. Every command takes `?dryRun=true` and the header `Idempotency-Key`; every view takes
 * `?at=<index or time>` or `?stale=true`, `?limit`, `?cursor`, and a filter by each name in `filters`.
 */
import { commandSchemas } from '#actors/commands.ts';
import * as z from 'zod';
import { admissionRoutes } from './routes/admission.ts';
import { adoptionRoutes } from './routes/adoption.ts';
import { appsRoutes } from './routes/apps.ts';
import { backupsRoutes } from './routes/backups.ts';
import { clusterRoutes } from './routes/cluster.ts';
import { eventsRoutes } from './routes/events.ts';
import { labRoutes } from './routes/lab.ts';
import { nodesRoutes } from './routes/nodes.ts';
import { operationsRoutes } from './routes/operations.ts';
import type { Route } from './routes/route.ts';
import { poolsRoutes } from './routes/pools.ts';
import { registryRoutes } from './routes/registries.ts';
import { replicasRoutes } from './routes/replicas.ts';
import { schedulesRoutes } from './routes/schedules.ts';
import { sessionRoutes } from './routes/session.ts';
import { simulationRoutes } from './routes/simulation.ts';
import { systemRoutes } from './routes/system.ts';
import { volumesRoutes } from './routes/volumes.ts';

/** In the order of the published document. */
export const routes: readonly Route[] = [
  ...sessionRoutes,
  ...labRoutes,
  ...nodesRoutes,
  ...poolsRoutes,
  ...adoptionRoutes,
  ...clusterRoutes,
  ...admissionRoutes,
  ...registryRoutes,
  ...appsRoutes,
  ...volumesRoutes,
  ...replicasRoutes,
  ...backupsRoutes,
  ...schedulesRoutes,
  ...operationsRoutes,
  ...eventsRoutes,
  ...simulationRoutes,
  ...systemRoutes,
];

/** On the answer of a view that may be old, because that was asked for. */
export const staleHeader = 'floatlab-stale';

/** On an answer without a body, 304: the index of the lab as it was found. */
export const indexHeader = 'floatlab-index';

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
