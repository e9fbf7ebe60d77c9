/** The state database of a data directory: what is folded of the log. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { stateVersions } from '../lab/state.ts';
import { isThere, removeFile, replaceFile } from '../stores/files.ts';
import { openLevel } from '../stores/level.ts';
import { StoreError, type Store } from '../stores/port.ts';
import { countEarlyDeaths } from './early-deaths.ts';
import { stateFolder, takeRightState } from './state-folders.ts';

/** So many in a row may have another cause; what is made again costs time, and nothing else. */
const deadlyStarts = 3;

export interface StateStore {
  readonly stateStore: Store;
  /** Changes whenever the machine starts. */
  readonly bootId: string;
  /** Throws away what is there, and opens an empty one. */
  anew(): Promise<Store>;
}

/** What is folded of the log. @throws StoreError, IoError */
export async function openStateStore(dataDir: string, log: Logger): Promise<StateStore> {
  const dir = join(dataDir, 'db');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const state = stateFolder(dataDir);
  const condemned = `${state}.damaged`;
  const deaths = await countEarlyDeaths(`${state}.starts`);
  const isDeadly = deaths.count > 0 && deaths.count % deadlyStarts === 0;
  if (isDeadly || (await isThere(condemned))) {
    const why = isDeadly ? `this daemon died ${deaths.count} times soon after it had begun` : 'it was found damaged';
    log.warn(`the state database is made again from the log: ${why}`);
    await rm(state, { recursive: true, force: true });
    await removeFile(condemned);
  }
  // After that: the mark is of the database that the last program left here, and of none that takes its place.
  if (await takeRightState(dataDir, stateVersions)) log.info('the state that this version folds is taken over');
  await replaceFile(ranVersionsPath(dataDir), Buffer.from(`${stateVersions}\n`), { mode: 0o600 });
  const mark = (): Promise<void> => replaceFile(condemned, new Uint8Array(0), { mode: 0o600 });
  const told = (opened: Store): Store => {
    const store = condemning(opened, mark);
    return { ...store, close: () => store.close().then(deaths.ended) };
  };
  const stateStore = told(await openState(state, log));
  return {
    stateStore,
    bootId: await bootIdNow(),
    anew: async () => {
      await stateStore.close();
      await rm(state, { recursive: true, force: true });
      return told(await openLevel(state));
    },
  };
}

/**
 * LevelDB rewrites its files in the background, and takes no write any more once it has found one damaged there, which
 * ends the process. At the next start it would find the same again: so that one begins without these files.
 */
export const condemning = (store: Store, mark: () => Promise<void>): Store => ({
  get: (key) => store.get(key),
  range: (range) => store.range(range),
  clear: (range) => store.clear(range),
  close: () => store.close(),
  batch: async (ops, options) => {
    try {
      await store.batch(ops, options);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'DAMAGED') await mark();
      throw error;
    }
  },
});

/** Names what the state of the program that ran last is made by. */
export const ranVersionsPath = (dataDir: string): string => `${stateFolder(dataDir)}.versions`;

export const bootIdNow = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

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
