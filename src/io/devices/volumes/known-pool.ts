/** A pool that the settings of this node name, and the words for one that is not there. */
import { realpath } from 'node:fs/promises';
import { IoError } from '../error.ts';

/** Makes the error of a call that finds no pool. */
export type Missing = (message: string, cause?: unknown) => IoError;

/** @param hint what helps with this kind of pool, as the driver has it for its errors */
export const missingPool =
  (name: string, op: string, hint: { readonly hint?: string }): Missing =>
  (message, cause) =>
    new IoError('POOL_MISSING', { op, target: name, message, ...hint, cause });

/** @throws IoError POOL_MISSING */
export function knownPool<P extends { readonly name: string }>(pools: readonly P[], name: string, missing: Missing): P {
  const pool = pools.find((known) => known.name === name);
  if (pool) return pool;
  throw missing(`this node has no pool ${JSON.stringify(name)}`);
}

/** Where the folder of a pool really is, without symbolic links. @throws IoError POOL_MISSING */
export async function realFolder(name: string, folder: string, missing: Missing): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    throw missing(`the pool ${name} is gone: there is no ${folder}`, error);
  }
}
