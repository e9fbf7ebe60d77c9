/** Times in answers: relative to now; absolute ones when the answer is about the past. */
import type { Cli } from './cli.ts';
import { briefMoment, shortDuration } from './output/words.ts';

export interface Moments {
  /** `3 d` */
  since(ms: number): string;
  /** `3 d ago`, `in 2 h` */
  ago(ms: number): string;
}

export function momentsOf(cli: Cli, options: { readonly at?: string }): Moments {
  const now = cli.world.now();
  if (options.at !== undefined) {
    const moment = (ms: number): string => briefMoment(ms, now);
    return { since: moment, ago: moment };
  }
  return {
    since: (ms) => shortDuration(now - ms),
    ago: (ms) => (ms > now ? `in ${shortDuration(ms - now)}` : `${shortDuration(now - ms)} ago`),
  };
}
