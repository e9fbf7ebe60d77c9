/** What could be adopted: the file systems of the zpool that FloatLab did not make, by two commands for all of them. */
import { IoError } from '../../error.ts';
import { parseMountinfo } from '../mounts.ts';
import { whyOwn, type OwnPlace } from '../own-places.ts';
import type { VolumeCandidate } from '../port.ts';
import { isOfFloatLab, refuseUnfit } from './adopt.ts';
import type { Zfs } from './commands.ts';
import { isNativeName, zpoolOf } from './layout.ts';
import type { ZfsPool } from './site.ts';
import { refuseChildren } from './site.ts';
import { readEntries, type Entry } from './state.ts';

/** As many as fit into a command. */
const batch = 200;

/** @param ownPlaces what is not to be adopted */
export async function findCandidates(
  zfs: Zfs,
  { root }: ZfsPool,
  ownPlaces: readonly OwnPlace[],
): Promise<readonly VolumeCandidate[]> {
  const all = await zfs.allNames(zpoolOf(root));
  const names = all.filter((name) => name !== root && !name.startsWith(`${root}/`) && isNativeName(name));
  const mounts = parseMountinfo(await zfs.readFile('/proc/self/mountinfo'));
  const found: VolumeCandidate[] = [];
  for (let i = 0; i < names.length; i += batch) {
    for (const entry of await readEntries(zfs, names.slice(i, i + batch))) {
      if (isOfFloatLab(root, entry)) continue;
      const { dataset: native, mountpoint, properties } = entry;
      const path = mountpoint.startsWith('/') ? mountpoint : undefined;
      const usedBytes = Number(properties.get('referenced')?.value ?? Number.NaN);
      const why = reasonAgainst(root, entry, all) ?? whyOwn(mountpoint, ownPlaces, mounts);
      found.push({ native, path, usedBytes: Number.isFinite(usedBytes) ? usedBytes : undefined, why });
    }
  }
  return found.toSorted((a, b) => (a.native < b.native ? -1 : 1));
}

function reasonAgainst(root: string, entry: Entry, all: readonly string[]): string | undefined {
  const { dataset } = entry;
  const op = 'candidates';
  try {
    refuseUnfit(op, root, entry, false);
    refuseChildren(
      { op },
      dataset,
      all.filter((name) => name.startsWith(`${dataset}/`)),
    );
    return undefined;
  } catch (error) {
    if (error instanceof IoError) return error.message;
    throw error;
  }
}
