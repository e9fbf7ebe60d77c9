/** Times in answers: relative to now; absolute ones when the answer is about the past. */
import type { Cli } from './cli.ts';
import { briefMoment, momentWords, shortDuration } from './output/words.ts';

export interface Moments {
  /** `3 d` */
  since(ms: number): string;
  /** `3 d ago`, `in 2 h` */
  ago(ms: number): string;
  /** `2026-11-21 14:02:11, 3 d ago`; null for what has not happened. */
  when(ms: number | null): string | null;
}

export function momentsOf(cli: Cli, options: { readonly at?: string }): Moments {
  const now = cli.world.now();
  const moment = (ms: number): string => briefMoment(ms, now);
  const isPast = options.at !== undefined;
  const since = isPast ? moment : (ms: number) => shortDuration(now - ms);
  const ago = isPast
    ? moment
    : (ms: number) => (ms > now ? `in ${shortDuration(ms - now)}` : `${shortDuration(now - ms)} ago`);
  return { since, ago, when: (ms) => (ms === null ? null : `${momentWords(ms)}, ${ago(ms)}`) };
}
