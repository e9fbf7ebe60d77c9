/** What ends a run of the command line before it is done, beside the errors of the clients. */
import type { Finding } from '#actors/compose/model.ts';
import type { ExitCode } from './exit-codes.ts';

export class CliError extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly findings: readonly Finding[];

  constructor(
    code: string,
    exitCode: ExitCode,
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
