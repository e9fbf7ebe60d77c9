/** Who belongs to the lab, and as what: letting in, sending away, roles, labels, leaving, removal. */
import { nodeRole, type NodeRole } from '#events/values/peer.ts';
import { Argument, type Command } from 'commander';
import { agree, agreeToLoss, apply, change, checkOptions, finish, forecast, timeoutOf } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { CliError, interrupted, usageError } from '../errors.ts';
import { labelChangesOf } from '../labels.ts';
import { pause } from '../operations.ts';
import { changeOptions, examples, yesOption, type ChangeOptions } from '../options.ts';
import { sizeOf } from '../volume-values.ts';

/** The others are asked about it every few seconds. */
const lookMs = 1000;

interface RemoveOptions extends ChangeOptions {
  readonly force?: boolean;
}

interface LimitOptions extends ChangeOptions {
  readonly fill?: string;
  readonly reserve?: string;
}

async function limitPool(cli: Cli, options: LimitOptions, node: string, pool: string): Promise<void> {
  const { fill, reserve } = options;
  if (fill === undefined && reserve === undefined) throw usageError('Say --fill or --reserve.');
  const percent = fill === undefined ? undefined : Number(/^(\d{1,3})%?$/.exec(fill.trim())?.[1]);
  if (percent !== undefined && !(percent >= 1 && percent <= 100))
    throw usageError(`--fill ${fill} is not a share.`, 'Write a number from 1 to 100.');
  const lab = await cli.lab(options);
  const { name } = lab.ref(node, options);
  const input = {
    name,
    pool,
    ...(percent === undefined ? {} : { fillPercent: percent }),
    ...(reserve === undefined ? {} : { reserveBytes: reserve === '0' ? 0 : sizeOf(reserve, '--reserve') }),
  };
  await change(cli, lab, options, 'limit-pool', input, {
    done: `The limits of pool ${pool} of node ${name} are changed.`,
    nothing: `Pool ${pool} of node ${name} has these limits already.`,
  });
}

export function addMembershipCommands(group: Command, cli: Cli): void {
  const approve = group.command('approve').description('let a node in that asks to join').argument('<node>');
  approve.action(async (node: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, options);
    const words = {
      done: `Node ${name} is let in: it joins when it asks again, within seconds.`,
      nothing: `Node ${name} is let in already.`,
    };
    await change(cli, lab, options, 'approve-node', { name }, words);
  });
  examples(changeOptions(approve), 'floatlab node approve vega', 'floatlab node approve vega --dry-run');

  const limit = group
    .command('limit')
    .description('say how much of a pool volumes may be promised, and what is left to others')
    .argument('<node>')
    .argument('<pool>')
    .option('--fill <percent>', 'so much of the pool: 80 when nobody says')
    .option('--reserve <size>', 'and without this much, which is left to others');
  limit.action((node: string, pool: string, options: LimitOptions) => limitPool(cli, options, node, pool));
  examples(
    changeOptions(limit),
    'floatlab node limit atlas main --fill 70',
    'floatlab node limit atlas main --reserve 50GiB',
  );

  const refuse = group
    .command('refuse')
    .description('send a node away that asks to join')
    .argument('<node>')
    .option('--because <reason>', 'is told to whoever asked');
  refuse.action(async (node: string, options: ChangeOptions & { because?: string }) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, options);
    const why = options.because === undefined ? {} : { because: options.because };
    const words = { done: `Node ${name} is sent away.`, nothing: `Node ${name} is sent away already.` };
    await change(cli, lab, options, 'refuse-node', { name, ...why }, words);
  });
  examples(
    changeOptions(refuse),
    'floatlab node refuse vega',
    'floatlab node refuse vega --because "ask with a token, please"',
  );

  const role = group
    .command('role')
    .description('any: runs apps and may vote; witness: votes only; learner: runs apps only')
    .argument('<node>')
    .addArgument(new Argument('<role>').choices(nodeRole.options));
  role.action(async (node: string, to: NodeRole, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, options);
    const words = { done: `Node ${name} ${roleWords[to]}.`, nothing: `The role of node ${name} is ${to} already.` };
    await change(cli, lab, options, 'change-node-role', { name, role: to }, words);
  });
  examples(changeOptions(role), 'floatlab node role polaris witness', 'floatlab node role vega any');

  const label = group
    .command('label')
    .description('change labels: key=value sets one, key- takes it away')
    .argument('<node>')
    .argument('<labels...>');
  label.action(async (node: string, words: readonly string[], options: ChangeOptions) => {
    const labels = labelChangesOf(words);
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, options);
    const said = { done: `The labels of node ${name} are changed.`, nothing: `Node ${name} has these labels already.` };
    await change(cli, lab, options, 'label-node', { name, labels }, said);
  });
  examples(changeOptions(label), 'floatlab node label vega zone=cellar', 'floatlab node label vega zone-');

  const leave = group.command('leave').description('let a node that holds nothing leave the lab').argument('<node>');
  leave.action(async (node: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, options);
    if (!options.yes && !options.dryRun) await forecast(lab, 'leave-node', { name });
    await agree(cli, options, `Let node ${name} leave the lab? It can come back with a new token only.`);
    const words = { done: `Node ${name} has left the lab.`, nothing: `Node ${name} is leaving already.` };
    if (!options.dryRun && !options.detach && (await isAsked(lab, name))) return leaveByItself(cli, lab, options, name);
    await change(cli, lab, options, 'leave-node', { name }, words);
  });
  examples(yesOption(changeOptions(leave)), 'floatlab node leave vega', 'floatlab node leave vega --yes');

  const remove = group
    .command('rm')
    .description('remove a node that is down; asks first')
    .argument('<node>')
    .option('--force', 'also when it holds volumes and apps: they are lost with it');
  remove.action((node: string, options: RemoveOptions) => removeNode(cli, options, node));
  examples(yesOption(changeOptions(remove)), 'floatlab node rm vega', 'floatlab node rm vega --force');
}

const roleWords: Readonly<Record<NodeRole, string>> = {
  any: 'runs apps and may vote',
  witness: 'votes and runs no apps',
  learner: 'runs apps and does not vote',
};

/** Whether it is the node that answers here. */
async function isAsked(lab: Lab, name: string): Promise<boolean> {
  const status = await lab.rest.clusterStatus().catch(() => undefined);
  return status?.members.some((member) => member.isSelf && member.name === name) ?? false;
}

/** A node that is out of the lab hears nothing of the end of its operation: that the others let it in no more is the end. */
async function leaveByItself(cli: Cli, lab: Lab, options: ChangeOptions, name: string): Promise<void> {
  checkOptions(options);
  const answer = await apply(cli, lab, 'leave-node', { name });
  const words = { done: `Node ${name} has left the lab.`, nothing: `Node ${name} is leaving already.` };
  if (answer.operation !== undefined) {
    const timeout = AbortSignal.timeout(timeoutOf(options));
    const signal = AbortSignal.any([cli.world.interrupt, timeout]);
    for (;;) {
      const { outcast } = (await lab.rest.clusterStatus({ signal }).catch(() => undefined)) ?? {};
      if (outcast?.code === 'NOT_ADMITTED') break;
      if (cli.world.interrupt.aborted) throw interrupted();
      if (timeout.aborted) {
        const hint = 'See, on another node: floatlab cluster status';
        throw new CliError('TIMED_OUT', 7, `Node ${name} is still on its way out of the lab.`, hint);
      }
      await pause(lookMs, signal);
    }
  }
  const { operation: _, ...rest } = answer;
  await finish(cli, lab, options, rest, words, cli.world.now());
}

async function removeNode(cli: Cli, options: RemoveOptions, node: string): Promise<void> {
  const lab = await cli.lab(options);
  const { name } = lab.ref(node, options);
  const input = { name, force: options.force ?? false };
  if (!options.yes && !options.dryRun) await agreeToRemoval(cli, lab, options, input);
  const words = { done: `Node ${name} is removed.`, nothing: `Node ${name} is being removed already.` };
  await change(cli, lab, options, 'remove-node', input, words);
}

/** A refusal comes before the question; the name is asked for where something would be lost. */
async function agreeToRemoval(
  cli: Cli,
  lab: Lab,
  options: RemoveOptions,
  input: { readonly name: string; readonly force: boolean },
): Promise<void> {
  const { changes = [], events } = await forecast(lab, 'remove-node', input);
  const isLoss = events.some(({ stream }) => !stream.startsWith('node:') && !stream.startsWith('operation:'));
  if (isLoss) await agreeToLoss(cli, options, input.name, changes);
  else await agree(cli, options, `Remove node ${input.name} from the lab?`);
}
