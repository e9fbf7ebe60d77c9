/**
 * Keeps one link of one purpose to one node: dials its addresses in turn, again and again, and dials anew when the link
 * ends. What is sent while it is down is not taken: whoever sends decides what to do about that.
 *
 *   dialing ── a link ──▶ up ── it ended ──▶ waiting (backoff with jitter) ──▶ dialing
 *      └── every address failed ───────────────▲
 */
import type { Logger } from 'pino';
import { backoffMs, type Backoff } from '../agent/backoff.ts';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { hostPort, type Address } from './address.ts';
import { dial, type Expected } from './dial.ts';
import { LinkError, type LinkCode, type LinkEnd, type Refusal } from './errors.ts';
import type { LinkIdentity } from './identity.ts';
import type { Link } from './link.ts';
import type { Purpose } from './purpose.ts';

/** Where a node is, and what it must prove. */
export interface Target extends Expected {
  /** The one that was reached last is tried first. */
  readonly addresses: readonly Address[];
}

export interface KeptLinkOptions {
  readonly purpose: Purpose;
  readonly target: Target;
  /** As it is at the moment of each dial. */
  identity(): LinkIdentity;
  /** Takes the link over: it must call `receive` at once. */
  onUp(link: Link): void;
  onDown?(end: LinkEnd): void;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly log: Logger;
  /** Of one dial. */
  readonly timeoutMs?: number;
  /** Between two tries. */
  readonly patience?: Backoff | (() => Backoff);
  /** Instead of `dial`, for tests and simulations. */
  readonly dialer?: typeof dial;
}

const standardPatience = { baseMs: 100, maxMs: 5000 };
/** A link that lasted this long was a good one: the next try comes soon. */
const goodAfterMs = 10_000;

export class KeptLink {
  readonly #options: KeptLinkOptions;
  readonly #stop = new AbortController();
  readonly #finished: Promise<void>;
  #target: Target;
  #link: Link | undefined;
  #problem: LinkError | undefined;
  #lastGood: string | undefined;
  #told: LinkCode | undefined;
  /** How the last link ended, if it did not last: one that comes and goes all day is told once. */
  #flapped: LinkCode | undefined;
  #hurry = new AbortController();

  constructor(options: KeptLinkOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#finished = this.#keep();
  }

  /** undefined while it is down. */
  get link(): Link | undefined {
    return this.#link?.isOpen ? this.#link : undefined;
  }

  /** Why it is down; undefined while it is up, and before the first try has failed. */
  get problem(): LinkError | undefined {
    return this.link ? undefined : this.#problem;
  }

  /** False while it is down or its outbox is full: the frame was not taken. */
  send(frame: Uint8Array): boolean {
    return this.#link?.send(frame) ?? false;
  }

  /** Other addresses are tried at once if it is down; another key or incarnation ends a link to the old one. */
  setTarget(target: Target): void {
    const present = this.#target;
    this.#target = target;
    const isSame = target.keySha256 === present.keySha256 && target.incarnation === present.incarnation;
    if (!isSame) this.#link?.close('REPLACED', 'the node has another key or disk now');
    this.retry();
  }

  /** Tries at once, if it waits. */
  retry(): void {
    this.#hurry.abort();
  }

  /** Ends the link, too; resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#hurry.abort();
    this.#link?.close();
    await this.#finished;
  }

  async #keep(): Promise<void> {
    const { clock, random, patience = standardPatience } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted;) {
      // Whoever is in a hurry while it dials does not wait afterwards.
      this.#hurry = new AbortController();
      const link = await this.#dialAll();
      if (link) {
        const sinceMs = clock.monotonicMs();
        await this.#use(link);
        failures = clock.monotonicMs() - sinceMs >= goodAfterMs ? 0 : failures + 1;
      } else {
        failures += 1;
        this.#tellProblem();
      }
      if (signal.aborted) return;
      const present = typeof patience === 'function' ? patience() : patience;
      const waitMs = failures === 0 ? 0 : backoffMs(present, failures, random.next());
      await sleep(clock, waitMs, this.#hurry.signal);
    }
  }

  /** Once for each kind of trouble, until it is up again. */
  #tellProblem(): void {
    if (!this.#problem || this.#problem.code === this.#told || this.#stop.signal.aborted) return;
    const { code, message, hint } = this.#problem;
    this.#told = code;
    const { log, purpose } = this.#options;
    log.warn({ node: this.#target.node, purpose, code, explain: message, hint }, 'no link');
  }

  /** @returns undefined when no address answered as it should */
  async #dialAll(): Promise<Link | undefined> {
    const { purpose, clock, timeoutMs, identity, dialer = dial } = this.#options;
    const { signal } = this.#stop;
    const { addresses } = this.#target;
    const isLastGood = (address: Address): boolean => hostPort(address) === this.#lastGood;
    const inTurn = [...addresses.filter(isLastGood), ...addresses.filter((address) => !isLastGood(address))];
    for (const address of inTurn) {
      if (signal.aborted) return undefined;
      const expect = this.#target;
      try {
        const link = await dialer({
          address,
          expect,
          purpose,
          identity: identity(),
          clock,
          signal,
          ...(timeoutMs !== undefined && { timeoutMs }),
        });
        if (signal.aborted || expect.keySha256 !== this.#target.keySha256) {
          link.close();
          return undefined;
        }
        this.#lastGood = hostPort(address);
        return link;
      } catch (error) {
        this.#problem = error instanceof LinkError ? error : new LinkError(unforeseen(error), false, error);
      }
    }
    return undefined;
  }

  async #use(link: Link): Promise<void> {
    const { log, purpose, onUp, onDown, clock } = this.#options;
    const { node } = link.peer;
    this.#link = link;
    this.#problem = undefined;
    const sinceMs = clock.monotonicMs();
    const tell = (): void => {
      this.#told = undefined;
      this.#flapped = undefined;
      log.info({ node, purpose, version: link.peer.version }, 'link is up');
    };
    // One that comes and goes is told when it stays.
    const later = this.#flapped === undefined ? undefined : clock.setTimeout(tell, goodAfterMs);
    if (!later) tell();
    try {
      onUp(link);
    } catch (error) {
      log.error({ node, purpose, error: String(error) }, 'a link was not taken');
      link.close('FAILED', 'it was not taken');
    }
    const end = await link.closed;
    if (later) clock.clearTimeout(later);
    this.#link = undefined;
    this.#problem = new LinkError({ ...end, hint: 'It is tried again by itself.' });
    if (end.code !== this.#flapped) log.info({ node, purpose, ...end }, 'link is down');
    this.#flapped = clock.monotonicMs() - sinceMs < goodAfterMs ? end.code : undefined;
    onDown?.(end);
  }
}

const unforeseen = (error: unknown): Refusal => ({
  code: 'FAILED',
  explain: error instanceof Error ? error.message : String(error),
  hint: 'Look at the certificate and the key of this node in its data directory.',
});
