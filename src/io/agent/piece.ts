/**
 * One piece of work, as an XState actor: run the order, wait and run again after a failure that may pass, report the
 * outcome. Stopping the actor aborts the run.
 *
 *   working → reporting → done
 *    │  ▲         │ ▲
 *    ▼  │         ▼ │
 *   waiting    retelling
 */
import type { Command } from '#actors/commands.ts';
import type { WorkOrder } from '#actors/work.ts';
import { assign, fromPromise, setup } from 'xstate';
import { asIoError, type IoError } from '../devices/error.ts';
import { backoffMs } from './backoff.ts';

/** A failure that may pass is reported as one after so many attempts. */
export const maxAttempts = 5;
const backoff = { baseMs: 1000, maxMs: 30_000 };
/** What failed after it went well for so long is not one more of a row. */
const wentWellMs = 600_000;

export interface PieceInput {
  readonly order: WorkOrder;
  /** Carries the order out once. Rejects with IoError. */
  attempt(signal: AbortSignal, attempt: number): Promise<Command>;
  /** What to say when it has failed for good; undefined: try on. Pure: it is asked before anything is settled. */
  failed(error: IoError): Command | undefined;
  /** It failed and is tried again after a while. */
  waits(error: IoError, attempt: number): void;
  /** Resolves when the lab has taken the outcome, or refused it because it has moved on. */
  report(command: Command, signal: AbortSignal): Promise<void>;
  chance(): number;
  /** Of a clock that does not jump. */
  nowMs(): number;
}

interface PieceContext extends PieceInput {
  readonly attempts: number;
  readonly startedMs: number;
  readonly outcome: Command | null;
  readonly error: IoError | null;
}

/** What a failed attempt leaves behind: without an outcome it is tried again. */
function judged(context: PieceContext, thrown: unknown): Pick<PieceContext, 'error' | 'attempts' | 'outcome'> {
  const error = asIoError(thrown, context.order.work, context.order.subject);
  const attempts = context.nowMs() - context.startedMs >= wentWellMs ? 1 : context.attempts;
  const isGivenUp = error.retry === 'never' || (error.retry === 'some' && attempts >= maxAttempts);
  return { error, attempts, outcome: (isGivenUp && context.failed(error)) || null };
}

export const pieceMachine = setup({
  types: {} as { context: PieceContext; input: PieceInput; events: { type: 'retry' } },
  actors: {
    attempt: fromPromise<Command, PieceContext>(({ input, signal }) => input.attempt(signal, input.attempts)),
    report: fromPromise<void, PieceContext>(({ input, signal }) =>
      input.outcome ? input.report(input.outcome, signal) : Promise.resolve(),
    ),
  },
  delays: {
    backoff: ({ context }) => backoffMs(backoff, context.attempts, context.chance()),
  },
  actions: {
    waits: ({ context }) => {
      if (context.error) context.waits(context.error, context.attempts);
    },
  },
  guards: {
    isSettled: ({ context }) => context.outcome !== null,
  },
}).createMachine({
  id: 'piece',
  context: ({ input }) => ({ ...input, attempts: 1, startedMs: input.nowMs(), outcome: null, error: null }),
  initial: 'working',
  states: {
    working: {
      entry: assign({ startedMs: ({ context }) => context.nowMs() }),
      invoke: {
        src: 'attempt',
        input: ({ context }) => context,
        onDone: { target: 'reporting', actions: assign({ outcome: ({ event }) => event.output, error: null }) },
        onError: {
          target: 'judging',
          actions: assign(({ context, event }) => judged(context, event.error)),
        },
      },
    },
    judging: {
      always: [{ guard: 'isSettled', target: 'reporting' }, { target: 'waiting' }],
    },
    waiting: {
      entry: 'waits',
      after: { backoff: { target: 'working', actions: assign({ attempts: ({ context }) => context.attempts + 1 }) } },
    },
    reporting: {
      invoke: { src: 'report', input: ({ context }) => context, onDone: 'done', onError: 'retelling' },
    },
    retelling: {
      after: { backoff: 'reporting' },
    },
    done: { type: 'final' },
  },
});
