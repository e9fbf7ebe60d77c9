/**
 * Log lines of several services as one: what was there first of all by its time, then what comes as it comes.
 *
 *   service ── pump ──▶ one line that waits ─┐
 *   service ── pump ──▶ one line that waits ─┼─ the earliest ─▶ reader
 *   service ── pump ──▶ (live, and quiet) ───┘
 *
 * Each service is in order by itself. While one still has old lines to give, nobody passes it; once it is live, nobody
 * waits for it. A pump reads on only when its line was taken, so a slow reader holds the engine back, and what is held
 * here is a line for each service, however long the logs are.
 */
export type OpenLines<T> = (caughtUp: () => void) => AsyncIterable<T>;

interface Lane<T> {
  line: T | undefined;
  state: 'behind' | 'live' | 'ended';
  /** Lets the pump go on. */
  taken(): void;
}

/**
 * The first source that fails ends it, with its error. A source that waits when the reader leaves is ended by whoever
 * opened it.
 */
export async function* mergeLines<T extends { readonly at: number }>(
  sources: readonly OpenLines<T>[],
): AsyncGenerator<T, void> {
  let wake = (): void => {};
  let failure: { readonly error: unknown } | undefined;
  let hasReader = true;

  const pump = async (lane: Lane<T>, open: OpenLines<T>): Promise<void> => {
    const lines = open(() => {
      if (lane.state === 'behind') lane.state = 'live';
      wake();
    });
    for await (const line of lines) {
      if (!hasReader) return;
      lane.line = line;
      const taken = new Promise<void>((resolve) => (lane.taken = resolve));
      wake();
      await taken;
    }
  };
  const lanes = sources.map((open) => {
    const lane: Lane<T> = { line: undefined, state: 'behind', taken: () => {} };
    void pump(lane, open)
      .catch((error: unknown) => (failure ??= { error }))
      .finally(() => {
        lane.state = 'ended';
        wake();
      });
    return lane;
  });

  try {
    for (;;) {
      if (failure) throw failure.error;
      const lane = nextOf(lanes);
      if (lane) {
        const { line } = lane;
        lane.line = undefined;
        lane.taken();
        if (line) yield line;
      } else if (lanes.every(({ state, line }) => state === 'ended' && !line)) {
        return;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    hasReader = false;
    for (const lane of lanes) lane.taken();
  }
}

/** @returns the lane whose line comes first; undefined while an older one may still come, or there is none */
function nextOf<T extends { readonly at: number }>(lanes: readonly Lane<T>[]): Lane<T> | undefined {
  let first: Lane<T> | undefined;
  for (const lane of lanes) {
    if (!lane.line && lane.state === 'behind') return undefined;
    if (lane.line && (!first?.line || lane.line.at < first.line.at)) first = lane;
  }
  return first;
}
