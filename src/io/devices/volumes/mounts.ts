/** The kernel's table of mounts, `/proc/<process>/mountinfo`, as values. Pure. */

export interface Mount {
  /** Identity of the file system in this kernel, for example `0:61`. */
  readonly device: string;
  /** Which folder of the file system is mounted, from its top: `/` or `/floatlab/volumes/db/live`. */
  readonly root: string;
  readonly point: string;
  readonly readOnly: boolean;
  /** Neither device nodes nor setuid files in it have an effect, for whoever comes this way. */
  readonly isHarmless: boolean;
  /** What btrfs compresses with where a folder does not say: `zstd:3`. */
  readonly compression: string | undefined;
  /** Seconds after which btrfs brings what was written to the disk; absent: as it does by default. */
  readonly commitSeconds?: number;
  readonly type: string;
  /** For example `/dev/loop0`. */
  readonly source: string;
}

export function parseMountinfo(text: string): readonly Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ', 2);
    const [, , device, root, point, options = ''] = (before ?? '').split(' ');
    const [type, source, superOptions = ''] = (after ?? '').split(' ');
    if (device === undefined || root === undefined || point === undefined || !type || source === undefined) return [];
    const flags = options.split(',');
    const readOnly = flags.includes('ro') || superOptions.split(',').includes('ro');
    const isHarmless = flags.includes('nodev') && flags.includes('nosuid');
    const compression = /(?:^|,)compress(?:-force)?=([^,]+)/.exec(superOptions)?.[1];
    const commit = /(?:^|,)commit=(\d+)/.exec(superOptions)?.[1];
    const commits = commit === undefined ? {} : { commitSeconds: Number(commit) };
    const places = { root: unescape(root), point: unescape(point), source: unescape(source) };
    return [{ device, ...places, readOnly, isHarmless, compression, type, ...commits }];
  });
}

/** The mount that holds an absolute path without symbolic links; of several at one place, the one on top. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    if (isInside(path, mount.point) && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

/** Is the path the folder itself, or below it? Both absolute and normalized. */
export const isInside = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

/** Where a path lies within its file system: its place below the mount point, put after the root of the mount. */
export function pathInFilesystem(mount: Mount, path: string): string {
  const below = mount.point === '/' ? path : path.slice(mount.point.length);
  return mount.root === '/' ? below || '/' : mount.root + (below === '/' ? '' : below);
}

/** The kernel writes a space, tab, line break and backslash as three octal digits. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
