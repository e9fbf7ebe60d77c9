/** The machines of the lab. */
import { formatSize } from '#events/values/size.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import type { Power } from '#io/contract/routes/simulation.ts';
import { Argument, type Command } from 'commander';
import { agree, change } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { withHint } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  examples,
  momentOf,
  outputOptions,
  readOptions,
  yesOption,
  type ChangeOptions,
  type LabOptions,
  type ReadOptions,
} from '../options.ts';
import {
  formatOf,
  isStructured,
  printFields,
  printList,
  printStructured,
  type OutputOptions,
} from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { counted, listed, orDash } from '../output/words.ts';
import { byName, readRows } from '../rows.ts';
import { labelWords } from './app.ts';
import { addMembershipCommands } from './membership.ts';
import { addTokenCommands } from './token.ts';

function nodeState({ state, cordoned, departing, approved }: NodeRow): string {
  if (state === 'waiting' && approved) return 'waiting, let in';
  return [state, ...(cordoned ? ['cordoned'] : []), ...(departing ? ['leaving'] : [])].join(', ');
}

/** What it is to the group: `voter`; `learner`; what it may become, in brackets, where that is not what it is. */
const voteWords = ({ member, role }: Pick<NodeRow, 'member' | 'role'>): string => {
  const now = member ?? '–';
  return role === 'any' || role === now ? now : `${now} (${role})`;
};

/** `sda (3.64 TiB, turning, WDC WD40EFRX)` */
const diskWords = ({ name, sizeBytes, model, rotational }: NonNullable<NodeRow['facts']['devices']>[number]): string =>
  `${name} (${[formatSize(sizeBytes), ...(rotational ? ['turning'] : []), ...(model === null ? [] : [model])].join(', ')})`;

interface PowerOptions extends LabOptions, OutputOptions {
  readonly yes?: boolean;
}

export function addNodeCommands(program: Command, cli: Cli): void {
  const group = program
    .command('node')
    .description('look at nodes, let them in, cordon and remove them; the power of simulated ones');

  const list = group.command('ls').alias('list').description('list the nodes');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const { since } = momentsOf(cli, options);
    printList<NodeRow>(cli.print, options, {
      rows: (await readRows(cli, lab, 'nodes', options)).toSorted(byName),
      name: ({ name }) => name,
      empty: 'No nodes: the lab is just starting.',
      columns: [
        { header: 'NODE', value: ({ name }) => name },
        {
          header: 'STATE',
          value: nodeState,
          paint: (text, row) => paintState(cli.print.style, text, row.cordoned ? 'cordoned' : row.state),
        },
        { header: 'SINCE', value: (row) => since(row.since) },
        { header: 'VOTE', value: voteWords },
        { header: 'APPS', value: ({ instances }) => String(instances), right: true },
        { header: 'VOLUMES', value: ({ volumes }) => String(volumes), right: true },
        { header: 'RESERVED', value: ({ reservedBytes }) => formatSize(reservedBytes), right: true },
        { header: 'CPUS', value: ({ facts }) => String(facts.cpus), right: true },
        { header: 'MEMORY', value: ({ facts }) => formatSize(facts.memoryBytes), right: true },
        {
          header: 'ENGINE',
          value: ({ facts }) => orDash(facts.engine && `${facts.engine.name} ${facts.engine.version}`),
          wide: true,
        },
        { header: 'POOLS', value: ({ facts }) => orDash(facts.pools.map(({ name }) => name).join(',')), wide: true },
        { header: 'ZONE', value: ({ zone }) => orDash(zone), wide: true },
        { header: 'LABELS', value: ({ labels }) => orDash(labelWords(labels)), wide: true },
        { header: 'VERSION', value: ({ facts }) => facts.version, wide: true },
        { header: 'ADDRESSES', value: ({ addresses }) => addresses.join(','), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab node ls', 'floatlab node ls -o wide');

  const show = group.command('show').description('show a node').argument('<node>');
  show.action(async (node: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('nodes', { name: lab.ref(node, options).name }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { since, ago } = momentsOf(cli, options);
    const { facts } = row;
    return printFields(cli.print, [
      ['node', row.name],
      ['state', `${nodeState(row)}, since ${since(row.since)}`],
      ['last seen', row.downSince === null ? null : ago(row.downSince)],
      ['asks', row.state === 'waiting' && !row.approved ? 'to join the lab' : null],
      [
        'hint',
        row.state === 'waiting' && !row.approved
          ? cli.advise(`floatlab node approve ${row.name}, or floatlab node refuse ${row.name}`)
          : null,
      ],
      ['key', row.keySha256 && `SHA-256 ${row.keySha256}`],
      ['vote', row.member === null && row.role === 'any' ? null : voteWords(row)],
      ['zone', row.zone],
      [
        'holds',
        `${counted(row.instances, 'app')}, ${counted(row.volumes, 'volume')} of ${formatSize(row.reservedBytes)}`,
      ],
      ['machine', `${counted(facts.cpus, 'CPU')}, ${formatSize(facts.memoryBytes)}, ${facts.architecture}`],
      ['system', `${facts.os}, kernel ${facts.kernel}`],
      ['engine', facts.engine ? `${facts.engine.name} ${facts.engine.version}` : 'none'],
      [
        'pools',
        listed(facts.pools.map(({ name, driver, sizeBytes }) => `${name} (${driver}, ${formatSize(sizeBytes)})`)),
      ],
      ['disks', listed((facts.devices ?? []).map(diskWords))],
      ['addresses', row.addresses.join(', ')],
      ['floatlab', facts.version],
      ['labels', labelWords(row.labels)],
    ]);
  });
  examples(readOptions(show), 'floatlab node show atlas', 'floatlab node show atlas -o json');

  const verbs = {
    cordon: ['give a node nothing new', 'is cordoned: it gets nothing new', 'is cordoned already'],
    uncordon: ['let a node take new work again', 'takes new work again', 'is not cordoned: nothing to do'],
  } as const;
  for (const [verb, [what, done, nothing]] of Object.entries(verbs) as [keyof typeof verbs, readonly string[]][]) {
    const command = group
      .command(verb)
      .description(what ?? '')
      .argument('<node>');
    command.action(async (node: string, options: ChangeOptions) => {
      const lab = await cli.lab(options);
      const { name } = lab.ref(node, options);
      await change(
        cli,
        lab,
        options,
        `${verb}-node`,
        { name },
        {
          done: `Node ${name} ${done}.`,
          nothing: `Node ${name} ${nothing}.`,
        },
      );
    });
    examples(changeOptions(command), `floatlab node ${verb} atlas`, `floatlab node ${verb} atlas --dry-run`);
  }

  const power = group
    .command('power')
    .description("take a simulated machine's power away, or give it back")
    .argument('<node>')
    .addArgument(new Argument('<power>').choices(['on', 'off']));
  power.action(async (node: string, to: Power, options: PowerOptions) => {
    const format = formatOf(options);
    const lab = await cli.lab(options);
    const { name } = lab.ref(node, {});
    if (to === 'off' && !options.yes) await agreeToPowerOff(cli, lab, name);
    const machine = await lab.rest.setPower(name, to).catch((error: unknown) => {
      throw withHint(error, 'NOT_FOUND', 'floatlab node ls shows what there is.');
    });
    if (isStructured(format)) return printStructured(cli.print, format, machine);
    if (options.quiet) return;
    if (to === 'on') return cli.print.talk(`Node ${name} has power and starts.`);
    cli.print.talk(`Node ${name} has no power: the lab notices in a while. floatlab node ls shows when.`);
    cli.print.talk(`It comes back with floatlab node power ${name} on.`);
  });
  examples(
    yesOption(outputOptions(power, 'say nothing on success')),
    'floatlab node power vega off',
    'floatlab node power vega on',
  );

  addMembershipCommands(group, cli);
  addTokenCommands(group, cli);
}

/** What runs on a machine ends with its power; of one that is off already nothing does. */
async function agreeToPowerOff(cli: Cli, lab: Lab, name: string): Promise<void> {
  const machines = await lab.rest.simulatedMachines();
  const isOn = machines.some((machine) => machine.name === name && machine.power === 'on');
  if (isOn) await agree(cli, {}, `Take the power of node ${name} away? What runs there ends.`);
}
