/** The bar above a list: filter (in the URL), states to choose from, and what one can make here. */
import { IconSearch } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { formatSort, matches, parseSort, sorted, type Sort } from '../format/filter.ts';
import type { ListSearch } from '../format/list-search.ts';
import { tones, type Tone } from '../format/state.ts';
import type { Column } from './data-table.tsx';
import { isTyping, useKeys } from './keys.ts';
import { Glyph } from './state.tsx';
import classes from './list.module.css';

/** Changes the list's part of the URL; an undefined value takes it out. */
export function useSetSearch(): (changes: Record<string, string | undefined>) => void {
  const navigate = useNavigate();
  return (changes) =>
    void navigate({
      to: '.',
      search: (before: Record<string, unknown>) => ({ ...before, ...changes }),
      replace: true,
      resetScroll: false,
    } as never);
}

interface ListOptions<R> {
  readonly rows: readonly R[];
  readonly columns: readonly Column<R>[];
  readonly search: ListSearch;
  readonly fallback: Sort;
  readonly texts: (row: R) => readonly (string | null | undefined)[];
  readonly tone: (row: R) => Tone;
}

export interface ListState<R> {
  readonly shown: readonly R[];
  readonly sort: Sort;
  readonly setSort: (sort: Sort) => void;
  /** How many rows there are of each tone, whatever is chosen. */
  readonly counts: ReadonlyMap<Tone, number>;
}

export function useList<R>({ rows, columns, search, fallback, texts, tone }: ListOptions<R>): ListState<R> {
  const setSearch = useSetSearch();
  const { q = '', state, sort: sortText } = search;
  const sort = parseSort(sortText, fallback);
  const found = useMemo(() => rows.filter((row) => matches(q, texts(row))), [rows, q, texts]);
  const counts = useMemo(() => {
    const counted = new Map<Tone, number>();
    for (const row of found) counted.set(tone(row), (counted.get(tone(row)) ?? 0) + 1);
    return counted;
  }, [found, tone]);
  const value = columns.find(({ id }) => id === sort.column)?.sort;
  const shown = useMemo(() => {
    const chosen = state === undefined ? found : found.filter((row) => tone(row) === state);
    return value ? sorted(chosen, value, sort.descending) : chosen;
  }, [found, state, tone, value, sort.descending]);
  return { shown, sort, counts, setSort: (next) => setSearch({ sort: formatSort(next) }) };
}

interface ListBarProps {
  readonly search: ListSearch;
  readonly counts?: ReadonlyMap<Tone, number>;
  readonly toneWords?: Readonly<Partial<Record<Tone, string>>>;
  readonly placeholder: string;
  readonly children?: ReactNode;
}

const defaultWords: Readonly<Record<Tone, string>> = {
  running: 'running',
  changing: 'changing',
  attention: 'needs attention',
  failed: 'failed',
  off: 'off',
};

export function ListBar({ search, counts, toneWords = {}, placeholder, children }: ListBarProps) {
  const setSearch = useSetSearch();
  return (
    <div className={classes['bar']}>
      <FilterInput
        value={search.q ?? ''}
        onChange={(q) => setSearch({ q: q === '' ? undefined : q })}
        placeholder={placeholder}
      />
      {counts && (
        <div className={classes['chips']} role="group" aria-label="Show only">
          {tones
            .filter((tone) => (counts.get(tone) ?? 0) > 0 || search.state === tone)
            .map((tone) => (
              <button
                key={tone}
                type="button"
                className={classes['chip']}
                aria-pressed={search.state === tone}
                onClick={() => setSearch({ state: search.state === tone ? undefined : tone })}
              >
                <Glyph tone={tone} />
                {counts.get(tone) ?? 0} {toneWords[tone] ?? defaultWords[tone]}
              </button>
            ))}
        </div>
      )}
      <div className={classes['end']}>{children}</div>
    </div>
  );
}

interface FilterInputProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder: string;
}

/** `/` goes here from anywhere on the page; escape empties it and goes back. */
export function FilterInput({ value, onChange, placeholder }: FilterInputProps) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    setTyped(value);
  }, [value]);
  useKeys((event) => {
    if (event.key !== '/' || isTyping(event)) return;
    event.preventDefault();
    input.current?.focus();
    input.current?.select();
  });
  const change = (next: string): void => {
    setTyped(next);
    onChange(next);
  };
  return (
    <div className={classes['filter']}>
      <IconSearch size={14} aria-hidden className={classes['icon']} />
      <input
        ref={input}
        type="search"
        aria-label={placeholder}
        placeholder={placeholder}
        value={typed}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => change(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          change('');
          event.currentTarget.blur();
        }}
      />
      <kbd aria-hidden className={classes['key']}>
        /
      </kbd>
    </div>
  );
}

export function NothingFound({ onClear }: { readonly onClear: () => void }) {
  return (
    <div className={classes['nothing']}>
      Nothing matches this filter.{' '}
      <button type="button" className="link" onClick={onClear}>
        Show everything
      </button>
    </div>
  );
}
