/**
 * Whether a pool is well, in words for a person, with what repairs it. Pure.
 *
 * A pool that calls itself ONLINE may be far from well: the errors of a dying disk are repaired silently until another
 * disk dies. And one that complains may be well: both file systems advertise new features in the same place. So the
 * verdict comes from states, counters and scans, and never from the sentences of the file system.
 */
import type { PoolProblemCode } from '#events/pool.ts';
import { formatSize } from '#events/values/size.ts';
import type { ErrorCounters, PoolDevice, PoolReport } from './report.ts';
import { devicesOf, formerPath, noErrors } from './report.ts';
import type { Smart } from './smart.ts';

export interface HealthProblem {
  /** Stable: for alerts, which end when it is gone. */
  readonly code: PoolProblemCode;
  readonly severity: 'warning' | 'faulty';
  /** Which device, where it is one. */
  readonly device?: string;
  readonly text: string;
  readonly repair: string;
}

export interface Health {
  readonly state: 'healthy' | 'warning' | 'faulty';
  /** The worst first. */
  readonly problems: readonly HealthProblem[];
}

export interface HealthContext {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How it was when somebody looked last: for what has grown since, and for the scrub that a resilver has hidden. */
  readonly previous?: PoolReport;
  /** Since when the pool is known: only then is one that was never scrubbed late. */
  readonly knownSince?: number;
  /** What its disks say of themselves, by the name that they have in the report, and what they said before. */
  readonly smart?: ReadonlyMap<string, { readonly now: Smart; readonly before?: Smart }>;
  readonly limits?: Partial<HealthLimits>;
}

export interface HealthLimits {
  readonly scrubAgeMs: number;
  /** Of what the pool can hold, 0 to 1: both file systems slow down and break up files beyond. */
  readonly fullShare: number;
  readonly temperature: number;
  readonly wearShare: number;
}

const day = 86_400_000;
const usualLimits: HealthLimits = { scrubAgeMs: 35 * day, fullShare: 0.9, temperature: 60, wearShare: 0.9 };

export function health(report: PoolReport, context: HealthContext): Health {
  const limits = { ...usualLimits, ...context.limits };
  const problems = [
    ...ofPool(report),
    ...ofDevices(report, context.previous),
    ...ofScans(report, context, limits),
    ...ofSpace(report, limits),
    ...[...(context.smart ?? [])].flatMap(([device, { now, before }]) => ofDisk(device, now, before, limits)),
  ];
  const faulty = problems.filter(({ severity }) => severity === 'faulty');
  const warnings = problems.filter(({ severity }) => severity === 'warning');
  const state = faulty.length > 0 ? 'faulty' : warnings.length > 0 ? 'warning' : 'healthy';
  return { state, problems: [...faulty, ...warnings] };
}

function ofPool(report: PoolReport): readonly HealthProblem[] {
  const { name, state, dataErrors } = report;
  const problems: HealthProblem[] = [];
  if (state === 'suspended') {
    problems.push({
      code: 'pool-stopped',
      severity: 'faulty',
      text: `The pool ${name} has stopped all reading and writing, because its disks do not answer.`,
      repair: 'Look at cables and power, then clear the errors of the pool; what waits for it goes on.',
    });
  } else if (state !== 'online' && state !== 'degraded') {
    problems.push({
      code: 'pool-unavailable',
      severity: 'faulty',
      text: `The pool ${name} is ${state}: too many of its disks are missing or broken.`,
      repair: 'Attach the missing disks. Without them the data comes from a replica or a backup.',
    });
  }
  if (report.readOnly === true) {
    problems.push({
      code: 'pool-read-only',
      severity: 'faulty',
      text: `The pool ${name} takes no writes: its file system has gone read-only, as it does after an error.`,
      repair: 'Look at the log of the kernel (dmesg) for what happened, then clear the errors of the pool.',
    });
  }
  if ((dataErrors.count ?? 0) > 0) {
    const which = dataErrors.files.length > 0 ? `, among them ${dataErrors.files.slice(0, 3).join(', ')}` : '';
    problems.push({
      code: 'data-lost',
      severity: 'faulty',
      text: `The pool ${name} has lost data in ${dataErrors.count} ${plural(dataErrors.count, 'place')}${which}.`,
      repair: 'Bring the volumes back from a snapshot, a replica or a backup, then scrub the pool twice.',
    });
  }
  if (report.mixedRedundancy === true) {
    problems.push({
      code: 'mixed-redundancy',
      severity: 'warning',
      text: `Some of the data in the pool ${name} has fewer copies than the rest: a disk that fails can take it along.`,
      repair: 'Replace the disk once more, or convert all of it with btrfs balance.',
    });
  }
  return problems;
}

function ofDevices(report: PoolReport, previous: PoolReport | undefined): readonly HealthProblem[] {
  const before = new Map([...(previous ? devicesOf(previous.root) : [])].map((device) => [device.name, device]));
  return [...devicesOf(report.root)].flatMap((device) => [
    ...ofState(report, device),
    ...ofErrors(report, device, before.get(device.name)?.errors),
  ]);
}

function ofState(report: PoolReport, device: PoolDevice): readonly HealthProblem[] {
  const { name, state, role, members } = device;
  // Groups are as bad as what is in them, and the pool itself has been judged.
  if (device === report.root) return [];
  if (members.length > 0) {
    if (!/^spare-\d+$/.test(name)) return [];
    const failed = members.find((member) => member.state !== 'online') ?? members[0];
    return [
      {
        code: 'spare-in-use',
        severity: 'warning',
        device: name,
        text: `A spare stands in for ${called(failed)} in the pool ${report.name}.`,
        repair: 'Replace the broken disk; the spare becomes free again.',
      },
    ];
  }
  const was = called(device);
  switch (state) {
    case 'online':
    case 'available':
    case 'in-use':
    case 'degraded':
      return [];
    case 'offline':
      return [
        {
          code: 'device-offline',
          severity: 'warning',
          device: name,
          text: `${was} of the pool ${report.name} was taken offline; what it would hold has one copy less.`,
          repair: 'Bring it online again, or replace it.',
        },
      ];
    default:
      if (role === 'spare' || role === 'cache') {
        return [
          {
            code: 'spare-failed',
            severity: 'warning',
            device: name,
            text: `${was}, a ${role} of the pool ${report.name}, is ${state}.`,
            repair: 'Take it out and put another one in; no data is lost by that.',
          },
        ];
      }
      return [
        {
          code: 'device-failed',
          severity: 'faulty',
          device: name,
          text: `${was} of the pool ${report.name} is ${state}${device.note && !device.note.startsWith('was ') ? ` (${device.note})` : ''}.`,
          repair: 'Look at its cable and power; if it does not come back, replace it.',
        },
      ];
  }
}

const called = (device: PoolDevice | undefined): string =>
  device === undefined ? 'a disk' : (formerPath(device) ?? device.name);

function ofErrors(report: PoolReport, device: PoolDevice, before: ErrorCounters | undefined): readonly HealthProblem[] {
  const { reads, writes, checksums } = device.errors ?? noErrors;
  // A group repeats what its members count; only what no member counted is news.
  const members = device.members.reduce((sum, member) => sum + total(member.errors), 0);
  if (reads + writes + checksums === 0 || (device.members.length > 0 && members > 0)) return [];
  const grown = before === undefined ? 0 : Math.max(0, total(device.errors) - total(before));
  const counted = [
    [reads, 'reading'],
    [writes, 'writing'],
    [checksums, 'checksums'],
  ].flatMap(([count, of]) => (count === 0 ? [] : [`${count} of ${of}`]));
  return [
    {
      code: 'device-errors',
      severity: 'warning',
      device: device.name,
      text:
        `${called(device)} of the pool ${report.name} has had errors: ${counted.join(', ')}` +
        (grown > 0 ? `; ${grown} more since the last look.` : '.'),
      repair:
        grown > 0
          ? 'It goes on failing: replace it, or at least its cable.'
          : 'Scrub the pool. If no more come, clear them; else replace the device.',
    },
  ];
}

const total = (errors: ErrorCounters = noErrors): number => errors.reads + errors.writes + errors.checksums;

function ofScans(report: PoolReport, context: HealthContext, limits: HealthLimits): readonly HealthProblem[] {
  const problems: HealthProblem[] = [];
  const resilver = report.scans.find(({ kind, state }) => kind === 'resilver' && state === 'running');
  if (resilver) {
    const done = resilver.progress?.done;
    problems.push({
      code: 'resilvering',
      severity: 'warning',
      text: `The pool ${report.name} is filling a new disk${done === undefined ? '' : ` (${Math.floor(done * 100)} %)`}; until then a copy is missing.`,
      repair: 'Wait. Nothing else needs to be done.',
    });
  }
  const paused = report.scans.find(({ kind, state }) => kind === 'scrub' && state === 'paused');
  const isRunning = report.scans.some(({ kind, state }) => kind === 'scrub' && state === 'running');
  const last = lastScrubAt(report, context.previous);
  const since = last ?? context.knownSince;
  const isLate = since !== undefined && context.now - since > limits.scrubAgeMs;
  if (isLate && !isRunning) {
    const days = Math.floor((context.now - since) / day);
    problems.push({
      code: paused ? 'scrub-paused' : 'scrub-old',
      severity: 'warning',
      text:
        (last === undefined
          ? `The pool ${report.name} has never been scrubbed in the ${days} days that it is known`
          : `The last scrub of the pool ${report.name} was ${days} days ago`) +
        (paused ? '; one has begun and is paused.' : ': damage that nobody reads goes unnoticed.'),
      repair: paused ? 'Let the scrub go on.' : 'Start a scrub, or give the pool a schedule for it.',
    });
  }
  return problems;
}

/** Only the newest scan is remembered by zfs: after a resilver an older report knows when the last scrub was. */
function lastScrubAt(...reports: readonly (PoolReport | undefined)[]): number | undefined {
  const ends = reports.flatMap((report) =>
    (report?.scans ?? []).flatMap(({ kind, state, endedAt }) =>
      kind === 'scrub' && state === 'finished' && endedAt !== undefined ? [endedAt] : [],
    ),
  );
  return ends.length === 0 ? undefined : Math.max(...ends);
}

function ofSpace({ name, sizeBytes, usedBytes }: PoolReport, limits: HealthLimits): readonly HealthProblem[] {
  if (sizeBytes === undefined || usedBytes === undefined || sizeBytes <= 0) return [];
  if (usedBytes / sizeBytes < limits.fullShare) return [];
  return [
    {
      code: 'nearly-full',
      severity: 'warning',
      text: `The pool ${name} is nearly full: ${formatSize(usedBytes)} of ${formatSize(sizeBytes)}.`,
      repair: 'Remove snapshots or volumes, move volumes to another node, or make the pool larger.',
    },
  ];
}

function ofDisk(device: string, now: Smart, before: Smart | undefined, limits: HealthLimits): readonly HealthProblem[] {
  const grown = (now.reallocated ?? 0) > (before?.reallocated ?? now.reallocated ?? 0);
  const problems: HealthProblem[] = [];
  if (now.passed === false) {
    problems.push({
      code: 'disk-failing',
      severity: 'faulty',
      device,
      text: `${device} says of itself that it is about to fail.`,
      repair: 'Replace it now.',
    });
  } else if ((now.pending ?? 0) > 0 || grown) {
    const what =
      (now.pending ?? 0) > 0
        ? `cannot read ${now.pending} of its ${plural(now.pending, 'sector')}`
        : `has given up more sectors: ${now.reallocated}, before ${before?.reallocated}`;
    problems.push({
      code: 'disk-failing',
      severity: 'warning',
      device,
      text: `${device} ${what}.`,
      repair: 'Scrub the pool; replace the disk if the number grows.',
    });
  }
  if ((now.wear ?? 0) >= limits.wearShare) {
    problems.push({
      code: 'disk-worn',
      severity: 'warning',
      device,
      text: `${device} has used up ${Math.round((now.wear ?? 0) * 100)} % of its life of writing.`,
      repair: 'Plan to replace it.',
    });
  }
  if ((now.temperature ?? 0) >= limits.temperature) {
    problems.push({
      code: 'disk-hot',
      severity: 'warning',
      device,
      text: `${device} has ${now.temperature} °C.`,
      repair: 'Give it more air.',
    });
  }
  return problems;
}

const plural = (count: number | undefined, noun: string): string => (count === 1 ? noun : `${noun}s`);
