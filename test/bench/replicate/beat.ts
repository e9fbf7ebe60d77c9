/** How soon two voters agree on something small, and how much of a lease is left, as whoever asks the leader sees it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { PairLab } from './lab.ts';

export interface Beat {
  /** From a command at one node to its fact, which the other one has by then, too; ms. */
  readonly commits: readonly number[];
  /** Least that was left of a lease; ms, undefined where none was held. */
  readonly leastLeaseMs: number | undefined;
  /** Terms that began. */
  readonly elections: number;
}

const everyMs = 100;

/** Asks again and again. @returns how to stop, which tells what was seen */
export async function watchBeat(lab: PairLab): Promise<() => Promise<Beat>> {
  const commits: number[] = [];
  const left: number[] = [];
  const status = (): Promise<ClusterStatus> => lab.ask('GET', 'cluster/status');
  const { term } = await status();
  let isOver = false;
  const watching = (async () => {
    for (let n = 0; !isOver; n++) {
      const began = performance.now();
      await lab.ask('PATCH', 'nodes/from/labels', { labels: { beat: String(n) } });
      commits.push(performance.now() - began);
      for (const { lease } of (await status()).members) if (lease?.leftMs !== undefined) left.push(lease.leftMs);
      await delay(everyMs);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return {
      commits,
      leastLeaseMs: left.length === 0 ? undefined : Math.min(...left),
      elections: (await status()).term - term,
    };
  };
}
