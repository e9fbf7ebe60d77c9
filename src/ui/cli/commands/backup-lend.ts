/** Places that one lab lends to another: the token that opens them, made here and shown once. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mustAsk } from '../ask.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import type { ChangeOptions } from '../options.ts';
import { volumeSizeOf } from '../volume-values.ts';

export interface LendOptions {
  readonly quota?: string;
  readonly appendOnly?: string | boolean;
}

/** Whoever lends a place makes its token here; the lab learns the hash of it alone. */
export const newToken = (): string => randomBytes(32).toString('base64url');

export const lendingOf = ({ quota, appendOnly }: LendOptions, token: string | undefined) => ({
  ...(token === undefined ? {} : { tokenHash: createHash('sha256').update(token).digest('hex') }),
  ...(quota === undefined ? {} : { quotaBytes: volumeSizeOf(quota, '--quota') }),
  ...(appendOnly === undefined
    ? {}
    : { appendOnly: typeof appendOnly === 'boolean' ? appendOnly : yesOrNo(appendOnly, '--append-only') }),
});

function yesOrNo(text: string, option: string): boolean {
  if (text !== 'yes' && text !== 'no') throw usageError(`${option} ${text} is neither yes nor no.`);
  return text === 'yes';
}

export function sayToken(cli: Cli, options: ChangeOptions, token: string | undefined): void {
  if (token === undefined || options.dryRun) return;
  if (!options.quiet) cli.print.talk('The token, which is shown this once and opens this place alone:');
  cli.print.data(token);
}

export async function tokenOf(cli: Cli, file: string | undefined): Promise<{ readonly token: string }> {
  const [token = ''] = file === undefined ? [await askedToken(cli)] : await linesOf(cli, file, '--token-file');
  if (token === '')
    throw usageError('The token is empty.', 'It is what that lab has printed when the target was lent.');
  return { token };
}

async function askedToken({ world: { ask } }: Cli): Promise<string> {
  mustAsk(ask, 'The token of that lab is asked for', 'Put it into a file: --token-file FILE.');
  return ask.secret('Token of the place that the other lab lends');
}

export async function linesOf(cli: Cli, file: string, option: string): Promise<readonly string[]> {
  const text = await readFile(resolve(cli.world.cwd, file), 'utf8').catch((error: unknown) => {
    throw usageError(`${option} ${file} cannot be read: ${(error as Error).message}`);
  });
  return text.split(/\r?\n/).map((line) => line.trim());
}
