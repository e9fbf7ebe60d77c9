/** When a sync that failed is tried again: later after each failure, and not all at the same moment. Pure. */
import { idFrom } from '../ids.ts';

const baseMs = 30_000;
const mostMs = 30 * 60_000;

/** What does not pass by itself. */
const personal: ReadonlySet<string> = new Set([
  ...['DIVERGED', 'UNSUPPORTED', 'EXISTS', 'INVALID', 'DAMAGED', 'PERMISSION', 'FENCED', 'READ_ONLY'],
]);

export const waitsForPerson = (code: string): boolean => personal.has(code);

/** @param failures in a row, this one counted in @returns between half and the whole of 30 s × 2^(failures − 1), at most 30 min */
export function backoffOf(replica: string, failures: number): number {
  const whole = Math.min(mostMs, baseMs * 2 ** Math.min(failures - 1, 20));
  return Math.round(whole * (0.5 + chanceOf(replica, failures) / 2));
}

/** In [0, 1), the same for the same replica and failure: drawn from nothing, so that every leader says the same. */
const chanceOf = (replica: string, failures: number): number =>
  [...idFrom('backoff', replica, failures)].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7) / 9973;
