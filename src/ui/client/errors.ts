/**
 * The two ways in which a call to the lab can fail: the lab said no (`ApiError`, with its problem), or nobody answered
 * (`UnreachableError`). Branch on `code` and `kind`, never on the message.
 */
import { isProblem, problemCodes, problemOf, statusOf, type Problem, type ProblemClass } from '#io/contract/problem.ts';

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ApiError';
    this.problem = problem;
  }

  get code(): string {
    return this.problem.code;
  }

  get kind(): ProblemClass {
    return classOf(this.problem);
  }
}

export class UnreachableError extends Error {
  readonly code = 'UNREACHABLE';
  /** Where nobody answered: scheme, host and port. */
  readonly server: string;
  readonly reason: string;
  /** Whether the request may have arrived: then nobody knows what came of it. */
  readonly maybeSent: boolean;

  constructor(server: string, reason: string, maybeSent: boolean, cause?: unknown) {
    super(`${server === '' ? 'The lab' : server} does not answer: ${reason}.`, { cause });
    this.name = 'UnreachableError';
    this.server = server;
    this.reason = reason;
    this.maybeSent = maybeSent;
  }

  /** The same, when an earlier attempt may have arrived. */
  asMaybeSent(): UnreachableError {
    return this.maybeSent ? this : new UnreachableError(this.server, this.reason, true, this.cause);
  }
}

/** By the code; by the status when a newer server sends a code that is not known here. */
export function classOf(problem: Problem): ProblemClass {
  if (Object.hasOwn(problemCodes, problem.code)) return problemCodes[problem.code];
  const found = Object.entries(statusOf).find(([, status]) => status === problem.status);
  return (found?.[0] as ProblemClass | undefined) ?? (problem.status < 500 ? 'invalid' : 'internal');
}

/** The problem in an answer's body, or one for an answer that is not from a lab (a proxy's page, an empty body). */
export function problemFrom(status: number, body: string, server: string): Problem {
  const parsed = parseJson(body);
  if (isProblem(parsed)) return parsed;
  const where = server === '' ? 'The server' : server;
  const what = problemOf('INTERNAL', `${where} answered ${status}, but not as FloatLab does.`, {
    hint: 'Is this the address of a lab? A proxy in between may have answered.',
  });
  return { ...what, status };
}

/** @returns undefined when it is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Before any byte of a request has left: name lookup, connecting, the handshake of TLS.
const beforeSending =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EACCES|EPROTO|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|ERR_SSL_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*)$/;

/** What `fetch` threw, as one error. Browsers do not say why; Node does, in the cause. */
export function unreachable(server: string, thrown: unknown): UnreachableError {
  const { code, message } = rootOf(thrown);
  const reason = (code !== undefined && reasons[code]) || (message === '' ? 'no connection' : message);
  return new UnreachableError(server, reason, code === undefined || !beforeSending.test(code), thrown);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ECONNRESET: 'the connection was lost',
  UND_ERR_SOCKET: 'the connection was lost',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is of an authority that is not trusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

function rootOf(thrown: unknown): { readonly code: string | undefined; readonly message: string } {
  let error: unknown = thrown;
  for (let depth = 0; depth < 5; depth++) {
    if (!(error instanceof Error)) break;
    if (error instanceof AggregateError && error.errors[0] instanceof Error) error = error.errors[0];
    const { code } = error as { code?: unknown };
    if (typeof code === 'string') return { code, message: plain(error as Error) };
    if ((error as Error).cause === undefined) return { code: undefined, message: plain(error as Error) };
    error = (error as Error).cause;
  }
  return { code: undefined, message: '' };
}

const plain = (error: Error): string => error.message.replace(/[.\s]+$/, '');

/** @throws ApiError where the answer is not JSON: something else than FloatLab has answered */
export function json<T>(body: string, server: string): T {
  const parsed = parseJson(body);
  if (parsed === undefined) throw new ApiError(problemFrom(200, body, server));
  return parsed as T;
}
