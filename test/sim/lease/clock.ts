/**
 * Boot time of one simulated machine: runs up to ten percent too fast or too slow, never stands still while the machine
 * is suspended, begins anew when it boots.
 */
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { Agenda } from '#io/world/consensus/agenda.ts';

export class BootClock {
  readonly #agenda: Agenda;
  readonly #random: SeededRandom;
  readonly #settings: LeaseSettings;
  #rate = 1;
  /** What it showed when its rate was set last. */
  #shownMs = 0;
  #sinceMs = 0;
  #suspendedMs: number | undefined;

  constructor(agenda: Agenda, random: SeededRandom, settings: LeaseSettings) {
    this.#agenda = agenda;
    this.#random = random;
    this.#settings = settings;
    this.drift();
  }

  /** As it is, and as nobody can read it. */
  get exactMs(): number {
    return this.#shownMs + (this.#agenda.nowMs - this.#sinceMs) * this.#rate;
  }

  /** As it is read: in whole units. */
  get nowMs(): number {
    const { clockUnitMs } = this.#settings;
    return Math.floor(this.exactMs / clockUnitMs) * clockUnitMs;
  }

  /** From now on it is wrong in another way, often as wrong as it may be. */
  drift(): void {
    this.#shownMs = this.exactMs;
    this.#sinceMs = this.#agenda.nowMs;
    const { clockError } = this.#settings;
    const share = this.#random.pick([-1, -1, 1, 1, 0, 2 * this.#random.next() - 1]);
    this.#rate = 1 + clockError * share;
  }

  suspend(): void {
    this.#suspendedMs ??= this.exactMs;
  }

  resume(): void {
    const before = this.#suspendedMs;
    this.#suspendedMs = undefined;
    if (before !== undefined) this.#woke(before);
  }

  boot(): void {
    this.#shownMs = 0;
    this.#sinceMs = this.#agenda.nowMs;
    this.#suspendedMs = undefined;
  }

  /** @param beforeMs what it showed when the machine was suspended; it has gone on since */
  #woke(beforeMs: number): void {
    this.#shownMs = Math.max(beforeMs, this.exactMs);
    this.#sinceMs = this.#agenda.nowMs;
  }
}
