/** Operations: what somebody asked for, and how far it is. */
import type { OperationRow } from '#projections/operations.ts';
import type { Command } from 'commander';
import { apply, checkOptions, forecast, printDryRun, sayWaits, timeoutOf } from '../change.ts';
import type { Cli } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { CliError } from '../errors.ts';
import { failure, operationId, shortName, waitFor } from '../operations.ts';
import {
  changeOptions,
  examples,
  momentOf,
  outputOptions,
  readOptions,
  type ChangeOptions,
  type LabOptions,
  type ReadOptions,
} from '../options.ts';
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

  const cancel = group
    .command('cancel')
    .description(
      'cancel a restore, an export, an import, a backup, a roll-back or a move to another node: what it did is undone',
    )
    .argument('<operation>');
  cancel.action((operation: string, options: ChangeOptions) => cancelOperation(cli, options, operation));
  examples(
    changeOptions(cancel),
    'floatlab operation cancel op-7kq2wxyz',
    'floatlab operation cancel op-7kq2wxyz --detach',
  );
}

async function cancelOperation(cli: Cli, options: ChangeOptions, named: string): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const id = await operationId(lab, named);
  if (options.dryRun) return printDryRun(cli, options, await forecast(lab, 'cancel-operation', { id }));
  const answer = await apply(cli, lab, 'cancel-operation', { id });
  const format = formatOf(options);
  if (options.detach) {
    if (isStructured(format)) return printStructured(cli.print, format, answer);
    if (!options.quiet) cli.print.talk(`${shortName(id)} is being canceled.`);
    return;
  }
  const status = new StatusLine(cli.world, cli.print);
  status.show(`${shortName(id)} is being canceled`);
  const row = await waitFor(cli, lab, id, timeoutOf(options), {
    onSilence: (reason) => status.show(reason),
    onWaits: sayWaits(cli, options),
  }).finally(() => status.end());
  if (isStructured(format)) printStructured(cli.print, format, { ...answer, outcome: row });
  const what = `${row.command} of ${row.targetName}`;
  if (row.state === 'succeeded')
    throw new CliError('TOO_LATE', 5, `${what} was done before it could be canceled.`, undoHint(row));
  const failed = row.problem?.code === 'CANCELED' ? undefined : failure(row);
  if (failed) throw failed;
  if (!options.quiet && !isStructured(format)) cli.print.talk(`✓ ${what} is canceled, and undone.`);
}

/** Nothing that a restore brings back is lost by it, and an import keeps what it replaced. */
const undoHint = ({ command, targetName }: OperationRow): string =>
  command === 'import-volume'
    ? `What it replaced is a snapshot: floatlab volume snapshots ${targetName}.`
    : `floatlab volume history ${targetName} shows what it did.`;

const took = ({ startedAt, endedAt }: OperationRow): string =>
  endedAt === null ? '–' : tookWords(endedAt - startedAt);
