/** What goes: snapshots, whole datasets, and what interrupted calls have left. First the name, by a rename, then the rest. */
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import { ensureFolder, hasFolder, move, refuseStrange } from './layout.ts';
import { refuseMounts } from './pool.ts';
import { settleRollback } from './rollback.ts';
import { scrubTree } from './scrub.ts';
import type { Site } from './site.ts';
import { refuseOpened, refuseUsed } from './site.ts';
import { findSnapshot } from './snapshots.ts';

/** Finishes or throws away what an interrupted call has left. */
export async function settle(site: Site): Promise<void> {
  if (await hasFolder(site.paths.snapshots)) await settleRollback(site);
  const { making, removed } = site.paths;
  for (const path of [making, removed]) {
    if (!(await hasFolder(path))) continue;
    await refuseMounts(site.op, path);
    await site.tools.remove(path);
  }
}

/** Those of them that are there. @throws IoError BUSY when a container has one of them mounted: then all stay */
export async function removeTaken(site: Site, names: readonly string[]): Promise<void> {
  const { op, paths, step, tools, within } = site;
  const there: string[] = [];
  for (const name of new Set(names)) if (await findSnapshot(paths, name)) there.push(name);
  if (there.length === 0) return;
  await refuseMounts(op, paths.snapshots);
  await refuseUsed(site, ...there.map(paths.snapshot));
  await mkdir(paths.removed, { mode: 0o700 });
  within.check();
  for (const name of there) await rename(paths.snapshot(name), join(paths.removed, name));
  await syncDir(paths.snapshots);
  await step('moved');
  await tools.remove(paths.removed);
  await step('removed');
}

/** Once renamed it is gone for everybody; removing it may take long, and is gone on with after a crash. */
export async function discard(site: Site, { scrub }: { readonly scrub: boolean }): Promise<void> {
  const { op, paths, pool, step, within } = site;
  await refuseMounts(op, paths.home);
  await refuseUsed(site, paths.home);
  await refuseOpened(site, paths.home);
  await refuseStrange(op, paths);
  await ensureFolder(join(pool.path, 'floatlab', 'trash'), 0o700);
  if (scrub) await ensureFolder(paths.scrub, 0o700);
  await step('marked');
  within.check();
  await move(paths.home, paths.trash);
  await step('trashed');
  await emptyTrash(site);
}

/** Goes on with what an interrupted call has begun to remove. */
export async function emptyTrash({ op, paths, pool, tools, step, within }: Site): Promise<void> {
  if (!(await hasFolder(join(pool.path, 'floatlab', 'trash'))) || !(await hasFolder(paths.trash))) return;
  await refuseMounts(op, paths.trash);
  if (await hasFolder(paths.trashScrub)) {
    await scrubTree(paths.trash, within);
    await tools.flush(pool.path);
    await step('scrubbed');
  }
  await tools.remove(paths.trash);
  await step('emptied');
}
