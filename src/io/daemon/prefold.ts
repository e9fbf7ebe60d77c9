/**
 * `--prefold`: the state database of this version is folded while another one still serves. It reads the history that
 * the running daemon writes, changes nothing of it, and leaves its database beside the other's; the first start of this
 * version takes it over, and folds only what came since. Without it that start folds the whole history.
 */
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Step } from '#actors/actor.ts';
import { IoError } from '../devices/error.ts';
import type { Folded } from '../lab/folded.ts';
import { historyBatch, retainEvery } from '../lab/replica.ts';
import { StateDatabase, stateVersions } from '../lab/state.ts';
import { countOf, eventsOf } from '../log/codec.ts';
import { recordsOf, unpackApplied } from '../log/raft/engine/applied.ts';
import { readBeside } from '../log/raft/history/read-beside.ts';
import { openDirectory } from '../stores/directory-real.ts';
import { isThere, textIfThere } from '../stores/files.ts';
import { openLevel } from '../stores/level.ts';
import { logFolder } from './cluster/begin.ts';
import { bootIdNow, ranVersionsPath } from './databases.ts';
import { nextStateFolder } from './state-folders.ts';

/** Whoever serves goes first. */
const lowPriority = 10;
const tellEveryMs = 5000;

/** @returns up to which event, and how many were folded. @throws IoError MISSING; StoreError, LogError, FoldTooNew */
export async function prefold(
  dataDir: string,
  say: (line: string) => void,
): Promise<{ readonly index: number; readonly folded: number }> {
  const history = join(logFolder(dataDir), 'history');
  if (!(await isThere(history))) throw noHistory(dataDir);
  if ((await textIfThere(ranVersionsPath(dataDir)))?.trim() === stateVersions) {
    say('The version that ran here last folds as this one does: there is nothing to fold beforehand.');
    return { index: 0, folded: 0 };
  }
  setPriority(lowPriority);
  const state = new StateDatabase(await openLevel(nextStateFolder(dataDir)), await bootIdNow());
  const directory = await openDirectory(history);
  try {
    const folded = await state.load();
    const before = folded.lab.index;
    await foldAll(directory, state, folded, say);
    await state.close();
    return { index: folded.lab.index, folded: folded.lab.index - before };
  } catch (error) {
    await state.release();
    throw error;
  } finally {
    await directory.close();
  }
}

async function foldAll(
  directory: Parameters<typeof readBeside>[0],
  state: StateDatabase,
  folded: Folded,
  say: (line: string) => void,
): Promise<void> {
  const { lab } = folded;
  let steps: Step[] = [];
  let retainedAt: number = lab.index;
  let toldAt = performance.now();
  const save = async (): Promise<void> => {
    await state.save(folded, steps, folded.takeChanges());
    steps = [];
    if (lab.index - retainedAt >= retainEvery) {
      retainedAt = lab.index;
      await state.retain({ lab, rows: (view) => folded.rows(view) });
    }
    if (performance.now() - toldAt < tellEveryMs) return;
    toldAt = performance.now();
    say(`folded up to event ${lab.index}`);
  };
  for await (const entries of readBeside(directory)) {
    for (const { index, bytes } of entries) {
      for (const { first, bytes: record } of recordsOf(index, unpackApplied(index, bytes)))
        if (first + countOf(record) - 1 > lab.index)
          for (const event of eventsOf(first, record)) if (event.index > lab.index) steps.push(folded.fold(event));
      if (steps.length >= historyBatch) await save();
    }
  }
  if (steps.length > 0) await save();
}

const noHistory = (dataDir: string): IoError =>
  new IoError('MISSING', {
    op: 'prefold',
    target: dataDir,
    message: `there is no history of a lab in ${dataDir}`,
    hint: 'Give the directory of a node: --data DIR',
  });
