/**
 * Bounds how often each node may ask for something that costs this one more than an answer. A node that is well never
 * comes near it: what is asked too often by one that is not is refused, and disturbs nobody else.
 */
import type { Clock } from '../devices/clock/port.ts';
import type { Answer } from './others.ts';

export interface Rate {
  /** Of each node, as time goes by. */
  readonly perSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
}

export function limited<A extends Answer>(rate: Rate, clock: Clock, answer: A): Answer {
  const admit = limit(rate, clock);
  return async (said, from, signal) => {
    admit(from);
    return answer(said, from, signal);
  };
}

/** @returns counts a call of a node. That throws with code BUSY where it is one too many */
export function limit({ perSecond, burst }: Rate, clock: Clock): (from: string) => void {
  const left = new Map<string, { calls: number; atMs: number }>();
  return (from) => {
    const now = clock.monotonicMs();
    const of = left.get(from) ?? { calls: burst, atMs: now };
    left.set(from, of);
    of.calls = Math.min(burst, of.calls + ((now - of.atMs) / 1000) * perSecond);
    of.atMs = now;
    if (of.calls < 1) throw Object.assign(new Error(`node ${from} asks for this too often`), { code: 'BUSY' });
    of.calls -= 1;
  };
}
