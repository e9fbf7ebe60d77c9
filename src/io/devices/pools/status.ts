/**
 * What the log keeps of a report: what changes rarely, and what is wrong. Figures that move stay out of it; they are
 * shown live (`figuresOf`). Pure.
 */
import type { PoolScrub, PoolStatus } from '#events/pool.ts';
import type { PoolFiguresRow } from '#io/contract/live.ts';
import type { IoError } from '../error.ts';
import type { Health } from './health.ts';
import type { PoolReport, Scan } from './report.ts';
import { devicesOf, disksOf, formerPath, groupLayoutOf } from './report.ts';

const mostDevices = 256;
const mostChars = 1000;
const short = (text: string): string => text.slice(0, mostChars);

export function statusOf(report: PoolReport, { problems }: Health): PoolStatus {
  const isDown = !['online', 'degraded'].includes(report.state);
  return {
    state: isDown ? 'unavailable' : report.state === 'degraded' ? 'degraded' : 'online',
    layout:
      report.driver === 'dir' ? null : (report.layout ?? (report.driver === 'zfs' ? groupLayoutOf(report) : null)),
    sizeBytes: report.sizeBytes ?? 0,
    devices: disksOf(report)
      .slice(0, mostDevices)
      .map((device) => {
        const { name, role, state, sizeBytes } = device;
        const was = formerPath(device);
        return {
          ...{ name, role, state },
          ...(sizeBytes === undefined ? {} : { sizeBytes }),
          ...(was === undefined ? {} : { was }),
        };
      }),
    problems: problems
      // How full it is has a threshold of its own, which does not flutter.
      .filter(({ code }) => code !== 'nearly-full')
      .slice(0, mostDevices)
      .map((problem) => ({ ...problem, text: short(problem.text), repair: short(problem.repair) })),
  };
}

/** Of one that gives no report: as it was known last, and why nothing more is known. */
export function silentStatus(last: PoolStatus | null, error: IoError, name: string): PoolStatus {
  const isGone = error.code === 'POOL_MISSING';
  return {
    ...(last ?? { layout: null, sizeBytes: 0, devices: [] }),
    state: 'unavailable',
    problems: [
      {
        code: isGone ? 'pool-unavailable' : 'pool-silent',
        severity: 'faulty',
        text: short(
          isGone
            ? `The pool ${name} is not there: ${error.message}.`
            : `The pool ${name} does not answer: ${error.message}.`,
        ),
        repair: short(error.hint ?? 'Look at its disks: cables, power, and the log of the kernel (dmesg).'),
      },
    ],
  };
}

/** The newest scrub, as far as it is worth telling. */
export function scrubOf({ scans }: PoolReport): PoolScrub | null {
  const scrub = scans.find(({ kind }) => kind === 'scrub');
  if (!scrub) return null;
  const { state, startedAt, endedAt, errors, repairedBytes } = scrub;
  const whole = (figure: number | undefined) => (figure === undefined ? undefined : Math.max(0, Math.round(figure)));
  const [began, ended] = [whole(startedAt), whole(endedAt)];
  const isOver = state === 'finished' || state === 'canceled';
  return {
    state,
    ...(began === undefined ? {} : { startedAt: began }),
    ...(ended === undefined ? {} : { endedAt: ended }),
    ...(isOver && errors !== undefined ? { errors } : {}),
    ...(isOver && repairedBytes !== undefined ? { repairedBytes } : {}),
  };
}

/** A report whose sentences hold still while a scan goes on. */
export const withoutProgress = (report: PoolReport): PoolReport => ({
  ...report,
  scans: report.scans.map(({ progress: _, ...scan }): Scan => scan),
});

/** What is shown live. @param at milliseconds since 1970 */
export function figuresOf(report: PoolReport, at: number): PoolFiguresRow {
  const scan =
    report.scans.find(({ state }) => state === 'running') ?? report.scans.find(({ state }) => state === 'paused');
  return {
    at,
    state: report.state,
    ...(report.usedBytes === undefined ? {} : { usedBytes: report.usedBytes }),
    ...(report.sizeBytes === undefined ? {} : { sizeBytes: report.sizeBytes }),
    ...(scan === undefined
      ? {}
      : {
          scan: {
            kind: scan.kind,
            state: scan.state,
            ...(scan.startedAt === undefined ? {} : { startedAt: scan.startedAt }),
            ...(scan.progress?.done === undefined ? {} : { done: scan.progress.done }),
            ...(scan.progress?.leftMs === undefined ? {} : { leftMs: scan.progress.leftMs }),
          },
        }),
    devices: [...devicesOf(report.root)]
      .filter((device) => device !== report.root)
      .slice(0, mostDevices)
      .map(({ name, state, errors, note }) => ({
        ...{ name, state },
        ...(errors === undefined ? {} : { errors }),
        ...(note === undefined ? {} : { note }),
      })),
  };
}
