/**
 * The one error that devices reject with. Callers branch on `code`, never on a message.
 *
 * `retry` says what the supervisor of the work does about it: `always` for what heals by itself or by somebody
 * else's hand (an engine that is away), `some` for what may pass (a time-out), `never` for what asks for a person
 * (a name that is taken, an image that does not exist).
 */
import type { Problem } from '#events/values/metadata.ts';

export const ioErrorCodes = {
  ABORTED: 'some',
  TIMED_OUT: 'some',
  FAILED: 'some',
  FENCED: 'never',
  INVALID: 'never',
  MISSING: 'never',
  EXISTS: 'never',
  BUSY: 'some',
  NO_SPACE: 'never',
  READ_ONLY: 'never',
  POOL_MISSING: 'always',
  PERMISSION: 'never',
  ENGINE_UNREACHABLE: 'always',
  IMAGE_NOT_FOUND: 'never',
  IMAGE_PULL_FAILED: 'some',
  PORT_IN_USE: 'never',
  NAME_IN_USE: 'never',
  CONTAINER_FAILED: 'never',
  UNHEALTHY: 'never',
  DAMAGED: 'never',
  /** The pool, or this version of its tools, cannot do that. */
  UNSUPPORTED: 'never',
  /** A hold, or what another tool made on it, that a person must lift. */
  HELD: 'never',
  /** Two histories of one volume: nothing is put over the other one. */
  DIVERGED: 'never',
  /** A stream that ended early, or is not what its sender made of it. */
  TRUNCATED: 'some',
  /** What a half-received stream could be resumed with is gone: begin anew. */
  TOKEN_DEAD: 'never',
  /** A command of the app that a snapshot needs did not do well. */
  HOOK_FAILED: 'never',
} as const satisfies Record<string, 'always' | 'some' | 'never'>;
export type IoErrorCode = keyof typeof ioErrorCodes;

export class IoError extends Error {
  readonly code: IoErrorCode;
  /** What was attempted, for example `btrfs subvolume create`. */
  readonly op: string;
  /** On what: a dataset, an image, a container. */
  readonly target: string;
  /** One sentence: what to do about it. */
  readonly hint: string | undefined;

  constructor(
    code: IoErrorCode,
    about: { op: string; target: string; message: string; hint?: string; cause?: unknown },
  ) {
    super(about.message, about.cause === undefined ? undefined : { cause: about.cause });
    this.name = 'IoError';
    this.code = code;
    this.op = about.op;
    this.target = about.target;
    this.hint = about.hint;
  }

  get retry(): 'always' | 'some' | 'never' {
    return ioErrorCodes[this.code];
  }

  /** As events and people see it. */
  get problem(): Problem {
    const problem = { code: this.code, message: this.message.slice(0, 4000) };
    return this.hint === undefined ? problem : { ...problem, hint: this.hint.slice(0, 1000) };
  }
}

/** Anything that was thrown, as an IoError: an error that no device foresaw is FAILED. */
export function asIoError(error: unknown, op: string, target: string): IoError {
  if (error instanceof IoError) return error;
  if (error instanceof Error && error.name === 'AbortError')
    return new IoError('ABORTED', { op, target, message: `${op} of ${target} was cancelled`, cause: error });
  const message = error instanceof Error ? error.message : String(error);
  return new IoError('FAILED', { op, target, message: `${op} of ${target} failed: ${message}`, cause: error });
}
