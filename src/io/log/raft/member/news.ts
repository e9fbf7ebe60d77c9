/**
 * What a member has to say to its log, and when: each message wakes a thread.
 *
 * Where proposals stand matters to nobody before they are decided, so that goes along with other news. And a follower
 * acknowledges what it stores before its log applies what was committed earlier, in steps that are not too small: a leader
 * waits for its disk, and not for its fold.
 */
import type { Clock, Timer } from '../../../devices/clock/port.ts';
import type { FromMember } from './protocol.ts';

export interface NewsParts {
  readonly clock: Clock;
  /** A follower's log is told what is committed so often at most. */
  readonly appliesEveryMs: number;
  emit(messages: readonly FromMember[]): void;
  /** It is time to ask again. */
  onDue(): void;
}

export class News {
  readonly #parts: NewsParts;
  #messages: FromMember[] = [];
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: NewsParts) {
    this.#parts = parts;
  }

  add(message: FromMember): void {
    this.#messages.push(message);
  }

  /** @param isWriting something is on its way to the disk */
  say({ isLeader, isWriting }: { readonly isLeader: boolean; readonly isWriting: boolean }): void {
    const matter = this.#messages.filter(({ t }) => t !== 'proposed');
    if (matter.length === 0) return;
    if (!isLeader && matter.every(({ t }) => t === 'committed') && this.#isSoon(isWriting)) return;
    const messages = this.#messages;
    this.#messages = [];
    this.#saidAtMs = this.#parts.clock.monotonicMs();
    this.#parts.emit(messages);
  }

  /** Whether something was said just now; then there will be a call when the time has come. The disk gets a little longer. */
  #isSoon(isWriting: boolean): boolean {
    const { clock, appliesEveryMs, onDue } = this.#parts;
    const leftMs = this.#saidAtMs + (isWriting ? 2 : 1) * appliesEveryMs - clock.monotonicMs();
    if (leftMs <= 0) return false;
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined;
      onDue();
    }, leftMs);
    return true;
  }

  end(): void {
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }
}
