/** Operations: what somebody asked for, and how far it is. */
import type { OperationRow } from '#projections/operations.ts';
import type { Command } from 'commander';
import { sayWaits, timeoutOf } from '../change.ts';
import type { Cli } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { failure, operationId, waitFor } from '../operations.ts';
import { examples, momentOf, outputOptions, readOptions, type LabOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { StatusLine } from '../output/status-line.ts';
import { paintState } from '../output/style.ts';
import { orDash, tookWords } from '../output/words.ts';
import { readRows } from '../rows.ts';
import { whoOf } from './history.ts';

interface WaitOptions extends LabOptions {
  readonly output?: string;
  readonly quiet?: boolean;
  readonly timeout: string;
}

export function addOperationCommands(program: Command, cli: Cli): void {
  const group = program.command('operation').description('what was asked for, and how far it is');

  const list = group.command('ls').alias('list').description('list the operations, newest first');
  list.option('--state <state>', 'only running, succeeded or failed ones');
  list.action(async (options: ReadOptions & { state?: string }) => {
    const lab = await cli.lab(options);
    const rows = await readRows(cli, lab, 'operations', options, { filters: { state: options.state } });
    const { ago } = momentsOf(cli, options);
    printList<OperationRow>(cli.print, options, {
      rows: rows.toSorted((a, b) => b.startedAt - a.startedAt),
      name: ({ name }) => name,
      empty: 'No operations: nobody has asked for anything yet.',
      columns: [
        { header: 'OPERATION', value: ({ name }) => name },
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'COMMAND', value: ({ command }) => command },
        { header: 'OF', value: ({ targetName }) => targetName },
        { header: 'BY', value: ({ by }) => whoOf(by) },
        { header: 'STARTED', value: ({ startedAt }) => ago(startedAt) },
        { header: 'TOOK', value: took },
        { header: 'ID', value: ({ id }) => id, wide: true },
        { header: 'WHY', value: ({ problem, waits }) => orDash((problem ?? waits)?.message), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab operation ls', 'floatlab operation ls --state failed -o wide');

  const show = group.command('show').description('show an operation').argument('<operation>');
  show.action(async (operation: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('operations', { id: operation }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { ago } = momentsOf(cli, options);
    const hint = (row.problem ?? row.waits)?.hint;
    return printFields(cli.print, [
      ['operation', row.name],
      ['id', row.id],
      ['asked for', `${row.command} of ${row.targetName}, by ${whoOf(row.by)}, ${ago(row.startedAt)}`],
      ['state', row.endedAt === null ? row.state : `${row.state} after ${took(row)}`],
      ['problem', row.problem && `${row.problem.message} (${row.problem.code})`],
      ['waits', row.waits && `${row.waits.message} (${row.waits.code})`],
      ['hint', hint && cli.advise(hint, row.namespace)],
    ]);
  });
  examples(readOptions(show), 'floatlab operation show op-7kq2wxyz', 'floatlab operation show op-7kq2wxyz -o json');

  const wait = group.command('wait').description('wait until an operation has ended').argument('<operation>');
  wait.option('--timeout <duration>', 'how long to wait: 30s, 10m', '10m');
  wait.action(async (operation: string, options: WaitOptions) => {
    const lab = await cli.lab(options);
    const id = await operationId(lab, operation);
    const status = new StatusLine(cli.world, cli.print);
    status.show(`${operation} runs`);
    const row = await waitFor(cli, lab, id, timeoutOf(options), {
      onSilence: (reason) => status.show(reason),
      onWaits: sayWaits(cli, options),
    }).finally(() => status.end());
    const format = formatOf(options);
    if (isStructured(format)) printStructured(cli.print, format, row);
    const failed = failure(row);
    if (failed) throw failed;
    if (options.quiet || isStructured(format)) return;
    cli.print.talk(`✓ ${row.command} of ${row.targetName} is done after ${took(row)}.`);
  });
  examples(
    outputOptions(wait, 'say nothing on success'),
    'floatlab operation wait op-7kq2wxyz',
    'floatlab operation wait op-7kq2wxyz --timeout 1h',
  );
}

const took = ({ startedAt, endedAt }: OperationRow): string =>
  endedAt === null ? '–' : tookWords(endedAt - startedAt);
