/** The lab as this node knows it, read from its files while no daemon runs: nothing is decided, and nothing written. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Lab } from '#actors/lab.ts';
import type { Folded } from '../lab/folded.ts';
import { StateDatabase } from '../lab/state.ts';
import { headOf, readStored } from '../log/single/read.ts';
import { EventReader } from '../log/raft/engine/reading.ts';
import { openHistory } from '../log/raft/history/open.ts';
import { openDirectory } from '../stores/directory-real.ts';
import { isThere } from '../stores/files.ts';
import { openLevel } from '../stores/level.ts';
import { logFolder } from './cluster/begin.ts';
import { openStateStore } from './databases.ts';

/** @throws StoreError, LogError when its files are damaged */
export async function readLab(dataDir: string, log: Logger): Promise<Lab> {
  const { stateStore, bootId, anew } = await openStateStore(dataDir, log);
  const state = new StateDatabase(stateStore, bootId, { anew, warn: (message) => log.warn(message) });
  try {
    const isShared = await isThere(logFolder(dataDir));
    const folded = await (isShared ? foldHistory(dataDir, state) : foldSingleLog(dataDir, state));
    return folded.lab;
  } finally {
    await state.release();
  }
}

async function foldHistory(dataDir: string, state: StateDatabase): Promise<Folded> {
  const { history } = await openHistory(await openDirectory(join(logFolder(dataDir), 'history')));
  try {
    const reader = new EventReader(() => history);
    const head = await reader.head();
    const folded = await state.load(head);
    for await (const events of reader.read(folded.lab.index, head)) for (const event of events) folded.fold(event);
    return folded;
  } finally {
    await history.close();
  }
}

/** Of before there were several nodes. */
async function foldSingleLog(dataDir: string, state: StateDatabase): Promise<Folded> {
  const folded = await state.load();
  const store = await openLevel(join(dataDir, 'db', 'log'));
  try {
    for await (const events of readStored(store, folded.lab.index, await headOf(store)))
      for (const event of events) folded.fold(event);
    return folded;
  } finally {
    await store.close();
  }
}
