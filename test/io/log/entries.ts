/** Entries for tests of the log. */
import type { Entry, StreamId } from '#events/envelope.ts';

let counter = 0;

/** An entry with one event for each stream; what it expects is given as `[stream, version]`. */
export function entryFor(
  streams: readonly StreamId[],
  options: Partial<Pick<Entry, 'expect' | 'command' | 'because' | 'at' | 'ends'>> & { readonly text?: string } = {},
): Entry {
  const { text = 'x', expect = [], command = `command-${++counter}`, at = 1_700_000_000_000, because, ends } = options;
  const entry: Entry = {
    command,
    by: 'user:admin',
    cause: 'test',
    correlation: 'correlation',
    at,
    expect,
    drafts: streams.map((stream, i) => ({
      stream,
      type: 'operation.failed',
      schema: 1,
      data: { problem: { code: 'TEST', message: `${text} ${i}` } },
    })),
  };
  return {
    ...entry,
    ...(because === undefined ? {} : { because }),
    ...(ends === undefined ? {} : { ends }),
  };
}

export const never = new AbortController().signal;
