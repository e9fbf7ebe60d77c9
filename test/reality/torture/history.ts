/**
 * What clients did and what they were told: one line of JSON each, and whether one register after another could have
 * answered so.
 *
 *   {"client":"c1","op":"set","key":"r0-3","value":"c1-17","call_ns":…,"return_ns":…,"outcome":"ok"}
 *
 * `cas` has `[from, to]` for its value. `ok`: it took effect, of a cas: it was equal. `fail`: it did not; of a cas with
 * `"unequal": true` because it was unequal, which tells something. `unknown`: nobody answered, or nobody could tell.
 */
import type { Operation } from '#test/sim/raft/checkers/linearizable.ts';
import { explainHistory } from '#test/sim/raft/checkers/linearizable.ts';

export interface Line {
  readonly client: string;
  readonly op: 'set' | 'cas' | 'get';
  readonly key: string;
  readonly value: string | readonly [from: string, to: string];
  readonly call_ns: number;
  readonly return_ns: number;
  readonly outcome: 'ok' | 'fail' | 'unknown';
  readonly unequal?: true;
  /** Index of the event, of what took effect. */
  readonly index?: number;
  /** Codes of the tries that did not succeed, in order. */
  readonly told?: readonly string[];
}

/** @returns what no order of the operations explains; undefined: all is well */
export const judgeHistory = (lines: readonly Line[]): string | undefined =>
  explainHistory(
    lines.flatMap((line) => operationOf(line) ?? []),
    '',
  );

/** What says nothing is left out. */
function operationOf({
  client,
  op,
  key,
  value,
  call_ns: start,
  return_ns,
  outcome,
  unequal,
}: Line): Operation | undefined {
  const end = outcome === 'unknown' ? Number.POSITIVE_INFINITY : return_ns;
  const common = { client, key, start, end };
  if (typeof value === 'string') {
    if (op === 'get') return outcome === 'ok' ? { ...common, do: { read: value } } : undefined;
    return outcome === 'fail' ? undefined : { ...common, do: { write: value } };
  }
  if (outcome === 'fail' && unequal !== true) return undefined;
  const [from, to] = value;
  return { ...common, do: { from, to, done: outcome === 'unknown' ? undefined : outcome === 'ok' } };
}
