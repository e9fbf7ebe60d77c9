/**
 * Whose turn it is on a dataset. Calls on one dataset wait for one another, and find it as it is once what was interrupted
 * is finished. Streams hold no turn while they run, but a place among `running`.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { asIoError } from '../error.ts';
import { deadline } from '../volumes/deadline.ts';
import { keyedLock } from '../volumes/lock.ts';
import { checkDatasetName, describe } from '../volumes/names.ts';
import type { Dataset } from '../volumes/port.ts';
import type { Backend, Found, Hands } from './backend.ts';
import { checkEpoch } from './names.ts';
import type { Epoch } from './port.ts';
import { refusal, refuseStale } from './refusals.ts';
import { runningStreams } from './running.ts';

export interface OverOptions {
  readonly clock?: Clock;
  /** Told after each step that a crash may follow; for tests that crash there. */
  readonly step?: Hands['step'];
}

export type Turns = ReturnType<typeof turnsOn>;

export function turnsOn(backend: Backend, options: OverOptions) {
  const clock = options.clock ?? realClock;
  const step = options.step ?? (() => undefined);
  const oneAtATime = keyedLock();
  const running = runningStreams();

  const handsOf = (op: string, target: string, call: Call): Hands => ({
    op,
    target,
    within: deadline(call, op, target, clock),
    step,
  });

  /** Waits for its turn on the dataset, and finds it as it is once what was interrupted is finished. */
  function on<T>(op: string, of: Dataset, call: Call, body: (found: Found, hands: Hands) => Promise<T>): Promise<T> {
    return inTurn(op, of, call, async (hands) =>
      body(await backend.find(of, hands, running.receiving(describe(of))), hands),
    );
  }

  /** The same, for whom it does not matter what is there. */
  function alone<T>(op: string, of: Dataset, call: Call, body: (hands: Hands) => Promise<T>): Promise<T> {
    return inTurn(op, of, call, async (hands) => {
      await (backend.settle ?? backend.find)(of, hands, running.receiving(describe(of)));
      return body(hands);
    });
  }

  async function inTurn<T>(op: string, of: Dataset, call: Call, body: (hands: Hands) => Promise<T>): Promise<T> {
    checkDatasetName(op, of);
    const target = describe(of);
    const hands = handsOf(op, target, call);
    return oneAtATime(target, hands.within, async () => {
      try {
        hands.within.check();
        return await body(hands);
      } catch (error) {
        throw asIoError(error, op, target);
      }
    });
  }

  /** For what changes the role or the history: whoever is behind is refused, and streams are ended first. */
  async function decisive<T>(
    op: string,
    of: Dataset,
    epoch: Epoch,
    call: Call,
    body: (found: Found, hands: Hands) => Promise<T>,
  ): Promise<T> {
    checkEpoch(op, epoch);
    checkDatasetName(op, of);
    await on(op, of, call, async ({ marker }, hands) => refuseStale(hands, marker, epoch));
    await running.endReceiving(describe(of), handsOf(op, describe(of), call).within);
    return on(op, of, call, async (found, hands) => {
      refuseStale(hands, found.marker, epoch);
      if (running.receiving(describe(of))) throw refusal(hands, 'BUSY', 'a stream for it is being received');
      return body(found, hands);
    });
  }

  return { handsOf, on, alone, inTurn, decisive, running, step };
}
