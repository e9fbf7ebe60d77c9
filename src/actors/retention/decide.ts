/**
 * Which snapshots of one volume stay, and why. Pure: the same snapshots give the same answer in any order.
 *
 * `24h:1h` looks at the snapshots of the last 24 hours, puts them into hours of UTC, and keeps the oldest of each hour:
 * the oldest does not change while an hour fills, so nothing that was kept is dropped for something newer. Rules are
 * OR-ed: another rule only ever keeps more.
 *
 * What a wrong clock or a wrong policy must not do:
 * - time is counted back from the newest snapshot, which always stays; an idle volume keeps what it has
 * - a snapshot from the future stays, and nothing is counted back from it (where `nowMs` is known)
 * - without rules everything stays
 * - protected snapshots (manual, stashed, held) stay, and never stand in for one that a rule would keep
 */
import type { KeepRule } from '#events/values/keep.ts';
import { bucketsOf } from './buckets.ts';
import { bucketName, ruleText } from './words.ts';

export interface RetainedSnapshot {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly takenAt: number;
  /** Why it stays whatever the rules say, for example `manual`. */
  readonly protected?: string;
}

export interface Verdict {
  readonly id: string;
  readonly keep: boolean;
  /** For people: `oldest of its hour (24h:1h)`. */
  readonly reason: string;
}

/**
 * @param nowMs the time of the lab; snapshots after it are from the future. Without it none is.
 * @returns one verdict for each snapshot, oldest first
 */
export function decideRetention(
  rules: readonly KeepRule[],
  snapshots: readonly RetainedSnapshot[],
  nowMs = Number.POSITIVE_INFINITY,
): readonly Verdict[] {
  const sorted = snapshots.toSorted((a, b) => a.takenAt - b.takenAt || (a.id < b.id ? -1 : 1));
  const present = sorted.filter(({ takenAt }) => takenAt <= nowMs);
  const newest = present.at(-1);
  const candidates = present.filter((snapshot) => snapshot.protected === undefined);
  const kept = newest ? keptByRules(rules, candidates, newest.takenAt) : new Map<string, string>();

  return sorted.map((snapshot): Verdict => {
    const { id, takenAt } = snapshot;
    if (rules.length === 0) return { id, keep: true, reason: 'no policy' };
    if (snapshot.protected !== undefined) return { id, keep: true, reason: snapshot.protected };
    if (takenAt > nowMs) return { id, keep: true, reason: 'from the future' };
    const reason = kept.get(id);
    if (reason !== undefined) return { id, keep: true, reason };
    if (id === newest?.id) return { id, keep: true, reason: 'the newest' };
    return { id, keep: false, reason: whyDropped(rules, takenAt, newest?.takenAt ?? takenAt) };
  });
}

/** @returns the reason of each that a rule keeps; of several rules the first one's */
function keptByRules(
  rules: readonly KeepRule[],
  oldestFirst: readonly RetainedSnapshot[],
  referenceMs: number,
): ReadonlyMap<string, string> {
  const kept = new Map<string, string>();
  for (const rule of rules) {
    for (const [id, reason] of keptByRule(rule, oldestFirst, referenceMs)) if (!kept.has(id)) kept.set(id, reason);
  }
  return kept;
}

function keptByRule(
  rule: KeepRule,
  oldestFirst: readonly RetainedSnapshot[],
  referenceMs: number,
): readonly (readonly [id: string, reason: string])[] {
  if ('last' in rule) {
    return oldestFirst.slice(-rule.last).map(({ id }) => [id, `one of the last ${rule.last} (${ruleText(rule)})`]);
  }
  const inSpan = oldestFirst.filter(({ takenAt }) => referenceMs - takenAt <= rule.spanMs);
  if (rule.every === 'all')
    return inSpan.map(({ id }) => [id, `in the last ${ruleText(rule).split(':')[0]} (${ruleText(rule)})`]);
  const bucket = bucketsOf(rule.every);
  const taken = new Set<number>();
  const kept: (readonly [string, string])[] = [];
  for (const { id, takenAt } of inSpan) {
    if (taken.has(bucket(takenAt))) continue;
    taken.add(bucket(takenAt));
    kept.push([id, `oldest of its ${bucketName(rule.every)} (${ruleText(rule)})`]);
  }
  return kept;
}

function whyDropped(rules: readonly KeepRule[], takenAt: number, referenceMs: number): string {
  const covering = rules.filter((rule) => 'spanMs' in rule && referenceMs - takenAt <= rule.spanMs);
  if (covering.length === 0) return 'older than every rule keeps';
  return `an older one stays for the same time (${covering.map(ruleText).join(', ')})`;
}
