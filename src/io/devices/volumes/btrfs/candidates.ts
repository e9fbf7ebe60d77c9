/**
 * What could be adopted: the writable subvolumes of the whole file system that FloatLab did not make, by three lists and
 * without a look at their files. What adopting refuses is told as the reason, by the same checks.
 */
import { IoError } from '../../error.ts';
import { isInside, mountOf, pathInFilesystem } from '../mounts.ts';
import { whyOwn, type OwnPlace } from '../own-places.ts';
import type { VolumeCandidate } from '../port.ts';
import type { Deadline } from '../deadline.ts';
import { refuseKind, refuseOwned, refuseUnfit } from './adopt.ts';
import type { Btrfs } from './commands.ts';
import { nestedError } from './in-the-way.ts';
import type { SubvolumeRow } from './parse.ts';
import { fromTop, type OpenPool } from './pool.ts';

/** @param ownPlaces what is not to be adopted */
export async function findCandidates(
  pool: OpenPool,
  btrfs: Btrfs,
  within: Deadline,
  ownPlaces: readonly OwnPlace[],
): Promise<readonly VolumeCandidate[]> {
  const rows = await btrfs.list(pool.path, 'all');
  const readOnly = new Set((await btrfs.list(pool.path, 'read-only')).map(({ id }) => id));
  const sizes = await btrfs.referencedBytes(pool.path);
  const ours = `/${fromTop(pool, `${pool.path}/floatlab`)}`;
  const found: VolumeCandidate[] = [];
  for (const row of rows) {
    within.check();
    const { path: listed, parentUuid, id } = row;
    // A read-only snapshot of a tool is no place for files, and there may be thousands.
    if (isInside(`/${listed}`, ours) || (readOnly.has(id) && parentUuid !== undefined)) continue;
    const path = pathOf(pool, listed);
    const inside = rows.filter((one) => one.path.startsWith(`${listed}/`)).map((one) => one.path);
    const why =
      path === undefined
        ? `/${listed} of its file system is mounted nowhere`
        : await reasonAgainst({ pool, path, row, isReadOnly: readOnly.has(id), inside, ownPlaces });
    const usedBytes = sizes?.get(id);
    found.push({ native: path ?? `/${listed}`, path, usedBytes, why });
  }
  return found.toSorted((a, b) => (a.native < b.native ? -1 : 1));
}

/** Where it can be reached on this machine; by the mount of the pool, if possible. */
function pathOf(pool: OpenPool, listed: string): string | undefined {
  const wanted = `/${listed}`;
  for (const mount of [pool.mount, ...pool.mounts]) {
    if (mount.device !== pool.mount.device || !isInside(wanted, mount.root)) continue;
    const below = mount.root === '/' ? wanted : wanted.slice(mount.root.length);
    const path = (mount.point === '/' ? '' : mount.point) + below;
    const there = mountOf(pool.mounts, path);
    // Something else may be mounted on the way.
    if (there?.device === mount.device && pathInFilesystem(there, path) === wanted) return path;
  }
  return undefined;
}

interface Look {
  readonly pool: OpenPool;
  readonly path: string;
  readonly row: SubvolumeRow;
  readonly isReadOnly: boolean;
  /** Paths of the subvolumes in it. */
  readonly inside: readonly string[];
  readonly ownPlaces: readonly OwnPlace[];
}

async function reasonAgainst({ pool, path, row, isReadOnly, inside, ownPlaces }: Look): Promise<string | undefined> {
  const about = { pool, op: 'candidates', target: pool.name };
  try {
    await refuseUnfit(about, path);
    await refuseOwned(about, path);
    refuseKind(about, path, { readOnly: isReadOnly, receivedUuid: row.receivedUuid });
    if (inside.length > 0) throw nestedError(about, path, inside);
    return whyOwn(path, ownPlaces, pool.mounts);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    return error.message;
  }
}
