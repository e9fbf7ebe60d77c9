/**
 * `engine.json` in the data directory: which container engine this lab uses. Its apps run there, also while nobody
 * looks: another engine would start them a second time, on the same volumes. So it is chosen once, and from then on
 * only a person's word changes it (`--engine`).
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { asIoError, IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';

/** The engine of FloatLab's own, or one of this machine: by its socket and, where it has one, the id that it gives. */
export type KnownEngine =
  | { readonly kind: 'own' }
  | { readonly kind: 'found'; readonly socketPath: string; readonly id: string | undefined };

const file = z.union([
  z.strictObject({ engine: z.literal('own') }),
  z.strictObject({ engine: z.string().startsWith('/'), id: z.string().min(1).exactOptional() }),
]);

export const engineMemoryPath = (dataDir: string): string => join(dataDir, 'engine.json');

/** @returns undefined when none was ever chosen. @throws IoError INVALID, FAILED */
export async function recallEngine(dataDir: string): Promise<KnownEngine | undefined> {
  const path = engineMemoryPath(dataDir);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw asIoError(error, 'read', path);
    // Before this was written down, an engine of our own was known by its folder.
    return (await hasOwnEngine(dataDir)) ? { kind: 'own' } : undefined;
  }
  const parsed = file.safeParse(json(text));
  if (!parsed.success)
    throw new IoError('INVALID', {
      op: 'read',
      target: path,
      message: `${path} is damaged: which container engine this lab uses is not known`,
      hint: 'Say it: --engine own for the one that FloatLab started, or --engine /var/run/docker.sock for one of this machine.',
    });
  const { data } = parsed;
  return data.engine === 'own'
    ? { kind: 'own' }
    : { kind: 'found', socketPath: data.engine, id: 'id' in data ? data.id : undefined };
}

/** Durable once resolved. @throws IoError */
export async function rememberEngine(dataDir: string, engine: KnownEngine): Promise<void> {
  const path = engineMemoryPath(dataDir);
  const kept =
    engine.kind === 'own'
      ? { engine: 'own' }
      : { engine: engine.socketPath, ...(engine.id === undefined ? {} : { id: engine.id }) };
  try {
    await replaceFile(path, Buffer.from(`${JSON.stringify(kept)}\n`), { mode: 0o600 });
  } catch (error) {
    throw asIoError(error, 'write', path);
  }
}

/** Whether this data directory has ever run an engine of its own: what never came up left an empty folder at most. */
const hasOwnEngine = async (dataDir: string): Promise<boolean> =>
  (await readdir(join(dataDir, 'engine', 'root')).catch(() => [])).length > 0;

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
