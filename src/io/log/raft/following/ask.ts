/** Asks a node something, and waits for it no longer than it is of use. */
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import { onAbort } from '../../abortable.ts';
import type { Neighbours } from './neighbours.ts';

export interface Question {
  readonly node: string;
  readonly method: string;
  readonly said: unknown;
  readonly withinMs: number;
}

/** @returns undefined when there is no answer in time, or an error. Never rejects */
export async function ask(
  { neighbours, clock }: { readonly neighbours: Neighbours; readonly clock: Clock },
  { node, method, said, withinMs }: Question,
  signal: AbortSignal,
): Promise<unknown> {
  if (signal.aborted) return undefined;
  const over = new AbortController();
  // Not `AbortSignal.any`: a signal that lives long would remember every question.
  const forget = onAbort(signal, () => over.abort());
  try {
    const asked = neighbours.ask(node, method, said, over.signal);
    asked.catch(() => undefined);
    return await Promise.race([asked, sleep(clock, withinMs, over.signal)]);
  } catch {
    return undefined;
  } finally {
    forget();
    over.abort();
  }
}
