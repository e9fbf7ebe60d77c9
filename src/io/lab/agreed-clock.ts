/**
 * What time it is, of clocks that do not all say the same (safety rule 17): what most voters say, each within a tolerance
 * of it. One clock that is years ahead would take the lab's time with it, and that never goes back.
 */
import { clockToleranceMs } from '#events/values/clock.ts';

export interface AgreedClock {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Nodes whose clocks say so. */
  readonly by: readonly string[];
}

/**
 * @param clocks node → what its clock says at this moment, of voters that were asked
 * @param voters how many there are
 * @param self is believed first, so that an agreed time is not another one with every answer
 * @returns undefined where no majority agrees, or too few were heard
 */
export function agreedClock(
  clocks: ReadonlyMap<string, number>,
  voters: number,
  self: string,
): AgreedClock | undefined {
  const majority = Math.floor(voters / 2) + 1;
  const inTurn = [...clocks].toSorted(([a], [b]) => Number(b === self) - Number(a === self) || (a < b ? -1 : 1));
  for (const [, now] of inTurn) {
    const by = inTurn.filter(([, other]) => Math.abs(other - now) <= clockToleranceMs).map(([node]) => node);
    if (by.length >= majority) return { now, by };
  }
  return undefined;
}
