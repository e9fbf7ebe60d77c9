/**
 * How a simulated call goes: it waits for its turn, may fail before its effect, takes a while, has its effect, takes
 * another while, and may fail after it. An effect is atomic and happens in the middle of the latency. A call that is
 * cut off before that moment may still take effect, now or after it was rejected, as commands that a kernel has begun
 * do.
 */
import type { Call } from '../../call.ts';
import type { Clock } from '../../clock/port.ts';
import { sleep } from '../../clock/port.ts';
import { IoError } from '../../error.ts';
import type { Random } from '../../random/port.ts';
import { deadline } from '../deadline.ts';
import { keyedLock } from '../lock.ts';
import type { VolumePort } from '../port.ts';

export type VolumeOp = keyof VolumePort;

/** Asked before and after the effect of every call; `target` is `pool/dataset`, or the pool, or `pools`. */
export type VolumeFault = (op: VolumeOp, target: string, when: 'before' | 'after') => IoError | undefined;

export interface PerformOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds a call takes. */
  readonly latencyMs: (op: VolumeOp) => number;
  readonly fault: VolumeFault;
  /** The probability that a call that was cut off takes effect nevertheless. */
  readonly effectAfterCutOff: number;
}

export type Perform = <T>(op: VolumeOp, target: string, call: Call, effect: () => T) => Promise<T>;

export function performer({ clock, random, latencyMs, fault, effectAfterCutOff }: PerformOptions): Perform {
  const oneAtATime = keyedLock();
  return async (op, target, call, effect) => {
    const within = deadline(call, op, target, clock);
    const pause = async (ms: number) => {
      await sleep(clock, Math.min(ms, within.timeoutMs), call.signal);
      within.check();
    };
    const failIfAsked = (when: 'before' | 'after') => {
      const problem = fault(op, target, when);
      if (problem) throw problem;
    };
    return oneAtATime(target, within, async () => {
      failIfAsked('before');
      const halfMs = latencyMs(op) / 2;
      try {
        await pause(halfMs);
      } catch (cutOff) {
        if (random.next() < effectAfterCutOff) {
          clock.setTimeout(() => attempt(effect), random.next() < 0.5 ? 0 : latencyMs(op));
        }
        throw cutOff;
      }
      const result = effect();
      await pause(halfMs);
      failIfAsked('after');
      return result;
    });
  };
}

/** The effect of a call that nobody waits for any more: its failure has no one to be told to. */
function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
  }
}
