/**
 * Is this the pool that was used before? A disk that is not mounted leaves an empty folder behind, which may itself be
 * on btrfs: taking it for the pool would give every volume a new and empty dataset.
 *
 * The pool carries an id in `floatlab/pool.json`, and the data folder remembers the id and the place. The first start
 * writes both; a later one refuses a pool at the same place that does not have this id. Another place in the settings
 * is a person's decision.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { replaceFile } from '../../stores/files.ts';
import { unlessMissing } from '../errno.ts';
import { IoError } from '../error.ts';

const inPool = z.strictObject({ id: z.uuid() });
const remembered = z.strictObject({ id: z.uuid(), path: z.string() });

/** What the data folder remembers; `file` is its own. */
const rememberedPool = (file: string): Promise<z.infer<typeof remembered> | undefined> => read(file, remembered);

/** Before anything is written to the pool. @throws IoError POOL_MISSING, DAMAGED */
export async function refuseStranger(file: string, poolPath: string): Promise<void> {
  const known = await rememberedPool(file);
  if (known?.path !== poolPath) return;
  const id = await poolIdOf(poolPath);
  if (id === known.id) return;
  throw new IoError('POOL_MISSING', {
    op: 'find the pool',
    target: poolPath,
    message: `${poolPath} is not the pool that was used before: ${id ? 'it is another one' : 'the pool is not mounted, or empty'}`,
    hint: `Mount the pool again. If it is lost for good, remove ${file} to begin with an empty one.`,
  });
}

/** Once the pool has its folder `floatlab`. */
export async function remember(file: string, poolPath: string): Promise<void> {
  const id = await ensurePoolId(poolPath);
  const known = await rememberedPool(file);
  if (known?.id !== id || known.path !== poolPath) await write(file, { id, path: poolPath });
}

/** The id that the pool carries. @returns undefined when there is none @throws IoError DAMAGED */
export const poolIdOf = async (poolPath: string): Promise<string | undefined> =>
  (await read(markerOf(poolPath), inPool))?.id;

/** The same, of a pool that has its folder `floatlab`: one without an id gets it now. */
export async function ensurePoolId(poolPath: string): Promise<string> {
  const known = await poolIdOf(poolPath);
  if (known !== undefined) return known;
  const id = randomUUID();
  await write(markerOf(poolPath), { id });
  return id;
}

/** Of a pool that keeps its id elsewhere. @returns undefined when no pool of this place is remembered @throws IoError DAMAGED */
export async function rememberedId(file: string, place: string): Promise<string | undefined> {
  const known = await rememberedPool(file);
  return known?.path === place ? known.id : undefined;
}

export async function rememberId(file: string, place: string, id: string): Promise<void> {
  if ((await rememberedId(file, place)) !== id) await write(file, { id, path: place });
}

const markerOf = (poolPath: string): string => join(poolPath, 'floatlab', 'pool.json');

const write = (file: string, content: object): Promise<void> =>
  replaceFile(file, Buffer.from(`${JSON.stringify(content)}\n`), { mode: 0o600 });

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await unlessMissing(readFile(file, 'utf8'), undefined);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} does not say which pool it belongs to`;
    throw new IoError('DAMAGED', {
      op: 'find the pool',
      target: file,
      message,
      hint: 'If the pool is the right one, remove this file and start FloatLab again.',
      cause,
    });
  }
}
