/**
 * The lab as it was: folded again from the newest retained checkpoint up to the wanted index. A few are kept, because
 * whoever looks at the past looks at several views of the same moment.
 */
import type { Index } from '#events/envelope.ts';
import { LogError, type EventLog } from '../log/port.ts';
import type { Folded } from './folded.ts';
import type { StateDatabase } from './state.ts';

const keptMoments = 4;

export class Past {
  readonly #log: EventLog;
  readonly #state: StateDatabase;
  readonly #moments = new Map<Index, Promise<Folded>>();

  constructor(log: EventLog, state: StateDatabase) {
    this.#log = log;
    this.#state = state;
  }

  /** @throws LogError PAST_HEAD */
  async at(index: Index): Promise<Folded> {
    if (index > this.#log.head) {
      throw new LogError(
        'PAST_HEAD',
        `the lab is at index ${this.#log.head}, not yet at ${index}`,
        'Ask for an earlier index.',
      );
    }
    const known = this.#moments.get(index);
    if (known) {
      this.#moments.delete(index);
      this.#moments.set(index, known);
      return known;
    }
    const folded = this.#fold(index);
    this.#moments.set(index, folded);
    folded.catch(() => this.#moments.delete(index));
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > keptMoments && oldest !== undefined) this.#moments.delete(oldest);
    return folded;
  }

  async #fold(index: Index): Promise<Folded> {
    const folded = await this.#state.recall(index);
    for await (const events of this.#log.read(folded.lab.index, index)) {
      for (const event of events) {
        // A slice never splits an entry, and so may go beyond the index that was asked for.
        if (event.index <= index) folded.fold(event);
      }
    }
    folded.takeChanges();
    return folded;
  }
}
