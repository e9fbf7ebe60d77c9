/**
 * A threshold with hysteresis: it is crossed at one share and left below a smaller one, so that what moves around one
 * value is told once, not with every sample.
 */
export interface Threshold {
  /** From this share on it is over. */
  readonly from: number;
  /** Below this share it is not over any more. */
  readonly until: number;
}

/** @param sizeBytes of nothing no share is known: what was, stays */
export function isOver(wasOver: boolean, usedBytes: number, sizeBytes: number, threshold: Threshold): boolean {
  if (!(sizeBytes > 0)) return wasOver;
  const share = usedBytes / sizeBytes;
  return wasOver ? share >= threshold.until : share >= threshold.from;
}
