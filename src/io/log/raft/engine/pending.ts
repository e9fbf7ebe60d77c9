/**
 * Appends whose outcome is not known yet.
 *
 *   waiting for the end of this turn ─▶ proposed, place unknown ─▶ at a place of the consensus log ─▶ applied
 *
 * Everything that is appended in one turn is proposed as one entry, or as few. Once the entry at its place is applied the
 * outcome is certain: it is ours if it was proposed in the same term, and otherwise ours never will be. It is certain
 * sooner where the next leader wrote less: the terms of a log never fall, so nothing of an older term can come behind an
 * entry that was applied (Raft, section 5.3).
 */
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import { LogError } from '../../port.ts';
import { pack, type Packed } from '../member/protocol.ts';
import type { Outcome } from './applier.ts';
import { packBatch } from './batch.ts';

interface Waiter {
  /** @param outcome undefined for a change of members */
  resolve(outcome: Outcome | undefined): void;
  reject(error: unknown): void;
}

interface Batch {
  readonly id: number;
  /** To be proposed in this term or not at all. */
  readonly term: number | undefined;
  readonly entries: Packed;
}

interface Forming {
  readonly packed: Uint8Array;
  readonly waiter: Waiter;
}

/** Of one entry, unless a single command is larger: about what a disk writes in the time that it takes to sync. */
const entryBytes = 128 * 1024;

/**
 * Turns of the microtask queue before a batch leaves. Writers who have just been answered often append again at once, a
 * few promises later; without this they would miss the batch and wait for two.
 */
const turns = 8;

export class Pending {
  #forming: Forming[] = [];
  #term: number | undefined;
  #ids = 0;
  /** Those of each entry, by batch. */
  readonly #proposed = new Map<number, readonly (readonly Waiter[])[]>();
  /** By their place. One whose place was lost to another leader may still come back there, until a newer term is decided. */
  readonly #placed = new Map<number, { readonly term: number; readonly waiters: readonly Waiter[] }[]>();
  /** Of the last entry that was applied. */
  #appliedTerm = 0;
  /** Resolved when nothing is left. */
  #idle: (() => void)[] = [];

  /** @param send is called once for all that come in this turn, and were decided in one term */
  add(packed: Uint8Array, term: number | undefined, send: (batch: Batch) => void): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      if (this.#forming.length > 0 && this.#term !== term) send(this.begin());
      this.#term = term;
      this.#forming.push({ packed, waiter: { resolve: (outcome) => resolve(outcome as Outcome), reject } });
      if (this.#forming.length > 1) return;
      const batch = this.#forming;
      afterTurns(turns, () => {
        if (this.#forming === batch) send(this.begin());
      });
    });
  }

  begin(): Batch {
    const forming = this.#forming;
    this.#forming = [];
    const id = ++this.#ids;
    const entries = entriesOf(forming);
    this.#proposed.set(
      id,
      entries.map((commands) => commands.map(({ waiter }) => waiter)),
    );
    const bytes = entries.map((commands) => packBatch(commands.map(({ packed }) => packed)));
    return { id, term: this.#term, entries: pack(bytes) };
  }

  beginChange(): { readonly id: number; readonly done: Promise<unknown> } {
    const id = ++this.#ids;
    const done = new Promise((resolve, reject) => {
      this.#proposed.set(id, [[{ resolve, reject }]]);
    });
    return { id, done };
  }

  proposed(id: number, term: number, firstIndex: number): void {
    for (const [at, waiters] of this.#take(id).entries()) {
      const index = firstIndex + at;
      const placed = this.#placed.get(index);
      if (placed) placed.push({ term, waiters });
      else this.#placed.set(index, [{ term, waiters }]);
    }
  }

  refused(id: number, error: LogError): void {
    for (const waiter of this.#take(id).flat()) waiter.reject(error);
    this.#checkIdle();
  }

  /** @param outcomes of the commands in it: none for what is no command */
  applied(index: number, term: number, outcomes: readonly Outcome[]): void {
    this.#supersede(term);
    const placed = this.#placed.get(index);
    if (!placed) return;
    this.#placed.delete(index);
    for (const { term: proposed, waiters } of placed) {
      if (proposed === term) for (const [at, waiter] of waiters.entries()) waiter.resolve(outcomes[at]);
      else for (const waiter of waiters) waiter.reject(superseded());
    }
    this.#checkIdle();
  }

  /** What stood up to here, the last of it in this term, is not known one by one. */
  skipped(upTo: number, term: number, error: LogError): void {
    for (const [index, placed] of this.#placed) {
      if (index > upTo) continue;
      this.#placed.delete(index);
      for (const { waiters } of placed) for (const waiter of waiters) waiter.reject(error);
    }
    this.#supersede(term);
    this.#checkIdle();
  }

  endAll(error: LogError): void {
    const all = [
      ...this.#forming.map(({ waiter }) => waiter),
      ...[...this.#proposed.values()].flat(2),
      ...[...this.#placed.values()].flat().flatMap(({ waiters }) => waiters),
    ];
    this.#forming = [];
    this.#proposed.clear();
    this.#placed.clear();
    for (const waiter of all) waiter.reject(error);
    this.#checkIdle();
  }

  /** Resolves when nothing is left, or after so long. */
  async settled(ms: number, clock: Clock): Promise<void> {
    if (this.#isIdle()) return;
    const over = new AbortController();
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
    await Promise.race([idle, sleep(clock, ms, over.signal)]);
    over.abort();
  }

  /** Behind an entry of this term there is none of an older one. */
  #supersede(term: number): void {
    if (term <= this.#appliedTerm) return;
    this.#appliedTerm = term;
    for (const [index, placed] of this.#placed) {
      const left = placed.filter((one) => one.term >= term);
      if (left.length === placed.length) continue;
      for (const one of placed) if (one.term < term) for (const waiter of one.waiters) waiter.reject(superseded());
      if (left.length > 0) this.#placed.set(index, left);
      else this.#placed.delete(index);
    }
    this.#checkIdle();
  }

  #take(id: number): readonly (readonly Waiter[])[] {
    const entries = this.#proposed.get(id) ?? [];
    this.#proposed.delete(id);
    return entries;
  }

  #isIdle(): boolean {
    return this.#forming.length === 0 && this.#proposed.size === 0 && this.#placed.size === 0;
  }

  #checkIdle(): void {
    if (this.#idle.length === 0 || !this.#isIdle()) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

/** In their order, each as large as it may be. */
function entriesOf(forming: readonly Forming[]): readonly (readonly Forming[])[] {
  const entries: Forming[][] = [];
  let room = 0;
  for (const one of forming) {
    room -= one.packed.length;
    if (room >= 0) entries.at(-1)?.push(one);
    else {
      entries.push([one]);
      room = entryBytes - one.packed.length;
    }
  }
  return entries;
}

function afterTurns(left: number, then: () => void): void {
  if (left === 0) then();
  else queueMicrotask(() => afterTurns(left - 1, then));
}

const superseded = (): LogError =>
  new LogError('NOT_LEADER', 'another leader came before it was agreed on: nothing was appended', 'Ask the leader.');
