/**
 * Runs the policies: keeps which subjects were woken and one heap of deadlines for all, and turns proposals into
 * requests. Pure; its owner gives it steps and the time and carries out what it returns.
 *
 * A request's id is calculated from policy, subject, the subject's version, the occasion and ordinal: a policy that
 * fires twice for one cause makes one command.
 */
import type { LabEvent, StreamId } from '#events/envelope.ts';
import type { LabView, Step } from '../actor.ts';
import type { Request } from '../dispatch.ts';
import { idFrom } from '../ids.ts';
import type { Observations } from '../observations.ts';
import { Deadlines } from './deadlines.ts';
import type { Policy } from './policy.ts';

/** A proposal that was refused although its time has come is made again after this long. */
const askAgainMs = 1000;

interface Woken {
  readonly policy: Policy;
  readonly subject: StreamId;
  /** The event that woke it; none for a deadline. */
  readonly by: LabEvent | undefined;
  /** Names the occasion: the event, the deadline, or the beginning of a term. */
  readonly occasion: string;
}

export class PolicyRunner {
  readonly #policies: readonly Policy[];
  readonly #lab: LabView;
  readonly #seen: Observations;
  readonly #woken = new Map<string, Woken>();
  readonly #deadlines = new Deadlines();

  constructor(policies: readonly Policy[], lab: LabView, seen: Observations) {
    this.#policies = policies;
    this.#lab = lab;
    this.#seen = seen;
  }

  /** A new term: every subject is looked at once, whatever happened before. */
  begin(): void {
    for (const policy of this.#policies) {
      for (const kind of policy.subjects) {
        for (const actor of this.#lab.list(kind)) this.#wake(policy, actor.stream, `begin:${this.#lab.index}`);
      }
    }
  }

  observe(step: Step): void {
    for (const policy of this.#policies) {
      for (const subject of policy.wakes(step, this.#lab)) this.#wake(policy, subject, step.event.id, step.event);
    }
  }

  /** An observation of the subject changed: its deadlines move. */
  touch(subject: StreamId): void {
    for (const policy of this.#policies) {
      if (policy.dueAt) this.#deadlines.set(`${policy.name}|${subject}`, policy.dueAt(subject, this.#lab, this.#seen));
    }
  }

  get nextDueAt(): number | undefined {
    return this.#woken.size > 0 ? 0 : this.#deadlines.first?.at;
  }

  /**
   * Everything that is to be asked now, one by one: what is asked first is decided before the next is proposed, so that
   * two proposals of one turn do not promise the same room twice. The answers wake what follows.
   */
  *requests(now: number): Generator<Request> {
    for (let due = this.#deadlines.first; due && due.at <= now; due = this.#deadlines.first) {
      this.#deadlines.set(due.key, undefined);
      const [name = '', subject = ''] = due.key.split('|');
      const policy = this.#policies.find((candidate) => candidate.name === name);
      if (policy) this.#wake(policy, subject as StreamId, `due:${due.at}`);
    }
    const woken = [...this.#woken.entries()];
    this.#woken.clear();
    for (const [key, { policy, subject, by, occasion }] of woken) {
      const dueAt = policy.dueAt?.(subject, this.#lab, this.#seen);
      // What is asked for now moves its own deadline; if it is refused, it is asked for again, but not at once.
      this.#deadlines.set(key, dueAt !== undefined && dueAt <= now ? now + askAgainMs : dueAt);
      const version = this.#lab.get(subject)?.version ?? 0;
      for (const [ordinal, proposal] of policy.propose(subject, this.#lab, this.#seen, now).entries()) {
        yield {
          // The occasion is part of it: the same proposal may be right again after something else has changed.
          id: idFrom(policy.name, subject, version, occasion, ordinal),
          name: proposal.name,
          input: proposal.input,
          by: `policy:${policy.name}` as const,
          ...(by ? { cause: by.id, correlation: by.correlation } : {}),
          because: proposal.because,
        };
      }
    }
  }

  #wake(policy: Policy, subject: StreamId, occasion: string, by?: LabEvent): void {
    this.#woken.set(`${policy.name}|${subject}`, { policy, subject, by, occasion });
  }
}
