/** How often somebody may try a password: a few times a minute from one place. */
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { fail } from '../problems.ts';

export interface SignInLimits {
  readonly attempts: number;
  readonly withinSeconds: number;
}

export class SignInLimiter {
  readonly #limiter: RateLimiterMemory;

  constructor({ attempts, withinSeconds }: SignInLimits = { attempts: 5, withinSeconds: 60 }) {
    this.#limiter = new RateLimiterMemory({ points: attempts, duration: withinSeconds });
  }

  /** Counts an attempt. @throws ProblemError TOO_MANY_ATTEMPTS */
  async attempt(address: string | undefined): Promise<void> {
    try {
      await this.#limiter.consume(placeOf(address));
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const retryAfter = Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
      throw fail('TOO_MANY_ATTEMPTS', `Too many attempts to sign in; wait ${retryAfter} s.`, { retryAfter });
    }
  }

  /** It was no attempt after all: what came was no name and password. */
  async takeBack(address: string | undefined): Promise<void> {
    await this.#limiter.reward(placeOf(address));
  }

  /** It was the right password: earlier slips do not count any more. */
  async forget(address: string | undefined): Promise<void> {
    await this.#limiter.delete(placeOf(address));
  }
}

/** Whoever has an IPv6 address has 2^64 of them: the network counts. */
export function placeOf(address: string | undefined): string {
  const bare = (address ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=[\d.]+$)/i, '');
  return isIPv6(bare) ? expand(bare).slice(0, 4).join(':') : bare;
}

/** The eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  return [...before, ...Array.from({ length: zeros }, () => '0'), ...after].map((group) =>
    group.toLowerCase().replace(/^0+(?=.)/, ''),
  );
}
