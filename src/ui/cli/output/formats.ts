/**
 * The same data as a table, as JSON, as YAML, or as names alone. JSON and YAML are the API's own rows, their times in
 * ISO 8601: stable.
 */
import { stringify } from 'yaml';
import { usageError } from '../errors.ts';
import type { Printer } from './printer.ts';
import { escapeActing, hasActing, safe } from './safe.ts';
import { withTimes } from './times.ts';
import { renderTable, type Column } from './table.ts';
import { padEnd, wrap } from './width.ts';

export const formats = ['table', 'wide', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

export interface OutputOptions {
  readonly output?: string | undefined;
  readonly quiet?: boolean | undefined;
  /** Of what reads: the past moment that was asked for. */
  readonly at?: string | undefined;
}

export function formatOf({ output }: OutputOptions, usual: Format = 'table'): Format {
  if (output === undefined) return usual;
  const format = formats.find((one) => one === output);
  if (format) return format;
  throw usageError(`There is no output format ${output}.`, `Use one of: ${formats.join(', ')}.`);
}

export const isStructured = (format: Format): format is 'json' | 'yaml' => format === 'json' || format === 'yaml';

export function asJson(value: unknown): string {
  return escapeActing(JSON.stringify(value, null, 2));
}

export function asYaml(value: unknown): string {
  // What a terminal acts upon can be escaped in double quotes only.
  const quoted = hasActing(JSON.stringify(value))
    ? ({ defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' } as const)
    : {};
  // Only the end of the last line: of a text that ends with empty lines, the others are its own.
  return escapeActing(stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, ...quoted })).replace(/\n$/, '');
}

export function printStructured(printer: Printer, format: 'json' | 'yaml', value: unknown): void {
  const shown = withTimes(value);
  printer.data(format === 'json' ? asJson(shown) : asYaml(shown));
}

export interface ListOutput<R> {
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  /** What `-q` prints. */
  readonly name: (row: R) => string;
  /** Said instead of an empty table: what this is, and one command. */
  readonly empty: string;
}

export function printList<R>(printer: Printer, options: OutputOptions, list: ListOutput<R>): void {
  const format = formatOf(options);
  if (options.quiet) for (const row of list.rows) printer.data(safe(list.name(row)));
  else if (isStructured(format)) printStructured(printer, format, list.rows);
  else if (list.rows.length === 0)
    printer.talk(options.at === undefined ? list.empty : 'There were none at that time.');
  else printTable(printer, list.columns, list.rows, format === 'wide');
}

export function printTable<R>(printer: Printer, columns: readonly Column<R>[], rows: readonly R[], wide = false): void {
  const made = columns.map((column) => ({ ...column, value: (row: R) => safe(column.value(row)) }));
  const form = { wide, width: printer.tableWidth, header: printer.style.dim };
  for (const line of renderTable(made, rows, form)) printer.data(line);
}

/** A name and what is known about it; empty values are left out. */
export type Fields = readonly (readonly [label: string, value: string | null | undefined])[];

export function printFields(printer: Printer, fields: Fields): void {
  const shown = fields.filter((field): field is [string, string] => Boolean(field[1]));
  const width = Math.max(...shown.map(([label]) => label.length)) + 2;
  for (const [label, value] of shown) {
    const lines = wrap(safe(value), printer.width - width);
    for (const [n, line] of lines.entries()) {
      printer.data(`${padEnd(n === 0 ? printer.style.dim(label) : '', width)}${line}`);
    }
  }
}
