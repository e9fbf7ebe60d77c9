/** What the simulated pools are made of, and what each layout of devices can bear and hold. */
import { IoError } from '../../error.ts';
import type { Layout, ManagedPool } from '../port.ts';
import type { ErrorCounters } from '../report.ts';

export interface Member {
  readonly path: string;
  /** Those that were added together stand together: in zfs they are a group of their own, in btrfs all are one. */
  readonly group: number;
  sizeBytes: number;
  /** Its number, when it is gone. */
  readonly id: number;
  corrupt: boolean;
  errors: ErrorCounters;
}
/** Through all that a pool holds: a scrub, or the filling of a new device. */
export interface Walk {
  state: 'running' | 'paused' | 'canceled' | 'finished';
  startedAt: number;
  /** What had been done when it last began to go on, */
  doneMs: number;
  /** and when that was, by the clock that does not jump. */
  since: number;
  endedAt: number;
  errors: number;
}
export interface Pool {
  readonly managed: ManagedPool;
  layout: Layout;
  members: Member[];
  isFile: boolean;
  usedBytes: number;
  scrub: Walk | undefined;
  filling: { readonly walk: Walk; readonly leaving: Member; readonly arriving: Member } | undefined;
  lost: number;
}

export const groupsOf = (pool: Pool): readonly (readonly Member[])[] =>
  [...new Set(pool.members.map(({ group }) => group))].map((group) =>
    pool.members.filter((one) => one.group === group),
  );

/** How many devices of a group may fail. */
export function tolerance(pool: Pool, group: readonly Member[]): number {
  switch (pool.layout) {
    case 'single':
      return 0;
    case 'mirror':
      return pool.managed.driver === 'zfs' ? group.length - 1 : 1;
    case 'raidz1':
    case 'raid10':
      return 1;
    case 'raidz2':
    case 'raid1c3':
      return 2;
    case 'raidz3':
    case 'raid1c4':
      return 3;
  }
}

/** Bytes that a group can hold, its redundancy subtracted: zfs counts each device as the smallest, btrfs as it is. */
export function usable(pool: Pool, group: readonly Member[]): number {
  const sizes = group.map(({ sizeBytes }) => sizeBytes);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  if (pool.layout === 'single') return all;
  const copies = tolerance(pool, group) + 1;
  if (pool.managed.driver === 'btrfs') return all / copies;
  return Math.min(...sizes) * (sizes.length - copies + 1);
}

export function refuseLayout({ driver }: ManagedPool, layout: Layout): void {
  const own = driver === 'zfs' ? /^(?:single|mirror|raidz)/ : /^(?:single|mirror|raid1)/;
  if (own.test(layout)) return;
  const message = `${driver} has no ${layout}`;
  throw new IoError('UNSUPPORTED', { op: 'create the pool', target: layout, message, hint: 'Choose a mirror.' });
}
