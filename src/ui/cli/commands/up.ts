/** `up`: a compose file becomes an app. The plan first, then the question, then what happens as it happens. */
import type { CommandInputs } from '#actors/commands.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { ApiError } from '#ui/client/errors.ts';
import type { Command } from 'commander';
import { addressOf, type Reach } from '#ui/client/address.ts';
import { reachOf } from '../addresses.ts';
import { agree, apply, checkOptions, forecast, printDryRun, sayWaits, timeoutOf } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { collectCompose } from '../compose-files.ts';
import { DeployProgress, lineText, type DeployLine } from '../deploy-progress.ts';
import { failure, shortName, waitFor } from '../operations.ts';
import { changeOptions, eachOne, examples, namespaceOption, yesOption, type ChangeOptions } from '../options.ts';
import { formatOf, isStructured, printStructured } from '../output/formats.ts';
import { printFindings } from '../output/problems.ts';
import { howItIs } from '../not-running.ts';
import { safe } from '../output/safe.ts';
import { StatusLine } from '../output/status-line.ts';
import { wrap } from '../output/width.ts';
import { tookWords } from '../output/words.ts';
import { planOf } from '../plan.ts';
import { readRows } from '../rows.ts';

interface UpOptions extends ChangeOptions {
  readonly file?: readonly string[];
  readonly name?: string;
  readonly without?: readonly string[];
  readonly start: boolean;
  readonly attach?: readonly string[];
}

type Input = CommandInputs['deploy-app'];

export function addUpCommand(program: Command, cli: Cli): void {
  const up = program
    .command('up')
    .description('create an app from a compose file, or bring it to this file')
    .option(
      '-f, --file <path>',
      'the compose file; compose.yaml here, with its override, when it is left out; again for a file over it',
      eachOne,
    )
    .option('--name <name>', 'name of the app; from the file or its folder when it is left out')
    .option('--without <path...>', 'leave these files and folders here although the file names them')
    .option('--no-start', 'create it and do not start it')
    .option('--attach <volume...>', 'take these volumes of the file as they are there already, with what they hold');
  up.action((options: UpOptions) => bringUp(cli, options));
  examples(
    yesOption(namespaceOption(changeOptions(up))),
    'floatlab up -f compose.yaml',
    'floatlab up -f photos/compose.yaml --name photos --dry-run',
  );
}

async function bringUp(cli: Cli, options: UpOptions): Promise<void> {
  const { print, world } = cli;
  checkOptions(options);
  const format = formatOf(options);
  const { input: file, read, folderName } = await collectCompose(world.cwd, options.file, options.without);
  const lab = await cli.lab(options);
  const named = options.name ?? ('app' in read ? read.app.name : undefined) ?? folderName;
  const namespace = lab.namespace(options);
  const input: Input = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(named === undefined ? {} : { name: named }),
    fileName: file.fileName,
    compose: file.text,
    files: { ...file.files },
    start: options.start,
    ...(options.attach === undefined ? {} : { attach: [...options.attach] }),
  };
  const plan = await forecast(lab, 'deploy-app', input);
  if (options.dryRun) return printDryRun(cli, options, plan);
  const name = named ?? '';
  if ('app' in read && !options.quiet) printFindings(print, read.app.notes);
  if (plan.unchanged) {
    if (isStructured(format)) printStructured(print, format, plan);
    else if (!options.quiet) print.talk(`${name} is as ${file.fileName} says already: nothing to do.`);
    return;
  }
  if (!options.quiet) printPlan(cli, name, planOf(plan.events), plan.changes ?? []);
  await agree(cli, options, 'Apply?');
  await deploy(cli, lab, options, input, name);
}

/** `photos  plan: create the app with 2 services, …`, wrapped under its first word; below it what changes, line by line. */
function printPlan(cli: Cli, name: string, phrases: readonly string[], changes: readonly string[]): void {
  const label = `${safe(name)}  plan: `;
  const indent = ' '.repeat(Math.min(label.length, 20));
  const lines = wrap(safe(phrases.join(', ')), 80 - label.length);
  for (const [n, line] of lines.entries()) cli.print.talkPainted(`${n === 0 ? label : indent}${line}`);
  for (const change of changes) {
    for (const [n, line] of wrap(safe(change), 76).entries())
      cli.print.talkPainted(`${n === 0 ? '  ' : '    '}${line}`);
  }
}

async function deploy(cli: Cli, lab: Lab, options: UpOptions, input: Input, name: string): Promise<void> {
  const { print, world } = cli;
  const format = formatOf(options);
  const where = { ...(input.namespace === undefined ? {} : { namespace: input.namespace }), name };
  const before = await appNow(lab, where);
  const volumes = await readRows(cli, lab, 'volumes', { namespace: input.namespace ?? 'default' });
  const startedAt = world.now();
  const answer = await apply(cli, lab, 'deploy-app', input);
  const { operation } = answer;
  if (operation === undefined || options.detach) {
    if (isStructured(format)) printStructured(print, format, answer);
    else if (operation !== undefined) print.data(shortName(operation));
    return;
  }
  const ready = volumes.filter(({ state }) => state === 'ready').map(({ id }) => id);
  const progress = new DeployProgress(operation, startedAt, before, ready);
  const status = new StatusLine(world, print);
  const showLines = (lines: readonly DeployLine[]): void => {
    if (options.quiet) return;
    for (const line of lines) print.talkPainted(paintLine(cli, line));
  };
  status.show(`${name} is on its way`);
  const stop = watch(cli, lab, where, progress, status, showLines);
  try {
    const row = await waitFor(cli, lab, operation, timeoutOf(options), {
      onSilence: (reason) => status.show(reason),
      onWaits: sayWaits(cli, options),
    });
    const app = await appNow(lab, where);
    const after = await readRows(cli, lab, 'volumes', { namespace: input.namespace ?? 'default' });
    showLines(progress.lines({ app, volumes: after }, world.now()));
    status.end();
    const failed = failure(row);
    if (isStructured(format)) printStructured(print, format, { ...answer, outcome: row, app: app ?? null });
    if (failed) throw failed;
    if (options.quiet || isStructured(format)) return;
    const reach = await reachOf(lab, app ? [app] : []);
    print.data(
      safe(
        `${cli.advise(outcomeWords(name, app, reach))}  (operation ${shortName(operation)}, ${tookWords(world.now() - startedAt)})`,
      ),
    );
  } finally {
    stop();
    status.end();
  }
}

function outcomeWords(name: string, app: AppRow | undefined, reach: Reach): string {
  if (app?.state === 'running') {
    const address = addressOf(app, reach);
    if (address === null) return `${name} runs`;
    return reach.simulated ? `${name} runs, simulated, at ${address}` : `${name} runs: ${address}`;
  }
  return app?.state === 'stopped'
    ? `${name} is ready; floatlab app start ${name} starts it`
    : `${name} ${app ? howItIs(app) : 'is gone'}`;
}

function paintLine(cli: Cli, line: DeployLine): string {
  const { good, bad } = cli.print.talkStyle;
  return `${line.good ? good('✓') : bad('✗')} ${safe(lineText(line)).trimEnd()}`;
}

const appNow = (lab: Lab, where: { readonly namespace?: string; readonly name: string }): Promise<AppRow | undefined> =>
  lab.rest.show('apps', where).catch((error: unknown) => {
    if (error instanceof ApiError && error.kind === 'missing') return undefined;
    throw error;
  });

/** Follows the app, its volumes and the work for it. @returns the way out */
function watch(
  cli: Cli,
  lab: Lab,
  where: { readonly namespace?: string; readonly name: string },
  progress: DeployProgress,
  status: StatusLine,
  show: (lines: readonly DeployLine[]) => void,
): () => void {
  const live = lab.live();
  const namespace = where.namespace ?? 'default';
  const apps = live.rows('apps', { where: { namespace, name: where.name } });
  const volumes = live.rows('volumes', { where: { namespace } });
  const work = live.rows('work');
  const look = (): void => {
    const app = apps.rows.list().find((row) => row.name === where.name && row.namespace === namespace);
    const seen = { app, volumes: volumes.rows.list(), work: work.rows.list() };
    show(progress.lines(seen, cli.world.now()));
    const now = progress.now(seen);
    if (now !== undefined) status.show(`${where.name}: ${now}`);
  };
  for (const { rows } of [apps, volumes]) rows.subscribe(look);
  work.rows.subscribe(look);
  return () => {
    for (const followed of [apps, volumes, work]) followed.close();
  };
}
