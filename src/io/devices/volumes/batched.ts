/**
 * A port that takes snapshots away in batches: each snapshot that goes is a piece of work of its own, and a file system
 * would run a command for each, one after the other. Calls for the same dataset that come within a moment become one.
 *
 *   remove a ─┐
 *   remove b ─┼─ a moment ─▶ one call: a, b, c ─▶ everybody's answer
 *   remove c ─┘
 *
 * Each caller keeps its own deadline: whoever gives up, or waited for long enough, hears of it at once, and the others go
 * on. The shared call ends early only when nobody waits for it any more. When it fails because of one of its members,
 * each is tried alone, so that a snapshot that is held by somebody does not keep the others. What concerns all of them
 * (a pool that is gone) is everybody's answer: to try on would be the same failure as often as there are callers.
 */
import type { Call } from '../call.ts';
import { sleep, type Clock } from '../clock/port.ts';
import { IoError, type IoErrorCode } from '../error.ts';
import { deadline, type Deadline } from './deadline.ts';
import { describe } from './names.ts';
import type { Dataset, VolumePort } from './port.ts';

const momentMs = 20;
/** As many names as surely fit into a command. */
const mostNames = 200;
/** What may be wrong with one snapshot, or with how one caller asks for it, and not with the others. */
const ofOneMember: ReadonlySet<IoErrorCode> = new Set(['HELD', 'BUSY', 'INVALID', 'MISSING', 'EXISTS']);

interface Member {
  readonly names: readonly string[];
  readonly call: Call;
  readonly within: Deadline;
  /** Aborted once the caller waits no more. */
  readonly gone: AbortSignal;
  resolve(): void;
  reject(error: unknown): void;
}

export function batched(port: VolumePort, clock: Clock): VolumePort {
  const queues = new Map<string, Member[]>();

  const flush = async (of: Dataset, key: string): Promise<void> => {
    await sleep(clock, momentMs);
    const members = queues.get(key) ?? [];
    queues.delete(key);
    for (const batch of batches(members)) await remove(port, of, batch);
  };

  const join = (of: Dataset, member: Member): void => {
    const key = describe(of);
    const members = queues.get(key);
    if (members) return void members.push(member);
    queues.set(key, [member]);
    void flush(of, key);
  };

  return {
    ...port,
    async removeSnapshots(of, names, call) {
      const within = deadline(call, 'removeSnapshots', describe(of), clock);
      const leaving = new AbortController();
      try {
        await within.race(
          new Promise<void>((resolve, reject) =>
            join(of, { names, call, within, gone: leaving.signal, resolve, reject }),
          ),
        );
      } finally {
        leaving.abort();
      }
    },
  };
}

function batches(members: readonly Member[]): readonly (readonly Member[])[] {
  const all: Member[][] = [];
  let count = mostNames;
  for (const one of members) {
    if (one.gone.aborted) continue;
    if (count + one.names.length > mostNames) {
      all.push([]);
      count = 0;
    }
    all.at(-1)?.push(one);
    count += one.names.length;
  }
  return all;
}

/** Never rejects: each member of the batch hears for itself. */
async function remove(port: VolumePort, of: Dataset, batch: readonly Member[]): Promise<void> {
  const members = batch.filter(({ gone }) => !gone.aborted);
  if (members.length === 0) return;
  try {
    await removeTogether(port, of, members);
    for (const { resolve } of members) resolve();
  } catch (error) {
    const isOfOne = error instanceof IoError && ofOneMember.has(error.code);
    if (isOfOne && members.length > 1) for (const one of members) await remove(port, of, [one]);
    else for (const { reject } of members) reject(error);
  }
}

/** As long as the most patient of them. */
async function removeTogether(port: VolumePort, of: Dataset, members: readonly Member[]): Promise<void> {
  const nobody = new AbortController();
  const leave = (): void => {
    if (members.every(({ gone }) => gone.aborted)) nobody.abort();
  };
  for (const { gone } of members) gone.addEventListener('abort', leave, { once: true });
  try {
    await port.removeSnapshots(of, [...new Set(members.flatMap(({ names }) => names))], {
      signal: nobody.signal,
      timeoutMs: Math.max(...members.map(({ within }) => within.timeoutMs)),
      progress: (progress) => {
        for (const { call, gone } of members) if (!gone.aborted) call.progress(progress);
      },
    });
  } finally {
    for (const { gone } of members) gone.removeEventListener('abort', leave);
  }
}
