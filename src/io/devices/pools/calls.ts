/** What every call on a pool begins and ends with, whatever its file system is. */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { deadline, type Deadline } from '../volumes/deadline.ts';
import { keyedLock } from '../volumes/lock.ts';
import { managedPool } from './names.ts';
import type { ManagedPool } from './port.ts';

/** One call on one pool. */
export interface PoolCall {
  readonly pool: ManagedPool;
  readonly call: Call;
  readonly within: Deadline;
}

/** @param lock what of the pool only one call may do at a time; undefined waits for nobody */
export type Calls = <T>(
  op: string,
  name: string,
  call: Call,
  lock: 'change' | 'scrub' | undefined,
  body: (it: PoolCall) => Promise<T>,
) => Promise<T>;

export interface CallsOptions {
  /** Those that FloatLab has been told to manage. Asked at every call. */
  readonly pools: () => readonly ManagedPool[];
  readonly clock: Clock;
  /** Whatever a step throws, in the words of the file system. */
  readonly problem: (error: unknown, op: string, name: string) => unknown;
}

/** Changes of a pool wait for one another, and so do scrubs. Reports do not: people look while disks are exchanged. */
export function poolCalls({ pools, clock, problem }: CallsOptions): Calls {
  const oneAtATime = keyedLock();
  return async (op, name, call, lock, body) => {
    const pool = managedPool(pools(), name, op);
    const within = deadline(call, op, name, clock);
    const doIt = () => body({ pool, call, within });
    try {
      within.check();
      return lock === undefined ? await doIt() : await oneAtATime(`${lock} ${name}`, within, doIt);
    } catch (error) {
      throw problem(error, op, name);
    }
  };
}
