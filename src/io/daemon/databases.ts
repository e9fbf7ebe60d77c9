/** The databases of a data directory: the log with its watermark, and what is folded of it. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { openWatermark, type Watermark } from '../log/single/watermark.ts';
import { openLevel } from '../stores/level.ts';
import { StoreError, type Store } from '../stores/port.ts';

export interface Databases {
  readonly logStore: Store;
  readonly watermark: Watermark;
  readonly stateStore: Store;
  /** Changes whenever the machine starts. */
  readonly bootId: string;
}

/** @throws StoreError, IoError */
export async function openDatabases(dataDir: string, log: Logger): Promise<Databases> {
  const dir = join(dataDir, 'db');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return {
    logStore: await openLevel(join(dir, 'log')),
    watermark: await openWatermark(join(dir, 'watermark')),
    stateStore: await openState(join(dir, 'state'), log),
    bootId: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  };
}

/** Everything in it can be made again from the log: what is damaged is thrown away. */
async function openState(dir: string, log: Logger): Promise<Store> {
  try {
    return await openLevel(dir);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'DAMAGED') throw error;
    log.warn({ error: error.message }, 'the state database is damaged: it is made again from the log');
    await rm(dir, { recursive: true, force: true });
    return openLevel(dir);
  }
}
