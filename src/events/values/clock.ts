/** How a clock differs from the lab's, in words. */
import { formatDuration } from './duration.ts';

/**
 * So much the clocks of a lab may be apart: links and leases bear more, logs that nobody can read side by side do not, and
 * what is reckoned by them over a boot must not be wrong by more.
 */
export const clockToleranceMs = 5 * 60_000;

/** @returns for example `3 d 4 h ahead of the lab's`. @param aheadMs less than 0: behind */
export const clockWords = (aheadMs: number): string =>
  `${formatDuration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} the lab's`;
