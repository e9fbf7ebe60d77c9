/**
 * How a pool is, as its file system tells it: one shape for `zpool status` (text and JSON) and for the reports of
 * btrfs. Facts only; what they mean for a person is `health.ts`. Pure.
 *
 *     tank                 root: the pool itself
 *       mirror-0           a group: fails only when its members do
 *         sda              a disk
 *         replacing-1      a group that is there while a disk is replaced
 *           sdb
 *           sdc
 *     spares               the role of what stands apart from the data
 *       sdd
 */

import type { PoolDeviceFacts } from '#events/pool.ts';
import type { PoolLayout } from '#events/values/pool.ts';

/** `suspended`: of a pool that stopped all I/O; `available` and `in-use`: of spares. */
export type DeviceState = PoolDeviceFacts['state'];

export type DeviceRole = 'data' | 'special' | 'dedup' | 'log' | 'cache' | 'spare';

/** Errors since they were last cleared. */
export interface ErrorCounters {
  readonly reads: number;
  readonly writes: number;
  readonly checksums: number;
}

export interface PoolDevice {
  /** As the file system calls it: `sda`, `/srv/disk1`, `mirror-0`, or the number of a device that is gone. */
  readonly name: string;
  readonly role: DeviceRole;
  readonly state: DeviceState;
  /** Absent of spares. */
  readonly errors?: ErrorCounters;
  readonly sizeBytes?: number;
  /** btrfs: of that, not yet given to data or to metadata. */
  readonly unallocatedBytes?: number;
  /** What the file system adds: `too many errors`, `was /dev/sdc1`, `(resilvering)`. */
  readonly note?: string;
  /** Empty of a disk. */
  readonly members: readonly PoolDevice[];
}

/**
 * A walk over everything in a pool: a scrub verifies, an `error-scrub` verifies what was known to be damaged, a resilver
 * fills a device that is new or was away. Times are milliseconds since 1970.
 */
export interface Scan {
  readonly kind: 'scrub' | 'error-scrub' | 'resilver';
  readonly state: 'running' | 'paused' | 'canceled' | 'finished';
  /** Which group, where not the whole pool. */
  readonly of?: string;
  readonly startedAt?: number;
  /** When it finished, was paused or was canceled. */
  readonly endedAt?: number;
  readonly durationMs?: number;
  /** What was put right, or written to the new device. */
  readonly repairedBytes?: number;
  /** What could not be put right. */
  readonly errors?: number;
  readonly progress?: ScanProgress;
}

export interface ScanProgress {
  /** 0 to 1. */
  readonly done?: number;
  readonly scannedBytes?: number;
  readonly issuedBytes?: number;
  readonly totalBytes?: number;
  readonly leftMs?: number;
}

/** What is known to be lost. */
export interface DataErrors {
  /** Undefined when the file system cannot say. */
  readonly count: number | undefined;
  /** Paths, as the file system names them; often empty although there are errors. */
  readonly files: readonly string[];
}

export interface PoolReport {
  readonly name: string;
  /** `dir`: a plain folder, of which nothing is known but how full it is. */
  readonly driver: 'zfs' | 'btrfs' | 'dir';
  readonly state: DeviceState;
  /** How it is put together; absent where that is none of the known ways. */
  readonly layout?: PoolLayout;
  /** It takes no writes, although nobody asked for that. */
  readonly readOnly?: boolean;
  /** In the file system's words: what it has noticed, what to do, where to read about it. Often only an advertisement. */
  readonly status?: string;
  readonly action?: string;
  readonly see?: string;
  /** What else it says, by its own keys: `remove`, `checkpoint`, `expand`. */
  readonly remarks: Readonly<Record<string, string>>;
  readonly scans: readonly Scan[];
  readonly root: PoolDevice;
  readonly dataErrors: DataErrors;
  /** What it can hold, and what of that is taken. */
  readonly sizeBytes?: number;
  readonly usedBytes?: number;
  /** Some of the data lies there with fewer copies than the rest. btrfs: after writing while a device was missing. */
  readonly mixedRedundancy?: boolean;
}

export const noErrors: ErrorCounters = { reads: 0, writes: 0, checksums: 0 };

/** A device and all below it, parents first. */
export function* devicesOf(device: PoolDevice): Generator<PoolDevice> {
  yield device;
  for (const member of device.members) yield* devicesOf(member);
}

/** Disks, partitions and files: what a person can take out and put in. */
export const disksOf = (report: PoolReport): readonly PoolDevice[] =>
  [...devicesOf(report.root)].filter((device) => device.members.length === 0 && device !== report.root);

/** Where a device was that is gone and goes by its number now. */
export const formerPath = (device: PoolDevice): string | undefined =>
  /^was (\/.+?)(?: {2}|$)/.exec(device.note ?? '')?.[1];

/** The device that is, or was, at a path; zfs leaves `/dev/…/` out of names. */
export function deviceAt(report: PoolReport, path: string): PoolDevice | undefined {
  const short = path.startsWith('/dev/') ? path.slice(path.lastIndexOf('/') + 1) : path;
  return disksOf(report).find(
    (device) => device.role !== 'spare' && [device.name, formerPath(device)].some((at) => at === path || at === short),
  );
}

/** How a pool of groups is put together, by its first group. */
export function groupLayoutOf(report: PoolReport): PoolLayout {
  const first = report.root.members.find(({ role }) => role === 'data');
  const word = /^(mirror|raidz[123])-\d+$/.exec(first?.name ?? '')?.[1];
  return word === undefined ? 'single' : (word as PoolLayout);
}
