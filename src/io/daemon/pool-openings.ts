/**
 * Which pools of a node are open for volumes, and which are being opened. Each for itself: one whose disks hang, or are
 * still waited for, holds up no other. An opening goes on when whoever asked for it waits no more; whoever asks next
 * waits for the same one.
 */
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { deadline, type Deadline } from '../devices/volumes/deadline.ts';
import { keyedLock } from '../devices/volumes/lock.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import type { PoolLog } from './pool.ts';

/** What becomes of an opening, while it goes on. */
export interface OpeningNews {
  /** Some of its disks are there, and the others are waited for. */
  readonly waits: (why: string) => void;
  /** It was opened without some of its disks. */
  readonly degraded: (why: string) => void;
}

export interface OpeningsOptions {
  /** Opens one pool, by its name. @throws IoError */
  readonly open: (name: string, call: Call, news: OpeningNews) => Promise<VolumePort>;
  readonly clock: Clock;
  readonly log: PoolLog;
  readonly signal: AbortSignal;
}

export interface Openings {
  /** Those that are open, by name. */
  readonly ports: Map<string, VolumePort>;
  /** Of one that is open: done. @throws IoError; POOL_MISSING also while its disks are waited for */
  ensure(name: string, call: Call): Promise<void>;
  /** While nobody opens it. @throws IoError TIMED_OUT, ABORTED, and what the body throws */
  alone<T>(name: string, within: Deadline, body: () => Promise<T>): Promise<T>;
}

/** Disks are waited for, and a large file system takes its time to be mounted. */
const openMs = 300_000;

interface Opening {
  /** Rejects once its disks are waited for. */
  readonly outcome: Promise<void>;
}

export function poolOpenings({ open, clock, log, signal }: OpeningsOptions): Openings {
  const ports = new Map<string, VolumePort>();
  const underWay = new Map<string, Opening>();
  const oneAtATime = keyedLock();

  function begin(name: string): Opening {
    // One of its own: many at once would all listen to the same.
    const call: Call = { signal: AbortSignal.any([signal]), timeoutMs: openMs, progress: () => {} };
    let waits: OpeningNews['waits'] = () => {};
    const isWaiting = new Promise<never>((_, reject) => {
      waits = (why) => {
        log.warn(`pool ${name} waits for its disks: ${why}`);
        const message = `the pool ${name} waits for its disks: ${why}`;
        reject(new IoError('POOL_MISSING', { op: 'open the pool', target: name, message, hint }));
      };
    });
    const degraded = (why: string) => log.warn(`pool ${name} is degraded: ${why}`);
    const done = oneAtATime(name, deadline(call, 'open the pool', name, clock), async () => {
      if (!ports.has(name)) ports.set(name, await open(name, call, { waits, degraded }));
    }).finally(() => underWay.delete(name));
    const opening = { outcome: Promise.race([done, isWaiting]) };
    // Nobody may be asking any more.
    opening.outcome.catch(() => {});
    done.catch(() => {});
    underWay.set(name, opening);
    return opening;
  }

  return {
    ports,
    async ensure(name, call) {
      if (ports.has(name)) return;
      const within = deadline(call, 'open the pool', name, clock);
      await within.race((underWay.get(name) ?? begin(name)).outcome);
    },
    alone: oneAtATime,
  };
}

const hint =
  'Nothing is to be done yet: it is opened by itself, without them when they do not come and it can do without.';
