/**
 * The OpenAPI 3.1 document, made from the route table and the schemas of the commands: what the server registers is
 * what is described here. `docs/openapi.json` is the committed copy; `npx tsx scripts/openapi.ts` writes it.
 */
import { liveProtocol, pageKeyProtocol } from '#io/contract/live.ts';
import { problemCodes, statusOf, type ProblemClass } from '#io/contract/problem.ts';
import { rollbackAnswer } from '#io/contract/rollback.ts';
import { diffAnswer, filesAnswer, importAnswer } from '#io/contract/files.ts';
import { disksAnswer } from '#io/contract/disks.ts';
import { volumeCandidatesAnswer } from '#io/contract/volume-candidates.ts';
import { retentionAnswer } from '#io/contract/retention.ts';
import {
  bodySchema,
  commandAnswer,
  pageKeyHeader,
  pathParams,
  routes,
  sessionCookie,
  staleHeader,
} from '#io/contract/routes.ts';
import type { Route, Special } from '#io/contract/routes/route.ts';
import * as z from 'zod';
import { isCommandRoute, queryFields } from './routes/command.ts';
import { defaultLimit, isViewRoute, maxLimit } from './routes/view.ts';
import { vaultAnswers } from './openapi-vaults.ts';

type Json = Readonly<Record<string, unknown>>;

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

function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  });
  return rest;
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
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
  'object-history': { 200: json('Events', ref('Page')) },
  events: { 200: json('Events', ref('Page')) },
  'wait-operation': { 200: json('The operation: ended, or still running after the timeout', ref('Row')) },
  health: { 200: json('It runs', { type: 'object', required: ['status'], properties: { status: { const: 'ok' } } }) },
  ready: { 200: json('It serves', ref('Readiness')) },
  metrics: { 200: text('text/plain', 'Prometheus text format') },
  openapi: { 200: json('This document', { type: 'object' }) },
  'preview-retention': { 200: json('A verdict on each snapshot', jsonSchema(retentionAnswer)) },
  'preview-rollback': { 200: json('What would be left behind', jsonSchema(rollbackAnswer)) },
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
    if (['backup-kit', 'backup-files'].includes(action.special)) classes.push('missing', 'conflict', 'unknown');
    if (action.special.includes('-vault-object'))
      classes.push('unauthenticated', 'invalid', 'forbidden', 'missing', 'conflict');
    if (action.special === 'attach-backup-target') classes.push('missing', 'conflict', 'refused', 'unknown');
    if (action.special === 'save-snapshot') classes.push('missing', 'conflict', 'refused', 'unknown');
    if (fileRoutes.has(action.special)) classes.push('invalid', 'conflict', 'unknown');
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

const string = { type: 'string' };
const integer = { type: 'integer' };
const object = (required: readonly string[], properties: Json): Json => ({ type: 'object', required, properties });

const schemas: Json = {
  Problem: object(['type', 'title', 'status', 'detail', 'code'], {
    type: { type: 'string', description: '`urn:floatlab:problem:<code>`' },
    title: string,
    status: integer,
    detail: { type: 'string', description: 'What and where' },
    code: { type: 'string', enum: Object.keys(problemCodes), description: 'What to branch on' },
    hint: { type: 'string', description: 'What to do' },
    fields: { type: 'array', items: object(['path', 'message'], { path: string, message: string }) },
    findings: { type: 'array', items: { $ref: '#/components/schemas/Finding' } },
    retryAfter: { type: 'number', description: 'Seconds' },
  }),
  Finding: object(['path', 'file', 'line', 'column', 'message', 'frame'], {
    path: string,
    file: string,
    line: { type: 'integer', minimum: 1 },
    column: { type: 'integer', minimum: 1 },
    message: string,
    hint: string,
    frame: { type: 'string', description: 'The source around it, with a caret' },
  }),
  CommandAnswer: jsonSchema(commandAnswer),
  Session: object(['name', 'role', 'expiresAt', 'initialPassword'], {
    name: string,
    role: { const: 'admin' },
    expiresAt: { type: 'integer', description: 'Milliseconds since 1970' },
    token: { type: 'string', description: 'Of a new session: for the header `Authorization: Bearer`' },
    key: { type: 'string', description: `Of a new session of a page: for the header \`${pageKeyHeader}\`` },
    initialPassword: { type: 'boolean', description: 'The password is still the one that the first start printed' },
    simulated: { const: true, description: 'Nothing in this lab is real' },
  }),
  ClusterStatus: object(
    ['lab', 'generation', 'term', 'hasQuorum', 'isChanging', 'isSuspect', 'committed', 'index', 'members', 'promises'],
    {
      lab: { type: 'string', description: 'Id of the lab' },
      authority: { type: 'string', description: "SHA-256 of the certificate of the lab's authority" },
      generation: { type: 'integer', description: 'Raised by every recovery and restore' },
      term: integer,
      leader: { type: 'string', description: 'Id of the node that leads; absent when nobody is known to' },
      leaderlessSince: { type: 'integer', description: 'Milliseconds since 1970; absent while a leader is known' },
      hasQuorum: { type: 'boolean', description: 'A majority of the voters answers' },
      simulated: {
        type: 'string',
        description: 'Of a simulated lab: that it has no leader and no votes, as a sentence',
      },
      outcast: {
        ...object(['code', 'message', 'hint'], { code: string, message: string, hint: string }),
        description: 'Why no link between this node and the others holds, where that is known',
      },
      isChanging: { type: 'boolean', description: 'The group is between two configurations' },
      isSuspect: { type: 'boolean', description: 'This node lost part of its log: it does not vote until it is whole' },
      committed: { type: 'integer', description: 'Last committed entry of the consensus log, as this node knows it' },
      index: { type: 'integer', description: 'Index of the last event that is folded here' },
      members: { type: 'array', items: { $ref: '#/components/schemas/ClusterMember' } },
      promises: { type: 'array', items: string, description: 'What a lab of this size can bear and what it cannot' },
    },
  ),
  ClusterMember: object(['node', 'name', 'incarnation', 'votes', 'isLeader', 'isSelf', 'isFetching'], {
    node: { type: 'string', description: 'Id' },
    name: string,
    incarnation: string,
    votes: { type: 'string', enum: ['voter', 'learner', 'leaving', 'follower', 'none'] },
    follows: { type: 'string', description: 'Name of the node that a follower follows' },
    isLeader: { type: 'boolean' },
    isSelf: { type: 'boolean', description: 'It is the one that answers' },
    isReachable: { type: 'boolean', description: 'Absent where that is not known: only the leader hears of everybody' },
    isStopped: { type: 'boolean', description: 'Its daemon was ended on purpose, and said so' },
    clockAheadMs: {
      type: 'integer',
      description: "Its clock is so far ahead of the lab's that no link to it holds; less than 0: behind",
    },
    behind: {
      type: 'integer',
      description: 'Entries that it is behind the leader, or whom it follows; absent where that is not known',
    },
    isFetching: { type: 'boolean', description: 'It fetches a snapshot' },
    lease: {
      ...object(['state'], {
        state: { type: 'string', enum: ['held', 'ending', 'lapsed', 'refused', 'none'] },
        leftMs: { type: 'integer', description: 'Until it is over' },
      }),
      description: 'Whether it may run what must run once; absent where that is not known',
    },
  }),
  Transfer: object(['leader', 'unchanged'], {
    leader: { type: 'string', description: 'Name of the node that leads' },
    unchanged: { type: 'boolean', description: 'It led already' },
  }),
  JoinToken: object(['token', 'id', 'expiresAt', 'command'], {
    token: { type: 'string', description: 'One machine joins with it, once' },
    id: { type: 'string', description: 'By which the lab lists and revokes it' },
    expiresAt: { type: 'integer', description: 'Milliseconds since 1970' },
    command: { type: 'string', description: 'What to run on the new machine' },
  }),
  SimulatedMachine: object(['name', 'power'], {
    name: string,
    power: { type: 'string', enum: ['on', 'off'] },
    disks: {
      type: 'object',
      description: 'By their names: whether each is in the machine',
      additionalProperties: { type: 'string', enum: ['in', 'out'] },
    },
  }),
  Row: { type: 'object', description: 'A row of the view', additionalProperties: true },
  Page: object(['items', 'index'], {
    items: { type: 'array', items: { $ref: '#/components/schemas/Row' } },
    index: { type: 'integer', description: 'The index that the rows stand at' },
    cursor: { type: 'string', description: 'For the next page; absent at the end' },
  }),
  LogLine: object(['service', 'at', 'stream', 'text'], {
    service: string,
    at: { type: 'integer', description: 'Milliseconds since 1970' },
    stream: { type: 'string', enum: ['stdout', 'stderr'] },
    text: string,
  }),
  Readiness: object(['ready', 'checks'], {
    ready: { type: 'boolean' },
    checks: { type: 'array', items: object(['name', 'ok'], { name: string, ok: { type: 'boolean' }, detail: string }) },
  }),
};
