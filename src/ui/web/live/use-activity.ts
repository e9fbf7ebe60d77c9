/**
 * What happened, newest first: the newest events live, older ones asked for when somebody scrolls there. The live view
 * holds the last `limit` events; what falls out of it stays in the list as long as the list is shown.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ActivityRow } from '#projections/views/activity.ts';
import { rest } from './clients.tsx';
import { usePast } from './past.ts';
import { useView } from './use-view.ts';

interface Options {
  /** How many live ones to begin with. */
  readonly limit: number;
  /** Only events of this operation or command. */
  readonly correlation?: string | undefined;
  /** Only events of these types. */
  readonly types?: readonly string[] | undefined;
  /** Only events of these objects. */
  readonly streams?: readonly string[] | undefined;
}

export interface Activity {
  readonly rows: readonly ActivityRow[];
  readonly ready: boolean;
  readonly error: Error | null;
  /** Asks for older ones; nothing happens while it is asking or at the end. */
  readonly loadOlder: () => void;
  readonly atEnd: boolean;
  /** Whether the event came while somebody looked. */
  readonly fresh: (index: number) => boolean;
}

const pageSize = 100;

interface Loaded {
  readonly of: string;
  readonly rows: ReadonlyMap<number, ActivityRow>;
  /** Streams (or all events) of which the oldest is here. */
  readonly ended: ReadonlySet<string>;
  readonly error: Error | null;
}

const all = '*';

export function useActivity({ limit, correlation, streams, types }: Options): Activity {
  const past = usePast();
  const where = useMemo(
    () => ({
      ...(correlation === undefined ? {} : { correlation }),
      ...(streams === undefined ? {} : { stream: streams.join(',') }),
      ...(types === undefined ? {} : { type: types.join(',') }),
    }),
    [correlation, streams, types],
  );
  const live = useView('activity', { limit, where });
  const isLive = past.at === undefined;
  const of = JSON.stringify([correlation, streams, past.at]);
  const [loaded, setLoaded] = useState<Loaded>(() => begin(of));
  const [first, setFirst] = useState<number>();
  const asking = useRef(new Set<string>());
  const current = loaded.of === of ? loaded : begin(of);

  // A narrowed list begins with what the server finds; the whole list with what is live.
  const isNarrow = correlation !== undefined || streams !== undefined;
  const asks = useMemo(() => streams ?? [all], [streams]);

  const load = useCallback(
    async (stream: string, before: number | undefined) => {
      const key = `${of} ${stream}`;
      if (asking.current.has(key)) return;
      asking.current.add(key);
      const range = { limit: pageSize, before: before ?? (past.at === undefined ? undefined : past.at + 1) };
      try {
        const page = stream === all ? await rest.events({ ...range, correlation }) : await rest.history(stream, range);
        setLoaded((old) => {
          const base = old.of === of ? old : begin(of);
          const rows = new Map(base.rows);
          for (const row of page.items) rows.set(row.index, row);
          const ended = page.items.length < pageSize ? new Set([...base.ended, stream]) : base.ended;
          return { of, rows, ended, error: null };
        });
      } catch (error) {
        setLoaded((old) => ({
          ...(old.of === of ? old : begin(of)),
          error: error instanceof Error ? error : new Error(String(error)),
        }));
      } finally {
        asking.current.delete(key);
      }
    },
    [of, correlation, past.at],
  );

  useEffect(() => {
    if (past.resolving || (!isNarrow && isLive)) return;
    for (const stream of asks) void load(stream, undefined);
  }, [asks, isLive, isNarrow, load, past.resolving]);

  useEffect(() => {
    if (live.ready && first === undefined) setFirst(live.rows.at(-1)?.index ?? 0);
  }, [live.ready, live.rows, first]);

  // What came live is kept, also when it falls out of the live view.
  const kept = useRef(new Map<number, ActivityRow>());
  const isWhole = correlation === undefined && streams === undefined && types === undefined;
  useEffect(() => {
    // So much was missed while the connection was lost that the live view does not reach back: begin anew.
    const [oldest] = live.rows;
    const newest = Math.max(0, ...kept.current.keys());
    if (!isWhole || !isLive || !oldest || newest === 0 || oldest.index <= newest + 1) return;
    kept.current.clear();
    setLoaded(begin(of));
  }, [live.rows, isWhole, isLive, of]);
  const rows = useMemo(() => {
    if (isLive) for (const row of live.rows) kept.current.set(row.index, row);
    const merged = new Map(current.rows);
    if (isLive) {
      for (const [index, row] of kept.current) {
        const isWanted =
          (correlation === undefined || row.correlation === correlation) &&
          (streams === undefined || streams.includes(row.stream));
        if (isWanted) merged.set(index, row);
      }
    }
    const wanted = [...merged.values()].filter(({ type }) => types === undefined || types.includes(type));
    return wanted.toSorted((a, b) => b.index - a.index);
  }, [live.rows, current.rows, isLive, correlation, streams, types]);

  const loadOlder = useCallback(() => {
    for (const stream of asks) {
      if (current.ended.has(stream)) continue;
      const mine = stream === all ? rows : rows.filter((row) => row.stream === stream);
      void load(stream, mine.at(-1)?.index);
    }
  }, [asks, current.ended, rows, load]);

  const needsLoading = isNarrow || !isLive;
  return {
    rows,
    ready: needsLoading ? current.rows.size > 0 || current.ended.size > 0 || current.error !== null : live.ready,
    error: current.error,
    loadOlder,
    atEnd: asks.every((stream) => current.ended.has(stream)) || rows.at(-1)?.index === 1,
    fresh: (index) => isLive && first !== undefined && index > first,
  };
}

const begin = (of: string): Loaded => ({ of, rows: new Map(), ended: new Set(), error: null });
