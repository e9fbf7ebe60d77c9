/** Filtering and sorting of lists: every word of the filter must be found somewhere in a row. Pure. */

/** @returns whether each word of the query is in one of the texts, whatever the case */
export function matches(query: string, texts: readonly (string | null | undefined)[]): boolean {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = texts
    .filter((text) => text !== null && text !== undefined)
    .join('\n')
    .toLowerCase();
  return words.every((word) => haystack.includes(word));
}

export type SortValue = string | number | null | undefined;

/** Unknown values come last in both directions; equal ones keep their order. */
export function sorted<R>(rows: readonly R[], value: (row: R) => SortValue, descending: boolean): readonly R[] {
  const keyed = rows.map((row) => [value(row), row] as const);
  const sign = descending ? -1 : 1;
  return keyed
    .toSorted(([a], [b]) => {
      if (a === null || a === undefined) return b === null || b === undefined ? 0 : 1;
      if (b === null || b === undefined) return -1;
      return sign * compare(a, b);
    })
    .map(([, row]) => row);
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

/** `since` and `-since` (descending) as the URL holds them. */
export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}
export function parseSort(text: string | undefined, fallback: Sort): Sort {
  if (text === undefined || text === '' || text === '-') return fallback;
  return text.startsWith('-') ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}
export const formatSort = ({ column, descending }: Sort): string => (descending ? `-${column}` : column);
