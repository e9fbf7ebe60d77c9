/** What btrfs-progs say about the devices of a file system, as values. Pure; undefined when it cannot be read. */

export interface ShownDevice {
  readonly id: number;
  readonly sizeBytes: number;
  /** Undefined of a device that is missing. */
  readonly path: string | undefined;
}

export interface ShownFilesystem {
  readonly label: string | undefined;
  readonly uuid: string;
  readonly deviceCount: number;
  readonly usedBytes: number;
  readonly devices: readonly ShownDevice[];
}

/** `btrfs filesystem show --raw`: one file system or several. What it says about missing devices differs by version. */
export function parseFilesystemShow(text: string): readonly ShownFilesystem[] | undefined {
  const found: (ShownFilesystem & { readonly devices: ShownDevice[] })[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || /^warning|\*\*\* Some devices missing/i.test(line.trim())) continue;
    const head = /^Label: (?:none|'(.*)') +uuid: ([0-9a-f-]{36})$/.exec(line);
    if (head) {
      found.push({ label: head[1], uuid: head[2] ?? '', deviceCount: -1, usedBytes: 0, devices: [] });
      continue;
    }
    const current = found.at(-1);
    const total = /^\s+Total devices (\d+) FS bytes used (\d+)$/.exec(line);
    const device = /^\s+devid +(\d+) size (\d+) used \d+ path (.*?)( MISSING)?$/.exec(line);
    if (current && total) {
      found[found.length - 1] = { ...current, deviceCount: Number(total[1]), usedBytes: Number(total[2]) };
    } else if (current && device) {
      const [, id, size, path = ''] = device;
      const isMissing = device[4] !== undefined || path === '' || path.startsWith('<missing disk>');
      current.devices.push({ id: Number(id), sizeBytes: Number(size), path: isMissing ? undefined : path });
    } else return undefined;
  }
  return found.some(({ deviceCount }) => deviceCount < 0) ? undefined : found;
}

/** Errors since they were last reset, as btrfs counts them. */
export interface DeviceStats {
  readonly path: string;
  /** Not in the text form. */
  readonly id?: number;
  readonly writes: number;
  readonly reads: number;
  readonly flushes: number;
  readonly corruptions: number;
  readonly generations: number;
}

const counters = {
  write_io_errs: 'writes',
  read_io_errs: 'reads',
  flush_io_errs: 'flushes',
  corruption_errs: 'corruptions',
  generation_errs: 'generations',
} as const satisfies Record<string, keyof DeviceStats>;
type Counter = keyof typeof counters;
const isCounter = (key: string): key is Counter => Object.hasOwn(counters, key);

/** `btrfs device stats`, as text or as JSON, whose values are texts. */
export function parseDeviceStats(text: string): readonly DeviceStats[] | undefined {
  return text.trimStart().startsWith('{') ? fromJson(text) : fromText(text);
}

function fromText(text: string): readonly DeviceStats[] | undefined {
  const devices = new Map<string, Map<Counter, number>>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, path = '', key = '', value] = /^\[(.+)\]\.(\w+)\s+(\d+)$/.exec(line) ?? [];
    if (!isCounter(key)) return undefined;
    const device = devices.get(path) ?? new Map<Counter, number>();
    devices.set(path, device.set(key, Number(value)));
  }
  return allOf([...devices].map(([path, values]) => toStats(path, undefined, (key) => values.get(key))));
}

function fromJson(text: string): readonly DeviceStats[] | undefined {
  let list: unknown;
  try {
    list = (JSON.parse(text) as Record<string, unknown> | null)?.['device-stats'];
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  return allOf(
    list.map((entry: unknown) => {
      if (typeof entry !== 'object' || entry === null) return undefined;
      const { device, devid, ...values } = entry as Record<string, unknown>;
      const number = (value: unknown) => (/^\d+$/.test(String(value)) ? Number(value) : undefined);
      return typeof device === 'string' ? toStats(device, number(devid), (key) => number(values[key])) : undefined;
    }),
  );
}

function toStats(path: string, id: number | undefined, value: (key: Counter) => number | undefined) {
  const [writes, reads, flushes, corruptions, generations] = (Object.keys(counters) as Counter[]).map(value);
  if (writes === undefined || reads === undefined || flushes === undefined) return undefined;
  if (corruptions === undefined || generations === undefined) return undefined;
  return { path, ...(id === undefined ? {} : { id }), writes, reads, flushes, corruptions, generations };
}

const allOf = <T>(items: readonly (T | undefined)[]): readonly T[] | undefined =>
  items.every((item) => item !== undefined) ? items : undefined;

export interface ScrubStatus {
  /** `aborted`: somebody stopped it; `interrupted`: the machine went down. Both can be resumed. */
  readonly state: 'never' | 'running' | 'aborted' | 'interrupted' | 'finished';
  readonly startedAt?: number;
  readonly durationMs?: number;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly leftMs?: number;
  readonly corrected: number;
  readonly uncorrectable: number;
}

/**
 * `btrfs scrub status --raw` and `btrfs scrub status -R`, one or both of them: the first knows how much there is to do,
 * the second counts. A scrub that has only just begun is known by the time that it has left.
 */
export function parseScrubStatus(text: string): ScrubStatus | undefined {
  const field = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const sum = (pattern: RegExp): number => Number(field(pattern) ?? 0);
  if (!/^UUID: +\S/m.test(text)) return undefined;
  const said = field(/^Status: +(\w+)/m);
  const leftMs = clock(field(/^Time left: +([\d:]+)/m));
  const isNew = /^\s*no stats available$/m.test(text);
  if (said === undefined && !isNew) return undefined;
  const state = said ?? (leftMs === undefined ? 'never' : 'running');
  if (!isScrubState(state)) return undefined;
  const startedAt = when(field(/^Scrub (?:started|resumed): +(\S.*?)\s*$/m));
  if (startedAt === undefined && !isNew) return undefined;
  const durationMs = clock(field(/^Duration: +([\d:]+)/m));
  const total = field(/^Total to scrub: +(\d+)$/m);
  const scrubbed = field(/^Bytes scrubbed: +(\d+)/m);
  const counted = sum(/^\s*data_bytes_scrubbed: (\d+)$/m) + sum(/^\s*tree_bytes_scrubbed: (\d+)$/m);
  const doneBytes = scrubbed === undefined ? counted : Number(scrubbed);
  return {
    state,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    ...(state === 'never' ? {} : { doneBytes }),
    ...(total === undefined ? {} : { totalBytes: Number(total) }),
    ...(state === 'running' && leftMs !== undefined ? { leftMs } : {}),
    corrected: Math.max(sum(/^\s*corrected_errors: (\d+)$/m), sum(/^\s*Corrected: +(\d+)$/m)),
    uncorrectable: Math.max(sum(/^\s*uncorrectable_errors: (\d+)$/m), sum(/^\s*Uncorrectable: +(\d+)$/m)),
  };
}

const isScrubState = (text: string): text is ScrubStatus['state'] =>
  ['never', 'running', 'aborted', 'interrupted', 'finished'].includes(text);

/** `0:00:01`. @returns milliseconds */
function clock(text: string | undefined): number | undefined {
  const match = /^(\d+):(\d\d):(\d\d)$/.exec(text ?? '');
  return match ? (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000 : undefined;
}

/** `Fri Nov 20 20:20:14 2026`; the tools run in UTC. */
function when(text: string | undefined): number | undefined {
  const match = /^\w{3} (\w{3}) +(\d+) (\d\d:\d\d:\d\d) (\d{4})$/.exec(text ?? '');
  const at = match ? Date.parse(`${match[2]} ${match[1]} ${match[4]} ${match[3]} UTC`) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

export interface ReplaceStatus {
  readonly state: 'never' | 'running' | 'finished' | 'canceled' | 'suspended';
  /** 0 to 1. */
  readonly done?: number;
  readonly errors: number;
}

/** `btrfs replace status -1`. Its dates have no year, so they are left out. */
export function parseReplaceStatus(text: string): ReplaceStatus | undefined {
  const said = text.trim();
  if (said === 'Never started') return { state: 'never', errors: 0 };
  const counted = /(\d+) write errs, (\d+) uncorr\. read errs/.exec(said);
  const errors = Number(counted?.[1] ?? 0) + Number(counted?.[2] ?? 0);
  const running = /^([\d.]+)% done/.exec(said);
  if (running) return { state: 'running', done: share(running[1]), errors };
  if (!counted) return undefined;
  if (/, finished on /.test(said)) return { state: 'finished', done: 1, errors };
  const part = /at ([\d.]+)%/.exec(said)?.[1];
  const done = part === undefined ? {} : { done: share(part) };
  if (/, canceled on /.test(said)) return { state: 'canceled', ...done, errors };
  return /, suspended on /.test(said) ? { state: 'suspended', ...done, errors } : undefined;
}

/** Of percents. */
const share = (percent: string | undefined): number => Math.min(1, Number((Number(percent) / 100).toFixed(6)));

/**
 * Of `btrfs filesystem usage -b`: how many copies there are of data and metadata, in small letters (`single`, `dup`,
 * `raid1`). More than one of a kind is a pool that has been written to while a device was missing, or half converted.
 */
export function parseProfileList(text: string): {
  readonly data: readonly string[];
  readonly metadata: readonly string[];
} {
  const list = (kind: string) => [
    ...new Set(
      [...text.matchAll(new RegExp(`^${kind}, ?(\\w+):`, 'gm'))].map((match) => (match[1] ?? '').toLowerCase()),
    ),
  ];
  return { data: list('Data'), metadata: list('Metadata') };
}

export interface DeviceUsage {
  readonly sizeBytes: number;
  /** Not yet given to data or to metadata. */
  readonly unallocatedBytes: number;
}

/** `btrfs device usage -b`: what each device has, by its id. */
export function parseDeviceUsage(text: string): ReadonlyMap<number, DeviceUsage> | undefined {
  const found = new Map<number, DeviceUsage>();
  for (const block of text.split(/\n\s*\n/)) {
    if (block.trim() === '') continue;
    const [id, size, free] = [/^.+, ID: (\d+)$/m, /^\s+Device size: +(\d+)$/m, /^\s+Unallocated: +(\d+)$/m].map(
      (pattern) => pattern.exec(block)?.[1],
    );
    if (id === undefined || size === undefined) return undefined;
    found.set(Number(id), { sizeBytes: Number(size), unallocatedBytes: Number(free ?? 0) });
  }
  return found;
}
