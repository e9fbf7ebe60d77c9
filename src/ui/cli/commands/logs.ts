/** Log lines of an app: the last ones, or as they come. */
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Problem } from '#io/contract/problem.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { ApiError, classOf } from '#ui/client/errors.ts';
import type { LiveClient } from '#ui/client/live.ts';
import type { Command } from 'commander';
import type { Cli, Lab } from '../cli.ts';
import { interrupted } from '../errors.ts';
import { howItIs, notRunning } from '../not-running.ts';
import { isPassing, pause } from '../operations.ts';
import { countOf, durationOf, examples, namespaceOption, type LabOptions, type Ref } from '../options.ts';
import { safe, safeLogLine } from '../output/safe.ts';
import { padEnd } from '../output/width.ts';
import { momentWords } from '../output/words.ts';
import { PrintedLines } from '../printed-lines.ts';
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
    .option('-f, --follow', 'go on with new lines, through stops and starts, until Ctrl-C')
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
  const ref = lab.ref(app, options);
  // The app first: what is misspelt is said at once.
  const row = await lab.rest.show('apps', { ...ref });
  if (row.instance === null && !follow) throw notRunning(row);
  const print = linePrinter(cli, options, service === undefined ? Object.keys(row.services) : []);
  const asked: LogQuery = {
    app: row.id,
    follow,
    ...(service === undefined ? {} : { service }),
    ...(lines === undefined ? {} : { tail: lines }),
    ...(since === undefined ? {} : { since }),
  };
  if (follow) return followOn(cli, lab, ref, asked, print);
  const { problem, newestAt } = await readOnce(cli, lab, asked, print);
  if (problem) throw new ApiError(problem);
  if (newestAt === undefined && row.state === 'starting') {
    cli.print.talk(
      `App ${row.name} is starting: it has written nothing yet. floatlab logs -f ${row.name} waits for it.`,
    );
  }
}

type LogQuery = Parameters<LiveClient['logs']>[0];
type Print = (line: LiveLogLine) => void;

/** How often an app without containers is asked again. */
const againMs = 1000;

/**
 * An app that is stopped, or starts again, has no containers for a while; an engine or a daemon may be away. This waits
 * for them, and says so.
 */
async function followOn(cli: Cli, lab: Lab, ref: Ref, asked: LogQuery, print: Print): Promise<void> {
  const printed = new PrintedLines();
  let said = 'running';
  const printNew = (line: LiveLogLine): void => {
    if (!printed.isNew(line)) return;
    print(line);
    said = 'running';
  };
  for (let query = asked; ; await pause(againMs, cli.world.interrupt)) {
    if (cli.world.interrupt.aborted) throw interrupted();
    const since = printed.resume();
    if (since !== undefined) query = { ...withoutTail(query), since };
    const { problem, gaveUp } = await readOnce(cli, lab, query, printNew);
    // One that is gone in between is said to be; a daemon that restarts is waited for.
    const app = await lab.rest.show('apps', { ...ref }).catch((error: unknown) => {
      if (!isPassing(error)) throw error;
    });
    if (app) query = { ...query, app: app.id };
    if (problem && classOf(problem) === 'unavailable') {
      // The lab answers, and yet no live connection opens: that does not pass by itself.
      if (app && gaveUp) throw new ApiError(problem);
      if (said !== 'away') cli.print.talk(`${problem.detail} Waiting until it is there again. Ctrl-C ends this.`);
      said = 'away';
      continue;
    }
    if (!app) continue;
    const isWaiting = problem?.code === 'NOT_FOUND' && (!query.service || query.service in app.services);
    if (problem && !isWaiting) throw new ApiError(problem);
    const runs = app.state === 'running' || app.state === 'degraded';
    if (runs && isOver(app, query.service)) return;
    if (!runs && app.state !== said) {
      cli.print.talk(`App ${app.name} ${howItIs(app)} and writes nothing: waiting until it does. Ctrl-C ends this.`);
    }
    said = app.state;
  }
}

/** A job that has ended writes nothing more before the next deployment. */
const isOver = ({ services }: AppRow, service: string | undefined): boolean =>
  Object.entries(services).every(
    ([name, { state }]) => (service !== undefined && name !== service) || state === 'completed' || state === 'exited',
  );

const withoutTail = ({ tail: _, ...query }: LogQuery): LogQuery => query;

interface ReadLog {
  readonly problem: Problem | undefined;
  /** Time of the newest line, when there was any. */
  readonly newestAt: number | undefined;
  /** The live connection does not try any more. */
  readonly gaveUp: boolean;
}

/** Until the log ends: at once, or once the containers have ended that are followed. */
function readOnce(cli: Cli, lab: Lab, query: LogQuery, print: Print): Promise<ReadLog> {
  return new Promise((resolve, reject) => {
    let newestAt: number | undefined;
    let close = (): void => undefined;
    const forget = onInterrupt(cli.world, () => {
      close();
      reject(interrupted());
    });
    const live = lab.live();
    // A connection that is closed ends this before it returns.
    close = live.logs(query, {
      lines: (all, dropped) => {
        if (dropped > 0) cli.print.talk(`${dropped} lines were left out: this reader was too slow.`);
        for (const line of all) {
          newestAt = Math.max(newestAt ?? 0, line.at);
          print(line);
        }
      },
      end: (problem) => {
        forget();
        resolve({ problem, newestAt, gaveUp: live.status().state === 'closed' });
      },
    });
  });
}

/** With several services each line says whose it is. Into a pipe or file a line goes as it was written. */
function linePrinter(cli: Cli, { timestamps }: LogOptions, services: readonly string[]): Print {
  const width = Math.max(0, ...services.map((name) => name.length));
  const { style } = cli.print;
  const isTerminal = cli.world.stdout.isTTY === true;
  return ({ service, at, text }) => {
    const whose = services.length > 1 ? `${style.named(service, padEnd(safe(service), width))} | ` : '';
    const when = timestamps ? `${style.dim(momentWords(at))}  ` : '';
    cli.print.data(`${whose}${when}${isTerminal ? safeLogLine(text) : text}`);
  };
}
