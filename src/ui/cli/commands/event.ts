/** What happened in the lab, and what happens now. */
import type { ActivityRow } from '#projections/views/activity.ts';
import type { Problem } from '#io/contract/problem.ts';
import { ApiError } from '#ui/client/errors.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { interrupted } from '../errors.ts';
import { countOf, examples, outputOptions, type LabOptions } from '../options.ts';
import { operationId } from '../operations.ts';
import { formatOf, isStructured, asYaml } from '../output/formats.ts';
import { escapeActing, safe } from '../output/safe.ts';
import { withTimes } from '../output/times.ts';
import { briefMoment } from '../output/words.ts';
import { onInterrupt } from '../world.ts';
import { printEvents } from './history.ts';

interface EventOptions extends LabOptions {
  readonly output?: string;
  readonly quiet?: boolean;
  readonly limit: string;
  readonly before?: string;
  readonly operation?: string;
}

const mostEvents = 1000;

export function addEventCommands(program: Command, cli: Cli): void {
  const group = program.command('event').description('what happened, and what happens now');

  const list = group
    .command('ls')
    .alias('list')
    .description('list events, newest first')
    .option('--limit <n>', 'at most so many', '50')
    .option('--before <index>', 'only earlier ones')
    .option('--operation <operation>', 'only what this operation did');
  list.action(async (options: EventOptions) => {
    const lab = await cli.lab(options);
    const { items } = await lab.rest.events({
      limit: countOf(options.limit, '--limit', mostEvents),
      before: options.before === undefined ? undefined : countOf(options.before, '--before', 999_999_999),
      correlation: options.operation === undefined ? undefined : await operationId(lab, options.operation),
      signal: cli.world.interrupt,
    });
    printEvents(cli, options, items);
  });
  examples(outputOptions(list, 'print indexes only'), 'floatlab event ls', 'floatlab event ls --operation op-7kq2wxyz');

  const follow = group
    .command('follow')
    .description('print events as they happen, until Ctrl-C')
    .option('--limit <n>', 'begin with so many that have happened', '10');
  follow.action((options: EventOptions) => followEvents(cli, options));
  examples(
    outputOptions(follow, 'print indexes only'),
    'floatlab event follow',
    'floatlab event follow -o json | jq .words',
  );
}

async function followEvents(cli: Cli, options: EventOptions): Promise<void> {
  const lab = await cli.lab(options);
  const print = eventPrinter(cli, options);
  // Over REST first: what cannot work is said at once, where a live connection would try again and again.
  const { items } = await lab.rest.events({ limit: countOf(options.limit, '--limit', mostEvents) });
  let last = 0;
  const show = (rows: readonly ActivityRow[]): void => {
    for (const row of rows.toSorted((a, b) => a.index - b.index)) {
      if (row.index <= last) continue;
      last = row.index;
      print(row);
    }
  };
  show(items);
  await new Promise<void>((_, reject) => {
    const end = (problem: Problem | undefined): void => reject(problem ? new ApiError(problem) : interrupted());
    const close = lab.live().view(
      'activity',
      { limit: mostEvents },
      {
        snapshot: (rows) => show(rows.map(([, row]) => row)),
        change: (put) => show(put.map(([, row]) => row)),
        end,
      },
    );
    onInterrupt(cli.world, () => {
      close();
      reject(interrupted());
    });
  });
}

/** One event a line; as JSON one object a line, so that a pipe can read along. */
function eventPrinter(cli: Cli, options: EventOptions): (row: ActivityRow) => void {
  const format = formatOf(options);
  const { style } = cli.print;
  return (row) => {
    if (options.quiet) cli.print.data(String(row.index));
    else if (format === 'json') cli.print.data(escapeActing(JSON.stringify(withTimes(row))));
    else if (isStructured(format)) cli.print.data(`---\n${asYaml(withTimes(row))}`);
    else {
      const when = style.dim(`${String(row.index).padStart(6)}  ${briefMoment(row.at, cli.world.now())}`);
      const more = format === 'wide' ? `  ${style.dim(safe(`${row.type} ${row.stream}`))}` : '';
      cli.print.data(`${when}  ${safe(row.who).padEnd(10)}  ${safe(row.words)}${more}`);
    }
  };
}
