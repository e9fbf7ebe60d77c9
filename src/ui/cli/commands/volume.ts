/** Volumes; their snapshots are in `snapshot.ts`. */
import { parseKeep } from '#events/values/keep.ts';
import { formatSize, parseSize } from '#events/values/size.ts';
import type { UsageRow } from '#io/contract/live.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Command } from 'commander';
import { agreeToLoss, change, forecast } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
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
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { orDash } from '../output/words.ts';
import { byName, namespaceColumn, readRows } from '../rows.ts';
import { usageNow } from '../usage.ts';
import { labelWords, volumeLoss } from './app.ts';
import { printHistory } from './history.ts';
import { addSnapshotCommands } from './snapshot.ts';

export function addVolumeCommands(program: Command, cli: Cli): void {
  const group = program.command('volume').description('look at volumes, snapshot them and go back');

  const list = group.command('ls').alias('list').description('list the volumes');
  list
    .option('--app <name>', 'only those of this app')
    .option('-l, --selector <labels>', 'only these: team=home,!test');
  list.action((options: ListOptions) => listVolumes(cli, options));
  examples(namespaceOption(readOptions(list)), 'floatlab volume ls', 'floatlab volume ls --app photos -o wide');

  const show = group.command('show').description('show a volume').argument('<volume>');
  show.action((volume: string, options: ReadOptions) => showVolume(cli, options, volume));
  examples(
    namespaceOption(readOptions(show)),
    'floatlab volume show photos-db',
    'floatlab volume show photos-db -o yaml',
  );

  const create = group
    .command('create')
    .description('create a volume')
    .argument('<volume>')
    .requiredOption('--size <size>', 'how large it may grow: 5GiB')
    .option('--keep <policy>', 'which snapshots to keep: "24h:1h 14d:1d last:3"')
    .option('--label <key=value...>', 'labels');
  create.action((volume: string, options: CreateOptions) => createVolume(cli, options, volume));
  examples(
    namespaceOption(changeOptions(create)),
    'floatlab volume create archive --size 100GiB',
    'floatlab volume create archive --size 5GiB --keep "24h:1h 14d:1d"',
  );

  const set = group
    .command('set')
    .description('change the size or which snapshots are kept')
    .argument('<volume>')
    .option('--size <size>', 'how large it may grow')
    .option('--keep <policy>', 'which snapshots to keep');
  set.action((volume: string, options: SetOptions) => setVolume(cli, options, volume));
  examples(
    namespaceOption(changeOptions(set)),
    'floatlab volume set photos-db --size 20GiB',
    'floatlab volume set photos-db --keep "14d:1d last:3"',
  );

  addSnapshotCommands(group, cli);

  const remove = group.command('rm').description('delete a volume with its snapshots').argument('<volume>');
  remove.action(async (volume: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(volume, options);
    const asks = !options.yes && !options.dryRun;
    // A refusal comes before the question, not after it.
    if (asks) await forecast(lab, 'delete-volume', ref);
    await agreeToLoss(cli, options, ref.name, asks ? [volumeLoss(await lab.rest.show('volumes', { ...ref }))] : []);
    await change(cli, lab, options, 'delete-volume', ref, {
      done: `Volume ${ref.name} is deleted.`,
      nothing: `Volume ${ref.name} is being deleted already.`,
    });
  });
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab volume rm photos-db',
    'floatlab volume rm photos-db --dry-run',
  );

  const retry = group.command('retry').description('try again what failed').argument('<volume>');
  retry.action(async (volume: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(volume, options);
    await change(cli, lab, options, 'retry-volume', ref, {
      done: `Volume ${ref.name} is ready.`,
      nothing: `Volume ${ref.name} has not failed: nothing to do.`,
    });
  });
  examples(
    namespaceOption(changeOptions(retry)),
    'floatlab volume retry photos-db',
    'floatlab volume retry photos-db --detach',
  );

  const history = group.command('history').description('what happened to a volume, newest first').argument('<volume>');
  history.option('--limit <n>', 'at most so many events', '50');
  history.action(async (volume: string, options: ReadOptions & { limit: string }) => {
    const lab = await cli.lab(options);
    const row = await lab.rest.show('volumes', { ...lab.ref(volume, options) });
    await printHistory(cli, lab, options, row.id, countOf(options.limit, '--limit', 1000));
  });
  examples(
    namespaceOption(outputOptions(history)),
    'floatlab volume history photos-db',
    'floatlab volume history photos-db --limit 5',
  );
}

interface ListOptions extends ReadOptions {
  readonly app?: string;
  readonly selector?: string;
}
interface SetOptions extends ChangeOptions {
  readonly size?: string;
  readonly keep?: string;
}
interface CreateOptions extends SetOptions {
  readonly size: string;
  readonly label?: readonly string[];
}

async function listVolumes(cli: Cli, options: ListOptions): Promise<void> {
  const lab = await cli.lab(options);
  const filters = { app: options.app, selector: options.selector };
  const rows = (await readRows(cli, lab, 'volumes', options, { filters })).toSorted(byName);
  const inTable = !options.quiet && !isStructured(formatOf(options)) && rows.length > 0;
  const usage = inTable && options.at === undefined ? await usageNow(lab) : new Map<string, UsageRow>();
  const { ago } = momentsOf(cli, options);
  printList<VolumeRow>(cli.print, options, {
    rows,
    name: ({ name }) => name,
    empty: 'No volumes. An app brings its own; floatlab volume create NAME --size 10GiB makes one without an app.',
    columns: [
      { header: 'VOLUME', value: ({ name }) => name },
      ...namespaceColumn(rows),
      {
        header: 'STATE',
        value: ({ state }) => state,
        paint: (text, { state }) => paintState(cli.print.style, text, state),
      },
      { header: 'APP', value: ({ app }) => orDash(app?.name) },
      { header: 'NODE', value: ({ node }) => orDash(node?.name) },
      { header: 'SIZE', value: ({ sizeBytes }) => formatSize(sizeBytes), right: true },
      { header: 'USED', value: ({ id }) => sizeOrDash(usage.get(id)?.usedBytes), right: true },
      { header: 'SNAPSHOTS', value: ({ snapshots }) => String(snapshots), right: true },
      { header: 'NEWEST', value: ({ lastSnapshotAt }) => (lastSnapshotAt === null ? 'none' : ago(lastSnapshotAt)) },
      { header: 'KEEP', value: ({ keep }) => orDash(keep), wide: true },
      { header: 'POOL', value: ({ pool }) => orDash(pool), wide: true },
      { header: 'PATH', value: ({ path }) => orDash(path), wide: true },
      { header: 'WHY', value: ({ problem, delay }) => orDash((problem ?? delay)?.message), wide: true },
    ],
  });
}

const sizeOrDash = (bytes: number | undefined): string => (bytes === undefined ? '–' : formatSize(bytes));

async function showVolume(cli: Cli, options: ReadOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const at = momentOf(options.at, cli.world.now());
  const row = await lab.rest.show('volumes', { ...lab.ref(volume, options) }, { at });
  const format = formatOf(options);
  if (options.quiet) return cli.print.data(row.name);
  if (isStructured(format)) return printStructured(cli.print, format, row);
  const { since, ago } = momentsOf(cli, options);
  const used = options.at === undefined ? (await usageNow(lab)).get(row.id)?.usedBytes : undefined;
  const wrong = row.problem ?? row.delay;
  const newest = row.lastSnapshotAt === null ? '' : `, the newest ${ago(row.lastSnapshotAt)}`;
  printFields(cli.print, [
    ['volume', row.name],
    ['namespace', row.namespace === 'default' ? null : row.namespace],
    ['state', `${row.state}${row.node ? ` on ${row.node.name}` : ''}, since ${since(row.since)}`],
    [row.problem ? 'problem' : 'waits', wrong && `${wrong.message} (${wrong.code})`],
    ['hint', wrong?.hint && cli.advise(wrong.hint)],
    ['app', row.app?.name],
    ['size', formatSize(row.sizeBytes)],
    ['used', used === undefined ? null : formatSize(used)],
    ['snapshots', `${row.snapshots}${newest}`],
    ['keep', row.keep ?? 'every snapshot, for ever'],
    ['pool', row.pool],
    ['path', row.path],
    ['labels', labelWords(row.labels)],
  ]);
}

function sizeOf(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw usageError(`--size ${text} is not a size.`, 'Write for example 512MiB or 5GiB.');
  return bytes;
}

function keepOf(text: string): string {
  const rules = parseKeep(text);
  if (typeof rules === 'string') throw usageError(`--keep: ${rules}.`);
  return text;
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw usageError(`--label ${pair} is not key=value.`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

async function createVolume(cli: Cli, options: CreateOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const sizeBytes = sizeOf(options.size);
  const spec = options.keep === undefined ? { sizeBytes } : { sizeBytes, keep: keepOf(options.keep) };
  await change(
    cli,
    lab,
    options,
    'create-volume',
    { ...ref, spec, labels: labelsOf(options.label ?? []) },
    {
      done: `Volume ${ref.name} is ready.`,
      nothing: `Volume ${ref.name} is there already.`,
    },
  );
}

async function setVolume(cli: Cli, options: SetOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  if (options.size === undefined && options.keep === undefined) throw usageError('Say --size or --keep.');
  const changes = {
    ...(options.size === undefined ? {} : { sizeBytes: sizeOf(options.size) }),
    ...(options.keep === undefined ? {} : { keep: keepOf(options.keep) }),
  };
  await change(
    cli,
    lab,
    options,
    'change-volume',
    { ...ref, ...changes },
    {
      done: `Volume ${ref.name} is changed.`,
      nothing: `Volume ${ref.name} is so already.`,
    },
  );
}
