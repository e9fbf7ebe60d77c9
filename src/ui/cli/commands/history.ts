/** Events as lines: what happened, when, and by whom. */
import type { ActivityRow } from '#projections/views/activity.ts';
import type { Cli, Lab } from '../cli.ts';
import { formatOf, isStructured, printStructured, printTable, type OutputOptions } from '../output/formats.ts';
import type { Column } from '../output/table.ts';
import { briefMoment } from '../output/words.ts';

/** `user:admin` → `admin`, `policy:placement` → `placement`. */
export const whoOf = (by: string): string => by.slice(by.indexOf(':') + 1);

const columnsAt = (now: number): readonly Column<ActivityRow>[] => [
  { header: 'INDEX', value: ({ index }) => String(index), right: true },
  { header: 'WHEN', value: ({ at }) => briefMoment(at, now) },
  { header: 'WHO', value: ({ who }) => who },
  { header: 'WHAT', value: ({ words }) => words, wraps: true },
  { header: 'TYPE', value: ({ type }) => type, wide: true },
  { header: 'OBJECT', value: ({ stream }) => stream, wide: true },
  { header: 'OPERATION', value: ({ correlation }) => correlation, wide: true },
];

export function printEvents(cli: Cli, options: OutputOptions, rows: readonly ActivityRow[]): void {
  const format = formatOf(options);
  if (options.quiet) for (const { index } of rows) cli.print.data(String(index));
  else if (isStructured(format)) printStructured(cli.print, format, rows);
  else if (rows.length === 0) cli.print.talk('Nothing has happened here yet.');
  else printTable(cli.print, columnsAt(cli.world.now()), rows, format === 'wide');
}

/** The newest events of one object. */
export async function printHistory(
  cli: Cli,
  lab: Lab,
  options: OutputOptions,
  stream: string,
  limit: number,
): Promise<void> {
  const page = await lab.rest.history(stream, { limit, signal: cli.world.interrupt });
  printEvents(cli, options, page.items);
}
