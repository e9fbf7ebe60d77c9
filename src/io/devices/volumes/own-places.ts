/**
 * Places on this machine whose files are FloatLab's own: its data directory, and its folder in each pool. A volume made of
 * one of them would be snapshotted, rolled back and given to apps together with what FloatLab itself lives on.
 *
 * Compared is also where files are in their file system, and not only what their paths are called: a place may be reached
 * by several mounts.
 */
import { isInside, mountOf, pathInFilesystem, type Mount } from './mounts.ts';

export interface OwnPlace {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** As part of a sentence: `the data directory of FloatLab`. */
  readonly what: string;
  /** Folders in it that are open to others: the pools that lie there. */
  readonly except?: readonly string[];
}

/** Those of this moment: pools come and go. */
export type OwnPlaces = () => readonly OwnPlace[];

export const noPlaces: OwnPlaces = () => [];

/**
 * @param path of a folder, absolute, without symbolic links
 * @returns why it must not be adopted, as a sentence without its end; undefined when it may
 */
export function whyOwn(path: string, places: readonly OwnPlace[], mounts: readonly Mount[]): string | undefined {
  const of = (one: string) => {
    const mount = mountOf(mounts, one);
    return mount && { device: mount.device, path: pathInFilesystem(mount, one) };
  };
  const mine = of(path);
  for (const place of places) {
    const theirs = of(place.path);
    const isSameDisk = mine !== undefined && mine.device === theirs?.device;
    const isOpen = place.except?.some((folder) => isInside(path, folder)) ?? false;
    if (!isOpen && (isInside(path, place.path) || (isSameDisk && isInside(mine.path, theirs.path))))
      return `${path} is in ${place.what}, ${place.path}`;
    if (isInside(place.path, path) || (isSameDisk && isInside(theirs.path, mine.path)))
      return `${path} holds ${place.what}, ${place.path}`;
  }
  return undefined;
}
