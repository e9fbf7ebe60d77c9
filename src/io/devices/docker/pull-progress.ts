/**
 * Adds up what the engine reports while it pulls: one message at a time, each about one layer.
 *
 * Only the download counts: it is what a person waits for, and its sizes are known early. The sum never goes back.
 */
import type { Progress } from '../call.ts';

interface PullMessage {
  readonly id?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

export function pullProgress(reference: string): (message: PullMessage) => Progress | undefined {
  const layers = new Map<string, { done: number; total: number }>();
  return ({ id, status, progressDetail }) => {
    if (id === undefined) return undefined;
    const before = layers.get(id) ?? { done: 0, total: 0 };
    if (status === 'Downloading') {
      const total = Math.max(before.total, progressDetail?.total ?? 0);
      const done = Math.max(before.done, progressDetail?.current ?? 0);
      layers.set(id, { done: total > 0 ? Math.min(done, total) : done, total });
    } else if (status === 'Download complete' || status === 'Pull complete') {
      if (before.done === before.total) return undefined;
      layers.set(id, { done: before.total, total: before.total });
    } else return undefined;
    const sum = { done: 0, total: 0 };
    for (const layer of layers.values()) {
      sum.done += layer.done;
      sum.total += layer.total;
    }
    return sum.total > 0 ? { text: `pulling ${reference}`, ...sum } : undefined;
  };
}
