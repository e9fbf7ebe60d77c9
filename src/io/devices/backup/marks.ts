/**
 * Packs that are set aside, `marks/<id>`: sealed {reason, packs}. Whoever begins after a mark relies on none of the packs
 * that it names, and packs their chunks anew; they can still be read.
 *
 *   prune     nothing needs them, or what is needed was copied elsewhere: they are deleted once nobody is at work any
 *             more who began before the mark. What is marked stays so until it is gone: somebody who slept may delete it
 *             at any time, so that what turns out to be needed is copied, and never trusted again where it was
 *   damaged   a check found them so: they stay as long as a backup needs what can still be read of them
 */
import * as z from 'zod';
import { sha256 } from '#events/values/peer.ts';
import { IoError } from '../error.ts';
import type { RepositoryKeys } from './format/keys.ts';
import { json } from './format/manifest.ts';
import { openObject, sealObject } from './format/seal.ts';
import { storeError, type ObjectStore } from './store/port.ts';

const content = z.strictObject({ reason: z.enum(['prune', 'damaged']), packs: z.array(sha256).max(1_000_000) });
const maxMarkBytes = 128 * 1024 * 1024;
const nameOf = /^marks\/([a-z0-9]{1,40})$/;

export interface Mark extends z.infer<typeof content> {
  readonly id: string;
  /** By the clock of the store. */
  readonly at: number;
}

export const markKey = (id: string): string => `marks/${id}`;

export async function putMark(
  store: ObjectStore,
  keys: RepositoryKeys,
  id: string,
  value: Pick<Mark, 'reason' | 'packs'>,
  signal: AbortSignal,
): Promise<void> {
  const plain = Buffer.from(JSON.stringify({ reason: value.reason, packs: value.packs }));
  await store.put(markKey(id), sealObject(keys, 'FLABMARK', plain), signal);
}

export interface Marks {
  readonly marks: readonly Mark[];
  /** Keys of those that cannot be read. */
  readonly damaged: readonly string[];
}

/**
 * For whoever is about to rely on packs.
 * @throws IoError DAMAGED when one cannot be read: what it names is not known, so nothing may be relied on
 */
export async function readMarks(store: ObjectStore, keys: RepositoryKeys, signal: AbortSignal): Promise<Marks> {
  const found = await findMarks(store, keys, signal);
  const [key] = found.damaged;
  if (key === undefined) return found;
  throw storeError(
    'DAMAGED',
    'read',
    key,
    `the mark ${key} is damaged: which packs are about to be deleted is not known`,
    'Prune the repository: that removes it.',
  );
}

export async function findMarks(store: ObjectStore, keys: RepositoryKeys, signal: AbortSignal): Promise<Marks> {
  const [marks, damaged]: [Mark[], string[]] = [[], []];
  for await (const { key, modifiedAt, sizeBytes } of store.list('marks/', signal)) {
    const id = nameOf.exec(key)?.[1];
    if (id === undefined) continue;
    try {
      const object = sizeBytes > maxMarkBytes ? new Uint8Array() : await store.get(key, signal);
      const parsed = content.safeParse(json(openObject(keys, 'FLABMARK', key, object)));
      if (parsed.success) marks.push({ ...parsed.data, id, at: modifiedAt });
      else damaged.push(key);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      if (error.code === 'DAMAGED') damaged.push(key);
      // Done with between the two looks.
      else if (error.code !== 'MISSING') throw error;
    }
  }
  return { marks, damaged };
}
