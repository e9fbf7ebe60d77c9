/** The time of an agenda as a clock, for parts of the simulated world that were written for real time. */
import type { Clock, Timer } from '../../devices/clock/port.ts';
import type { Agenda, Appointment } from './agenda.ts';

export class AgendaClock implements Clock {
  readonly #agenda: Agenda;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  now(): number {
    return Math.floor(this.#agenda.nowMs);
  }

  monotonicMs(): number {
    return this.#agenda.nowMs;
  }

  setTimeout(fn: () => void, delayMs: number): Timer {
    return this.#agenda.in(delayMs, fn);
  }

  clearTimeout(timer: Timer): void {
    (timer as Appointment).isCancelled = true;
  }
}
