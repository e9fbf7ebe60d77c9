/**
 * The pools that a node was told to manage through the lab, in a file of its data directory: the next start opens them
 * again, also while no other node answers.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { devicePath, poolDriver } from '#events/values/pool.ts';
import { poolPlace } from '#events/pool.ts';
import { IoError } from '../devices/error.ts';
import { replaceFile } from '../stores/files.ts';

const listedPool = z.strictObject({
  name: z.string().min(1).max(63),
  driver: poolDriver,
  where: poolPlace,
  /** `usual`: made at the first start, where the machine could have nothing better. */
  origin: z.enum(['usual', 'made', 'adopted']),
  /** What a pool that was made lies on, as far as is known: its disks are looked for there. */
  devices: z.array(devicePath).exactOptional(),
  /** The file that a pool that was made lies in. */
  file: devicePath.exactOptional(),
});
export type ListedPool = z.infer<typeof listedPool>;

const format = z.strictObject({ version: z.literal(1), pools: z.array(listedPool).max(256) });

const fileOf = (dataDir: string): string => join(dataDir, 'pools.json');

/** @throws IoError DAMAGED */
export async function readPoolList(dataDir: string): Promise<readonly ListedPool[]> {
  const file = fileOf(dataDir);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  try {
    return format.parse(JSON.parse(text)).pools;
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'read the list of pools',
      target: file,
      message: `${file} is not a list of pools`,
      hint: 'Move it away and adopt the pools again; their data is not touched by this.',
      cause,
    });
  }
}

/** Writes the list, one after the other: what was given last is what stays. Durable once it resolves. */
export function poolListAt(dataDir: string): (pools: readonly ListedPool[]) => Promise<void> {
  let before: Promise<void> = Promise.resolve();
  return (pools) => {
    const bytes = Buffer.from(`${JSON.stringify({ version: 1, pools }, null, 1)}\n`);
    const written = before.then(() => replaceFile(fileOf(dataDir), bytes, { mode: 0o600 }));
    // That one failed is told to whoever wanted it.
    before = written.catch(() => {});
    return written;
  };
}
