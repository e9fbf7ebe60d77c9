/**
 * Where the state database is, and which one is the right one: programs of unlike versions fold the same history into
 * unlike databases.
 *
 *   db/state         of the program that ran last
 *   db/state.next    folded beside it by the next version (`prefold.ts`), which takes it over at its first start
 *   db/state.before  of the version before: who goes back to that finds it, and folds only what came since
 *
 * A crash between any two steps leaves databases under some of these names; the next start takes the right one again.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { storedVersions } from '../lab/state.ts';
import { isThere, syncDir } from '../stores/files.ts';
import { openLevel } from '../stores/level.ts';
import { StoreError } from '../stores/port.ts';

export const stateFolder = (dataDir: string): string => join(dataDir, 'db', 'state');
export const nextStateFolder = (dataDir: string): string => `${stateFolder(dataDir)}.next`;
const stateBeforeFolder = (dataDir: string): string => `${stateFolder(dataDir)}.before`;
/** Of the program that ran last, while another one takes its place. */
const asideFolder = (dataDir: string): string => `${stateFolder(dataDir)}.aside`;

/** @param versions of this program's state. @returns whether another database is the state now */
export async function takeRightState(dataDir: string, versions: string): Promise<boolean> {
  const own = stateFolder(dataDir);
  await settleAside(dataDir);
  const others = [nextStateFolder(dataDir), stateBeforeFolder(dataDir)];
  const found = await Promise.all(others.map((path) => isThere(path)));
  if (!found.includes(true)) return false;
  if ((await versionsIn(own)) === versions) return false;
  for (const other of others) {
    if ((await versionsIn(other)) !== versions) continue;
    await swap(dataDir, other);
    return true;
  }
  return false;
}

/** What was the state becomes the one of before; the other one of before goes. */
async function swap(dataDir: string, other: string): Promise<void> {
  const own = stateFolder(dataDir);
  if (await isThere(own)) await rename(own, asideFolder(dataDir));
  await rename(other, own);
  await syncDir(join(dataDir, 'db'));
  await settleAside(dataDir);
}

/** Brings a swap to its end, or undoes one that a crash has left before its half. */
async function settleAside(dataDir: string): Promise<void> {
  const [own, before, aside] = [stateFolder(dataDir), stateBeforeFolder(dataDir), asideFolder(dataDir)];
  if (!(await isThere(aside))) return;
  if (await isThere(own)) {
    await rm(before, { recursive: true, force: true });
    await rename(aside, before);
  } else await rename(aside, own);
  await syncDir(join(dataDir, 'db'));
}

/** Undefined where there is none that can be read. */
async function versionsIn(path: string): Promise<string | undefined> {
  if (!(await isThere(path))) return undefined;
  try {
    const store = await openLevel(path);
    try {
      return await storedVersions(store);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'DAMAGED') return undefined;
    throw error;
  }
}
