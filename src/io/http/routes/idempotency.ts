/**
 * `Idempotency-Key`: the same request sent again takes effect once. The key and the person make the id of the command,
 * and the lab gives a command that it has seen the first one's answer, also after a restart.
 *
 * That a key is not used for something else is watched here, in memory: of the last requests, for as long as a client
 * would repeat one.
 */
import { createHash } from 'node:crypto';
import type { Principal } from '#events/envelope.ts';
import type { Clock } from '../../devices/clock/port.ts';
import { fail, wrongField } from '../problems.ts';

const keptMs = 24 * 60 * 60 * 1000;
const maxKept = 10_000;

export class UsedKeys {
  readonly #clock: Clock;
  readonly #used = new Map<string, { readonly fingerprint: string; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws ProblemError KEY_REUSED when the command was something else before */
  use(command: string, fingerprint: string): void {
    const now = this.#clock.monotonicMs();
    for (const [id, { at }] of this.#used) {
      if (now - at < keptMs && this.#used.size < maxKept) break;
      this.#used.delete(id);
    }
    const known = this.#used.get(command);
    if (known && known.fingerprint !== fingerprint) {
      throw fail('KEY_REUSED', 'This Idempotency-Key was used for another request.', {
        hint: 'Draw a new key for every command; repeat it only with the very same request.',
      });
    }
    if (!known) this.#used.set(command, { fingerprint, at: now });
  }

  /** Nothing came of it: the key is free for a corrected request. */
  release(command: string): void {
    this.#used.delete(command);
  }
}

/** @throws ProblemError INVALID */
export function commandIdOf(by: Principal, key: string): string {
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw wrongField('Idempotency-Key', 'expected 1 to 255 visible ASCII characters');
  }
  return digest(`${by}\0${key}`).slice(0, 32);
}

export const fingerprintOf = (route: string, input: object): string => digest(`${route}\0${JSON.stringify(input)}`);

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
