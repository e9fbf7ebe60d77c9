/**
 * Lines of a volume's history. What is written after a roll-back is no continuation of what was written before it: each
 * roll-back opens another line, which branches off at the snapshot that was gone back to. What is newer than that
 * snapshot stays, in the line that was left.
 *
 *     1  ●──●──●──●           the volume went back to the second snapshot,
 *           └─ 2  ●──●        and then to the first one of the second line
 *                 └─ 3  ●     what is present goes on from here
 *
 * Snapshots carry the line in which they were taken, so that nobody takes two lines for one. Within a line they are
 * ordered by when they were asked for: log time never goes back.
 */

export interface Lineage {
  /** Counted from 1, and never used twice. */
  readonly id: number;
  /** The line that it branches off, up to what was asked for at `asOf`; null of the first. */
  readonly parent: { readonly lineage: number; readonly asOf: number } | null;
  /** When it was opened; null of the first. */
  readonly openedAt: number | null;
}

/** What knows its line: a snapshot, or a row of one. */
export interface OfLineage {
  readonly lineage: number;
  readonly requestedAt: number;
}

/** As many as anybody will look at; older ones are in the history. */
const kept = 100;

export const firstLineage: readonly Lineage[] = [{ id: 1, parent: null, openedAt: null }];

export const presentOf = (lineages: readonly Lineage[]): number => lineages.at(-1)?.id ?? 1;

/** @param from the line of the snapshot that was gone back to, and when that was asked for; undefined: nobody has said */
export function opened(
  lineages: readonly Lineage[],
  from: { readonly lineage: number; readonly at: number } | undefined,
  at: number,
): readonly Lineage[] {
  const present = presentOf(lineages);
  const parent = from ? { lineage: from.lineage, asOf: from.at } : { lineage: present, asOf: at };
  return [...lineages, { id: present + 1, parent, openedAt: at }].slice(-kept);
}

/** Whether something is on the way from the beginning to the point (line, time). */
function isBehind(
  { lineage, requestedAt }: OfLineage,
  point: { readonly lineage: number; readonly asOf: number },
  lineages: readonly Lineage[],
): boolean {
  for (let at: { lineage: number; asOf: number } | null = point; at;) {
    if (lineage === at.lineage) return requestedAt <= at.asOf;
    const { lineage: id }: { lineage: number } = at;
    at = lineages.find((one) => one.id === id)?.parent ?? null;
  }
  return false;
}

/** Whether the present stands on it; else it is in a line that was left. */
export const isOnLine = (one: OfLineage, lineages: readonly Lineage[]): boolean =>
  isBehind(one, { lineage: presentOf(lineages), asOf: Number.POSITIVE_INFINITY }, lineages);

/** What the present stands on and the snapshot does not: it is left behind by going back to that. */
export const leftBehind = <T extends OfLineage>(
  to: OfLineage,
  snapshots: readonly T[],
  lineages: readonly Lineage[],
): readonly T[] =>
  snapshots.filter(
    (snapshot) =>
      isOnLine(snapshot, lineages) && !isBehind(snapshot, { lineage: to.lineage, asOf: to.requestedAt }, lineages),
  );
