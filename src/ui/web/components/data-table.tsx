/**
 * Dense lists of objects: sorted by a column, walked by j and k, opened by enter. More than a screenful is virtualised
 * over the page's own scrolling, so that ten thousand rows are as smooth as ten. On a phone each row is a card with the
 * same figures.
 */
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import type { Sort } from '../format/filter.ts';
import { isTyping, useKeys } from './keys.ts';
import { useGlow } from './use-glow.ts';
import { cx } from './cx.ts';
import classes from './data-table.module.css';

export interface Column<R> {
  readonly id: string;
  readonly title: string;
  readonly cell: (row: R) => ReactNode;
  /** A track of the grid: `minmax(120px, 2fr)`. */
  readonly width: string;
  readonly numeric?: boolean;
  /** Left out: this column does not sort. */
  readonly sort?: (row: R) => string | number | null | undefined;
  /** Not worth its line on a phone. */
  readonly wideOnly?: boolean;
}

interface DataTableProps<R> {
  readonly label: string;
  /** Sorted and filtered. */
  readonly rows: readonly R[];
  readonly columns: readonly Column<R>[];
  readonly rowKey: (row: R) => string;
  readonly sort?: Sort;
  readonly onSort?: (sort: Sort) => void;
  /** A line of its own under the row, for what is going on there. */
  readonly below?: (row: R) => ReactNode;
  /** Which row stands out. */
  readonly marked?: string | undefined;
}

const virtualAbove = 80;
const rowHeight = 41;

export function DataTable<R>({ label, rows, columns, rowKey, sort, onSort, below, marked }: DataTableProps<R>) {
  const body = useRef<HTMLDivElement>(null);
  const isVirtual = rows.length > virtualAbove;
  const margin = useOffsetTop(body);
  const virtualizer = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: margin,
    enabled: isVirtual,
    getItemKey: (n) => {
      const row = rows[n];
      return row === undefined ? n : rowKey(row);
    },
  });
  useWalking(body, rows.length, isVirtual ? (n) => virtualizer.scrollToIndex(n) : undefined);
  const known = useKnownKeys(rows, rowKey);

  const draw = (row: R, n: number): ReactNode => (
    <Row
      key={rowKey(row)}
      row={row}
      n={n}
      columns={columns}
      fresh={!known.has(rowKey(row))}
      below={below?.(row)}
      marked={marked === rowKey(row)}
    />
  );
  const template = { '--columns': columns.map(({ width }) => width).join(' ') } as Record<string, string>;
  return (
    <div className={classes['table']} role="table" aria-label={label} aria-rowcount={rows.length + 1} style={template}>
      <div role="rowgroup">
        <div className={classes['head']} role="row">
          {columns.map((column) => (
            <Heading key={column.id} column={column} sort={sort} onSort={onSort} />
          ))}
        </div>
      </div>
      <div
        role="rowgroup"
        ref={body}
        className={classes['body']}
        {...(isVirtual ? { style: { height: virtualizer.getTotalSize() } } : {})}
      >
        {isVirtual
          ? virtualizer.getVirtualItems().map(({ index, start, key }) => {
              const row = rows[index];
              if (row === undefined) return null;
              return (
                <div
                  key={key}
                  data-index={index}
                  ref={virtualizer.measureElement}
                  role="presentation"
                  className={classes['virtual']}
                  style={{ transform: `translateY(${start - margin}px)` }}
                >
                  {draw(row, index)}
                </div>
              );
            })
          : rows.map(draw)}
      </div>
    </div>
  );
}

interface RowProps<R> {
  readonly row: R;
  readonly n: number;
  readonly columns: readonly Column<R>[];
  readonly fresh: boolean;
  readonly below: ReactNode;
  readonly marked: boolean;
}

function Row<R>({ row, n, columns, fresh, below, marked }: RowProps<R>) {
  const ref = useGlow<HTMLDivElement>(row, fresh);
  return (
    <div ref={ref} className={cx(classes['rowBox'], marked && classes['marked'])} data-row={n}>
      <div className={classes['row']} role="row" aria-rowindex={n + 2}>
        {columns.map(({ id, title, cell, numeric, wideOnly }) => (
          <div
            key={id}
            role="cell"
            data-label={title}
            className={cx(classes['cell'], numeric && classes['numeric'], wideOnly && classes['wideOnly'])}
          >
            {cell(row)}
          </div>
        ))}
      </div>
      {below}
    </div>
  );
}

interface HeadingProps<R> {
  readonly column: Column<R>;
  readonly sort: Sort | undefined;
  readonly onSort: ((sort: Sort) => void) | undefined;
}

function Heading<R>({ column: { id, title, numeric, sort: sortable }, sort, onSort }: HeadingProps<R>) {
  const isSorted = sort?.column === id;
  const name = cx(classes['heading'], numeric && classes['numeric']);
  if (!sortable || !onSort) {
    return (
      <div role="columnheader" className={name}>
        {title === '' ? <span className="hidden">Actions</span> : title}
      </div>
    );
  }
  const direction = isSorted ? (sort.descending ? 'descending' : 'ascending') : 'none';
  return (
    <div role="columnheader" className={name} aria-sort={direction}>
      <button
        type="button"
        onClick={() => onSort({ column: id, descending: isSorted ? !sort.descending : numeric === true })}
      >
        {title}
        <span aria-hidden className={classes['arrow']}>
          {isSorted ? (sort.descending ? '↓' : '↑') : ''}
        </span>
      </button>
    </div>
  );
}

/** Where the rows begin on the page: what lies above them may grow. */
function useOffsetTop(ref: { readonly current: HTMLElement | null }): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => {
      const box = ref.current?.getBoundingClientRect();
      if (box) setTop(Math.round(box.top + scrollY));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [ref]);
  return top;
}

/** Keys that were there before this drawing: a row that comes later glows. */
function useKnownKeys<R>(rows: readonly R[], rowKey: (row: R) => string): ReadonlySet<string> {
  const known = useRef<Set<string>>(undefined);
  known.current ??= new Set(rows.map(rowKey));
  const now = known.current;
  useEffect(() => {
    for (const row of rows) now.add(rowKey(row));
  });
  return now;
}

/** j and k move the focus from row to row; enter opens, because what is focused is the row's link. */
function useWalking(
  body: { readonly current: HTMLElement | null },
  count: number,
  scrollTo: ((n: number) => void) | undefined,
): void {
  const walk = useCallback(
    (by: number) => {
      const at = Number(
        document.activeElement?.closest('[data-row]')?.getAttribute('data-row') ?? (by > 0 ? -1 : count),
      );
      const to = Math.min(count - 1, Math.max(0, at + by));
      const focus = (): void => {
        const row = body.current?.querySelector(`[data-row="${to}"]`);
        const target = row?.querySelector<HTMLElement>('a[href], button');
        target?.focus();
        row?.scrollIntoView({ block: 'nearest' });
      };
      if (scrollTo) {
        scrollTo(to);
        requestAnimationFrame(() => requestAnimationFrame(focus));
      } else focus();
    },
    [body, count, scrollTo],
  );
  useKeys((event) => {
    if (isTyping(event) || (event.key !== 'j' && event.key !== 'k') || count === 0) return;
    event.preventDefault();
    walk(event.key === 'j' ? 1 : -1);
  });
}
