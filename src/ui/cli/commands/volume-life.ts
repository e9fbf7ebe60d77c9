/** What becomes of a volume as a whole: taken over and given back, moved to another node or dataset. */
import { formatDuration } from '#events/values/duration.ts';
import { formatSize } from '#events/values/size.ts';
import { compression } from '#events/volume.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { recoverableMs } from '#actors/volume/commands.ts';
import type { Command } from 'commander';
import { agree, apply, change, checkOptions, finish, forecast, printDryRun } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { labelsOf } from '../labels.ts';
import {
  changeOptions,
  examples,
  namespaceOption,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printList, printStructured } from '../output/formats.ts';
import { orDash } from '../output/words.ts';
import { compressionOf, durationOf, keepOf, recordSizeOf, volumeSizeOf } from '../volume-values.ts';
import { poolIn } from './pool-name.ts';

/** @param group the commands of volumes */
export function addVolumeLife(group: Command, cli: Cli): void {
  const adopt = group
    .command('adopt')
    .description('take over a dataset or subvolume that is there already, where it is')
    .argument('<node/pool>', 'where it is: atlas/main')
    .argument('<native>', 'what its file system calls it: tank/photos of zfs, /mnt/pool/photos elsewhere')
    .requiredOption('--as <name>', 'the name of the volume')
    .requiredOption('--size <size>', 'how large it may grow; the quota that it has comes back when it is released')
    .option('--keep <policy>', 'which snapshots to keep: "24h:1h 14d:1d last:3"')
    .option('--label <key=value...>', 'labels');
  adopt.action((place: string, native: string, options: AdoptOptions) => adoptVolume(cli, options, place, native));
  examples(
    namespaceOption(changeOptions(adopt)),
    'floatlab volume adopt atlas/main tank/photos --as photos --size 100GiB',
    'floatlab volume adopt atlas/main /mnt/pool/photos --as photos --size 100GiB --dry-run',
  );

  const candidates = group
    .command('candidates')
    .description('what lies in a pool and could be adopted, and why not where not')
    .argument('<node/pool>');
  candidates.action((place: string, options: ReadOptions) => listCandidates(cli, options, place));
  examples(
    readOptions(candidates),
    'floatlab volume candidates atlas/main',
    'floatlab volume candidates atlas/main -o json',
  );

  const release = group
    .command('release')
    .description('give back what was adopted, as it is; it is no volume any more')
    .argument('<volume>');
  release.action((volume: string, options: ChangeOptions) => releaseVolume(cli, options, volume));
  examples(
    yesOption(namespaceOption(changeOptions(release))),
    'floatlab volume release photos',
    'floatlab volume release photos --yes',
  );

  const move = group
    .command('move')
    .description('move a volume to another node or pool, or to change what is fixed')
    .argument('<volume>')
    .option('--node <node>', 'to this node, with its app: a replica there takes its place')
    .option('--no-replica', 'with --node: what it was is removed, instead of becoming the replica')
    .option('--cancel', 'give up its move to another node, as long as there is a way back')
    .option('--pool <pool>', 'into this pool')
    .option('--record-size <size>', 'where the pool knows that: 16KiB for databases, 1MiB for films')
    .option('--compression <how>', `where the pool knows that: ${compression.options.join(', ')}`)
    .option(
      '--keep-for <duration>',
      `how long what it was can be recovered: ${formatDuration(recoverableMs)} when it is left out`,
    );
  move.action((volume: string, options: MoveOptions) => moveVolume(cli, options, volume));
  examples(
    yesOption(namespaceOption(changeOptions(move))),
    'floatlab volume move photos-db --node vega',
    'floatlab volume move photos-db --pool fast',
    'floatlab volume move photos-db --record-size 16KiB --dry-run',
  );
}

interface AdoptOptions extends ChangeOptions {
  readonly as: string;
  readonly size: string;
  readonly keep?: string;
  readonly label?: readonly string[];
}
interface MoveOptions extends ChangeOptions {
  readonly node?: string;
  /** False: `--no-replica`. */
  readonly replica?: boolean;
  readonly cancel?: boolean;
  readonly pool?: string;
  readonly recordSize?: string;
  readonly compression?: string;
  readonly keepFor?: string;
}

async function listCandidates(cli: Cli, options: ReadOptions, place: string): Promise<void> {
  const { node, name } = poolIn(place);
  const lab = await cli.lab(options);
  const { items, truncated } = await lab.rest.volumeCandidates(node, name, { signal: cli.world.interrupt });
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, items);
  printList(cli.print, options, {
    rows: items,
    name: ({ native }) => native,
    empty: `There is nothing in pool ${place} but what FloatLab made.`,
    columns: [
      { header: 'NATIVE', value: ({ native }) => native },
      { header: 'USED', value: ({ usedBytes }) => (usedBytes === null ? '–' : formatSize(usedBytes)), right: true },
      { header: 'PATH', value: ({ native, path }) => orDash(path === native ? null : path) },
      { header: 'WHY NOT', value: ({ why }) => orDash(why) },
    ],
  });
  if (truncated) cli.print.talk(`There are more: these are the first ${items.length}.`);
}

async function adoptVolume(cli: Cli, options: AdoptOptions, place: string, native: string): Promise<void> {
  const [, node, pool] = /^([^/]+)\/([^/]+)$/.exec(place) ?? [];
  if (node === undefined || pool === undefined)
    throw usageError(`${place} is not node/pool.`, 'Write for example atlas/main.');
  const keep = options.keep === undefined || options.keep === '' ? {} : { keep: keepOf(options.keep) };
  const spec = { sizeBytes: volumeSizeOf(options.size), ...keep };
  const labels = labelsOf(options.label ?? []);
  const lab = await cli.lab(options);
  const ref = lab.ref(options.as, options);
  await change(
    cli,
    lab,
    options,
    'adopt-volume',
    { ...ref, node, pool, native, spec, labels },
    { done: `${native} is volume ${ref.name} now.`, nothing: `${native} is volume ${ref.name} already.` },
  );
}

async function releaseVolume(cli: Cli, options: ChangeOptions, volume: string): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  if (!options.yes && !options.dryRun) {
    // A refusal comes before the question.
    await forecast(lab, 'release-volume', ref);
    const { adopted, snapshots } = await lab.rest.show('volumes', { ...ref });
    if (snapshots > 0)
      cli.print.talk(`${snapshots === 1 ? 'Its snapshot goes' : `Its ${snapshots} snapshots go`} with the volume.`);
    await agree(cli, options, `Give ${adopted ?? ref.name} back as it is?`);
  }
  await change(cli, lab, options, 'release-volume', ref, {
    done: `Volume ${ref.name} is given back: it is no volume any more, and its files are where they were.`,
    nothing: `Volume ${ref.name} is being given back already.`,
  });
}

async function moveVolume(cli: Cli, options: MoveOptions, volume: string): Promise<void> {
  checkOptions(options);
  const changes = changesOf(options);
  if (options.cancel === true) return cancelMove(cli, options, volume, changes);
  if (Object.keys(changes).length === 0) throw usageError('Say --node, --pool, --record-size or --compression.');
  if (options.replica === false && options.node === undefined)
    throw usageError('--no-replica is for a move to another node: say --node, too.');
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const keep = options.keepFor === undefined ? {} : { keepForMs: durationOf(options.keepFor) };
  const input = { ...ref, ...changes, ...keep };
  const plan = options.yes && !options.dryRun ? undefined : await forecast(lab, 'move-volume', input);
  if (plan && options.dryRun) return printDryRun(cli, options, plan);
  if (plan && !plan.unchanged) {
    for (const sentence of plan.changes ?? []) cli.print.talk(sentence);
    await agree(cli, options, `Move ${ref.name}?`);
  }
  const startedAt = cli.world.now();
  const answer = await apply(cli, lab, 'move-volume', input);
  await finish(
    cli,
    lab,
    options,
    answer,
    { done: `Volume ${ref.name} has moved.`, nothing: `Volume ${ref.name} is there and so already.` },
    startedAt,
  );
}

async function cancelMove(cli: Cli, options: MoveOptions, volume: string, changes: object): Promise<void> {
  if (Object.keys(changes).length > 0) throw usageError('--cancel gives up the move: leave the other options out.');
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  await change(cli, lab, options, 'cancel-move', ref, {
    done: `The move of volume ${ref.name} is given up: it stays where it is.`,
    nothing: `Volume ${ref.name} is not being moved to another node: nothing to do.`,
  });
}

function changesOf({ node, replica, pool, recordSize: record, compression: how }: MoveOptions) {
  const changes: Pick<CommandInputs['move-volume'], 'node' | 'replica' | 'pool' | 'recordSizeBytes' | 'compression'> = {
    ...(node === undefined ? {} : { node }),
    ...(replica === false ? { replica } : {}),
    ...(pool === undefined ? {} : { pool }),
    ...(record === undefined ? {} : { recordSizeBytes: recordSizeOf(record) }),
    ...(how === undefined ? {} : { compression: compressionOf(how) }),
  };
  return changes;
}
