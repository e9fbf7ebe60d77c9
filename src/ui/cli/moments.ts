/** Times in answers: relative to now; absolute ones when the answer is about the past. */
import type { Cli } from './cli.ts';
import { momentWords, shortDuration } from './output/words.ts';

export interface Moments {
  /** `3 d` */
  since(ms: number): string;
  /** `3 d ago`, `in 2 h` */
  ago(ms: number): string;
}

export function momentsOf(cli: Cli, options: { readonly at?: string }): Moments {
  if (options.at !== undefined) return { since: momentWords, ago: momentWords };
  const now = cli.world.now();
  return {
    since: (ms) => shortDuration(now - ms),
    ago: (ms) => (ms > now ? `in ${shortDuration(ms - now)}` : `${shortDuration(now - ms)} ago`),
  };
}
