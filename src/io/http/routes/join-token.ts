/**
 * A join token for one machine. Its secret is drawn here and is in this one answer: the lab learns the hash of it, the
 * log of the daemon nothing, and a request that is repeated gets no second look at it.
 */
import { randomBytes } from 'node:crypto';
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { problemOfRejection } from '#io/contract/problem.ts';
import { joinTokenBody, type JoinTokenAnswer, type JoinTokenInput } from '#io/contract/routes/admission.ts';
import type { ClusterPort, RunResult } from '../../lab/port.ts';
import { formatToken, tokenHash } from '../../links/token.ts';
import { checked, readJson } from '../body.ts';
import { deadline } from '../deadline.ts';
import { sessionOf, type Parts, type RouteContext } from '../parts.ts';
import { fail, ProblemError, wrongField } from '../problems.ts';
import { readQuery } from '../query.ts';
import { mayOnCluster } from './cluster.ts';
import { commandIdOf, fingerprintOf, type UsedKeys } from './idempotency.ts';

const secretBytes = 32;
const timeoutMs = 30_000;
const [leastMs, mostMs] = [60_000, 7 * 86_400_000];

export async function makeJoinToken(parts: Parts, usedKeys: UsedKeys, c: RouteContext): Promise<Response> {
  mayOnCluster(c, 'write');
  readQuery(c, []);
  const { principal } = sessionOf(c);
  const { validFor, ...input } = checked(joinTokenBody, (await readJson(c)) ?? {});
  const validMs = validFor === undefined ? undefined : validMsOf(validFor);
  const door = doorOf(parts);
  const key = c.req.header('idempotency-key');
  const id = parts.random.id();
  const secret = randomBytes(secretBytes);
  const request = {
    ...(key === undefined ? { id: parts.random.id(), since: parts.lab.index } : { id: commandIdOf(principal, key) }),
    name: 'issue-token',
    input: { tokenId: id, hash: tokenHash(secret), ...input, ...(validMs === undefined ? {} : { validMs }) },
    by: principal,
  };
  if (key !== undefined) usedKeys.use(request.id, fingerprintOf('make-join-token', { ...input, validFor }));
  const limit = deadline(parts.clock, timeoutMs, parts.stopping);
  const result = await parts.lab
    .run(request, limit.signal)
    .catch((error: unknown) => {
      if (!limit.signal.aborted) throw error;
      throw fail('TIMED_OUT', `No answer within ${timeoutMs / 1000} s; whether there is a new token is not known.`, {
        hint: 'What it opens with is lost in any case: floatlab node token ls shows it, floatlab node token revoke ID ends it.',
      });
    })
    .finally(() => limit.done());
  if ('rejected' in result) {
    if (key !== undefined) usedKeys.release(request.id);
    throw new ProblemError(problemOfRejection(result.rejected));
  }
  const issued = issuedBy(result.events);
  if (issued.token !== id) throw shownBefore(issued.token);
  const token = formatToken({ ...door, id, secret });
  c.header('cache-control', 'no-store');
  const answer: JoinTokenAnswer = {
    token,
    id,
    expiresAt: issued.expiresAt,
    command: commandFor(token, input, parts.lab.view),
  };
  return c.json(answer, 201);
}

/** @throws ProblemError INVALID */
function validMsOf(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw wrongField('validFor', 'expected a duration', 'Write for example 30m, 3h or 2d.');
  if (ms >= leastMs && ms <= mostMs) return Math.round(ms);
  throw wrongField('validFor', `a token is good for ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`);
}

/** @throws ProblemError NO_DOOR */
function doorOf({ cluster, simulation }: Parts): NonNullable<ClusterPort['door']> {
  if (cluster?.door) return cluster.door;
  if (simulation) {
    throw fail('NO_DOOR', 'This lab is simulated: no machine can join it.', {
      hint: 'A simulated lab with more machines: npm start -- --simulate 5. A real one: npm start.',
    });
  }
  throw fail('NO_DOOR', 'No other machine can reach this node: it does not listen for nodes.', {
    hint: 'Start it again with an address that the others reach: npm start -- --node-listen 0.0.0.0:7401',
  });
}

interface Issued {
  readonly token: string;
  readonly expiresAt: number;
}

/** What the log says that was issued. @throws ProblemError */
function issuedBy(events: Exclude<RunResult, { rejected: unknown }>['events']): Issued {
  const event = events.find(({ type }) => type === 'cluster.token-issued');
  if (event) return event.data as Issued;
  throw fail('KEY_REUSED', 'This Idempotency-Key was used for another request.', {
    hint: 'Draw a new key for every command; repeat it only with the very same request.',
  });
}

/** The request was sent before: its token is there, and only whoever got the first answer can use it. */
const shownBefore = (id: string): ProblemError =>
  fail(
    'KEY_REUSED',
    `This Idempotency-Key made token ${id} already; what opens with it was shown once and is not kept.`,
    {
      hint: `Without that answer the token is of no use: floatlab node token revoke ${id}. Then make another one.`,
    },
  );

/** A witness, or whoever takes the place of one, needs neither engine nor pool, and must not make them. */
function commandFor(
  token: string,
  { replaces, role }: Pick<JoinTokenInput, 'replaces' | 'role'>,
  lab: Parts['lab']['view'],
): string {
  const before = replaces === undefined ? undefined : lab.byName('node', 'system', replaces)?.context.role;
  const isWitness = role === 'witness' || before === 'witness';
  const name = replaces === undefined ? [] : ['--name', replaces];
  return ['npm start -- --join', token, ...name, ...(isWitness ? ['--witness'] : [])].join(' ');
}
