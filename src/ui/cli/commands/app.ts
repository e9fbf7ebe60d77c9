/** Apps: `ps`, `down`, and `app …`. `up`, `logs` and `exec` have files of their own. */
import type { AppRow, ServiceRow } from '#projections/views/apps.ts';
import { unknownState } from '#projections/unheard.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import { recoverableMs } from '#actors/volume/commands.ts';
import type { Command } from 'commander';
import { agree, agreeToInterrupt, change, checkOptions } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { addressOf } from '#ui/client/address.ts';
import { reachOf } from '../addresses.ts';
import { CliError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  atOption,
  changeOptions,
  countOf,
  examples,
  momentOf,
  namespaceOption,
  outputOptions,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
  type Ref,
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured, printTable } from '../output/formats.ts';
import { safeLines } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import { counted, listed, orDash, shortDuration } from '../output/words.ts';
import { byName, namespaceColumn, readRows } from '../rows.ts';
import { addAppMove } from './app-move.ts';
import { addAppUpdate } from './app-update.ts';
import { printHistory } from './history.ts';

interface RemoveOptions extends ChangeOptions {
  readonly volumes?: boolean;
}

export function addAppCommands(program: Command, cli: Cli): void {
  const ps = program
    .command('ps')
    .description('list the apps, or the services of one')
    .argument('[app]', 'show the services of this app')
    .action(async (app: string | undefined, options: ReadOptions) =>
      app === undefined ? listApps(cli, options) : listServices(cli, options, app),
    );
  examples(namespaceOption(readOptions(ps)), 'floatlab ps', 'floatlab ps photos -o wide');

  const down = program
    .command('down')
    .description('remove an app; its volumes are kept; asks first')
    .argument('<app>')
    .option('--volumes', 'delete its volumes and their snapshots too')
    .action((app: string, options: RemoveOptions) => removeApp(cli, options, app));
  examples(yesOption(namespaceOption(changeOptions(down))), 'floatlab down photos', 'floatlab down photos --volumes');

  const group = program.command('app').description('look at apps, start, stop and remove them');
  const list = group
    .command('ls')
    .alias('list')
    .description('list the apps')
    .option('-l, --selector <labels>', 'only these: team=home,!test');
  list.action((options: ReadOptions & { selector?: string }) => listApps(cli, options));
  examples(namespaceOption(readOptions(list)), 'floatlab app ls', 'floatlab app ls -l team=home -o json');

  const show = group.command('show').description('show an app').argument('<app>');
  show.action((app: string, options: ReadOptions) => showApp(cli, options, app));
  examples(namespaceOption(readOptions(show)), 'floatlab app show photos', 'floatlab app show photos --at 2h');

  for (const verb of ['start', 'stop', 'restart'] as const) {
    const command = group.command(verb).description(descriptions[verb]).argument('<app>');
    command.action(async (app: string, options: ChangeOptions) => {
      const lab = await cli.lab(options);
      const ref = lab.ref(app, options);
      if (verb === 'restart') await refuseAway(cli, lab, ref);
      if (verb !== 'start') await agreeToInterrupt(cli, lab, options, ref, questions[verb]);
      await change(cli, lab, options, `${verb}-app`, ref, {
        done: verb === 'stop' ? `App ${ref.name} is stopped.` : `App ${ref.name} runs.`,
        nothing: verb === 'stop' ? `App ${ref.name} is stopped already.` : `App ${ref.name} is to run already.`,
      });
    });
    const changing = namespaceOption(changeOptions(command));
    examples(
      verb === 'start' ? changing : yesOption(changing),
      `floatlab app ${verb} photos`,
      verb === 'start' ? 'floatlab app start photos --timeout 2m' : `floatlab app ${verb} photos --yes --timeout 2m`,
    );
  }

  addAppUpdate(group, cli);
  addAppMove(group, cli);

  const tie = group
    .command('tie')
    .description('say that data of an app outside of its volumes lies on this node, too')
    .argument('<app>')
    .argument('<node>');
  tie.action(async (app: string, node: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(app, options);
    await change(
      cli,
      lab,
      options,
      'tie-app',
      { ...ref, node },
      {
        done: `App ${ref.name} is tied to ${node}: from now on its data outside of volumes is there.`,
        nothing: `App ${ref.name} is tied to ${node} already.`,
      },
    );
  });
  examples(
    namespaceOption(changeOptions(tie)),
    'floatlab app tie jellyfin vega',
    'floatlab app tie jellyfin vega --dry-run',
  );

  const remove = group
    .command('rm')
    .description('remove an app; its volumes are kept; asks first')
    .argument('<app>')
    .option('--volumes', 'delete its volumes and their snapshots too');
  remove.action((app: string, options: RemoveOptions) => removeApp(cli, options, app));
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab app rm photos',
    'floatlab app rm photos --volumes',
  );

  const compose = group.command('compose').description('print the compose file, byte for byte').argument('<app>');
  compose.action((app: string, options: ReadOptions) => printCompose(cli, options, app));
  examples(
    namespaceOption(atOption(compose)),
    'floatlab app compose photos',
    'floatlab app compose photos > compose.yaml',
  );

  const history = group.command('history').description('what happened to an app, newest first').argument('<app>');
  history.option('--limit <n>', 'at most so many events', '50');
  history.action(async (app: string, options: ReadOptions & { limit: string }) => {
    const lab = await cli.lab(options);
    const row = await lab.rest.show('apps', { ...lab.ref(app, options) });
    await printHistory(cli, lab, options, row.id, countOf(options.limit, '--limit', 1000));
  });
  examples(
    namespaceOption(outputOptions(history)),
    'floatlab app history photos',
    'floatlab app history photos --limit 5',
  );
}

/** Nothing can be done on a node that is down, and the app stays there. */
async function refuseAway(cli: Cli, lab: Lab, ref: Ref): Promise<void> {
  const app = await lab.rest.show('apps', { ...ref }, { signal: cli.world.interrupt });
  if (app.delay?.code !== 'NODE_DOWN' || !app.node) return;
  const { name } = app.node;
  const heard = app.lastHeardAt === null ? '' : ` (last heard ${shortDuration(cli.world.now() - app.lastHeardAt)} ago)`;
  throw new CliError(
    'NODE_DOWN',
    5,
    `${app.delay.message.split(':')[0] ?? name}${heard}: app ${app.name} cannot be restarted there.`,
    app.delay.hint,
  );
}

const descriptions = {
  start: 'start an app',
  stop: 'stop an app; asks when it runs',
  restart: 'restart an app; asks when it runs',
} as const;

const questions = {
  stop: ({ name }: AppRow) => `Stop app ${name}? Nobody reaches it until it is started again.`,
  restart: ({ name }: AppRow) => `Restart app ${name}? Nobody reaches it for a moment.`,
} as const;

/** How old the newest snapshot is of the volume that is worst off; how many have one when not all have. */
function snapshotWords(app: AppRow, volumes: ReadonlyMap<string, VolumeRow>, ago: (ms: number) => string): string {
  if (app.volumes.length === 0) return '–';
  const times = app.volumes.map(({ id }) => volumes.get(id)?.lastSnapshotAt ?? null);
  const without = times.filter((time) => time === null).length;
  if (without > 0) return without === times.length ? 'none' : `${times.length - without} of ${times.length}`;
  return ago(Math.min(...times.map((time) => time ?? 0)));
}

async function listApps(cli: Cli, options: ReadOptions & { selector?: string }): Promise<void> {
  const lab = await cli.lab(options);
  const filters = { filters: { selector: options.selector } };
  const rows = (await readRows(cli, lab, 'apps', options, filters)).toSorted(byName);
  const inTable = !options.quiet && !isStructured(formatOf(options)) && rows.length > 0;
  const volumes = new Map(
    (inTable ? await readRows(cli, lab, 'volumes', options) : []).map((row) => [row.id as string, row]),
  );
  const shown = inTable ? rows : [];
  const reach = await reachOf(lab, shown);
  const { since, ago } = momentsOf(cli, options);
  printList(cli.print, options, {
    rows,
    name: ({ name }) => name,
    empty: 'No apps yet. floatlab up -f compose.yaml brings one up.',
    columns: [
      { header: 'APP', value: ({ name }) => name },
      ...namespaceColumn(rows),
      {
        header: 'STATE',
        value: (row) => stateWords(row, ago),
        paint: (text, { state }) => paintState(cli.print.style, text, state),
      },
      { header: 'NODE', value: ({ node }) => orDash(node?.name) },
      { header: 'SINCE', value: (row) => since(row.since) },
      { header: 'LAST SNAPSHOT', value: (row) => snapshotWords(row, volumes, ago) },
      { header: reach.simulated ? 'ADDRESS' : 'URL', value: (row) => orDash(addressOf(row, reach)), whole: true },
      { header: 'REVISION', value: ({ revision }) => String(revision), wide: true, right: true },
      { header: 'NEWER IMAGES', value: (row) => orDash(listed(newerOf(row))), wide: true },
      { header: 'SERVICES', value: ({ services }) => Object.keys(services).join(','), wide: true },
      { header: 'WHY', value: (row) => orDash(wrongOf(row)?.message), wide: true },
    ],
  });
}

/** `unknown (last heard 3 m ago)` while its node is down. */
const stateWords = ({ state, lastHeardAt }: AppRow, ago: (ms: number) => string): string =>
  state === unknownState && lastHeardAt !== null ? `${state} (last heard ${ago(lastHeardAt)})` : state;

/** While nobody hears of it, what was wrong before counts for less than that. */
const wrongOf = ({ state, problem, delay }: AppRow): AppRow['problem'] =>
  state === unknownState ? delay : (problem ?? delay);

interface NamedService extends ServiceRow {
  readonly name: string;
}
const servicesOf = (app: AppRow): NamedService[] =>
  Object.entries(app.services).map(([name, service]) => ({ name, ...service }));

function serviceColumns(cli: Cli) {
  return [
    { header: 'SERVICE', value: ({ name }: NamedService) => name },
    {
      header: 'STATE',
      value: ({ state, exitCode }: NamedService) =>
        exitCode !== null && state === 'exited' ? `exited (${exitCode})` : state,
      paint: (text: string, { state }: NamedService) => paintState(cli.print.style, text, state),
    },
    { header: 'RESTARTS', value: ({ restarts }: NamedService) => String(restarts), right: true },
    {
      header: 'PORTS',
      value: ({ ports }: NamedService) =>
        orDash(ports.map(({ published, target, protocol }) => `${published}→${target}/${protocol}`).join(', ')),
    },
    { header: 'IMAGE', value: ({ image, newer }: NamedService) => (newer === null ? image : `${image} (newer there)`) },
    {
      header: 'PINNED',
      value: ({ pin }: NamedService) => orDash(pin?.slice(pin.indexOf(':') + 1).slice(0, 12)),
      wide: true,
    },
    { header: 'CONTAINER', value: ({ container }: NamedService) => orDash(container?.slice(0, 12)), wide: true },
  ];
}

async function readApp(cli: Cli, lab: Lab, options: ReadOptions, app: string): Promise<AppRow> {
  const at = momentOf(options.at, cli.world.now());
  return lab.rest.show('apps', { ...lab.ref(app, options) }, { at, signal: cli.world.interrupt });
}

async function listServices(cli: Cli, options: ReadOptions, app: string): Promise<void> {
  const lab = await cli.lab(options);
  const row = await readApp(cli, lab, options, app);
  printList(cli.print, options, {
    rows: servicesOf(row),
    name: ({ name }) => name,
    empty: `App ${row.name} has no services.`,
    columns: serviceColumns(cli),
  });
}

async function showApp(cli: Cli, options: ReadOptions, app: string): Promise<void> {
  const lab = await cli.lab(options);
  const row = await readApp(cli, lab, options, app);
  const format = formatOf(options);
  if (options.quiet) return cli.print.data(row.name);
  if (isStructured(format)) return printStructured(cli.print, format, row);
  const { since, ago } = momentsOf(cli, options);
  const reach = await reachOf(lab, [row]);
  const where = row.node ? ` on ${row.node.name}` : '';
  const wrong = wrongOf(row);
  const isUnknown = row.state === unknownState;
  printFields(cli.print, [
    ['app', row.title === null ? row.name : `${row.name} – ${row.title}`],
    ['namespace', row.namespace === 'default' ? null : row.namespace],
    ['state', `${stateWords(row, ago)}${where}, since ${since(row.since)}`],
    [isUnknown || row.problem ? 'problem' : 'waits', wrong && `${wrong.message} (${wrong.code})`],
    ['hint', wrong?.hint && cli.advise(wrong.hint)],
    [reach.simulated ? 'address' : 'url', addressOf(row, reach)],
    ['revision', `${row.revision}${row.instance ? `, epoch ${row.instance.epoch}` : ''}`],
    ['images ready on', row.imagesOn.length > 0 ? listed(row.imagesOn.map(({ name }) => name)) : null],
    ['newer images', newerOf(row).length > 0 ? `${listed(newerOf(row))}: floatlab app update ${row.name}` : null],
    ['volumes', listed(row.volumes.map(({ name }) => name))],
    ['external data', row.external && externalWords(row.external)],
    ['labels', labelWords(row.labels)],
  ]);
  cli.print.data('');
  printTable(cli.print, serviceColumns(cli), servicesOf(row), format === 'wide');
}

/** Services for which the registry has a newer image. */
const newerOf = ({ services }: AppRow): readonly string[] =>
  Object.entries(services).flatMap(([name, { newer }]) => (newer === null ? [] : [name]));

const externalWords = ({ paths, node }: NonNullable<AppRow['external']>): string =>
  `${listed(paths)}${node ? ` on ${node.name}: it runs nowhere else` : ': it stays on the node on which it first starts'}`;

export const labelWords = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');

async function printCompose(cli: Cli, options: ReadOptions, app: string): Promise<void> {
  const lab = await cli.lab(options);
  const at = momentOf(options.at, cli.world.now());
  const text = await lab.rest.composeFile(lab.ref(app, options), { at });
  if (cli.world.stdout.isTTY) cli.print.data(safeLines(text.trimEnd()));
  else cli.print.raw(text);
}

async function removeApp(cli: Cli, options: RemoveOptions, app: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(app, options);
  await agreeToRemoval(cli, lab, ref, options);
  const kept = options.volumes ? 'with its volumes; those can be recovered for a while' : 'its volumes are kept';
  await change(
    cli,
    lab,
    options,
    'remove-app',
    { ...ref, withVolumes: options.volumes ?? false },
    {
      done: `App ${ref.name} is removed, ${kept}.`,
      nothing: `App ${ref.name} is being removed already.`,
    },
  );
}

async function agreeToRemoval(cli: Cli, lab: Lab, ref: Ref, options: RemoveOptions): Promise<void> {
  checkOptions(options);
  if (options.yes || options.dryRun) return;
  // What cannot be removed is said before the question, not after it.
  const row = await lab.rest.show('apps', { ...ref });
  if (!options.volumes) return agree(cli, options, `Remove app ${ref.name}? It is stopped; its volumes are kept.`);
  const wanted = new Set<string>(row.volumes.map(({ id }) => id));
  const volumes = await readRows(cli, lab, 'volumes', { namespace: row.namespace });
  for (const volume of volumes.filter(({ id }) => wanted.has(id))) cli.print.talk(volumeGoes(volume, recoverableMs));
  return agree(cli, options, `Remove app ${ref.name} and its volumes?`);
}

/** @param keepForMs how long it can be recovered; undefined: not at all */
export function volumeGoes({ name, sizeBytes, snapshots }: VolumeRow, keepForMs: number | undefined): string {
  const what = `Volume ${name} (${formatSize(sizeBytes)}, ${counted(snapshots, 'snapshot')}) will be deleted`;
  return keepForMs === undefined
    ? `${what} for ever.`
    : `${what}; it can be recovered for ${formatDuration(keepForMs)}, and takes its room until then.`;
}
