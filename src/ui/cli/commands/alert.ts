/** What is wrong now. */
import { severities, type AlertRow } from '#projections/alerts.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { examples, namespaceOption, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printList } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import { wrap } from '../output/width.ts';
import { orDash } from '../output/words.ts';
import { readRows } from '../rows.ts';

interface AlertOptions extends ReadOptions {
  readonly severity?: string;
}

export function addAlertCommands(program: Command, cli: Cli): void {
  const group = program.command('alert').description('what is wrong now');
  const list = group.command('ls').alias('list').description('list what is wrong now');
  list.option('--severity <severity>', 'only critical ones, or warnings');
  list.action(async (options: AlertOptions) => {
    const lab = await cli.lab(options);
    const rows = await readRows(cli, lab, 'alerts', options, { filters: { severity: options.severity } });
    const format = formatOf(options);
    if (format === 'table' && !options.quiet && rows.length > 0) return printAlerts(cli, options, rows);
    const { since } = momentsOf(cli, options);
    return printList<AlertRow>(cli.print, options, {
      rows: isStructured(format) ? rows : bySeverity(rows),
      name: ({ stream }) => stream,
      empty: 'No alerts: nothing is wrong.',
      columns: [
        {
          header: 'SEVERITY',
          value: ({ severity }) => severity,
          paint: (text, { severity }) => paintState(cli.print.style, text, severity),
        },
        { header: 'SINCE', value: (row) => since(row.since) },
        { header: 'RULE', value: ({ rule }) => rule },
        { header: 'WHAT', value: ({ message }) => message },
        { header: 'HINT', value: ({ hint, namespace }) => orDash(hint && cli.advise(hint, namespace)) },
        { header: 'OBJECT', value: ({ stream }) => stream },
      ],
    });
  });
  examples(namespaceOption(readOptions(list)), 'floatlab alert ls', 'floatlab alert ls --severity critical -o json');
}

const bySeverity = (rows: readonly AlertRow[]): AlertRow[] =>
  rows.toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity) || a.since - b.since);

/** An alert is a sentence: it is wrapped, never cut. */
export function printAlerts(cli: Cli, options: { readonly at?: string }, rows: readonly AlertRow[]): void {
  const { since } = momentsOf(cli, options);
  for (const { severity, since: begun, message, hint: given, namespace } of bySeverity(rows)) {
    const hint = given && cli.advise(given, namespace);
    const label = `${severity} for ${since(begun)}`;
    cli.print.data(paintState(cli.print.style, label, severity));
    for (const line of wrap(safe(message), cli.print.width - 2)) cli.print.data(`  ${line}`);
    if (hint !== null) for (const line of wrap(safe(`hint: ${hint}`), cli.print.width - 2)) cli.print.data(`  ${line}`);
  }
}
