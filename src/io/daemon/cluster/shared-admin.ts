/**
 * The administrator is the same on all nodes: whoever changes the password changes it everywhere. Never in the log, which
 * is kept for ever: each node has it in its `node.ini`, tells the others when it changes, and asks when a link comes up.
 * The latest change counts.
 */
import * as z from 'zod';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';
import type { NodeIni } from '../node-ini.ts';

/** A change that is further ahead than any clock may be is none. */
const mostAheadMs = 24 * 60 * 60 * 1000;

export interface SharedAdminParts {
  readonly others: Others;
  readonly log: Logger;
  readonly clock: Clock;
  /** As it is now. */
  admin(): NodeIni['admin'];
  /** Another node has a later one. Durable once resolved. */
  adopt(admin: NodeIni['admin']): Promise<void>;
}

const askMs = 5000;
/** What was missed is found out before long. */
const againMs = 15_000;
/** Each asks every quarter of a minute, and whenever a link comes up. */
const rate = { perSecond: 2, burst: 20 };
const told = z.object({
  name: z.string().min(1).max(64),
  passwordHash: z.string().regex(/^\$[\x21-\x7e]{8,511}$/),
  passwordIsInitial: z.boolean(),
  passwordChangedAt: z.int().min(0),
});

export class SharedAdmin {
  readonly #parts: SharedAdminParts;
  readonly #unlisten: () => void;
  #timer: Timer | undefined;
  #adopting: Promise<void> = Promise.resolve();

  constructor(parts: SharedAdminParts) {
    this.#parts = parts;
    const { others } = parts;
    const compare = async (said: unknown): Promise<z.infer<typeof told>> => {
      if (said !== null) await this.#consider(said);
      const { name, passwordHash, passwordIsInitial, passwordChangedAt } = parts.admin();
      return { name, passwordHash, passwordIsInitial, passwordChangedAt };
    };
    others.answer('lab/admin', limited(rate, parts.clock, compare));
    this.#unlisten = others.onChange((node, isUp) => {
      if (isUp) void this.#exchange(node);
    });
    this.tell();
    this.#again();
  }

  /** It changed here. */
  tell(): void {
    for (const node of this.#parts.others.reachable) void this.#exchange(node);
  }

  stop(): void {
    this.#unlisten();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  #again(): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.tell();
      this.#again();
    }, againMs);
  }

  /** Never rejects. */
  async #exchange(node: string): Promise<void> {
    const { others, log, admin } = this.#parts;
    const { passwordWasShown: _, ...own } = admin();
    try {
      await this.#consider(await others.ask(node, 'lab/admin', own, AbortSignal.timeout(askMs)));
    } catch (error) {
      log.debug({ node, error: String(error) }, 'the administrator was not compared');
    }
  }

  async #consider(said: unknown): Promise<void> {
    const { admin, adopt, log, clock } = this.#parts;
    const other = told.parse(said);
    if (!isLater(other, admin()) || other.passwordChangedAt > clock.now() + mostAheadMs) return;
    // One after another: each looks at what those before it have left.
    this.#adopting = this.#adopting.then(async () => {
      if (isLater(other, admin())) await adopt({ ...other, passwordWasShown: true });
    });
    await this.#adopting;
    log.info('the password of the administrator was changed on another node');
  }
}

/** Of two at the same moment, one and the same on all nodes. */
function isLater(one: z.infer<typeof told>, other: NodeIni['admin']): boolean {
  if (one.passwordChangedAt !== other.passwordChangedAt) return one.passwordChangedAt > other.passwordChangedAt;
  return one.passwordHash > other.passwordHash;
}
