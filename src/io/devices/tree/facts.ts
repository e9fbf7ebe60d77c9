/** What the file system says of a thing, as everybody is told. */
import type { Stats } from 'node:fs';
import type { FileFacts } from '#io/contract/files.ts';
import { encodeName } from '#events/values/tree-path.ts';
import type { Place } from './place.ts';

const kindOf = (stats: Stats): FileFacts['kind'] =>
  stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'folder'
      : stats.isSymbolicLink()
        ? 'link'
        : stats.isFIFO()
          ? 'fifo'
          : stats.isSocket()
            ? 'socket'
            : 'device';

export function factsOf(stats: Stats, target?: Uint8Array): FileFacts {
  const kind = kindOf(stats);
  return {
    kind,
    sizeBytes: kind === 'file' || kind === 'link' ? stats.size : 0,
    modifiedAt: Math.floor(stats.mtimeMs),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    ...(target === undefined ? {} : { target: encodeName(target) }),
  };
}

/** @returns undefined when it has gone meanwhile */
export async function lookAt(place: Place, name: Uint8Array): Promise<FileFacts | undefined> {
  const stats = await place.look(name);
  if (!stats) return undefined;
  return factsOf(stats, stats.isSymbolicLink() ? await place.target(name) : undefined);
}

/** As many at a time as keep the disk busy. */
const atOnce = 64;

/** In the order of the items. */
export async function inBatches<I, O>(items: readonly I[], work: (item: I) => Promise<O>, check: () => void) {
  const results: O[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    check();
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(work))));
  }
  return results;
}
