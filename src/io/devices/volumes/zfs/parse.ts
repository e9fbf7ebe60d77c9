/**
 * What zfs and zpool print, as values. Pure; tested on captured output of OpenZFS and of zfs-fuse. Commands run in the
 * C locale and UTC (`run.ts`), numbers are exact (`-p`).
 *
 * `zfs get -Hp` is what both versions have: `zfs list` of zfs-fuse rounds guids, and knows no `-p`.
 */
import type { Compression } from '../port.ts';

export interface Property {
  readonly value: string;
  /** `local`, `received`, `default`, `-`, `inherited from tank`, … */
  readonly source: string;
}
export type Properties = ReadonlyMap<string, Property>;

/** `zfs get -Hp -o name,property,value,source`: by dataset or snapshot, in the order of the output. */
export function parseGet(text: string): ReadonlyMap<string, Properties> {
  const found = new Map<string, Map<string, Property>>();
  for (const line of text.split('\n')) {
    const [name, property, value, source, ...rest] = line.split('\t');
    // Of a value with a tab or a line break in it nobody knows where it ends; ours have none.
    if (!name || !property || value === undefined || source === undefined || rest.length > 0) continue;
    const known = found.get(name) ?? new Map<string, Property>();
    known.set(property, { value, source });
    found.set(name, known);
  }
  return found;
}

/** Set on this very dataset or snapshot, and not inherited. `-` and nothing are undefined. */
export function ownValue(properties: Properties, property: string): string | undefined {
  const found = properties.get(property);
  return found !== undefined && (found.source === 'local' || found.source === 'received') ? found.value : undefined;
}

/** Columns of `zfs list -H` and `zpool list -H`. */
export const parseRows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));

/** `zpool get all POOL`, which zfs-fuse prints for people only. Values have no spaces where it matters here. */
export function parsePoolProperties(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n').slice(1)) {
    const [, name, value] = line.trim().split(/\s+/);
    if (name !== undefined && value !== undefined) found.set(name, value);
  }
  return found;
}

/** What the tools can, by what they say of their use: no version is ever compared. */
export interface ToolAbilities {
  /** `zfs destroy a@x,y,z`. */
  readonly destroysMany: boolean;
  /** `zfs snapshot a@x b@x`, of one moment. */
  readonly snapshotsMany: boolean;
  /** `zfs set a=1 b=2`. */
  readonly setsMany: boolean;
  /** To rename a dataset leaves its clones mounted: so it is since `zfs rename -u` is there. */
  readonly renamesAlone: boolean;
  /** The property `written`. */
  readonly written: boolean;
  /** The property `overlay`: whether files below a mount point may be hidden. */
  readonly overlay: boolean;
  readonly compression: readonly Compression[];
  /** `zpool trim -w`. */
  readonly trims: boolean;
}

const knownCompressions: readonly Compression[] = ['off', 'lz4', 'zstd', 'gzip'];

/** @param said usage texts: of `zfs`, of `zfs get` (with its list of properties), of `zpool` */
export function parseToolAbilities(said: { zfs: string; zfsGet: string; zpool: string }): ToolAbilities {
  const property = (name: string): string | undefined =>
    new RegExp(`^\\s+${name}\\s+(?:YES|NO)\\s+(?:YES|NO)\\s+(.*)$`, 'm').exec(said.zfsGet)?.[1];
  const compressions = (property('compression') ?? '').split('|').map((word) => word.trim());
  return {
    destroysMany: /^\s+destroy .*\[,/m.test(said.zfs),
    snapshotsMany: /^\s+snapshot .*>\s*\.\.\.\s*$/m.test(said.zfs),
    setsMany: /^\s+set .*=<?value>\s+\.\.\./m.test(said.zfs),
    renamesAlone: /^\s+rename -u /m.test(said.zfs),
    written: property('written') !== undefined,
    overlay: property('overlay') !== undefined,
    compression: knownCompressions.filter((one) => compressions.includes(one)),
    trims: /^\s+trim \[-[a-z]*w[a-z]*\]/m.test(said.zpool),
  };
}

/** A compression that a pool must know by a feature of its own. */
const features: Readonly<Partial<Record<Compression, string>>> = {
  lz4: 'feature@lz4_compress',
  zstd: 'feature@zstd_compress',
};

export function poolCompressions(tools: ToolAbilities, pool: ReadonlyMap<string, string>): readonly Compression[] {
  return tools.compression.filter((one) => {
    const feature = features[one];
    return feature === undefined || ['enabled', 'active'].includes(pool.get(feature) ?? '');
  });
}

/** As zfs names a compression, `zstd-3` and `gzip-9` included; undefined for those that the port has no name for. */
export function compressionOf(value: string): Compression | undefined {
  if (value === 'off' || value === 'lz4') return value;
  if (/^gzip(-\d)?$/.test(value)) return 'gzip';
  return /^zstd(-|$)/.test(value) ? 'zstd' : undefined;
}

/** `zpool status -t`: whether each disk can forget what is not used any more. */
export function allDisksTrim(text: string): boolean {
  const notes = text.split('\n').flatMap((line) => {
    const match = /^\t\s+\S+\s+ONLINE\s+\S+\s+\S+\s+\S+\s+.*\(([^()]*trim[^()]*)\)\s*$/.exec(line);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return notes.length > 0 && notes.every((note) => !note.includes('unsupported'));
}

/** `zfs holds`: the tags, in both forms of its output. */
export const parseHolds = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const [name, tag] = line.split(line.includes('\t') ? '\t' : /\s+/);
    return name?.includes('@') && tag !== undefined ? [tag] : [];
  });

/** `stat -c '%u %g %a'` of a folder. */
export function parseStat(text: string): { uid: number; gid: number; mode: number } | undefined {
  const match = /^(\d+) (\d+) ([0-7]+)$/.exec(text.trim());
  if (!match) return undefined;
  return { uid: Number(match[1]), gid: Number(match[2]), mode: Number.parseInt(match[3] ?? '', 8) };
}

/** One mount, as the kernel lists it. */
export interface MountLine {
  /** Unique in this kernel: processes of one mount namespace show the same. */
  readonly id: string;
  /** Identity of the file system in this kernel, for example `0:61`. */
  readonly device: string;
  /** Which folder of the dataset: `/` is all of it. */
  readonly root: string;
  readonly point: string;
  /** Among whom mounts spread: `shared:7`, `master:7`. */
  readonly groups: readonly string[];
  readonly type: string;
  readonly source: string;
}

/** A line of `/proc/<process>/mountinfo`. */
export function parseMountLine(line: string): MountLine | undefined {
  const [before = '', after = ''] = line.split(' - ', 2);
  const [id, , device, root, point, , ...groups] = before.split(' ');
  const [type, source] = after.split(' ');
  if (!id || device === undefined || root === undefined || point === undefined || !type || source === undefined)
    return undefined;
  return { id, device, root: unescape(root), point: unescape(point), groups, type, source: unescape(source) };
}

/** The kernel writes a space, tab, line break and backslash as three octal digits. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** Rows of `/proc/spl/kstat/zfs/<zpool>/objset-*`: `writes  4  12`. @returns the numbers that follow the name of each dataset */
export function parseKstats(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let dataset: string | undefined;
  for (const line of text.split('\n')) {
    const [, key, value = ''] = /^(\w+) +\d+ +(.*)$/.exec(line) ?? [];
    if (key === 'dataset_name') dataset = value;
    else if (key !== undefined && dataset !== undefined)
      found.set(dataset, found.has(dataset) ? `${found.get(dataset)},${value}` : value);
  }
  return found;
}
