/**
 * Errors as RFC 9457 problem details. `code` is stable and what programs branch on; `detail` says what and where;
 * `hint` what to do. Statuses and exit codes derive from the code's class, here and nowhere else.
 */
import type { Finding } from '#actors/compose/model.ts';
import { rejectionCodes, type Rejection, type RejectionCode } from '#actors/rejection.ts';

export type ProblemClass =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'missing'
  | 'conflict'
  | 'refused'
  | 'limited'
  | 'unknown'
  | 'unavailable'
  | 'internal';

/** Codes of the API itself, beside those of rejections. */
export const problemCodes = {
  ...rejectionCodes,
  TOO_LARGE: 'invalid',
  NOT_SIGNED_IN: 'unauthenticated',
  WRONG_PASSWORD: 'unauthenticated',
  TOO_MANY_ATTEMPTS: 'limited',
  NO_SUCH_ROUTE: 'missing',
  PAST_HEAD: 'missing',
  BELOW_FLOOR: 'missing',
  KEY_REUSED: 'conflict',
  NOT_A_VOTER: 'refused',
  NO_DOOR: 'refused',
  TIMED_OUT: 'unknown',
  NO_LEADER: 'unavailable',
  STOPPING: 'unavailable',
  NOT_READY: 'unavailable',
  ENGINE_UNREACHABLE: 'unavailable',
  INTERNAL: 'internal',
} as const satisfies Record<string, ProblemClass>;
export type ProblemCode = keyof typeof problemCodes;

export const statusOf: Readonly<Record<ProblemClass, 400 | 401 | 403 | 404 | 409 | 422 | 429 | 500 | 503 | 504>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  missing: 404,
  conflict: 409,
  refused: 422,
  limited: 429,
  unknown: 504,
  unavailable: 503,
  internal: 500,
};

export interface Problem {
  /** `urn:floatlab:problem:<code>` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly hint?: string;
  readonly fields?: readonly { readonly path: string; readonly message: string }[];
  readonly findings?: readonly Finding[];
  /** Seconds to wait, for `limited` and `unavailable`. */
  readonly retryAfter?: number;
}

const titles: Readonly<Record<ProblemClass, string>> = {
  invalid: 'The request is not valid',
  unauthenticated: 'Sign in first',
  forbidden: 'Not allowed',
  missing: 'Not found',
  conflict: 'Not possible now',
  refused: 'Refused',
  limited: 'Too many attempts',
  unknown: 'Outcome unknown',
  unavailable: 'Not available',
  internal: 'FloatLab failed',
};

export function problemOf(
  code: ProblemCode,
  detail: string,
  more: Partial<Pick<Problem, 'hint' | 'fields' | 'findings' | 'retryAfter'>> = {},
): Problem {
  const kind = problemCodes[code];
  return {
    type: `urn:floatlab:problem:${code.toLowerCase()}`,
    title: titles[kind],
    status: statusOf[kind],
    detail,
    code,
    ...more,
  };
}

export const problemOfRejection = (rejection: Rejection): Problem => {
  const { code, explain, ...more } = rejection;
  return problemOf(code satisfies RejectionCode, explain, more);
};

export const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'detail' in value && 'status' in value;
