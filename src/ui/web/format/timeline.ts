/**
 * The snapshot timeline: from the age of a snapshot to its place on the band.
 *
 * The right end is now, and recent time is magnified: an hour there takes as much room as a month on the left, because
 * that is how retention thins snapshots and where people look first. place = 1 − log(1 + age/τ) / log(1 + span/τ).
 */
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** τ: below this age the scale is nearly linear. */
const tauMs = 10 * minuteMs;

/** @returns 0 (the left end, `spanMs` ago) to 1 (now) */
export function placeOf(ageMs: number, spanMs: number): number {
  const age = Math.min(Math.max(ageMs, 0), spanMs);
  return 1 - Math.log1p(age / tauMs) / Math.log1p(spanMs / tauMs);
}

const marks: readonly (readonly [ms: number, label: string])[] = [
  [10 * minuteMs, '10 m'],
  [hourMs, '1 h'],
  [6 * hourMs, '6 h'],
  [dayMs, '1 d'],
  [3 * dayMs, '3 d'],
  [7 * dayMs, '1 w'],
  [14 * dayMs, '2 w'],
  [30 * dayMs, '1 mo'],
  [91 * dayMs, '3 mo'],
  [182 * dayMs, '6 mo'],
  [365 * dayMs, '1 y'],
  [730 * dayMs, '2 y'],
  [1825 * dayMs, '5 y'],
];

export interface Mark {
  readonly place: number;
  readonly label: string;
}

/** How much time the band shows: the oldest snapshot with a little room, at least an hour. */
export const spanFor = (oldestAgeMs: number): number => Math.max(hourMs, oldestAgeMs * 1.05);

/** Labels under the band, at least `apart` (a share of its width) from one another and from its ends. */
export function marksFor(spanMs: number, apart = 0.1): readonly Mark[] {
  const kept: Mark[] = [];
  // The word `now` stands at the right end.
  let last = 1 - apart / 2;
  for (const [ms, label] of marks) {
    const place = placeOf(ms, spanMs);
    if (ms >= spanMs || place < apart / 2 || last - place < apart) continue;
    kept.push({ place, label });
    last = place;
  }
  return kept;
}

/** The item nearest to a place on the band; undefined when there is none. */
export function nearest<T extends { readonly place: number }>(items: readonly T[], place: number): T | undefined {
  let best: T | undefined;
  for (const item of items) {
    if (!best || Math.abs(item.place - place) < Math.abs(best.place - place)) best = item;
  }
  return best;
}
