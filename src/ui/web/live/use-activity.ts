/**
 * What happened, newest first: the newest events live (or as of the past moment), older ones asked for when somebody
 * scrolls there. The live view holds the last `limit` events; what falls out of it stays in the list as long as the list
 * is shown. The history of objects is asked for object by object: the live view would have to search for it.
 */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
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

/** What is here beside the live rows. */
interface Loaded {
  /** The question that it answers. */
  readonly of: string;
  readonly rows: ReadonlyMap<number, ActivityRow>;
  /** Sources of which the oldest event is here: objects, or `all`. */
  readonly ended: ReadonlySet<string>;
  /** How far back each object's history is here. It may hold events of others: of an app's instances. */
  readonly reached: ReadonlyMap<string, number>;
  readonly error: Error | null;
}

const all = '*';
const begin = (of: string): Loaded => ({
  of,
  rows: new Map(),
  ended: new Set(),
  reached: new Map(),
  error: null,
});

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
  const of = JSON.stringify([where, past.at]);
  const [loaded, setLoaded] = useState<Loaded>(() => begin(of));
  const current = useMemo(() => (loaded.of === of ? loaded : begin(of)), [loaded, of]);
  const sources = useMemo(() => streams ?? [all], [streams]);
  const load = useLoad(of, correlation, past.at, setLoaded);

  useEffect(() => {
    if (streams === undefined || past.resolving) return;
    for (const stream of streams) void load(stream, undefined);
  }, [streams, load, past.resolving]);

  const kept = useKept(live.rows, of, Object.keys(where).length === 0 && past.at === undefined, setLoaded);
  const rows = useMemo(() => {
    const merged = new Map([...current.rows, ...kept]);
    return [...merged.values()].toSorted((a, b) => b.index - a.index);
  }, [current.rows, kept]);

  const [first, setFirst] = useState<{ readonly of: string; readonly index: number }>();
  useEffect(() => {
    if (live.ready && first?.of !== of) setFirst({ of, index: live.rows.at(-1)?.index ?? 0 });
  }, [live.ready, live.rows, first, of]);

  const loadOlder = useCallback(() => {
    for (const source of sources) {
      const before = source === all ? rows.at(-1)?.index : current.reached.get(source);
      if (!current.ended.has(source)) void load(source, before);
    }
  }, [sources, current.ended, current.reached, rows, load]);

  const hasEverything = streams === undefined && live.ready && live.rows.length < limit;
  return {
    rows,
    ready: streams === undefined ? live.ready : rows.length > 0 || current.ended.size > 0 || current.error !== null,
    error: current.error,
    loadOlder,
    atEnd: hasEverything || sources.every((source) => current.ended.has(source)) || rows.at(-1)?.index === 1,
    fresh: (index) => past.at === undefined && first?.of === of && index > first.index,
  };
}

type SetLoaded = (change: (before: Loaded) => Loaded) => void;

/** Asks for a page of older events of one source; a second time only when the first has been answered. */
function useLoad(of: string, correlation: string | undefined, at: number | undefined, setLoaded: SetLoaded) {
  const asking = useRef(new Set<string>());
  return useCallback(
    async (source: string, before: number | undefined) => {
      const key = `${of} ${source}`;
      if (asking.current.has(key)) return;
      asking.current.add(key);
      const range = { limit: pageSize, before: before ?? (at === undefined ? undefined : at + 1) };
      const mine = (old: Loaded): Loaded => (old.of === of ? old : begin(of));
      try {
        const page = source === all ? await rest.events({ ...range, correlation }) : await rest.history(source, range);
        setLoaded((old) => {
          const base = mine(old);
          const rows = new Map(base.rows);
          for (const row of page.items) rows.set(row.index, row);
          const ended = page.items.length < pageSize ? new Set([...base.ended, source]) : base.ended;
          const oldest = page.items.at(-1)?.index;
          const reached = oldest === undefined ? base.reached : new Map([...base.reached, [source, oldest]]);
          return { of, rows, ended, reached, error: null };
        });
      } catch (error) {
        const wrong = error instanceof Error ? error : new Error(String(error));
        setLoaded((old) => ({ ...mine(old), error: wrong }));
      } finally {
        asking.current.delete(key);
      }
    },
    [of, correlation, at, setLoaded],
  );
}

const nothing: ReadonlyMap<number, ActivityRow> = new Map<number, ActivityRow>();

/** The live rows, and those that were live before. */
function useKept(
  rows: readonly ActivityRow[],
  of: string,
  isWhole: boolean,
  setLoaded: SetLoaded,
): ReadonlyMap<number, ActivityRow> {
  const latest = useRef({ of, rows: nothing });
  const [kept, setKept] = useState(latest.current);
  // Before anything is painted: the list must not be empty for a moment.
  useLayoutEffect(() => {
    if (rows.length === 0) return;
    const old = latest.current.of === of ? latest.current.rows : nothing;
    const newest = Math.max(0, ...old.keys());
    const [oldest] = rows;
    // So much was missed while the connection was lost that the live view does not reach back: begin anew.
    const hasGap = isWhole && newest > 0 && oldest !== undefined && oldest.index > newest + 1;
    if (hasGap) setLoaded(() => begin(of));
    const next = new Map(hasGap ? nothing : old);
    for (const row of rows) next.set(row.index, row);
    latest.current = { of, rows: next };
    setKept(latest.current);
  }, [rows, of, isWhole, setLoaded]);
  return kept.of === of ? kept.rows : nothing;
}
