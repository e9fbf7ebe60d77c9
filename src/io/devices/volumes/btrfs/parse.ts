/**
 * What btrfs-progs prints, as values. Pure; tested on captured output. All commands run in the C locale and UTC
 * (`run.ts`), sizes in bytes (`--raw`, `-b`).
 *
 * Lines that do not match are skipped: a shared pool has subvolumes of others, with any name, even with line breaks.
 * Callers therefore never trust a path from here without looking at the folder itself.
 */

export interface SubvolumeRow {
  readonly id: number;
  /** Of its last change that is on disk. Reading can raise it, where the pool is not mounted with `noatime`. */
  readonly generation: number;
  /** Generation at creation: the order in which subvolumes were made. */
  readonly cgen: number;
  readonly uuid: string;
  readonly parentUuid: string | undefined;
  /** Where the content came from, when it was received from another pool. */
  readonly receivedUuid: string | undefined;
  /** Milliseconds since 1970; listed for snapshots only. */
  readonly createdAt: number | undefined;
  /** Relative to the top of the file system, without a leading slash. */
  readonly path: string;
}

const listRow =
  /^ID (\d+) gen (\d+) cgen (\d+) top level \d+ (?:otime (\S+ \S+) )?parent_uuid (\S+)\s+received_uuid (\S+)\s+uuid (\S+) path (.+)$/;

/** `btrfs subvolume list -a -c -q -R -u [-s] [-r]` */
export function parseSubvolumeList(text: string): readonly SubvolumeRow[] {
  const rows: SubvolumeRow[] = [];
  for (const line of text.split('\n')) {
    const match = listRow.exec(line);
    if (!match) continue;
    const [, id, generation, cgen, otime, parent, received, uuid = '', path = ''] = match;
    rows.push({
      id: Number(id),
      generation: Number(generation),
      cgen: Number(cgen),
      uuid,
      parentUuid: orNone(parent),
      receivedUuid: orNone(received),
      createdAt: otime === undefined ? undefined : parseTime(otime),
      path: path.startsWith('<FS_TREE>/') ? path.slice('<FS_TREE>/'.length) : path,
    });
  }
  return rows;
}

/** Two rows can have one path: a name with a line break can imitate the line of another subvolume. */
export function grouped(
  rows: readonly SubvolumeRow[],
  key: (row: SubvolumeRow) => string,
): ReadonlyMap<string, readonly SubvolumeRow[]> {
  const groups = new Map<string, SubvolumeRow[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

/** `btrfs subvolume list -o`: paths relative to the top of the file system. */
export function parseNestedList(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^ID \d+ gen \d+ top level \d+ path (.+)$/.exec(line);
    return match?.[1] === undefined ? [] : [match[1].replace(/^<FS_TREE>\//, '')];
  });
}

export interface SubvolumeDetails {
  readonly id: number;
  readonly uuid: string;
  readonly parentUuid: string | undefined;
  readonly receivedUuid: string | undefined;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly generation: number;
  readonly cgen: number;
  readonly readOnly: boolean;
}

/** `btrfs subvolume show`. @returns undefined when it is not such output */
export function parseSubvolumeShow(text: string): SubvolumeDetails | undefined {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\t([A-Z][A-Za-z ]+):[ \t]+(\S.*?)\s*$/.exec(line);
    // The first one counts: names further down (of snapshots) are not ours to trust.
    if (match?.[1] !== undefined && match[2] !== undefined && !fields.has(match[1])) fields.set(match[1], match[2]);
  }
  const id = Number(fields.get('Subvolume ID'));
  const generation = Number(fields.get('Generation'));
  const cgen = Number(fields.get('Gen at creation'));
  const uuid = orNone(fields.get('UUID'));
  const createdAt = parseTime(fields.get('Creation time') ?? '');
  if (![id, generation, cgen].every(Number.isInteger) || uuid === undefined || createdAt === undefined)
    return undefined;
  return {
    id,
    uuid,
    parentUuid: orNone(fields.get('Parent UUID')),
    receivedUuid: orNone(fields.get('Received UUID')),
    createdAt,
    generation,
    cgen,
    readOnly: (fields.get('Flags') ?? '').split(/[\s,]+/).includes('readonly'),
  };
}

export interface QgroupRow {
  readonly referencedBytes: number;
  readonly limitBytes: number | undefined;
}

/** `btrfs qgroup show --raw -re -f PATH`: the quota group of one subvolume. */
export function parseQgroup(text: string): QgroupRow | undefined {
  const match = /^0\/\d+[ \t]+(\d+)[ \t]+\d+[ \t]+(none|\d+)[ \t]+(?:none|\d+)/m.exec(text);
  if (!match) return undefined;
  return { referencedBytes: Number(match[1]), limitBytes: match[2] === 'none' ? undefined : Number(match[2]) };
}

/** `btrfs qgroup show --raw -re`: what each subvolume, by its id, shares with no other one. */
export function parseExclusive(text: string): ReadonlyMap<number, number> {
  const rows = text.matchAll(/^0\/(\d+)[ \t]+\d+[ \t]+(\d+)[ \t]/gm);
  return new Map([...rows].map(([, id, bytes]) => [Number(id), Number(bytes)]));
}

/** The same: what each takes, whether it shares that or not. */
export function parseReferenced(text: string): ReadonlyMap<number, number> {
  const rows = text.matchAll(/^0\/(\d+)[ \t]+(\d+)[ \t]/gm);
  return new Map([...rows].map(([, id, bytes]) => [Number(id), Number(bytes)]));
}

/** `btrfs property get PATH compression`: `compression=zstd`, or nothing. */
export function parseCompression(text: string): string | undefined {
  return /^compression=(\S+)$/m.exec(text)?.[1];
}

/** Said on standard error when the numbers are wrong and limits may not hold. */
export const qgroupsAreInconsistent = (stderr: string): boolean => /qgroup data inconsistent/.test(stderr);

/** Said there when the numbers are wrong, or are just being counted. */
export const qgroupsMayBeWrong = (stderr: string): boolean =>
  qgroupsAreInconsistent(stderr) || /qgroup data may be incorrect/.test(stderr);

export interface FilesystemUsage {
  /** What the pool can hold: the devices divided by the number of copies. Does not change with its content. */
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly missingBytes: number;
}

/**
 * `btrfs filesystem usage -b`. Used is what cannot be written any more (size − estimated free), so that
 * size − used is what a placement may count on; space that btrfs keeps for its own metadata is used.
 */
export function parseFilesystemUsage(text: string): FilesystemUsage | undefined {
  const number = (key: string): number | undefined => {
    const match = new RegExp(`^\\s*${key}:\\s+([0-9.]+)`, 'm').exec(text);
    return match ? Number(match[1]) : undefined;
  };
  const device = number('Device size');
  const ratio = number('Data ratio');
  const free = number('Free \\(estimated\\)');
  if (device === undefined || free === undefined || ratio === undefined || ratio < 1) return undefined;
  const sizeBytes = Math.floor(device / ratio);
  return {
    sizeBytes,
    usedBytes: Math.max(0, sizeBytes - free),
    missingBytes: number('Device missing') ?? 0,
  };
}

/** `btrfs filesystem du -s --raw PATH`: what the files take, shared extents included. */
export function parseDiskUsage(text: string): number | undefined {
  const match = /^\s*(\d+)\s+\d+\s+\d+\s/m.exec(text);
  return match ? Number(match[1]) : undefined;
}

const newExtent = /^inode \d+ file offset \d+ len (\d+) disk start (\d+) offset \d+ gen \d+ flags (\S+) /;

/**
 * `btrfs subvolume find-new PATH GENERATION`: bytes of the extents, as the files count them. Not counted are holes, and
 * room that was set aside and not written. A name with line breaks can imitate a line: the figure is for people.
 */
export function parseFindNew(text: string): number {
  let bytes = 0;
  for (const line of text.split('\n')) {
    const [, length, start, flags = ''] = newExtent.exec(line) ?? [];
    const isWritten = (start !== '0' || flags.includes('INLINE')) && !flags.includes('PREALLOC');
    if (length !== undefined && isWritten) bytes += Number(length);
  }
  return bytes;
}

const orNone = (uuid: string | undefined): string | undefined => (uuid === '-' ? undefined : uuid);

/** `2026-11-20 20:20:14 +0000`, or without a zone, which then is UTC. */
function parseTime(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?: ([+-]\d\d)(\d\d))?$/.exec(text);
  if (!match) return undefined;
  const zone = match[3] === undefined ? 'Z' : `${match[3]}:${match[4]}`;
  const time = Date.parse(`${match[1]}T${match[2]}${zone}`);
  return Number.isNaN(time) ? undefined : time;
}
