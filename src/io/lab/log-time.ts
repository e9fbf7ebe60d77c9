/**
 * Log time: what events are dated by, and what policies go by. It never goes back, and goes on as fast as the machine has
 * been running. Forward it is set by this machine's clock where no other one votes, else by what most voters say; where
 * they do not agree, or cannot be asked, it just goes on.
 */
import type { Clock } from '../devices/clock/port.ts';
import type { VoterClocks } from './voter-clocks.ts';

export interface LogTimeParts {
  readonly clock: Clock;
  /** Undefined on a lab that is folded in one place. */
  readonly voterClocks: Pick<VoterClocks, 'isAlone' | 'agreed'> | undefined;
  /** Of the last event. */
  floor(): number;
}

export class LogTime {
  readonly #parts: LogTimeParts;
  #at = 0;
  #monotonicMs = 0;

  constructor(parts: LogTimeParts) {
    this.#parts = parts;
  }

  now(): number {
    const { clock, voterClocks, floor } = this.#parts;
    const monotonicMs = clock.monotonicMs();
    const goneOn = this.#at + Math.floor(monotonicMs - this.#monotonicMs);
    const said = !voterClocks || voterClocks.isAlone ? clock.now() : (voterClocks.agreed()?.now ?? 0);
    this.#at = Math.max(Math.floor(said), goneOn, floor());
    this.#monotonicMs = monotonicMs;
    return this.#at;
  }
}
