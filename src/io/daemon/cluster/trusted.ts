/**
 * A member whose log lost something follows and stores, but its vote does not count: it is a suspect until its disk holds
 * an entry of a leader of a later term (`docs/consensus.md`). Where the leader stays, no later term comes by itself, and
 * the lab would bear one loss less than it seems to. So a suspect asks for one, once it follows: leadership goes to
 * another sound voter, which takes a moment.
 *
 *   suspect ── lab/new-term ──▶ leader ── transfer ──▶ another voter ── entry of its term ──▶ suspect: sound again
 */
import type { Logger } from 'pino';
import * as z from 'zod';
import { votersOf } from '#events/raft/configuration.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { limited } from '../../lab/limited.ts';
import type { Others } from '../../lab/others.ts';
import type { RunningLab } from '../../lab/running.ts';
import { nodeOf } from '../../log/raft/engine/peer.ts';
import type { MemberStatus } from '../../log/raft/member/protocol.ts';
import { heirsOf } from './heir.ts';

export interface TrustedParts {
  status(): MemberStatus | undefined;
  readonly lab: Pick<RunningLab, 'leadership'>;
  readonly others: Pick<Others, 'self' | 'ask' | 'answer'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Lets another node lead, of which this one is the leader. */
  passOn(to: string): void;
}

const lookMs = 1000;
/** It often ends by itself, with the election that came with the same trouble. */
const firstMs = 5000;
/** What does not help is not asked for all the time. */
const patienceGrows = 4;
const askMs = 5000;
/** A suspect asks three times in the first two minutes, and then ever less often. */
const rate = { perSecond: 1 / 20, burst: 3 };
const method = 'lab/new-term';

/** @returns the way out */
export function keepTrusted({ status, lab, others, clock, log, passOn }: TrustedParts): () => void {
  const stop = new AbortController();
  let timer: Timer | undefined;
  let since: number | undefined;
  let patienceMs = firstMs;

  const passOnFor = async (said: unknown, from: string): Promise<null> => {
    z.null().parse(said);
    const heir = heirOf(status(), from);
    if (heir === undefined) return null;
    log.info({ suspect: from, to: heir }, 'leadership is passed on, for a new term: a member is a suspect in this one');
    passOn(heir);
    return null;
  };
  others.answer(method, limited(rate, clock, passOnFor));

  const look = (): void => {
    const { isSuspect = false, role } = status() ?? {};
    const { leader } = lab.leadership ?? {};
    if (!isSuspect) {
      since = undefined;
      patienceMs = firstMs;
      return;
    }
    if (role !== 'follower' || leader === undefined || leader === others.self) return;
    since ??= clock.monotonicMs();
    if (clock.monotonicMs() - since < patienceMs) return;
    since = clock.monotonicMs();
    patienceMs *= patienceGrows;
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(askMs)]);
    others
      .ask(leader, method, null, signal)
      .catch((error: unknown) => log.debug({ error: String(error) }, 'the leader was not asked for a new term'));
  };
  const schedule = (): void => {
    timer = clock.setTimeout(() => {
      look();
      if (!stop.signal.aborted) schedule();
    }, lookMs);
  };
  schedule();
  return () => {
    stop.abort();
    if (timer) clock.clearTimeout(timer);
  };
}

/**
 * Another voter than the suspect, that has everything. Undefined where this node does not lead, or there is none, or who
 * asks has no vote: whether that one is trusted makes no difference.
 */
const heirOf = (status: MemberStatus | undefined, suspect: string): string | undefined =>
  status && votersOf(status.configuration).some((peer) => nodeOf(peer) === suspect)
    ? heirsOf(status).find((node) => node !== suspect)
    : undefined;
