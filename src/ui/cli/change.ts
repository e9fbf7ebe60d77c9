/** Changing something: the dry run or the command, then waiting for the operation, with what is going on meanwhile. */
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import type { AppRow } from '#projections/views/apps.ts';
import { UnreachableError } from '#ui/client/errors.ts';
import { randomUUID } from 'node:crypto';
import type { Cli, Lab } from './cli.ts';
import { mustAsk } from './ask.ts';
import { CliError } from './errors.ts';
import { failure, shortName, waitFor } from './operations.ts';
import { isResting } from '#ui/client/address.ts';
import { durationOf, type ChangeOptions, type Ref, type WaitOptions } from './options.ts';
import { formatOf, isStructured, printStructured } from './output/formats.ts';
import { safe } from './output/safe.ts';
import { StatusLine } from './output/status-line.ts';
import { tookWords } from './output/words.ts';
import { isAwaited, workWords } from './work-words.ts';

export interface Words {
  /** `Volume photos-db is ready.` */
  readonly done: string;
  /** `Volume photos-db is not cordoned: nothing to do.` */
  readonly nothing: string;
}

export async function change<N extends CommandName>(
  cli: Cli,
  lab: Lab,
  options: ChangeOptions,
  command: N,
  input: CommandInputs[N],
  words: Words,
): Promise<void> {
  checkOptions(options);
  if (options.dryRun) return printDryRun(cli, options, await forecast(lab, command, input));
  const startedAt = cli.world.now();
  const answer = await apply(cli, lab, command, input);
  await finish(cli, lab, options, answer, words, startedAt);
}

/** A slip in an option is told before anything happens, not after it. */
export function checkOptions(options: WaitOptions): void {
  formatOf(options);
  timeoutOf(options);
}

export const forecast = <N extends CommandName>(
  lab: Lab,
  command: N,
  input: CommandInputs[N],
): Promise<CommandAnswer> => lab.rest.run(command, input, { dryRun: true });

/** @throws CliError with exit code 7 when nobody knows whether it took effect */
export async function apply<N extends CommandName>(
  cli: Cli,
  lab: Lab,
  command: N,
  input: CommandInputs[N],
): Promise<CommandAnswer> {
  try {
    return await lab.rest.run(command, input, { idempotencyKey: randomUUID(), signal: cli.world.interrupt });
  } catch (error) {
    if (cli.world.interrupt.aborted || (error instanceof UnreachableError && error.maybeSent)) {
      throw new CliError(
        'OUTCOME_UNKNOWN',
        cli.world.interrupt.aborted ? 130 : 7,
        `No answer came to ${command}: whether it took effect is not known.`,
        'Look first, for example with floatlab event ls; then repeat it if it is still needed.',
        { cause: error },
      );
    }
    throw error;
  }
}

export async function finish(
  cli: Cli,
  lab: Lab,
  options: WaitOptions,
  answer: CommandAnswer,
  words: Words,
  startedAt: number,
): Promise<void> {
  const { print, world } = cli;
  const format = formatOf(options);
  const { operation } = answer;
  if (operation === undefined || options.detach) {
    if (isStructured(format)) printStructured(print, format, answer);
    else if (operation !== undefined) print.data(shortName(operation));
    else if (!options.quiet) print.talk(answer.unchanged ? words.nothing : words.done);
    return;
  }
  const status = new StatusLine(world, print);
  const stopShowing = showWork(cli, lab, operation, status);
  try {
    const row = await waitFor(cli, lab, operation, timeoutOf(options), {
      onSilence: (reason) => status.show(reason),
      onWaits: sayWaits(cli, options),
    });
    if (isStructured(format)) printStructured(print, format, { ...answer, outcome: row });
    const failed = failure(row);
    if (failed) throw failed;
  } finally {
    stopShowing();
    status.end();
  }
  if (options.quiet || isStructured(format)) return;
  const took = tookWords(world.now() - startedAt);
  print.talkPainted(`${print.talkStyle.good('✓')} ${safe(words.done)}  (${shortName(operation)}, ${took})`);
}

/** Why it does not go on: once for each reason, on a line that stays. */
export const sayWaits =
  (cli: Cli, options: WaitOptions) =>
  (reason: string): void => {
    if (!options.quiet && !isStructured(formatOf(options))) cli.print.talk(`It waits: ${reason}`);
  };

export const timeoutOf = ({ timeout }: WaitOptions): number => durationOf(timeout ?? '10m', '--timeout');

/** On a terminal: what the agents do for this operation. @returns the way out */
function showWork(cli: Cli, lab: Lab, operation: string, status: StatusLine): () => void {
  if (!cli.world.stderr.isTTY) return () => undefined;
  status.show(`${shortName(operation)} runs`);
  const { rows, close } = lab.live().rows('work', { where: { correlation: operation } });
  rows.subscribe(() => {
    const work = rows.list().find(isAwaited);
    if (work) status.show(workWords(work));
  });
  return close;
}

/** The events in words, on stdout: they are what was asked for. */
export function printDryRun(cli: Cli, options: WaitOptions, answer: CommandAnswer): void {
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, answer);
  if (answer.unchanged) cli.print.talk('Nothing would happen: it is so already.');
  else if (!options.quiet) cli.print.talk('What would happen:');
  for (const { words } of answer.events) cli.print.data(safe(words));
  for (const change of answer.changes ?? []) cli.print.data(safe(change));
}

/** Asks before something happens. Nothing is asked with `--yes`. */
export async function agree(cli: Cli, options: ChangeOptions, question: string): Promise<void> {
  if (options.yes || options.dryRun) return;
  const { ask } = cli.world;
  mustAsk(ask, 'This asks before it goes on', 'Add --yes to go on unasked.');
  if (!(await ask.confirm(question))) throw new CliError('DECLINED', 1, 'You declined: nothing was changed.');
}

/**
 * Asks before a service is away, and only then: of an app that does not run nothing is interrupted.
 * @param question told the app as it is
 */
export async function agreeToInterrupt(
  cli: Cli,
  lab: Lab,
  options: ChangeOptions,
  ref: Ref,
  question: (app: AppRow) => string,
): Promise<void> {
  checkOptions(options);
  if (options.yes || options.dryRun) return;
  const app = await lab.rest.show('apps', { ...ref }, { signal: cli.world.interrupt });
  if (!isResting(app)) await agree(cli, options, question(app));
}

/** Asks for the name when data would be lost for ever. */
export async function agreeToLoss(
  cli: Cli,
  options: ChangeOptions,
  name: string,
  lost: readonly string[],
): Promise<void> {
  if (options.yes || options.dryRun) return;
  const { ask } = cli.world;
  for (const sentence of lost) cli.print.talk(sentence);
  mustAsk(ask, 'Data would be lost for ever', 'Add --yes to go on unasked.');
  const typed = await ask.text(`This cannot be undone. Type ${name} to go on`);
  if (typed !== name) throw new CliError('DECLINED', 1, `You did not type ${name}: nothing was changed.`);
}
