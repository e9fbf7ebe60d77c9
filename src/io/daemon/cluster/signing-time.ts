/**
 * By which time certificates are signed: what most voters' clocks say. Whoever signs and is wrong about the time by itself
 * would send others away with one that has run out, or that is not valid for years.
 *
 * Where the voters cannot be asked, every certificate may have run out, and must be renewed before anybody can be: then
 * this machine's clock counts, and the time of the last event where that is later, because that has been.
 */
import type { Clock } from '../../devices/clock/port.ts';
import type { AgreedClock } from '../../lab/agreed-clock.ts';

export interface LabTime {
  /** Undefined while they do not agree, or too few were heard. */
  agreed(): Pick<AgreedClock, 'now'> | undefined;
  /** Of the history: never goes back. */
  logNow(): number;
}

export interface SigningTime {
  readonly nowMs: number;
  /** It is valid from here on: by the clock that is behind, where it is not known which one is right. */
  readonly fromMs: number;
}

/** @returns milliseconds since 1970 */
export function signingTime({ agreed, logNow }: LabTime, clock: Pick<Clock, 'now'>): SigningTime {
  const said = agreed();
  if (said) return { nowMs: said.now, fromMs: said.now };
  const both = [clock.now(), logNow()];
  return { nowMs: Math.max(...both), fromMs: Math.min(...both) };
}
