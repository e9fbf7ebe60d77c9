/** Every event as it happens, newest first; older ones come when one scrolls there. */
import { IconX } from '@tabler/icons-react';
import { useSearch } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState } from 'react';
import { kinds } from '#events/envelope.ts';
import { ActivityItem } from '../components/activity-list.tsx';
import { FilterInput, NothingFound, useSetSearch } from '../components/list.tsx';
import { Loading, Page, Section } from '../components/page.tsx';
import { TroubleBox } from '../components/trouble.tsx';
import { matches } from '../format/filter.ts';
import { dayOf } from '../format/time.ts';
import { operationName } from '../format/why.ts';
import { useNow, useZone } from '../live/now.tsx';
import { useActivity } from '../live/use-activity.ts';
import { troubleOf } from '../live/use-command.ts';
import type { ActivitySearch } from '../router.tsx';
import classes from './activity.module.css';

const rowHeight = 37;

export function Activity() {
  const { q = '', kind, of } = useSearch({ strict: false }) as ActivitySearch;
  const setSearch = useSetSearch();
  const { rows, ready, error, loadOlder, atEnd, fresh } = useActivity({ limit: 200, correlation: of });
  const shown = useMemo(
    () =>
      rows.filter(
        (row) =>
          (kind === undefined || row.kind === kind) &&
          matches(q, [row.words, row.type, row.by, row.name, row.correlation]),
      ),
    [rows, kind, q],
  );
  return (
    <Page title="Activity">
      <div className={classes['bar']}>
        <FilterInput
          value={q}
          onChange={(next) => setSearch({ q: next === '' ? undefined : next })}
          placeholder="Filter activity"
        />
        <label className={classes['kind']}>
          <span className="hidden">Kind</span>
          <select
            value={kind ?? ''}
            onChange={(event) => setSearch({ kind: event.target.value === '' ? undefined : event.target.value })}
          >
            <option value="">Every kind</option>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        {of !== undefined && (
          <button
            type="button"
            className={classes['of']}
            onClick={() => setSearch({ of: undefined })}
            aria-label="Show everything again"
          >
            only {of.startsWith('operation:') ? operationName(of) : 'what belongs together'}
            <IconX size={14} aria-hidden />
          </button>
        )}
      </div>
      {error && <TroubleBox trouble={troubleOf(error)} />}
      {!ready ? (
        <Loading lines={8} />
      ) : (
        <>
          {shown.length > 0 && <Rows key={of ?? ''} rows={shown} fresh={fresh} />}
          {shown.length === 0 && atEnd && (
            <NothingFound onClear={() => setSearch({ q: undefined, kind: undefined, of: undefined })} />
          )}
          <More atEnd={atEnd} count={rows.length} shown={shown.length} load={loadOlder} />
        </>
      )}
    </Page>
  );
}

interface RowsProps {
  readonly rows: ReturnType<typeof useActivity>['rows'];
  readonly fresh: (index: number) => boolean;
}

function Rows({ rows, fresh }: RowsProps) {
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const list = useRef<HTMLDivElement>(null);
  const now = useNow();
  const zone = useZone();
  const [margin, setMargin] = useState(0);
  useEffect(() => {
    if (list.current) setMargin(list.current.getBoundingClientRect().top + scrollY);
  }, []);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 15,
    scrollMargin: margin,
    getItemKey: (n) => rows[n]?.index ?? n,
  });
  const toggle = (index: number): void => {
    const next = new Set(open);
    if (!next.delete(index)) next.add(index);
    setOpen(next);
  };
  return (
    <Section>
      <div
        ref={list}
        className={classes['list']}
        role="feed"
        aria-label="Events"
        style={{ height: virtualizer.getTotalSize() }}
      >
        {virtualizer.getVirtualItems().map(({ index: n, start }) => {
          const row = rows[n];
          if (!row) return null;
          const day = dayOf(row.at, now, zone);
          const before = rows[n - 1];
          const isNewDay = before !== undefined && dayOf(before.at, now, zone) !== day;
          return (
            <article
              key={row.index}
              data-index={n}
              ref={virtualizer.measureElement}
              aria-label={row.words}
              aria-posinset={n + 1}
              aria-setsize={rows.length}
              className={classes['entry']}
              style={{ transform: `translateY(${start - margin}px)` }}
            >
              {isNewDay && <div className={classes['day']}>{day}</div>}
              <ActivityItem
                row={row}
                isOpen={open.has(row.index)}
                onToggle={() => toggle(row.index)}
                fresh={fresh(row.index)}
              />
            </article>
          );
        })}
      </div>
    </Section>
  );
}

interface MoreProps {
  readonly atEnd: boolean;
  readonly count: number;
  readonly shown: number;
  readonly load: () => void;
}

/** Asks for older events as soon as it comes near the window. */
function More({ atEnd, count, shown, load }: MoreProps) {
  const end = useRef<HTMLDivElement>(null);
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  useEffect(() => {
    if (atEnd || !end.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: '600px',
    });
    observer.observe(end.current);
    return () => observer.disconnect();
    // What was loaded may still not fill the window: look again after every page.
  }, [atEnd, count, shown]);
  return (
    <div ref={end} className={classes['end']}>
      {atEnd ? 'The beginning.' : 'Looking further back…'}
    </div>
  );
}
