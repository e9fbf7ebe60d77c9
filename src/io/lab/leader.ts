/**
 * The leader's policies at work: gives them every step and the time, carries out what they propose, keeps what the
 * nodes observe. One loop; a proposal that is refused is no error, the policy is woken again when something changes.
 */
import { clusterStream } from '#actors/cluster/stream.ts';
import type { Observables, Observations } from '#actors/observations.ts';
import { policies } from '#actors/policies/registry.ts';
import { PolicyRunner } from '#actors/policies/runner.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../devices/clock/port.ts';
import type { Commander } from './commander.ts';
import type { Replica } from './replica.ts';

/** No timer longer than this: a wall clock that was set back must not postpone a deadline for ever. */
const longestWaitMs = 30_000;

export class Leader implements Observations {
  readonly #commander: Commander;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #runner: PolicyRunner;
  readonly #seen = new Map<string, { value: object; monotonicMs: number }>();
  readonly #stop = new AbortController();
  readonly #unlisten: () => void;
  #timer: Timer | undefined;
  #pumping = false;

  constructor(parts: { replica: Replica; commander: Commander; clock: Clock; log: Logger }) {
    this.#commander = parts.commander;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#runner = new PolicyRunner(policies, parts.commander.view, this);
    this.#unlisten = parts.replica.listen(({ steps }) => {
      for (const step of steps) this.#runner.observe(step);
      this.#pump();
    });
    // From now on it could hear of everybody; the policies begin with that.
    this.#seen.set(`leading|${clusterStream}`, { value: {}, monotonicMs: this.#clock.monotonicMs() });
    this.#runner.begin();
    this.#pump();
  }

  /** Its age is measured by the clock that does not jump, and told in log time. */
  get<K extends keyof Observables>(what: K, of: StreamId): { value: Observables[K]; at: number } | undefined {
    const seen = this.#seen.get(`${what}|${of}`);
    if (!seen) return undefined;
    const ageMs = Math.floor(this.#clock.monotonicMs() - seen.monotonicMs);
    return { value: seen.value as Observables[K], at: this.#commander.now() - ageMs };
  }

  note<K extends keyof Observables>(what: K, of: StreamId, value: Observables[K]): void {
    this.#seen.set(`${what}|${of}`, { value, monotonicMs: this.#clock.monotonicMs() });
    this.#runner.touch(of);
    this.#schedule();
  }

  stop(): void {
    this.#stop.abort();
    this.#unlisten();
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
  }

  #pump(): void {
    // What the answers wake is taken up by the listener; this loop only drains what is due in this turn.
    if (this.#pumping || this.#stop.signal.aborted) return;
    this.#pumping = true;
    for (const request of this.#runner.requests(this.#commander.now())) {
      this.#commander.run(request, this.#stop.signal).then(
        (result) => {
          if ('rejected' in result)
            this.#log.debug({ request: request.name, by: request.by, rejected: result.rejected }, 'proposal refused');
        },
        (error: unknown) => {
          if (!this.#stop.signal.aborted)
            this.#log.warn({ request: request.name, error: String(error) }, 'proposal not carried out');
        },
      );
    }
    this.#pumping = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const dueAt = this.#runner.nextDueAt;
    if (dueAt === undefined || this.#stop.signal.aborted) return;
    const delayMs = Math.min(Math.max(0, dueAt - this.#commander.now()), longestWaitMs);
    this.#timer = this.#clock.setTimeout(() => this.#pump(), delayMs);
  }
}
