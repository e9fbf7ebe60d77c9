/**
 * Who signs out at one node is signed out at all: a token is good at each of them. Never in the log, which is kept for
 * ever: each node has its own list, tells the others when somebody signs out there, and compares when a link comes up and
 * from time to time. What one has the other gets; nothing is ever taken back.
 *
 *     ask    the sum of my list             ─▶  nothing when it is the same, else the other list
 *     ask    the sum, and my list with it   ─▶  nothing
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { endedInFile, maxEnded, merged, type EndedSessions, type EndedStore } from '../../http/auth/ended.ts';
import { sessionSeconds } from '../../http/auth/sessions.ts';
import { limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';

const method = 'lab/sessions-ended';
const askMs = 5000;
/** What was missed is found out before long. */
const againMs = 15_000;
/** Two calls of each comparison, and some for what is signed out meanwhile. */
const rate = { perSecond: 4, burst: 40 };
/** A session that would last longer than any is none: no clock is that wrong. */
const mostAheadMs = (sessionSeconds + 24 * 60 * 60) * 1000;

/** By id: when they would have run out. */
const list = z.array(z.tuple([z.string().regex(/^[\w-]{1,64}$/), z.number().min(0)])).max(maxEnded);
const question = z.strictObject({ sum: z.string(), list: list.optional() });
const answer = list.nullable();

export interface SharedEndedParts {
  readonly others: Others;
  /** Of this node. */
  readonly store: EndedStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The list of this node, in its data directory, shared. @throws IoError FAILED when it cannot be read */
export async function openSharedEnded(dataDir: string, parts: Omit<SharedEndedParts, 'store'>): Promise<SharedEnded> {
  const store = await endedInFile(join(dataDir, 'sessions.json'), {
    now: parts.clock.now(),
    longestMs: sessionSeconds * 1000,
    warn: (message) => parts.log.warn(message),
  });
  return new SharedEnded({ ...parts, store });
}

export class SharedEnded implements EndedStore {
  readonly #parts: SharedEndedParts;
  readonly #unlisten: () => void;
  #known: EndedSessions;
  #onMore: (more: EndedSessions) => void = () => {};
  #timer: Timer | undefined;

  constructor(parts: SharedEndedParts) {
    this.#parts = parts;
    this.#known = parts.store.known;
    const { others, clock } = parts;
    const compare = async (said: unknown): Promise<z.infer<typeof answer>> => {
      const { sum, list: more } = question.parse(said);
      if (more) await this.#learn(more);
      return more || sum === this.#sum() ? null : this.#list();
    };
    others.answer(method, limited(rate, clock, compare));
    this.#unlisten = others.onChange((node, isUp) => {
      if (isUp) void this.#exchange(node);
    });
    this.#tell();
    this.#again();
  }

  get known(): EndedSessions {
    return this.#known;
  }

  async save(ended: EndedSessions): Promise<void> {
    this.#known = ended;
    this.#tell();
    await this.#parts.store.save(ended);
  }

  onMore(listener: (more: EndedSessions) => void): void {
    this.#onMore = listener;
  }

  stop(): void {
    this.#unlisten();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  #tell(): void {
    for (const node of this.#parts.others.reachable) void this.#exchange(node);
  }

  #again(): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#tell();
      this.#again();
    }, againMs);
  }

  /** Never rejects. */
  async #exchange(node: string): Promise<void> {
    const { others, log } = this.#parts;
    const ask = async (said: z.infer<typeof question>) =>
      answer.parse(await others.ask(node, method, said, AbortSignal.timeout(askMs)));
    try {
      const theirs = await ask({ sum: this.#sum() });
      if (theirs === null) return;
      await this.#learn(theirs);
      await ask({ sum: this.#sum(), list: this.#list() });
    } catch (error) {
      log.debug({ node, error: String(error) }, 'ended sessions were not compared');
    }
  }

  async #learn(told: z.infer<typeof list>): Promise<void> {
    const { clock, store } = this.#parts;
    const latest = clock.now() + mostAheadMs;
    // Up to when all have ended is each node's own affair: one with a damaged list signs nobody out at the others.
    const more = { upTo: 0, ids: new Map(told.filter(([, until]) => until <= latest)) };
    const before = this.#sum();
    this.#known = merged(this.#known, more, clock.now());
    if (this.#sum() === before) return;
    this.#onMore(more);
    await store.save(this.#known);
  }

  /** What still counts. */
  #list(): z.infer<typeof list> {
    const now = this.#parts.clock.now();
    return [...this.#known.ids].filter(([, until]) => until > now);
  }

  #sum(): string {
    const lines = this.#list().map(([id, until]) => `${id} ${until}`);
    return createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
  }
}
