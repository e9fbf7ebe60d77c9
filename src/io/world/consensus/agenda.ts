/**
 * What happens when, in a world without promises: events in order of their time, then of their making. A binary heap, so
 * that thousands of whole lives of a group take seconds.
 */
export interface Appointment {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class Agenda {
  #heap: Appointment[] = [];
  #nowMs = 0;
  #order = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  in(delayMs: number, run: () => void): Appointment {
    const appointment = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run, isCancelled: false };
    this.#push(appointment);
    return appointment;
  }

  /** The next event, up to this time. @returns false when there is none */
  step(untilMs: number): boolean {
    const next = this.#heap[0];
    if (!next || next.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    this.#pop();
    this.#nowMs = next.atMs;
    if (!next.isCancelled) next.run();
    return true;
  }

  #push(appointment: Appointment): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(appointment);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Appointment;
      if (!isBefore(appointment, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = appointment;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Appointment;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Appointment, heap[below] as Appointment)) below++;
      const child = heap[below] as Appointment;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

const isBefore = (one: Appointment, other: Appointment): boolean =>
  one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
