/** What every call to a device takes along. */
export interface Progress {
  /** What is going on, for a person: `pulling postgres:16`. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
}

export interface Call {
  /** Aborted when the work is no longer wanted. The effect may or may not have happened. */
  readonly signal: AbortSignal;
  /** After this long the call rejects with TIMED_OUT; the effect is unknown. */
  readonly timeoutMs: number;
  progress(p: Progress): void;
}
