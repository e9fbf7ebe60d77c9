/**
 * How long leases last, and how long a leader waits before it takes one for over.
 *
 *   holder   sent ──────── leaseMs ────────▶ lapsed ── killMs ──▶ everything that needed it is dead
 *   grantor  arrived ───────────────── waitMs ─────────────────────────▶ "no lease is out"
 *
 * Two clocks measure the same span, and neither is right: each may be up to `clockError` too fast or too slow. The
 * holder's may be slow and the grantor's fast, so the grantor waits longer by both errors.
 *
 * All times are boot time in milliseconds: it goes on while a machine is suspended, and begins anew when it boots.
 */
export interface LeaseSettings {
  /** Of a lease that nobody wants longer. */
  readonly leaseMs: number;
  /** What a node needs at most to stop, after its lease lapsed, everything that must not run without one. */
  readonly killMs: number;
  /** Share by which a clock may be wrong: 0.1 for ten percent. */
  readonly clockError: number;
  /** The unit in which the clock is read; what is read is up to so much too early. */
  readonly clockUnitMs: number;
  /** The longest lease that a leader before may have granted to anybody: above `leaseMs` where leases were longer once. */
  readonly longestMs: number;
  /** Renewals that come within so much share a quorum round. */
  readonly gatherMs: number;
}

export const defaultLeaseSettings: LeaseSettings = {
  leaseMs: 10_000,
  killMs: 2000,
  clockError: 0.1,
  clockUnitMs: 10,
  longestMs: 10_000,
  gatherMs: 100,
};

/** From the arrival of a request until a lease of this length that was granted for it is over and enforced, by any clock. */
export function waitMs({ killMs, clockError }: LeaseSettings, lengthMs: number): number {
  return ((lengthMs + killMs) * (1 + clockError)) / (1 - clockError);
}

/** Twice a renewal may be lost, and the lease goes on. */
export const renewEveryMs = ({ leaseMs }: LeaseSettings): number => leaseMs / 3;
