/** Log lines of an app: the last ones, or as they come. */
import type { LiveLogLine } from '#io/contract/live.ts';
import { ApiError } from '#ui/client/errors.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { interrupted } from '../errors.ts';
import { countOf, durationOf, examples, namespaceOption, refOf, type LabOptions } from '../options.ts';
import { safe, safeLogLine } from '../output/safe.ts';
import { padEnd } from '../output/width.ts';
import { momentWords } from '../output/words.ts';
import { onInterrupt } from '../world.ts';

interface LogOptions extends LabOptions {
  readonly follow?: boolean;
  readonly tail?: string;
  readonly since?: string;
  readonly timestamps?: boolean;
  readonly namespace?: string;
}

export function addLogsCommand(program: Command, cli: Cli): void {
  const logs = program
    .command('logs')
    .description('print the log lines of an app')
    .argument('<app>')
    .argument('[service]', 'only of this service')
    .option('-f, --follow', 'go on with new lines, until Ctrl-C')
    .option('--tail <n>', 'the last n lines of each service (200 unless --since says otherwise)')
    .option('--since <duration>', 'only what is younger: 10m, 2h')
    .option('-t, --timestamps', 'print the time in front of each line');
  logs.action((app: string, service: string | undefined, options: LogOptions) => printLogs(cli, options, app, service));
  examples(namespaceOption(logs), 'floatlab logs -f photos', 'floatlab logs photos db --since 10m --tail 100');
}

const usualTail = 200;
const mostLines = 10_000;

async function printLogs(cli: Cli, options: LogOptions, app: string, service: string | undefined): Promise<void> {
  const { tail, follow = false } = options;
  const since = options.since === undefined ? undefined : cli.world.now() - durationOf(options.since, '--since');
  const lines = tail === undefined ? (since === undefined ? usualTail : undefined) : countOf(tail, '--tail', mostLines);
  const lab = await cli.lab(options);
  // The app first: what is misspelt is said at once.
  const row = await lab.rest.show('apps', { ...refOf(app, options, lab.settings) });
  const print = linePrinter(cli, options, service === undefined ? Object.keys(row.services) : []);
  await new Promise<void>((resolve, reject) => {
    const close = lab.live().logs(
      {
        app: row.id,
        follow,
        ...(service === undefined ? {} : { service }),
        ...(lines === undefined ? {} : { tail: lines }),
        ...(since === undefined ? {} : { since }),
      },
      {
        lines: (all, dropped) => {
          if (dropped > 0) cli.print.talk(`${dropped} lines were left out: this reader was too slow.`);
          for (const line of all) print(line);
        },
        end: (problem) => (problem ? reject(new ApiError(problem)) : resolve()),
      },
    );
    onInterrupt(cli.world, () => {
      close();
      reject(interrupted());
    });
  });
}

/** With several services each line says whose it is. Into a pipe or file a line goes as it was written. */
function linePrinter(cli: Cli, { timestamps }: LogOptions, services: readonly string[]): (line: LiveLogLine) => void {
  const width = Math.max(0, ...services.map((name) => name.length));
  const { style } = cli.print;
  const isTerminal = cli.world.stdout.isTTY === true;
  return ({ service, at, text }) => {
    const whose = services.length > 1 ? `${style.named(service, padEnd(safe(service), width))} | ` : '';
    const when = timestamps ? `${style.dim(momentWords(at))}  ` : '';
    cli.print.data(`${whose}${when}${isTerminal ? safeLogLine(text) : text}`);
  };
}
