/**
 * What a node knows of its replicas: until when the snapshots that they hold, or are about to hold, have everything that
 * was written. Kept beside them, so that it is there when the node of the volume is not any more.
 *
 * An attestation is true for ever: a later one for the same snapshot says more, an older one nothing wrong. So what is on
 * the disk may be behind what is in memory, and a loss that is calculated from it is only larger.
 */
import { clockToleranceMs } from '#events/values/clock.ts';

/** Of one replica, all in boot time of this node; below 0 of what was before the boot. */
export interface Known {
  /** By guid of a snapshot. */
  readonly until: ReadonlyMap<string, number>;
  /** When this node learned that nobody writes to the volume any more; undefined: somebody may. */
  readonly endedMs: number | undefined;
}
/** By id of the replica. */
export type Attested = ReadonlyMap<string, Known>;

/** As it is stored, with the time at which it was: boot time begins anew with each boot. */
export interface StoredAttested {
  readonly boot: string;
  readonly bootMs: number;
  /** By the wall clock of the node. */
  readonly wallMs: number;
  readonly replicas: Readonly<Record<string, StoredKnown>>;
}
export interface StoredKnown {
  readonly until: Readonly<Record<string, number>>;
  readonly endedMs?: number | undefined;
}

export interface Present {
  readonly boot: string;
  readonly bootMs: number;
  readonly wallMs: number;
  /** Of the last event. */
  readonly logAt: number;
}

/** @param keep guids that the replica holds, or may hold before long; what is not among them, and is not new, goes */
export function heard(
  before: ReadonlyMap<string, number> | undefined,
  news: ReadonlyMap<string, number>,
  keep: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const kept = new Map(news);
  for (const [guid, atMs] of before ?? [])
    if (keep.has(guid) || news.has(guid)) kept.set(guid, Math.max(atMs, news.get(guid) ?? Number.NEGATIVE_INFINITY));
  return kept;
}

/**
 * What is known after a start. Within one boot that is exact. Over a boot nothing but wall clocks tell how long it took:
 * the later of this node's own and the lab's time counts, and what the clocks of a lab may be apart is added for both
 * readings. Where the clock went back nobody can tell, and nothing is known.
 */
export function carriedOver(stored: StoredAttested | undefined, now: Present): Attested {
  if (!stored) return new Map();
  const elapsedMs = stored.boot === now.boot ? now.bootMs - stored.bootMs : overBoot(stored, now);
  if (elapsedMs === undefined || elapsedMs < 0) return new Map();
  const toNow = (atMs: number): number => now.bootMs - elapsedMs - (stored.bootMs - atMs);
  return new Map(
    Object.entries(stored.replicas).map(([replica, { until, endedMs }]) => [
      replica,
      {
        until: new Map(Object.entries(until).map(([guid, atMs]) => [guid, toNow(atMs)])),
        endedMs: endedMs === undefined ? undefined : toNow(endedMs),
      },
    ]),
  );
}

const overBoot = ({ wallMs }: StoredAttested, now: Present): number | undefined =>
  now.wallMs < wallMs ? undefined : Math.max(now.wallMs, now.logAt) - wallMs + 2 * clockToleranceMs;

export const storedAttested = (attested: Attested, now: Omit<Present, 'logAt'>): StoredAttested => ({
  ...now,
  replicas: Object.fromEntries(
    [...attested].map(([replica, { until, endedMs }]) => [
      replica,
      { until: Object.fromEntries(until), ...(endedMs === undefined ? {} : { endedMs }) },
    ]),
  ),
});
