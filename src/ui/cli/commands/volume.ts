/** Volumes; their snapshots are in `snapshot.ts`. */
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import type { UsageRow } from '#io/contract/live.ts';
import type { PoolRow } from '#projections/views/pools.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { ApiError } from '#ui/client/errors.ts';
import { copiesWords, isAway, protectionWords } from '#ui/client/protection-words.ts';
import type { Command } from 'commander';
import type { Cli, Lab } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { onChangeWords } from '../on-change.ts';
import {
  countOf,
  examples,
  momentOf,
  namespaceOption,
  outputOptions,
  readOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { orDash } from '../output/words.ts';
import { replicationWords } from '../replica-words.ts';
import { byName, namespaceColumn, readRows } from '../rows.ts';
import { usageNow } from '../usage.ts';
import { labelWords } from './app.ts';
import { addArchiveCommands } from './archive.ts';
import { printHistory } from './history.ts';
import { addSnapshotCommands } from './snapshot.ts';
import { addVolumeChanges } from './volume-change.ts';
import { addVolumeLife } from './volume-life.ts';

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

  addVolumeChanges(group, cli);
  addArchiveCommands(group, cli);
  addVolumeLife(group, cli);
  addSnapshotCommands(program, group, cli);

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
      { header: 'REPLICAS', value: protectionWords, wide: true },
      { header: 'KEEP', value: ({ keep }) => orDash(keep), wide: true },
      { header: 'POOL', value: ({ pool }) => orDash(pool), wide: true },
      { header: 'PATH', value: ({ path }) => orDash(path), wide: true },
      {
        header: 'WHY',
        value: ({ problem, delay, drift, discarded }) =>
          discarded ? discardedWords(discarded, cli.world.now()) : orDash((problem ?? delay ?? drift)?.message),
        wide: true,
      },
    ],
  });
}

/** `before in db, after in db; without them no snapshot is taken`. */
function hooksWords({ before, after, onFailure }: NonNullable<VolumeRow['hooks']>): string {
  const sides = [before && `before in ${before.service}`, after && `after in ${after.service}`];
  const named = sides.filter((side) => side !== undefined).join(', ');
  return onFailure === 'skip' ? named : `${named}; when they fail it is taken anyway`;
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
  const wrong = row.problem ?? row.delay ?? row.drift;
  const pool = options.at === undefined ? await poolOf(lab, row, cli.world.interrupt) : undefined;
  const isOut = pool !== undefined && isAway(pool);
  const backup = await newestGood(cli, lab, row, options);
  const newest = row.lastSnapshotAt === null ? '' : `, the newest ${ago(row.lastSnapshotAt)}`;
  printFields(cli.print, [
    ['volume', row.name],
    ['namespace', row.namespace === 'default' ? null : row.namespace],
    ['state', `${row.state}${row.node ? ` on ${row.node.name}` : ''}, since ${since(row.since)}`],
    [row.delay ? 'waits' : 'problem', wrong && `${wrong.message} (${wrong.code})`],
    ['hint', wrong?.hint && cli.advise(wrong.hint)],
    ['pool is', isOut ? `${pool.state}, since ${since(pool.since)}: nothing of the volume can be reached` : null],
    ['why', isOut ? (pool.problems[0]?.text ?? pool.problem?.message) : null],
    ['repair', isOut ? (pool.problems[0]?.repair ?? pool.problem?.hint) : null],
    ['copies', isOut || row.state === 'failed' || row.state === 'missing' ? copiesWords(row, ago) : null],
    ['deleted', row.discarded && discardedWords(row.discarded, cli.world.now())],
    ['app', row.app?.name],
    ['clone of', row.origin?.name],
    ['adopted', row.adopted],
    ['moves', row.move && `to ${row.move.node ? `${row.move.node.name}, ` : ''}pool ${row.move.pool}`],
    ['grows to', row.growToBytes === null ? null : formatSize(row.growToBytes)],
    ['may be', row.constraints && constraintWords(row.constraints)],
    ['line', row.lineages.length > 1 ? lineWords(row.lineages) : null],
    ['size', formatSize(row.sizeBytes)],
    ['used', used === undefined ? null : formatSize(used)],
    ['snapshots', `${row.snapshots}${newest}`],
    ['protected', protectionWords(row)],
    ['replicas', row.replication && replicationWords(row.replication)],
    ['backup', backup && `${ago(backup.takenAt ?? backup.requestedAt)} in ${backup.target.name}, read back`],
    ['keep', row.keep ?? 'every snapshot, for ever'],
    ['on change', row.snapshotOnChange && onChangeWords(row.snapshotOnChange)],
    ['hooks', row.hooks && hooksWords(row.hooks)],
    ['owner', row.owner && `${row.owner.uid}:${row.owner.gid}`],
    ['mode', row.mode === null ? null : modeWords(row.mode)],
    ['record size', row.recordSizeBytes === null ? null : formatSize(row.recordSizeBytes)],
    ['compression', row.compression],
    ['pool', row.pool],
    ['path', row.path],
    ['labels', labelWords(row.labels)],
  ]);
}

/** The newest of its backups that can be restored; undefined where there is none, or nobody may see it. */
async function newestGood(cli: Cli, lab: Lab, { id, name }: VolumeRow, options: ReadOptions) {
  try {
    const rows = await readRows(cli, lab, 'backups', options, { filters: { volumeName: name } });
    const good = rows.filter(({ volume, isGood }) => isGood && volume?.id === id);
    return good.toSorted((a, b) => (b.takenAt ?? 0) - (a.takenAt ?? 0))[0];
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** As the lab knows it now; undefined where the volume is in none, or nobody may see it. */
async function poolOf(lab: Lab, { node, pool }: VolumeRow, signal: AbortSignal): Promise<PoolRow | undefined> {
  if (node === null || pool === null) return undefined;
  try {
    return await lab.rest.showPool(node.name, pool, { signal });
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** `on a node with zone=attic, in pool tank, on zfs` */
function constraintWords({ labels, pool, driver }: NonNullable<VolumeRow['constraints']>): string {
  const words = labels === undefined ? '' : labelWords(labels);
  return [
    ...(words === '' ? [] : [`on a node with ${words}`]),
    ...(pool === undefined ? [] : [`in pool ${pool}`]),
    ...(driver === undefined ? [] : [`on ${driver}`]),
  ].join(', ');
}

/** `3, which goes on from line 1` */
function lineWords(lineages: VolumeRow['lineages']): string {
  const present = lineages.at(-1);
  return `${present?.id}${present?.parent ? `, which goes on from line ${present.parent.lineage}` : ''}`;
}

/** `was photos-db; can be recovered for 6 d 23 h` */
function discardedWords({ name, purgeAt }: NonNullable<VolumeRow['discarded']>, now: number): string {
  const left = purgeAt - now;
  return `was ${name}; ${left > 0 ? `can be recovered for ${formatDuration(left)}` : 'goes at any moment'}`;
}

/** `0750` */
const modeWords = (mode: number): string => `0${mode.toString(8).padStart(3, '0')}`;
