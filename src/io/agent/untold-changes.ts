/**
 * Pools that do not say any more what has changed in their volumes: nothing is snapshotted because of changes there, and
 * nobody would know. One that fails for a moment is asked again; what lasts is told to the lab, and that it is over.
 */
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import { asIoError } from '../devices/error.ts';
import type { Random } from '../devices/random/port.ts';
import type { RunningLab } from '../lab/running.ts';

const lastsAfterMs = 300_000;

export interface UntoldChangesParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class UntoldChanges {
  readonly #parts: UntoldChangesParts;
  /** Since when, and why. */
  readonly #failing = new Map<string, { readonly sinceMs: number; problem: Problem }>();

  constructor(parts: UntoldChangesParts) {
    this.#parts = parts;
  }

  failed(pool: string, error: unknown): void {
    const { problem } = asIoError(error, 'look for changes', pool);
    this.#parts.log.debug({ pool, problem }, 'a pool does not tell what has changed');
    const known = this.#failing.get(pool);
    if (known) known.problem = problem;
    else this.#failing.set(pool, { sinceMs: this.#parts.clock.monotonicMs(), problem });
  }

  told(pool: string): void {
    this.#failing.delete(pool);
  }

  /** Says what is new. @param asked pools that the last look has asked; of the others nobody wants to know anything */
  async say(asked: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { node, lab, clock } = this.#parts;
    for (const pool of this.#failing.keys()) if (!asked.has(pool)) this.#failing.delete(pool);
    for (const { stream, context } of lab.view.referrers(node, 'pool')) {
      const known = this.#failing.get(context.metadata.name);
      const isOver = known === undefined && context.untold !== null;
      const isNew =
        known && clock.monotonicMs() - known.sinceMs >= lastsAfterMs && context.untold?.code !== known.problem.code;
      if (isOver) await this.#tell(stream as StreamId<'pool'>, null, signal);
      if (known && isNew) await this.#tell(stream as StreamId<'pool'>, known.problem, signal);
    }
  }

  async #tell(pool: StreamId<'pool'>, problem: Problem | null, signal: AbortSignal): Promise<void> {
    const { node, lab, random, log } = this.#parts;
    const by = node as `node:${string}`;
    try {
      await lab.run({ id: random.id(), name: 'report-pool-changes', input: { pool, problem }, by }, signal);
    } catch (error) {
      // A lab that cannot decide now hears it at the next look.
      if (!signal.aborted) log.debug({ pool, error: String(error) }, 'that a pool does not tell was not told');
    }
  }
}
