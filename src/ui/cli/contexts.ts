/**
 * The labs that this person has signed in to: `contexts.json` in the configuration folder of the XDG rules. It holds
 * tokens, so that only its owner may read it, and it is replaced in one step: a reader sees the old file or the new.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { CliError, reasonOf } from './errors.ts';
import type { World } from './world.ts';

const context = z.object({
  server: z.url(),
  /** Who signed in. */
  user: z.string().optional(),
  token: z.string().optional(),
  /** Certificates (PEM) that are trusted for this server, and nothing else is. */
  ca: z.string().optional(),
  namespace: z.string().optional(),
});
export type Context = z.infer<typeof context>;

const contextsFile = z.object({
  version: z.literal(1),
  current: z.string().optional(),
  contexts: z.record(z.string(), context),
});
export type Contexts = z.infer<typeof contextsFile>;

const none: Contexts = { version: 1, contexts: {} };

export function contextsPath({ env, home }: Pick<World, 'env' | 'home'>): string {
  const xdg = env['XDG_CONFIG_HOME'];
  // The XDG rules: a relative path is to be ignored.
  return join(xdg?.startsWith('/') ? xdg : join(home, '.config'), 'floatlab', 'contexts.json');
}

export async function loadContexts(path: string): Promise<Contexts> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return none;
    throw new CliError('CONTEXTS_UNREADABLE', 1, `${path} cannot be read: ${reasonOf(error)}.`);
  }
  const parsed = contextsFile.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new CliError(
    'CONTEXTS_UNREADABLE',
    1,
    `${path} is not a file of contexts.`,
    'Move it away and sign in again: floatlab login.',
  );
}

export async function saveContexts(path: string, contexts: Contexts): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.contexts-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      // Whatever the umask says: exactly this.
      await file.chmod(0o600);
      await file.writeFile(`${JSON.stringify(contexts, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CliError('CONTEXTS_UNWRITABLE', 1, `${path} cannot be written: ${reasonOf(error)}.`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
