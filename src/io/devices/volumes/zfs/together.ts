/** Snapshots of several volumes that show one moment: OpenZFS takes them in one transaction. */
import { IoError } from '../../error.ts';
import type { Zfs } from './commands.ts';
import { property } from './layout.ts';
import { alreadyTaken } from './refusals.ts';
import { refuseChildren, type Site } from './site.ts';
import { readSnap, type Present, type Snap } from './state.ts';

/**
 * @param name of the snapshot, the same for each
 * @param names of the volumes, each once; the caller keeps all others from them
 * @param find what of a volume there is @throws IoError EXISTS when there are some already, of another moment
 */
export async function takeTogether(
  zfs: Zfs,
  name: string,
  names: readonly string[],
  find: (volume: string) => Promise<readonly [Site, Present]>,
): Promise<readonly Snap[]> {
  const targets: string[] = [];
  const fulls: string[] = [];
  const known: (Snap | undefined)[] = [];
  for (const volume of names) {
    const [site, found] = await find(volume);
    refuseChildren(site, found.live.dataset, found.children);
    targets.push(site.target);
    fulls.push(`${found.live.dataset}@${name}`);
    known.push(alreadyTaken(site, found, name));
  }
  const moments = new Set(known.map((snap) => snap?.txg));
  if (moments.size > 1) {
    const target = targets.join(', ');
    const message = `some of ${target} already have a snapshot ${name}, of another moment`;
    throw new IoError('EXISTS', { op: 'snapshotTogether', target, message });
  }
  if (moments.has(undefined)) await zfs.snapshot(fulls, { [property.volume]: names.join(',') });
  const taken: Snap[] = [];
  for (const [at, volume] of names.entries()) taken.push(known[at] ?? (await readSnap(zfs, fulls[at] ?? '', volume)));
  return taken;
}
