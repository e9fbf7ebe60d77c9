/** `app move`: an app goes to another node with all of its volumes. */
import type { Command } from 'commander';
import { agree, apply, change, checkOptions, finish, forecast, printDryRun } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { changeOptions, examples, namespaceOption, yesOption, type ChangeOptions } from '../options.ts';

interface MoveOptions extends ChangeOptions {
  readonly node?: string;
  /** False: `--no-replica`. */
  readonly replica?: boolean;
  readonly cancel?: boolean;
}

export function addAppMove(group: Command, cli: Cli): void {
  const move = group
    .command('move')
    .description('move an app to another node with all of its volumes; asks first')
    .argument('<app>')
    .option('--node <node>', 'to this node: replicas there take the places of its volumes')
    .option('--no-replica', 'what the volumes were is removed, instead of becoming replicas')
    .option('--cancel', 'give the move up, as long as there is a way back');
  move.action((app: string, options: MoveOptions) => moveApp(cli, options, app));
  examples(
    yesOption(namespaceOption(changeOptions(move))),
    'floatlab app move photos --node vega',
    'floatlab app move photos --cancel',
  );
}

async function moveApp(cli: Cli, options: MoveOptions, app: string): Promise<void> {
  checkOptions(options);
  const { node, replica } = options;
  if (options.cancel === true) {
    if (node !== undefined || replica === false)
      throw usageError('--cancel gives up the move: leave the other options out.');
    return cancel(cli, options, app);
  }
  if (node === undefined) throw usageError('Say where it goes: --node.');
  const lab = await cli.lab(options);
  const ref = lab.ref(app, options);
  const input = { ...ref, node, ...(replica === false ? { replica } : {}) };
  const plan = options.yes && !options.dryRun ? undefined : await forecast(lab, 'move-app', input);
  if (plan && options.dryRun) return printDryRun(cli, options, plan);
  if (plan && !plan.unchanged) {
    for (const sentence of plan.changes ?? []) cli.print.talk(sentence);
    await agree(cli, options, `Move app ${ref.name}?`);
  }
  const startedAt = cli.world.now();
  const answer = await apply(cli, lab, 'move-app', input);
  const done = { done: `App ${ref.name} has moved to ${node}.`, nothing: `App ${ref.name} is there already.` };
  await finish(cli, lab, options, answer, done, startedAt);
}

async function cancel(cli: Cli, options: MoveOptions, app: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(app, options);
  await change(cli, lab, options, 'cancel-app-move', ref, {
    done: `The move of app ${ref.name} is given up: it stays where it is, with all of its volumes.`,
    nothing: `App ${ref.name} is not being moved to another node: nothing to do.`,
  });
}
