/** Waiting longer after each failure, up to a bound, with jitter so that many do not come back at once. */
export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** @param attempt from 1 @param chance uniform in [0, 1) @returns between half and the whole of base × 2^(attempt−1), bounded */
export function backoffMs({ baseMs, maxMs }: Backoff, attempt: number, chance: number): number {
  const whole = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(whole * (0.5 + chance / 2));
}
