/** What stands in the way of a step on a dataset. */
import { relative } from 'node:path';
import { IoError } from '../../error.ts';
import { refuseInUse as refuseMounted } from '../in-use.ts';
import { refuseOpen } from '../open-below.ts';
import { fromTop } from './pool.ts';
import type { Site } from './site.ts';

/** @throws IoError BUSY while a container has the folder, or something in it, mounted, or a program has it open */
export async function refuseInUse({ pool, run, op, within }: Site, path: string): Promise<void> {
  await refuseMounted(pool.mount, `/${fromTop(pool, path)}`, { op, path, within });
  await refuseOpen(run, { op, path, within });
}

/**
 * A snapshot holds an empty folder in place of a subvolume inside it: the data would be missing without a word.
 * @throws IoError INVALID
 */
export async function refuseNested(site: Site, path: string): Promise<void> {
  const nested = await site.btrfs.nested(path);
  if (nested.length > 0) throw nestedError(site, path, nested);
}

/** @param nested from the top of the file system */
export function nestedError({ pool, op }: Pick<Site, 'pool' | 'op'>, path: string, nested: readonly string[]): IoError {
  const shown = nested.slice(0, 3).map((inner) => relative(fromTop(pool, path), inner));
  return new IoError('INVALID', {
    op,
    target: path,
    message: `${path} has subvolumes of its own (${shown.join(', ')}): a snapshot cannot hold what is in them`,
    hint: 'Copy what they hold into plain folders and remove them.',
  });
}
