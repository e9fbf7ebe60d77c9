/**
 * How a replica becomes a volume, a volume a replica, and what diverged a volume of its own. The marker says what was
 * begun; one rename of a folder decides; `settleRole` finishes, or takes back what is not decided yet.
 *
 *     promote    made       new: a writable snapshot of the newest one (never the received one itself made writable:
 *                           that would lose where it came from)
 *                limited    … with its quota
 *                owned      … with owner, mode and compression
 *                named      new → live
 *                moved      replicas/<name> → volumes/<name>       ◀ the commit point
 *     demote     noted      the marker
 *                moved      volumes/<name> → replicas/<name>       ◀ the commit point: no app finds it any more
 *                frozen     live is read-only
 *                kept       snapshots/<final>
 *                removed    live is deleted
 *     set aside  noted      the marker
 *                copied     replication/aside/<as>: live, and the snapshots that are newer than the common one
 *                shown      … → volumes/<as>                       ◀ the commit point
 *                removed    the originals of these snapshots are deleted
 */
import { mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IoError } from '../../error.ts';
import { compressionProperties, compressions } from '../../volumes/btrfs/abilities.ts';
import { own } from '../../volumes/btrfs/dataset.ts';
import { commandError } from '../../volumes/btrfs/errors.ts';
import { refuseInUse, refuseNested } from '../../volumes/btrfs/in-the-way.ts';
import { datasetPaths, hasFolder, hasSubvolume } from '../../volumes/btrfs/layout.ts';
import { findSnapshots } from '../../volumes/btrfs/snapshots.ts';
import type { Site } from '../../volumes/btrfs/site.ts';
import type { DatasetSpec } from '../../volumes/port.ts';
import { checkCompression } from '../../volumes/spec.ts';
import type { Marker, Pending } from '../marker.ts';
import { refusal } from '../refusals.ts';
import { asideFolder, asidePaths } from './layout.ts';
import { ensureFolders, type ReplicaSite } from './site.ts';
import { accept, dropIncoming } from './streams.ts';

type Note = (pending: Pending) => Promise<void>;

/** Finishes what was interrupted; nearly always there is nothing to do. */
export async function settleRole(
  site: ReplicaSite,
  { pending, incoming }: Marker,
  isReceiving: boolean,
): Promise<void> {
  const { paths } = site;
  if (!(await hasFolder(paths.home))) return;
  // The daemon ended in between: what had come whole is accepted, and what had not is thrown away.
  if (!isReceiving && (await hasSubvolume(paths.incoming)))
    await (incoming ? accept(site, incoming).catch(unlessGarbled) : dropIncoming(site));
  if (pending?.do === 'promote') await takeBackPromotion(site);
  if (pending?.do === 'demote') await finishDemotion(site, pending.final);
  if (pending?.do === 'set-aside') await finishAside(site, pending.common, pending.as);
}

export async function promote(site: ReplicaSite, spec: DatasetSpec): Promise<void> {
  const { paths, btrfs, step, within, pool, oneAtATime } = site;
  checkCompression('promote', { pool: pool.name, name: site.name }, spec, await compressions('/sys'));
  if (await hasFolder(paths.volume))
    throw refusal(site, 'EXISTS', `${paths.volume} is in its place`, 'Move it away, then try again.');
  const newest = (await findSnapshots(site)).at(-1);
  if (!newest) throw refusal(site, 'MISSING', 'there is no snapshot');
  await takeBackPromotion(site);
  const from = paths.snapshot(newest.name);
  await oneAtATime(pool.name, within, () => btrfs.snapshot(from, paths.fresh, 'writable'));
  await step('made');
  await btrfs.limit(paths.fresh, spec.sizeBytes);
  await step('limited');
  const property = spec.compression && compressionProperties[spec.compression];
  if (property !== undefined) await btrfs.setCompression(paths.fresh, property);
  await own(paths.fresh, spec);
  await step('owned');
  within.check();
  await rename(paths.fresh, paths.live);
  await step('named');
  await rename(paths.home, paths.volume);
  await step('moved');
  await btrfs.sync(pool.path);
}

/** Nothing has happened before the folder moved: what was made is nobody's yet. */
async function takeBackPromotion({ paths, btrfs }: ReplicaSite): Promise<void> {
  const made: string[] = [];
  for (const path of [paths.fresh, paths.live]) if (await hasSubvolume(path)) made.push(path);
  if (made.length > 0) await btrfs.deleteSubvolumes(made);
}

export async function demote(site: ReplicaSite, volume: Site, final: string, note: Note): Promise<void> {
  const { paths, step, within, pool } = site;
  if (volume.adopted)
    throw refusal(
      site,
      'INVALID',
      `${volume.adopted.path} was there before FloatLab, which does not move it`,
      'Clone it into a volume of FloatLab, and replicate that.',
    );
  await refuseNested(volume, volume.paths.live);
  await refuseInUse(volume, volume.paths.live);
  await ensureFolders(pool);
  if (await hasFolder(paths.home)) await removeEmptyReplica(site);
  await note({ do: 'demote', final });
  await step('noted');
  within.check();
  await rename(volume.paths.home, paths.home);
  await step('moved');
  await finishDemotion(site, final);
}

async function finishDemotion(site: ReplicaSite, final: string): Promise<void> {
  const { paths, btrfs, step, within, pool, oneAtATime } = site;
  if (!(await hasSubvolume(paths.live))) return;
  const path = paths.snapshot(final);
  if (!(await hasSubvolume(path))) {
    // A process that had a file open may still write, until now.
    const args = ['property', 'set', '-ts', paths.live, 'ro', 'true'];
    const { signal, timeoutMs } = within;
    const ran = await site.run('btrfs', args, { signal, timeoutMs, target: site.target });
    if (ran.exitCode !== 0) throw commandError('btrfs property set', site.target, ran);
    await step('frozen');
    await oneAtATime(pool.name, within, () => btrfs.snapshot(paths.live, path, 'read-only'));
  }
  await step('kept');
  await btrfs.deleteSubvolumes([paths.live]);
  await step('removed');
}

/** What is left of a replica that was received in part, or discarded. */
async function removeEmptyReplica(site: ReplicaSite): Promise<void> {
  await dropIncoming(site);
  for (const folder of [site.paths.snapshots, site.paths.home]) if (await hasFolder(folder)) await rmdir(folder);
}

/** @param common guid */
export async function setAside(site: ReplicaSite, common: string, as: string, note: Note): Promise<void> {
  const { pool, step } = site;
  const { home } = datasetPaths(pool.path, as);
  if ((await hasFolder(home)) || (await hasFolder(join(dirname(site.paths.home), as))))
    throw refusal(site, 'EXISTS', `there is already a dataset ${as}`, 'Give another name.');
  await note({ do: 'set-aside', common, as });
  await step('noted');
  await finishAside(site, common, as);
}

async function finishAside(site: ReplicaSite, common: string, as: string): Promise<void> {
  const { pool, btrfs, step, within, paths, oneAtATime } = site;
  const all = await findSnapshots(site);
  const at = all.findIndex(({ details }) => (details.receivedUuid ?? details.uuid) === common);
  const newer = at < 0 ? [] : all.slice(at + 1);
  const newest = newer.at(-1);
  if (!newest) return;
  const { home: shown } = datasetPaths(pool.path, as);
  if (!(await hasFolder(shown))) {
    const aside = asidePaths(pool.path, as);
    await mkdir(asideFolder(pool.path), { recursive: true, mode: 0o700 });
    await mkdir(aside.home, { mode: 0o711, recursive: true });
    await mkdir(aside.snapshots, { mode: 0o700, recursive: true });
    const copy = (name: string, to: string, mode: 'read-only' | 'writable') =>
      oneAtATime(pool.name, within, async () => {
        if (!(await hasSubvolume(to))) await btrfs.snapshot(paths.snapshot(name), to, mode);
      });
    // In their order: the age of a snapshot is that of its copy.
    for (const { name } of newer) await copy(name, aside.snapshot(name), 'read-only');
    await copy(newest.name, aside.live, 'writable');
    await step('copied');
    within.check();
    await rename(aside.home, shown);
    await step('shown');
    await btrfs.sync(pool.path);
  }
  await btrfs.deleteSubvolumes(newer.map(({ name }) => paths.snapshot(name)));
  await step('removed');
}

function unlessGarbled(error: unknown): void {
  if (!(error instanceof IoError && error.code === 'TRUNCATED')) throw error;
}
