/**
 * When a replica is to be brought up to date: at once after a change, or by its volume's cron line; not before it may
 * be tried again, and not outside of the window. Calculated from what is folded, by whoever leads: nothing of it is stored.
 */
import type { StreamId } from '#events/envelope.ts';
import type { SyncReason } from '#events/replica.ts';
import type { ReplicationWindow } from '#events/values/replication.ts';
import type { ActorState, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { nextRun } from '../schedule/next.ts';
import { newestOf } from './known.ts';

type Volume = ActorState<'volume'>;
type Replica = ActorState<'replica'>;

export interface Due {
  readonly at: number;
  /** What it syncs to is not older than this; 0: any snapshot will do. */
  readonly freshAt: number;
  readonly reason: SyncReason;
  /** For people. */
  readonly rule: string;
}

/** @returns undefined while there is nothing that it could be brought to, or somebody has to do something first */
export function dueOf(replica: Replica, volume: Volume, lab: LabView): Due | undefined {
  if (replica.state !== 'idle' || !isUp(replica.context.node, lab) || !isUp(volume.context.node, lab)) return undefined;
  const { cursor, retryAt, requestedAt } = replica.context;
  const on = volume.context.spec.replicas?.on ?? 'change';
  const newest = newestOf(volume, lab);
  const hasNews = newest === undefined || newest.context.guid !== cursor?.guid;
  const notBefore = retryAt ?? 0;
  // Its first one is not waited for, and an attempt that failed is repeated.
  if (on === 'change' || cursor === null || retryAt !== null) {
    if (!hasNews) return undefined;
    const rule = retryAt === null ? (cursor === null ? 'the first sync' : 'on change') : 'again after a failure';
    return { at: opensAt(volume, lab, Math.max(notBefore, newestAt(newest))), freshAt: 0, reason: 'change', rule };
  }
  const zone = on.timeZone ?? zoneOf(lab);
  const at = nextRun(on.cron, zone, requestedAt ?? replica.createdAt);
  return { at: opensAt(volume, lab, at), freshAt: at, reason: 'schedule', rule: `cron ${on.cron}` };
}

/** Its node, or that of its volume: what is away is not waited for in the middle of something. */
const isUp = (node: StreamId<'node'> | null, lab: LabView): boolean => node !== null && lab.get(node)?.state === 'up';

const newestAt = (newest: ActorState<'snapshot'> | undefined): number => newest?.context.requestedAt ?? 0;

/** Whether a snapshot is as new as is wanted: asked for when it was due, or later. */
export const freshBy = ({ context }: ActorState<'snapshot'>, { freshAt }: Due): boolean =>
  context.requestedAt >= freshAt;

const minuteMs = 60_000;
const leastBehindMs = 15 * minuteMs;

/** Since when its volume has something that it does not have; undefined: it has not. */
export function behindFrom({ createdAt, context }: Replica, volume: Volume, lab: LabView): number | undefined {
  const { cursor, wantedSince } = context;
  const newest = newestOf(volume, lab);
  if (!newest || newest.context.guid === cursor?.guid) return undefined;
  if (cursor === null) return createdAt;
  const newer = lab
    .referrers(volume.stream, 'snapshot')
    .flatMap(({ context: { takenAt } }) => (takenAt !== null && takenAt > cursor.takenAt ? [takenAt] : []));
  return Math.min(wantedSince ?? Number.POSITIVE_INFINITY, ...newer, newest.context.requestedAt);
}

/** For how long a replica may be behind before somebody is told: two runs of its cron line, and a while. */
export function behindAfterMs(volume: Volume, lab: LabView): number {
  const on = volume.context.spec.replicas?.on ?? 'change';
  const isOpenAllDay = volume.context.spec.replicas?.window === undefined;
  const dayMs = 24 * 60 * minuteMs;
  if (on === 'change') return isOpenAllDay ? leastBehindMs : dayMs + leastBehindMs;
  const zone = on.timeZone ?? zoneOf(lab);
  const first = nextRun(on.cron, zone, lab.at);
  return 2 * Math.max(nextRun(on.cron, zone, first) - first, isOpenAllDay ? 0 : dayMs) + leastBehindMs;
}

const zoneOf = (lab: LabView): string => lab.get(clusterStream)?.context.timeZone ?? 'UTC';

const opensAt = (volume: Volume, lab: LabView, at: number): number => {
  const window = volume.context.spec.replicas?.window;
  return window ? opening(window, zoneOf(lab), Math.max(at, lab.at)) : at;
};

/** The moment itself when it lies in the window, else when that opens next. */
export function opening(window: ReplicationWindow, timeZone: string, at: number): number {
  const next = (time: string): number => {
    const [hours = '0', minutes = '0'] = time.split(':');
    return nextRun(`${Number(minutes)} ${Number(hours)} * * *`, timeZone, at);
  };
  const [opens, closes] = [next(window.from), next(window.to)];
  // It is open when it closes before it opens again.
  return closes <= opens ? at : opens;
}
