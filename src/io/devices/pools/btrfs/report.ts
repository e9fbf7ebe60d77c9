/** What btrfs says in five answers, as one report. Pure. */
import { parseFilesystemUsage } from '../../volumes/btrfs/parse.ts';
import { damaged } from '../damaged.ts';
import type { Layout } from '../port.ts';
import type { PoolDevice, PoolReport, Scan } from '../report.ts';
import { noErrors } from '../report.ts';
import type { DeviceStats, DeviceUsage, ReplaceStatus, ScrubStatus, ShownDevice } from './parse.ts';
import {
  parseDeviceStats,
  parseDeviceUsage,
  parseFilesystemShow,
  parseProfileList,
  parseReplaceStatus,
  parseScrubStatus,
} from './parse.ts';

export interface BtrfsAnswers {
  /** `filesystem show --raw` of the mount point. */
  readonly show: string;
  /** `filesystem usage -b`. */
  readonly usage: string;
  /** `device stats`, JSON or text. */
  readonly stats: string;
  /** `scrub status --raw`, `scrub status -R`, or both. */
  readonly scrub: string;
  /** `device usage -b`. */
  readonly devices: string;
  /** `replace status -1`. */
  readonly replace: string;
  /** Whether the scrub that was stopped is to be gone on with: btrfs itself does not tell the two apart. */
  readonly isPaused?: boolean;
  /** Whether its mount takes no writes. */
  readonly isReadOnly?: boolean;
}

/** @throws IoError DAMAGED */
export function btrfsReport(name: string, answers: BtrfsAnswers): PoolReport {
  const must = <T>(value: T | undefined, command: string, text: string): T => {
    if (value === undefined) throw damaged(`btrfs ${command}`, name, 'it is not as expected', text);
    return value;
  };
  const shown = must(parseFilesystemShow(answers.show), 'filesystem show', answers.show);
  const filesystem = must(shown.length === 1 ? shown[0] : undefined, 'filesystem show', answers.show);
  const usage = must(parseFilesystemUsage(answers.usage), 'filesystem usage', answers.usage);
  const stats = must(parseDeviceStats(answers.stats), 'device stats', answers.stats);
  const scrub = must(parseScrubStatus(answers.scrub), 'scrub status', answers.scrub);
  const replace = must(parseReplaceStatus(answers.replace), 'replace status', answers.replace);

  const space = must(parseDeviceUsage(answers.devices), 'device usage', answers.devices);
  const members = filesystem.devices.map((device) => toDevice(device, stats, space.get(device.id)));
  // Some versions list only what is there.
  for (let gone = members.length; gone < filesystem.deviceCount; gone++) members.push(missingDevice);
  const profiles = parseProfileList(answers.usage);
  const layout = layouts[bestProfile(profiles.data)];
  const isDegraded = usage.missingBytes > 0 || members.some(({ state }) => state !== 'online');
  const state = isDegraded ? 'degraded' : 'online';
  return {
    name,
    driver: 'btrfs',
    state,
    ...(layout === undefined ? {} : { layout }),
    ...(answers.isReadOnly ? { readOnly: true } : {}),
    remarks: {},
    scans: [...toScans(scrub, answers.isPaused ?? false), ...toResilver(replace)],
    root: { name, role: 'data', state, errors: noErrors, members },
    dataErrors: { count: scrub.uncorrectable, files: [] },
    sizeBytes: usage.sizeBytes,
    usedBytes: usage.usedBytes,
    mixedRedundancy: profiles.data.length > 1 || profiles.metadata.length > 1,
  };
}

const layouts: Readonly<Record<string, Layout | undefined>> = {
  single: 'single',
  dup: 'single',
  raid1: 'mirror',
  raid10: 'raid10',
  raid1c3: 'raid1c3',
  raid1c4: 'raid1c4',
};

const byCopies = ['raid0', 'single', 'dup', 'raid1', 'raid10', 'raid1c3', 'raid1c4'];

/** Of several that data lies in, the one with the most copies: the others are left from when a disk was missing. */
export const bestProfile = (names: readonly string[]): string =>
  names.toSorted((a, b) => byCopies.indexOf(b) - byCopies.indexOf(a))[0] ?? 'single';

const missingDevice: PoolDevice = {
  name: 'missing',
  role: 'data',
  state: 'unavailable',
  errors: noErrors,
  members: [],
};

function toDevice(
  { id, path, sizeBytes }: ShownDevice,
  stats: readonly DeviceStats[],
  space: DeviceUsage | undefined,
): PoolDevice {
  // As text, a device that is missing has neither path nor number.
  const isIt = (entry: DeviceStats) =>
    entry.id === undefined ? entry.path === (path ?? '<missing disk>') : entry.id === id;
  const counted = stats.find(isIt);
  const errors = counted
    ? {
        reads: counted.reads,
        writes: counted.writes + counted.flushes,
        checksums: counted.corruptions + counted.generations,
      }
    : noErrors;
  if (path === undefined) {
    return { ...missingDevice, name: String(id), errors, note: 'cannot open' };
  }
  const unallocated = space === undefined ? {} : { unallocatedBytes: space.unallocatedBytes };
  return { name: path, role: 'data', state: 'online', errors, sizeBytes, ...unallocated, members: [] };
}

function toScans(scrub: ScrubStatus, isPaused: boolean): readonly Scan[] {
  if (scrub.state === 'never') return [];
  const { startedAt, durationMs, doneBytes, totalBytes, leftMs } = scrub;
  const endedAt = startedAt === undefined || durationMs === undefined ? undefined : startedAt + durationMs;
  const state =
    scrub.state === 'running' || scrub.state === 'finished' ? scrub.state : isPaused ? 'paused' : 'canceled';
  const done = totalBytes === undefined || totalBytes === 0 ? undefined : Math.min(1, (doneBytes ?? 0) / totalBytes);
  const progress = {
    ...(done === undefined ? {} : { done }),
    ...(doneBytes === undefined ? {} : { scannedBytes: doneBytes }),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(leftMs === undefined ? {} : { leftMs }),
  };
  return [
    {
      kind: 'scrub',
      state,
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(state === 'running' || endedAt === undefined ? {} : { endedAt }),
      errors: scrub.uncorrectable,
      ...(state === 'finished' ? {} : { progress }),
    },
  ];
}

/** Its dates lack the year, so an exchange that is over is not mentioned. */
function toResilver(replace: ReplaceStatus): readonly Scan[] {
  if (replace.state !== 'running' && replace.state !== 'suspended') return [];
  const progress = replace.done === undefined ? {} : { progress: { done: replace.done } };
  const state = replace.state === 'running' ? 'running' : 'paused';
  return [{ kind: 'resilver', state, errors: replace.errors, ...progress }];
}
