/** How a clock differs from the lab's, in words. */
import { formatDuration } from './duration.ts';

/** @returns for example `3 d 4 h ahead of the lab's`. @param aheadMs less than 0: behind */
export const clockWords = (aheadMs: number): string =>
  `${formatDuration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} the lab's`;
