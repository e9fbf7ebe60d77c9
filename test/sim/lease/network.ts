/** What carries renewals and answers in the simulation: loses, delays, reorders, repeats; cut in one direction or both. */
import type { SeededRandom } from '#io/devices/random/sim.ts';
import type { Agenda } from '#io/world/consensus/agenda.ts';

export interface LeaseWeather {
  loss: number;
  repeat: number;
  delayMs: readonly [least: number, most: number];
}

const fair = { loss: 0, repeat: 0, delayMs: [1, 5] } as const;

export class LeaseNetwork {
  readonly weather: LeaseWeather = { ...fair };
  readonly #agenda: Agenda;
  readonly #random: SeededRandom;
  readonly #cut = new Set<string>();

  constructor(agenda: Agenda, random: SeededRandom) {
    this.#agenda = agenda;
    this.#random = random;
  }

  carry(from: string, to: string, deliver: () => void): void {
    if (from === to) return void this.#agenda.in(0.1, deliver);
    const { loss, repeat, delayMs } = this.weather;
    if (this.#cut.has(`${from}>${to}`) || this.#random.chance(loss)) return;
    const [least, most] = delayMs;
    const wayMs = (): number => least + this.#random.next() * (most - least);
    this.#agenda.in(wayMs(), deliver);
    // The second may come when everybody has forgotten the first.
    if (this.#random.chance(repeat)) this.#agenda.in(wayMs() + this.#random.next() * 4000, deliver);
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  mend(): void {
    this.#cut.clear();
    Object.assign(this.weather, fair);
  }
}
