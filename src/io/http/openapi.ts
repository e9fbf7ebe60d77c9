/**
 * The OpenAPI 3.1 document, made from the route table and the schemas of the commands: what the server registers is
 * what is described here. `docs/openapi.json` is the committed copy; `npx tsx scripts/openapi.ts` writes it.
 */
import { liveProtocol, pageKeyProtocol } from '#io/contract/live.ts';
import { problemCodes, statusOf, type ProblemClass } from '#io/contract/problem.ts';
import { rollbackAnswer } from '#io/contract/rollback.ts';
import { foreignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import { diffAnswer, filesAnswer, importAnswer } from '#io/contract/files.ts';
import { backupContentAnswer } from '#io/contract/backups.ts';
import { disksAnswer } from '#io/contract/disks.ts';
import { adoptionPlanAnswer, projectsAnswer } from '#io/contract/adoption.ts';
import { volumeCandidatesAnswer } from '#io/contract/volume-candidates.ts';
import { retentionAnswer } from '#io/contract/retention.ts';
import { whyAnswer } from '#io/contract/why.ts';
import { bodySchema, pageKeyHeader, pathParams, routes, sessionCookie, staleHeader } from '#io/contract/routes.ts';
import type { Route, Special } from '#io/contract/routes/route.ts';
import type * as z from 'zod';
import { isCommandRoute, queryFields } from './routes/command.ts';
import { defaultLimit, isViewRoute, maxLimit } from './routes/view.ts';
import { jsonSchema, ref, schemas, type Json } from './openapi-schemas.ts';
import { vaultAnswers } from './openapi-vaults.ts';

export function openApiDocument(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'FloatLab',
      version: 'v1',
      summary: 'Turns a few Linux machines into one self-healing lab',
      description:
        'Commands take `dryRun=true` and the header `Idempotency-Key`. Views take `at`, an index or a time, and answer ' +
        'with the rows as they were. Errors are problem details (RFC 9457) whose `code` is stable. What changes is ' +
        'followed over one WebSocket at `/api/v1/live`.\n\n' +
        'An `Idempotency-Key` is drawn anew for every command. The same request sent again with it takes effect once ' +
        'and gets the first answer, however late it comes and through whichever node: the log has it. ' +
        'Another request with a key of the last day is refused (`KEY_REUSED`), of the last 10,000 ' +
        'keys and as long as the daemon runs that saw the first one; after its restart such a request gets the answer ' +
        'of the first one and takes no effect.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ bearer: [] }, { cookie: [], pageKey: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'For programs: the token of `POST /api/v1/session`. A session that was signed out stays ended.',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: sessionCookie,
          description:
            'For pages of this server: set by `POST /api/v1/session` with `page`. It opens nothing without the key; ' +
            'requests that change something must come from a page of this server.',
        },
        pageKey: {
          type: 'apiKey',
          in: 'header',
          name: pageKeyHeader,
          description:
            'The `key` of the answer that set the cookie, which other ports of this host do not get to see. At the ' +
            `live endpoint it is a subprotocol, \`${pageKeyProtocol}<key>\`, beside \`${liveProtocol}\`.`,
        },
      },
      schemas,
      responses: problemResponses,
    },
  };
}

function operationOf(route: Route): Json {
  const body = bodySchema(route);
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    ...(isOpen(route) ? { security: [] } : {}),
    parameters: [...pathParams(route.path).map(pathParameter), ...parametersOf(route)],
    ...(body === undefined ? {} : { requestBody: requestBody(body) }),
    responses: { ...answersOf(route), ...problemsOf(route) },
  };
}

export const isOpen = ({ action }: Route): boolean => 'special' in action && action.open === true;

/** Whether the token of those who collect figures opens it. */
export const isCollected = ({ action }: Route): boolean => 'special' in action && action.collected === true;

const pathParameter = (name: string): Json => ({ name, in: 'path', required: true, schema: { type: 'string' } });

const queryParameter = (name: string, description: string, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'query',
  required: false,
  description,
  schema,
});

const at = queryParameter('at', 'As it was after this index, or at this time (ISO 8601, or milliseconds since 1970)');

const stale = queryParameter(
  'stale',
  'Answer with what this node knows, which may be old. Without it the answer has everything that anybody was told ' +
    'before, and is `NO_LEADER` while no majority answers',
  { type: 'boolean', default: false },
);

function parametersOf(route: Route): readonly Json[] {
  if (isCommandRoute(route)) {
    return [
      ...[...queryFields(route)].map(([name, type]) => queryParameter(name, 'Of the command', jsonSchema(type))),
      queryParameter('dryRun', 'Answer with the events that it would append, and append nothing', {
        type: 'boolean',
        default: false,
      }),
      {
        name: 'Idempotency-Key',
        in: 'header',
        required: false,
        description: 'Drawn anew for every command; the same request sent again with it takes effect once (see above)',
        schema: { type: 'string', minLength: 1, maxLength: 255 },
      },
    ];
  }
  if (isViewRoute(route)) {
    const known = {
      name: 'If-None-Match',
      in: 'header',
      required: false,
      description: 'ETags that one has',
      schema: { type: 'string' },
    };
    if (route.action.one) return [at, stale, known];
    return [
      ...route.action.filters.map((name) =>
        name === 'selector'
          ? queryParameter(name, 'By labels: `tier=web,env!=test,owner,!legacy`')
          : queryParameter(name, 'Only rows with this value, or one of several separated by commas'),
      ),
      at,
      stale,
      queryParameter('limit', 'Rows of one page', {
        type: 'integer',
        minimum: 1,
        maximum: maxLimit,
        default: defaultLimit,
      }),
      queryParameter('cursor', 'The `cursor` of the page before'),
      known,
    ];
  }
  const { action } = route;
  if (!('special' in action)) return [];
  const own = Object.entries(action.query ?? {}).map(([name, description]) => {
    const isText = ['service', 'correlation', 'keep', 'snapshot'].includes(name);
    return queryParameter(name, description, { type: isText ? 'string' : 'integer' });
  });
  return action.special === 'compose-file' ? [...own, at] : own;
}

const requestBody = (schema: z.ZodType): Json => {
  const json = jsonSchema(schema);
  return { required: Array.isArray(json['required']), content: { 'application/json': { schema: json } } };
};

const json = (description: string, schema: Json, headers?: Json): Json => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: { 'application/json': { schema } },
});
const file = (type: string, description: string): Json => ({
  description,
  content: { [type]: { schema: { type: 'string', format: 'binary' } } },
});

const text = (type: string, description: string): Json => ({
  description,
  content: { [type]: { schema: { type: 'string' } } },
});
const header = (description: string): Json => ({ description, schema: { type: 'string' } });

function answersOf(route: Route): Record<string, Json> {
  if (isCommandRoute(route)) {
    const location = { Location: header('Where to read what it began or made') };
    const done =
      route.method === 'patch'
        ? {
            200: json('Done, or a dry run', ref('CommandAnswer')),
            304: { description: 'Nothing to do: it is so already' },
          }
        : { 200: json('Done, nothing to do, or a dry run', ref('CommandAnswer')) };
    if (route.action.long)
      return { ...done, 202: json('Begun: wait for its operation', ref('CommandAnswer'), location) };
    return route.action.command.startsWith('create-')
      ? { ...done, 201: json('Made', ref('CommandAnswer'), location) }
      : done;
  }
  if (isViewRoute(route)) {
    const headers = {
      ETag: header('Of these rows'),
      [staleHeader]: header('`true` when a stale answer was asked for: the rows may be old'),
    };
    const unchanged = { description: 'Nothing changed since the ETag that was sent' };
    return {
      200: json(route.action.one ? 'The row' : 'A page of rows', ref(route.action.one ? 'Row' : 'Page'), headers),
      304: unchanged,
    };
  }
  return 'special' in route.action ? specialAnswers[route.action.special] : {};
}

const fileRoutes: ReadonlySet<Special> = new Set([
  'list-files',
  'read-file',
  'diff-files',
  'export-volume',
  'import-volume',
]);

const specialAnswers: Readonly<Record<Special, Record<string, Json>>> = {
  'sign-in': { 200: json('Signed in', ref('Session')) },
  'sign-out': { 204: { description: 'Signed out' } },
  whoami: { 200: json('Who is signed in', ref('Session')) },
  'change-password': { 200: json('Changed; the token replaces the one before', ref('Session')) },
  'compose-file': {
    200: text('text/yaml', 'The file'),
    304: { description: 'It is the file of the ETag that was sent' },
  },
  'validate-compose': {
    200: json('What was found; without findings it is a valid file', {
      type: 'object',
      required: ['findings', 'notes'],
      properties: {
        findings: { type: 'array', items: ref('Finding') },
        notes: { type: 'array', items: ref('Finding') },
        name: { type: 'string' },
      },
    }),
  },
  'app-logs': {
    200: json('Lines, newest last', {
      type: 'object',
      required: ['items'],
      properties: {
        items: { type: 'array', items: ref('LogLine') },
        dropped: { type: 'integer', description: 'Older lines that were left out because there were too many' },
      },
    }),
  },
  'compose-schema': { 200: json('Draft 7 of JSON Schema', { type: 'object' }) },
  'object-history': { 200: json('Events', ref('Page')) },
  why: { 200: json('Why it is as it is', jsonSchema(whyAnswer)) },
  events: { 200: json('Events', ref('Page')) },
  'wait-operation': { 200: json('The operation: ended, or still running after the timeout', ref('Row')) },
  health: { 200: json('It runs', { type: 'object', required: ['status'], properties: { status: { const: 'ok' } } }) },
  ready: { 200: json('It serves', ref('Readiness')) },
  metrics: { 200: text('text/plain', 'Prometheus text format') },
  openapi: { 200: json('This document', { type: 'object' }) },
  'preview-retention': { 200: json('A verdict on each snapshot', jsonSchema(retentionAnswer)) },
  'preview-rollback': { 200: json('What would be left behind', jsonSchema(rollbackAnswer)) },
  'list-foreign-snapshots': {
    200: json('Those of other tools', jsonSchema(foreignSnapshotsAnswer)),
  },
  'list-files': { 200: json('A page of a folder', jsonSchema(filesAnswer)) },
  'read-file': {
    200: file('application/octet-stream', 'The file, or a folder as a tar. One that ends early is not whole'),
    206: file('application/octet-stream', 'The part that was asked for; of one with nothing in it, 416'),
  },
  'diff-files': { 200: json('A page of differences', jsonSchema(diffAnswer)) },
  'export-volume': { 200: file('application/x-tar', 'The archive. One that ends early is not whole') },
  'import-volume': {
    200: json('It is in the volume, and on the disk; of a dry run, what it would begin with', {
      anyOf: [jsonSchema(importAnswer), ref('CommandAnswer')],
    }),
  },
  'cluster-status': { 200: json('How the group is, as this node knows it', ref('ClusterStatus')) },
  'transfer-leadership': {
    200: json('It leads', ref('Transfer')),
  },
  'make-join-token': { 201: json('Made; the secret is in this answer and nowhere else', ref('JoinToken')) },
  'save-snapshot': {
    200: {
      description: 'The file, a tar. One that ends early is not a snapshot: its Content-Length says how long it is',
      content: { 'application/x-tar': { schema: { type: 'string', format: 'binary' } } },
    },
  },
  'list-disks': { 200: json('The disks of the node', jsonSchema(disksAnswer)) },
  'list-projects': { 200: json('What runs there beside the lab', jsonSchema(projectsAnswer)) },
  'plan-adoption': { 200: json('The plan', jsonSchema(adoptionPlanAnswer)) },
  'list-volume-candidates': {
    200: json('What could be adopted', jsonSchema(volumeCandidatesAnswer)),
  },
  'show-pool': { 200: json('The pool', ref('Row')) },
  'backup-kit': { 200: json('The kit (docs/formats.md)', { type: 'object' }) },
  'attach-backup-target': {
    200: json('It was there', ref('CommandAnswer')),
    202: json('It is looked at', ref('CommandAnswer')),
  },
  ...vaultAnswers,
  'backup-files': {
    200: json('The files', {
      type: 'object',
      required: ['compose', 'files'],
      properties: { compose: { type: ['string', 'null'] }, files: { type: 'object' } },
    }),
  },
  'list-backup-content': { 200: json('A page of a folder', jsonSchema(backupContentAnswer)) },
  'read-backup-content': {
    200: {
      description: 'The tar. One that ends early is not whole: it has no end',
      content: { 'application/x-tar': { schema: { type: 'string', format: 'binary' } } },
    },
  },
  'set-disk': { 200: json('The machine', ref('SimulatedMachine')) },
  'simulated-machines': {
    200: json('The machines', {
      type: 'object',
      required: ['items'],
      properties: { items: { type: 'array', items: ref('SimulatedMachine') } },
    }),
  },
  'set-power': { 200: json('It is so', ref('SimulatedMachine')) },
};

/** What can go wrong with a route, by the class of its problems. */
function problemsOf(route: Route): Record<string, Json> {
  const { action } = route;
  const classes: ProblemClass[] = ['forbidden', 'internal', 'unavailable'];
  if (!isOpen(route)) classes.push('unauthenticated');
  if ('command' in action) classes.push('invalid', 'missing', 'conflict', 'refused', 'unknown');
  else if ('view' in action) classes.push('invalid', 'missing');
  else {
    if (bodySchema(route) || action.query) classes.push('invalid');
    if (route.path.includes('{') || route.tag === 'simulation') classes.push('missing');
    if (action.special === 'sign-in') classes.push('unauthenticated');
    if (action.special === 'sign-in' || action.special === 'change-password') classes.push('limited');
    if (action.special === 'transfer-leadership') classes.push('missing', 'conflict', 'refused', 'unknown');
    if (action.special === 'make-join-token') classes.push('conflict', 'refused', 'unknown');
    if (['backup-kit', 'backup-files', 'list-backup-content', 'read-backup-content'].includes(action.special))
      classes.push('missing', 'conflict', 'unknown');
    if (action.special.includes('-vault-object'))
      classes.push('unauthenticated', 'invalid', 'forbidden', 'missing', 'conflict');
    if (action.special === 'attach-backup-target') classes.push('missing', 'conflict', 'refused', 'unknown');
    if (action.special === 'save-snapshot') classes.push('missing', 'conflict', 'refused', 'unknown');
    if (fileRoutes.has(action.special) || action.special === 'list-foreign-snapshots')
      classes.push('invalid', 'conflict', 'unknown');
    if (action.special === 'app-logs') classes.push('conflict', 'unknown');
    if (action.special === 'compose-file') classes.push('invalid');
  }
  return Object.fromEntries(classes.map((kind) => [statusOf[kind], { $ref: `#/components/responses/${kind}` }]));
}

const problemResponses = Object.fromEntries(
  (Object.keys(statusOf) as ProblemClass[]).map((kind) => {
    const codes = Object.entries(problemCodes).flatMap(([code, of]) => (of === kind ? [code] : []));
    return [
      kind,
      {
        description: `Problem: ${codes.join(', ')}`,
        ...(kind === 'limited' || kind === 'unavailable'
          ? { headers: { 'Retry-After': header('Seconds to wait') } }
          : {}),
        content: { 'application/problem+json': { schema: ref('Problem') } },
      },
    ];
  }),
);
