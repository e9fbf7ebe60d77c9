/** What ends a run of the command line before it is done, beside the errors of the clients. */
import { ApiError } from '#ui/client/errors.ts';
import type { Finding } from '#actors/compose/model.ts';
import type { ExitCode } from './exit-codes.ts';

/** Of `exec`, as shells have it: a command that cannot be run, and one that is not there. */
type StartCode = 126 | 127;

export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode | StartCode;
  readonly hint: string | undefined;
  readonly findings: readonly Finding[];

  constructor(
    code: string,
    exitCode: ExitCode | StartCode,
    message: string,
    hint?: string,
    more: { readonly findings?: readonly Finding[]; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'CliError';
    this.code = code;
    this.exitCode = exitCode;
    this.hint = hint;
    this.findings = more.findings ?? [];
  }
}

export const usageError = (message: string, hint?: string): CliError => new CliError('USAGE', 2, message, hint);

export const interrupted = (): CliError => new CliError('INTERRUPTED', 130, 'Interrupted.');

/** The same error, with what to do when the lab does not say. */
export function withHint(error: unknown, code: string, hint: string): unknown {
  if (!(error instanceof ApiError) || error.problem.code !== code || error.problem.hint !== undefined) return error;
  return new ApiError({ ...error.problem, hint });
}

/** The message of an error of Node's own (a file that cannot be read, for example) in plain words. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  const known = typeof code === 'string' ? reasons[code] : undefined;
  return known ?? (error instanceof Error ? error.message : String(error));
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  EACCES: 'you may not',
  EPERM: 'you may not',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ELOOP: 'its links go in a circle',
};
