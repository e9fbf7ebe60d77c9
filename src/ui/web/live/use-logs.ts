/**
 * Log lines of an app as they are written. The newest are kept, up to a limit that a browser bears; while somebody reads
 * further up (or has pressed pause) the list stands still and new lines wait.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Problem } from '#io/contract/problem.ts';
import { useLive } from './clients.tsx';

export interface LogLine extends LiveLogLine {
  /** Counts from 1 in the order of arrival. */
  readonly id: number;
}

export interface Logs {
  readonly lines: readonly LogLine[];
  /** Lines that have come while it stood still. */
  readonly waiting: number;
  /** Lines that the lab left out because this reader was slow. */
  readonly dropped: number;
  readonly problem: Problem | undefined;
  /** Whether anything was said at all: the first lines, or the end. */
  readonly ready: boolean;
}

const keep = 20_000;
const tail = 500;
/** Lines are shown in batches: a chatty app would otherwise draw the list a thousand times a second. */
const batchMs = 60;
const quietMs = 600;

export function useLogs(
  app: string,
  service: string | undefined,
  paused: boolean,
): Logs & { readonly clear: () => void } {
  const { client } = useLive();
  const [logs, setLogs] = useState<Logs>(nothing);
  const buffer = useRef<LogLine[]>([]);
  const isPaused = useRef(paused);
  const lastId = useRef(0);

  const flush = useCallback(() => {
    setLogs((before) => {
      if (isPaused.current) return { ...before, ready: true, waiting: buffer.current.length };
      const fresh = buffer.current.splice(0);
      if (fresh.length === 0 && before.ready) return before.waiting === 0 ? before : { ...before, waiting: 0 };
      return { ...before, ready: true, waiting: 0, lines: [...before.lines, ...fresh].slice(-keep) };
    });
  }, []);

  useEffect(() => {
    isPaused.current = paused;
    flush();
  }, [paused, flush]);

  useEffect(() => {
    setLogs(nothing);
    buffer.current = [];
    let timer: ReturnType<typeof setTimeout> | undefined = setTimeout(flushNow, quietMs);
    function flushNow(): void {
      timer = undefined;
      flush();
    }
    const stop = client.logs(
      { app, ...(service === undefined ? {} : { service }), tail, follow: true },
      {
        lines: (lines, dropped) => {
          buffer.current.push(...lines.map((line) => ({ ...line, id: ++lastId.current })));
          if (buffer.current.length > keep) buffer.current.splice(0, buffer.current.length - keep);
          if (dropped > 0) setLogs((before) => ({ ...before, dropped: before.dropped + dropped }));
          // It had ended with a session, and goes on in another one.
          setLogs((before) => (before.problem ? { ...before, problem: undefined } : before));
          timer ??= setTimeout(flushNow, batchMs);
        },
        end: (problem) => {
          flush();
          setLogs((before) => ({ ...before, ready: true, problem }));
        },
      },
    );
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [client, app, service, flush]);

  const clear = useCallback(() => {
    buffer.current = [];
    setLogs((before) => ({ ...before, lines: [], waiting: 0 }));
  }, []);
  return { ...logs, clear };
}

const nothing: Logs = { lines: [], waiting: 0, dropped: 0, problem: undefined, ready: false };
