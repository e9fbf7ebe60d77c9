/**
 * What datasets take, remembered for a while: to know it, every file must be looked at. It is forgotten when something
 * changes through us, and after 30 seconds: apps write without asking.
 */
import type { Clock } from '../../clock/port.ts';
import type { Deadline } from '../deadline.ts';
import { keyedLock } from '../lock.ts';

const rememberMs = 30_000;

export interface RememberedUsage {
  /** Bytes; those who ask at once share one walk. */
  bytes(target: string, within: Deadline, walk: () => Promise<number>): Promise<number>;
  forget(target: string): void;
}

export function rememberedUsage(clock: Pick<Clock, 'monotonicMs'>): RememberedUsage {
  const known = new Map<string, { readonly bytes: number; readonly at: number }>();
  /** A walk under way: one that began before a change is not remembered. */
  const walks = new Map<string, symbol>();
  const oneAtATime = keyedLock();
  return {
    bytes: (target, within, walk) =>
      oneAtATime(target, within, async () => {
        const found = known.get(target);
        if (found && clock.monotonicMs() - found.at < rememberMs) return found.bytes;
        const own = Symbol('walk');
        walks.set(target, own);
        const at = clock.monotonicMs();
        const bytes = await walk();
        if (walks.get(target) === own) known.set(target, { bytes, at });
        return bytes;
      }),
    forget(target) {
      walks.delete(target);
      known.delete(target);
    },
  };
}
