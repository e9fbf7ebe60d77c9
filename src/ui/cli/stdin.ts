/** Reading a few lines that a script pipes in: passwords, which belong neither into argv nor into the environment. */
import { usageError } from './errors.ts';
import type { World } from './world.ts';

const most = 64 * 1024;

/** @returns the lines, without their ends; an empty last one is left out */
export async function readLines({ stdin }: Pick<World, 'stdin'>): Promise<readonly string[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > most) throw usageError('Too much was piped in for a password.');
    chunks.push(bytes);
  }
  const lines = Buffer.concat(chunks).toString('utf8').split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const mostText = 4 * 2 ** 20;

/** All that is piped in, as text: a compose file. @throws CliError where it is too long, or is no text */
export async function readText({ stdin }: Pick<World, 'stdin'>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > mostText) throw usageError('What is piped in is larger than a compose file may be: 1 MiB.');
    chunks.push(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw usageError('What is piped in is not UTF-8 text.');
  }
}
