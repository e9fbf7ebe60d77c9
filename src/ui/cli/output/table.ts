/**
 * Rows in aligned columns, two spaces apart, under a header. A table fits its width: columns that may be cut are cut,
 * the widest first. The first column and those that are whole never are: a name or an address that is cut leads nowhere.
 */
import { cutTo, padEnd, padStart, widthOf, wrap } from './width.ts';

export interface Column<R> {
  readonly header: string;
  readonly value: (row: R) => string;
  /** Numbers align right. */
  readonly right?: boolean;
  /** Only in the wide form. */
  readonly wide?: boolean;
  /** An address: never cut, however narrow the terminal is. */
  readonly whole?: boolean;
  /** A sentence in the last column goes on below instead of being cut. */
  readonly wraps?: boolean;
  /** Colours for a text that is already cut. */
  readonly paint?: (text: string, row: R) => string;
}

export interface TableForm {
  readonly wide: boolean;
  /** Undefined: nothing is cut. */
  readonly width: number | undefined;
  readonly header: (text: string) => string;
}

const gap = '  ';
/** Narrower than this a column says nothing. */
const narrowest = 8;

/** @returns lines without a newline at their end */
export function renderTable<R>(columns: readonly Column<R>[], rows: readonly R[], form: TableForm): readonly string[] {
  const shown = columns.filter((column) => form.wide || !column.wide);
  const cells = rows.map((row) => shown.map((column) => column.value(row)));
  const widths = shown.map((column, n) =>
    Math.max(widthOf(column.header), ...cells.map((line) => widthOf(line[n] ?? ''))),
  );
  if (form.width !== undefined && !form.wide) {
    narrow(
      widths,
      form.width,
      shown.map((column, n) => n === 0 || column.whole === true),
    );
  }
  const lineOf = (line: readonly string[], paint: (text: string, n: number) => string): string =>
    line
      .map((text, n) => {
        const width = widths[n] ?? 0;
        const painted = paint(cutTo(text, width), n);
        if (shown[n]?.right) return padStart(painted, width);
        return n === line.length - 1 ? painted : padEnd(painted, width);
      })
      .join(gap)
      .trimEnd();
  const last = shown.length - 1;
  const rowLines = (row: R, line: readonly string[]): string[] => {
    const sentence = line[last] ?? '';
    const parts = shown[last]?.wraps ? wrap(sentence, widths[last] ?? 0) : [sentence];
    return parts.map((part, n) =>
      lineOf(n === 0 ? [...line.slice(0, last), part] : [...line.slice(0, last).fill(''), part], (text, at) =>
        text === '' ? text : (shown[at]?.paint?.(text, row) ?? text),
      ),
    );
  };
  const header = lineOf(
    shown.map((column) => column.header),
    (text) => form.header(text),
  );
  return [header, ...rows.flatMap((row, at) => rowLines(row, cells[at] ?? []))];
}

function narrow(widths: number[], width: number, isWhole: readonly boolean[]): void {
  const total = (): number => widths.reduce((sum, one) => sum + one, gap.length * (widths.length - 1));
  while (total() > width) {
    let widest = -1;
    for (let n = 0; n < widths.length; n++) {
      if (isWhole[n]) continue;
      if ((widths[n] ?? 0) > narrowest && (widths[n] ?? 0) > (widths[widest] ?? 0)) widest = n;
    }
    if (widest === -1) return;
    const next = widths.reduce((best, one, n) => (!isWhole[n] && n !== widest && one > best ? one : best), narrowest);
    const now = widths[widest] ?? 0;
    // Down to the next widest, or just as far as needed.
    widths[widest] = Math.max(Math.min(now - 1, Math.max(next, narrowest)), now - (total() - width), narrowest);
  }
}
