/**
 * Where things are in a zpool. FloatLab has one dataset there, the root, for example `tank/floatlab`; it holds nothing
 * itself and is never mounted.
 *
 *     <root>                    floatlab:pool=<id>
 *       db                      a volume: floatlab:volume=db, or, of one that was adopted, a record that says where its
 *                               dataset is: floatlab:adopted=<dataset>, floatlab:guid=<its guid>
 *       _db                     a volume, or a record, that is being made: renamed to `db` once it is whole
 *       .db                     the home of what is private to the volume:
 *         next                  what a roll-back is about to put in the place of the volume
 *         <txg>                 a lineage: what the volume was until a roll-back, with the snapshots of that time
 *         r<txg>                a snapshot that somebody reads: a read-only clone, because old versions of zfs show
 *                               snapshots nowhere else, and because its path outlives a roll-back
 *         trash                 the volume, being destroyed
 *
 * No name of a volume begins with `_` or `.`, and no name of a snapshot of ours with `.`: such a snapshot is private.
 * `@.stash` is one that a roll-back is about to keep, `@.gone-<guid>` one that was removed but is the origin of a clone.
 */

/** User properties. They are inherited, so only their source `local` (or `received`) says that one was set here. */
export const property = {
  pool: 'floatlab:pool',
  volume: 'floatlab:volume',
  adopted: 'floatlab:adopted',
  guid: 'floatlab:guid',
  /** On a record: it is being given back, and is no volume any more. */
  releasing: 'floatlab:releasing',
  /** On a home: the volume is about to be destroyed; its trash decides whether it was. */
  leaving: 'floatlab:leaving',
  /** On a home: what was destroyed is not to be read from the disks. */
  scrub: 'floatlab:scrub',
  /** On a volume that is in its place but not yet as it was asked for; see make.ts. */
  making: 'floatlab:making',
  /** On what a roll-back put in its place: what is left to do; see rollback.ts. */
  pending: 'floatlab:pending',
  /** On a volume: which roll-back was its last. */
  rollback: 'floatlab:rollback',
} as const;

export interface VolumeNames {
  readonly root: string;
  readonly volume: string;
  readonly top: string;
  readonly fresh: string;
  readonly home: string;
  readonly next: string;
  readonly trash: string;
  /** @param txg of the creation of the dataset that becomes the lineage: unique in the pool */
  line(txg: number): string;
  /** @param txg of the creation of the snapshot */
  reader(txg: number): string;
}

export function volumeNames(root: string, volume: string): VolumeNames {
  const home = `${root}/.${volume}`;
  return {
    root,
    volume,
    top: `${root}/${volume}`,
    fresh: `${root}/_${volume}`,
    home,
    next: `${home}/next`,
    trash: `${home}/trash`,
    line: (txg) => `${home}/${txg}`,
    reader: (txg) => `${home}/r${txg}`,
  };
}

/** For a snapshot that is the origin of a clone and therefore cannot go yet. */
export const goneName = (guid: string): string => `.gone-${guid}`;
export const stashName = '.stash';
export const isPrivate = (snapshot: string): boolean => snapshot.startsWith('.');
export const isLine = (names: VolumeNames, dataset: string): boolean =>
  /^\d+$/.test(dataset.slice(names.home.length + 1)) && dataset.startsWith(`${names.home}/`);
export const isReader = (names: VolumeNames, dataset: string): boolean =>
  /^r\d+$/.test(dataset.slice(names.home.length + 1)) && dataset.startsWith(`${names.home}/`);

/** zfs allows 255 characters for a dataset and its snapshot together. */
const longestName = 255;
const longestSnapshot = 128;
/** `/.<volume>/<txg>@<snapshot>` */
const longestRoot = longestName - 2 - 64 - 1 - 15 - 1 - longestSnapshot;

/** What zfs itself accepts as the name of a file system; never an option, a path or something with a line break. */
const datasetPath = /^[A-Za-z][A-Za-z0-9_.:-]*(\/[A-Za-z0-9_.:-]([A-Za-z0-9_.: -]*[A-Za-z0-9_.:-])?)*$/;

export const isRootName = (name: string): boolean =>
  datasetPath.test(name) && name.includes('/') && !name.includes(' ') && name.length <= longestRoot;

/** Also room for the longest name of a snapshot. */
export const isNativeName = (name: string): boolean =>
  datasetPath.test(name) && !/(^|\/)\.{1,2}(\/|$)/.test(name) && name.length + 1 + longestSnapshot <= longestName;

export const zpoolOf = (dataset: string): string => dataset.split(/[/@]/, 1)[0] ?? dataset;

/** Where the files of a volume, and of a snapshot of it that is read, are mounted. */
export const volumePath = (mountBase: string, volume: string): string => `${mountBase}/${volume}`;
export const readerPath = (mountBase: string, volume: string, snapshot: string): string =>
  `${mountBase}/.snapshots/${volume}/${snapshot}`;
