/** The report of a simulated pool. */
import { noErrors, type PoolDevice, type PoolReport, type Scan } from '../report.ts';
import { groupsOf, tolerance, usable, type Member, type Pool, type Walk } from './pool.ts';

export interface Seen {
  isGone(member: Member): boolean;
  /** From 0 to 1. */
  doneShare(walk: Walk): number;
}

/** A pool as its tools would report it. @param seen what of it the machine can see, and how far its walks are */
export function reportOf(pool: Pool, seen: Seen): PoolReport {
  const groups = groupsOf(pool);
  const states = groups.map((group) => {
    const missing = group.filter(seen.isGone).length;
    return missing > tolerance(pool, group) ? 'unavailable' : missing > 0 ? 'degraded' : 'online';
  });
  const state = (['unavailable', 'degraded'] as const).find((bad) => states.includes(bad)) ?? 'online';
  const { driver, name } = pool.managed;
  const hasGroups = driver === 'zfs' && pool.layout !== 'single';
  const members = hasGroups
    ? groups.map((group, index): PoolDevice => {
        const shown = { name: `${pool.layout}-${index}`, role: 'data', errors: noErrors } as const;
        return { ...shown, state: states[index] ?? state, members: group.map((member) => toDevice(member, seen)) };
      })
    : pool.members.map((member) => toDevice(member, seen));
  const scans = [
    ...(pool.scrub ? [toScan('scrub', pool.scrub, seen)] : []),
    ...(pool.filling ? [toScan('resilver', pool.filling.walk, seen)] : []),
  ];
  return {
    name,
    driver,
    state,
    layout: pool.layout,
    remarks: {},
    scans,
    root: { name, role: 'data', state, errors: noErrors, members },
    dataErrors: { count: pool.lost, files: [] },
    sizeBytes: Math.floor(groups.reduce((sum, group) => sum + usable(pool, group), 0)),
    usedBytes: pool.usedBytes,
  };
}

function toDevice(member: Member, { isGone }: Seen): PoolDevice {
  const { path, errors, sizeBytes } = member;
  if (!isGone(member)) return { name: path, role: 'data', state: 'online', errors, sizeBytes, members: [] };
  return { name: String(member.id), role: 'data', state: 'unavailable', errors, note: `was ${path}`, members: [] };
}

function toScan(kind: Scan['kind'], walked: Walk, { doneShare }: Seen): Scan {
  const { state, startedAt, endedAt, errors } = walked;
  const isOver = state === 'finished';
  const durationMs = isOver ? endedAt - startedAt : undefined;
  return {
    kind,
    state,
    startedAt,
    ...(state === 'running' ? {} : { endedAt }),
    ...(durationMs === undefined ? {} : { durationMs }),
    errors,
    ...(isOver ? {} : { progress: { done: doneShare(walked) } }),
  };
}
