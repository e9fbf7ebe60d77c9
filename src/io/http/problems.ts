/**
 * How anything that goes wrong leaves by HTTP: an RFC 9457 problem whose status follows from its code. What is
 * expected (a refusal, an engine that is away, an index beyond the head) says what and where; what nobody foresaw says
 * only that FloatLab failed, with the id under which the log has the rest.
 */
import { problemOf, type Problem, type ProblemCode } from '#io/contract/problem.ts';
import { IoError, type IoErrorCode } from '../devices/error.ts';
import { LogError } from '../log/port.ts';
import { StoreError } from '../stores/port.ts';

/** Thrown by whoever answers a request, when the answer is a problem. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export const fail = (code: ProblemCode, detail: string, more: Parameters<typeof problemOf>[2] = {}): ProblemError =>
  new ProblemError(problemOf(code, detail, more));

/** One wrong field of a request, for forms and for people. */
export const wrongField = (path: string, message: string, hint?: string): ProblemError =>
  fail('INVALID', `${path}: ${message}.`, { fields: [{ path, message }], ...(hint === undefined ? {} : { hint }) });

/** @returns undefined for what nobody foresaw: log it, and answer `failed` */
export function asProblem(thrown: unknown): Problem | undefined {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof LogError) return ofLog(thrown);
  if (thrown instanceof IoError) return ofDevice(thrown);
  if (thrown instanceof StoreError && thrown.code === 'DAMAGED')
    return problemOf('INTERNAL', sentence(thrown.message), { hint: thrown.hint });
  return undefined;
}

export const failed = (requestId: string): Problem =>
  problemOf('INTERNAL', 'FloatLab could not answer this request.', {
    hint: `The log of floatlabd says why, under ${requestId}.`,
  });

export const stopping = (): ProblemError => fail('STOPPING', 'This node is stopping.', { retryAfter: 2 });

function ofLog({ code, message, hint }: LogError): Problem | undefined {
  switch (code) {
    case 'PAST_HEAD':
    case 'BELOW_FLOOR':
      return problemOf(code, sentence(message), { hint });
    case 'REFUSED':
      return problemOf('TOO_LARGE', sentence(message), { hint });
    case 'CLOSED':
      return stopping().problem;
    case 'BROKEN':
      // An append that was under way may be durable or not: nobody knows before the next start.
      return problemOf('TIMED_OUT', 'The event log failed; whether this took effect is not known.', {
        hint: 'Look, or send the same request with the same Idempotency-Key once the node runs again.',
      });
    case 'NOT_LEADER':
    case 'NO_QUORUM':
      return problemOf('NO_LEADER', sentence(message), { hint, retryAfter: 2 });
    case 'UNKNOWN':
      return problemOf('TIMED_OUT', sentence(message), { hint });
    case 'DAMAGED':
    case 'SHORTENED':
    case 'TOO_NEW':
      return undefined;
  }
}

const deviceCodes: Readonly<Partial<Record<IoErrorCode, ProblemCode>>> = {
  ABORTED: 'TIMED_OUT',
  TIMED_OUT: 'TIMED_OUT',
  INVALID: 'INVALID',
  MISSING: 'NOT_FOUND',
  ENGINE_UNREACHABLE: 'ENGINE_UNREACHABLE',
  EXISTS: 'NOT_NOW',
  BUSY: 'NOT_NOW',
  CONTAINER_FAILED: 'NOT_NOW',
  UNHEALTHY: 'NOT_NOW',
};

function ofDevice({ code, message, hint }: IoError): Problem | undefined {
  const known = deviceCodes[code];
  return known && problemOf(known, sentence(message), hint === undefined ? {} : { hint });
}

/** Messages of errors begin small and end without a full stop; problems are read by people. */
const sentence = (message: string): string =>
  `${message.slice(0, 1).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;

export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(problem.retryAfter === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfter)) }),
      ...headers,
    },
  });
}
