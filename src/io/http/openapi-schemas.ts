/** The schemas of the OpenAPI document: those of its components, and how others refer to them. */
import * as z from 'zod';
import { problemCodes } from '#io/contract/problem.ts';
import { commandAnswer, pageKeyHeader } from '#io/contract/routes.ts';

export type Json = Readonly<Record<string, unknown>>;

export function jsonSchema(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  });
  return rest;
}

export const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

const string = { type: 'string' };
const integer = { type: 'integer' };
const object = (required: readonly string[], properties: Json): Json => ({ type: 'object', required, properties });

export const schemas: Json = {
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
