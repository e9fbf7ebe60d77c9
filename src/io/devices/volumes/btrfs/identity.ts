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
import { z } from 'zod';
import { replaceFile } from '../../../stores/files.ts';
import { IoError } from '../../error.ts';

const inPool = z.strictObject({ id: z.uuid() });
const remembered = z.strictObject({ id: z.uuid(), path: z.string() });

/** What the data folder remembers; `file` is its own. */
const rememberedPool = (file: string): Promise<z.infer<typeof remembered> | undefined> => read(file, remembered);

/** Before anything is written to the pool. @throws IoError POOL_MISSING, DAMAGED */
export async function refuseStranger(file: string, poolPath: string): Promise<void> {
  const known = await rememberedPool(file);
  if (known?.path !== poolPath) return;
  const marker = await read(markerOf(poolPath), inPool);
  if (marker?.id === known.id) return;
  throw new IoError('POOL_MISSING', {
    op: 'find the pool',
    target: poolPath,
    message: `${poolPath} is not the pool that was used before: ${marker ? 'it is another one' : 'the pool is not mounted, or empty'}`,
    hint: `Mount the pool again. If it is lost for good, remove ${file} to begin with an empty one.`,
  });
}

/** Once the pool has its folder `floatlab`. */
export async function remember(file: string, poolPath: string): Promise<void> {
  const marker = await read(markerOf(poolPath), inPool);
  const id = marker?.id ?? randomUUID();
  if (!marker) await write(markerOf(poolPath), { id });
  const known = await rememberedPool(file);
  if (known?.id !== id || known.path !== poolPath) await write(file, { id, path: poolPath });
}

const markerOf = (poolPath: string): string => join(poolPath, 'floatlab', 'pool.json');

const write = (file: string, content: object): Promise<void> =>
  replaceFile(file, Buffer.from(`${JSON.stringify(content)}\n`), { mode: 0o600 });

async function read<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${file} does not say which pool it belongs to`;
    throw new IoError('DAMAGED', {
      op: 'find the pool',
      target: file,
      message,
      hint: 'If the pool is the right one, remove this file.',
      cause,
    });
  }
}
