/**
 * Time since the machine booted. It goes on while the machine is suspended, as leases demand; the clock of timers, and
 * Node's own, stand still then.
 */
export interface BootTime {
  /** Whole milliseconds, in units of 10: up to so much too early. Begins anew with each boot. */
  nowMs(): number;
}
