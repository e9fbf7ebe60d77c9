/** What a run of the command line touches outside of itself. `main.ts` gives the process; a test gives its own. */
import type { Readable } from 'node:stream';
import type { Asker } from './ask.ts';

/** A stream that text is written to: a terminal, a pipe, a file, or a test's memory. */
export interface Sink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  write(chunk: string | Uint8Array): unknown;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
  /** Once it takes more, after a `write` that answered false. */
  once?(event: 'drain', listener: () => void): unknown;
}

export type Source = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(on: boolean): unknown;
};

/** Calls back when the person presses Ctrl-C, at once when it was before. @returns the way out */
export function onInterrupt({ interrupt }: Pick<World, 'interrupt'>, run: () => void): () => void {
  if (interrupt.aborted) run();
  else interrupt.addEventListener('abort', run, { once: true });
  return () => interrupt.removeEventListener('abort', run);
}

/** A run of `floatlabd`: what it ended with, and what it wrote where that was to be taken. */
export interface DaemonRun {
  readonly code: number;
  readonly stdout: string;
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The person's home directory. */
  readonly home: string;
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly ask: Asker;
  /** Milliseconds since 1970. */
  now(): number;
  /**
   * Runs `floatlabd`, which knows the files of a lab, to its end. @param output to be shown as it comes, or to be taken;
   * what it complains about is always shown
   */
  daemon(args: readonly string[], output: 'show' | 'take'): Promise<DaemonRun>;
  /** Fires when the person presses Ctrl-C. */
  readonly interrupt: AbortSignal;
}
