/**
 * The sessions that were ended before their time. A token says by itself until when it is good; that somebody has
 * signed out must be remembered beside it, also over a restart, until the token would have run out anyway.
 *
 * The list is bounded. When it is full, the oldest entry goes and everything as old as it ends too: nobody is let in
 * again, at the worst somebody has to sign in once more.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { IoError } from '../../devices/error.ts';
import { replaceFile } from '../../stores/files.ts';

export interface EndedSessions {
  /** Sessions that would have run out at this time or earlier are over. Milliseconds since 1970. */
  readonly upTo: number;
  /** By id: when they would have run out. Oldest first. */
  readonly ids: ReadonlyMap<string, number>;
}

/** Where they are kept. One writer. */
export interface EndedStore {
  readonly known: EndedSessions;
  /** Durable once resolved. */
  save(ended: EndedSessions): Promise<void>;
  /** Calls back when sessions were ended elsewhere; they are kept then. */
  onMore?(listener: (more: EndedSessions) => void): void;
}

export const nothingEnded: EndedSessions = { upTo: 0, ids: new Map() };

/** For a lab that does not outlive its process. */
export const keptInMemory: EndedStore = { known: nothingEnded, save: () => Promise.resolve() };

export const maxEnded = 10_000;

/** @returns the same with one more, without those that have run out by themselves */
export const withEnded = (
  ended: EndedSessions,
  { id, expiresAt }: { readonly id: string; readonly expiresAt: number },
  now: number,
): EndedSessions => merged(ended, { upTo: 0, ids: new Map([[id, expiresAt]]) }, now);

/** @returns what ended in either, without what has run out by itself */
export function merged(one: EndedSessions, other: EndedSessions, now: number): EndedSessions {
  // All last equally long: in the order of their ends.
  const all = [...new Map([...one.ids, ...other.ids])]
    .filter(([, until]) => until > now)
    .toSorted(([, a], [, b]) => a - b);
  const gone = all.splice(0, Math.max(0, all.length - maxEnded));
  const upTo = [one, other].map((ended) => ended.upTo);
  return { upTo: Math.max(...upTo, ...gone.map(([, until]) => until)), ids: new Map(all) };
}

export const hasEnded = (
  { upTo, ids }: EndedSessions,
  { id, expiresAt }: { readonly id: string; readonly expiresAt: number },
): boolean => expiresAt <= upTo || ids.has(id);

const file = z.strictObject({ upTo: z.number(), ended: z.record(z.string(), z.number()) });

/**
 * @param options.longestMs how long a session lasts at most
 * @throws IoError FAILED when the file cannot be read
 */
export async function endedInFile(
  path: string,
  options: { readonly now: number; readonly longestMs: number; warn(message: string): void },
): Promise<EndedStore> {
  let saving: Promise<void> = Promise.resolve();
  return {
    known: await read(path, options),
    save: ({ upTo, ids }) => {
      const bytes = Buffer.from(`${JSON.stringify({ upTo, ended: Object.fromEntries(ids) })}\n`);
      // One after the other, whatever became of the one before.
      const saved = saving.then(() => replaceFile(path, bytes, { mode: 0o600 }));
      saving = saved.catch(() => undefined);
      return saved.catch((error: unknown) => {
        throw failed('write', path, error);
      });
    },
  };
}

async function read(path: string, { now, longestMs, warn }: Parameters<typeof endedInFile>[1]): Promise<EndedSessions> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return nothingEnded;
    throw failed('read', path, error);
  }
  const parsed = file.safeParse(json(text));
  if (parsed.success) return { upTo: parsed.data.upTo, ids: new Map(Object.entries(parsed.data.ended)) };
  warn(`${path} is damaged: which sessions were signed out is not known, so all of them have ended`);
  return { upTo: now + longestMs, ids: new Map() };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const failed = (op: string, path: string, error: unknown): IoError =>
  new IoError('FAILED', {
    op,
    target: path,
    message: `cannot ${op} ${path}: ${error instanceof Error ? error.message : String(error)}`,
    hint: 'Look at the permissions and the free space of the data directory.',
    cause: error,
  });
