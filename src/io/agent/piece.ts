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
const maxAttempts = 5;
const backoff = { baseMs: 1000, maxMs: 30_000 };

export interface PieceInput {
  readonly order: WorkOrder;
  /** Carries the order out once. Rejects with IoError. */
  attempt(signal: AbortSignal, attempt: number): Promise<Command>;
  /** What to say when it has failed for good; undefined: try for ever. */
  failed(error: IoError): Command | undefined;
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
  guards: {
    isFinal: ({ context }) => {
      const { error } = context;
      if (!error || error.retry === 'always') return false;
      const isGivenUp = error.retry === 'never' || context.attempts >= maxAttempts;
      return isGivenUp && context.failed(error) !== undefined;
    },
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
          actions: assign({
            error: ({ event, context }) => asIoError(event.error, context.order.work, context.order.subject),
          }),
        },
      },
    },
    judging: {
      always: [
        {
          guard: 'isFinal',
          target: 'reporting',
          actions: assign({ outcome: ({ context }) => (context.error && context.failed(context.error)) ?? null }),
        },
        { target: 'waiting' },
      ],
    },
    waiting: {
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
