/** What one does to a volume as a whole: make, change, clone, delete and recover it. */
import { formatDuration } from '#events/values/duration.ts';
import { changedReplicas } from '#actors/volume/replicating.ts';
import { compression } from '#events/volume.ts';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { recoverableMs } from '#actors/volume/commands.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Command } from 'commander';
import { agree, agreeToLoss, change, forecast, type Words } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { onChangeHelp, onChangeOf } from '../on-change.ts';
import { labelChangesOf, labelsOf } from '../labels.ts';
import { changeOptions, examples, namespaceOption, yesOption, type ChangeOptions, type Ref } from '../options.ts';
import {
  compressionOf,
  durationOf,
  keepOf,
  modeOf,
  ownerOf,
  placingOf,
  placingOptions,
  recordSizeOf,
  volumeSizeOf,
  type PlacingOptions,
} from '../volume-values.ts';
import { replicaOptions, replicasOf, type ReplicaOptions } from '../replica-words.ts';
import { volumeGoes } from './app.ts';

/** @param group the commands of volumes */
export function addVolumeChanges(group: Command, cli: Cli): void {
  const create = group
    .command('create')
    .description('create a volume')
    .argument('<volume>')
    .requiredOption('--size <size>', 'how large it may grow: 5GiB')
    .option('--keep <policy>', 'which snapshots to keep: "24h:1h 14d:1d last:3"')
    .option('--on-change <when>', onChangeHelp)
    .option('--owner <uid:gid>', 'of its top folder: 999:999')
    .option('--mode <mode>', 'of its top folder: 0750')
    .option('--record-size <size>', 'where its pool knows that: 16KiB for databases, 1MiB for films')
    .option('--compression <how>', `where its pool knows that: ${compression.options.join(', ')}`)
    .option('--label <key=value...>', 'labels');
  placingOptions(create);
  replicaOptions(create);
  create.action((volume: string, options: CreateOptions) => createVolume(cli, options, volume));
  examples(
    namespaceOption(changeOptions(create)),
    'floatlab volume create archive --size 100GiB',
    'floatlab volume create archive --size 5GiB --keep "24h:1h 14d:1d"',
    'floatlab volume create db --size 20GiB --owner 999:999 --mode 0700 --record-size 16KiB',
  );

  const set = group
    .command('set')
    .description('change the size, when snapshots are taken and which are kept, owner and mode')
    .argument('<volume>')
    .option('--size <size>', 'how large it may grow')
    .option('--keep <policy>', 'which snapshots to keep; "" keeps all')
    .option('--on-change <when>', onChangeHelp)
    .option('--owner <uid:gid>', 'of its top folder')
    .option('--mode <mode>', 'of its top folder');
  placingOptions(set);
  replicaOptions(set);
  set.action((volume: string, options: SetOptions) => setVolume(cli, options, volume));
  examples(
    namespaceOption(changeOptions(set)),
    'floatlab volume set photos-db --size 20GiB',
    'floatlab volume set photos-db --keep "14d:1d last:3"',
    'floatlab volume set photos-db --on-change settle=10s,every=15m',
  );

  const label = group
    .command('label')
    .description('change labels: key=value sets one, key- takes it away')
    .argument('<volume>')
    .argument('<labels...>');
  label.action(async (volume: string, words: readonly string[], options: ChangeOptions) => {
    const labels = labelChangesOf(words);
    await changeVolume(cli, options, 'label-volume', volume, (ref) => ({
      input: { ...ref, labels },
      done: `The labels of volume ${ref.name} are changed.`,
      nothing: `Volume ${ref.name} has these labels already.`,
    }));
  });
  examples(
    namespaceOption(changeOptions(label)),
    'floatlab volume label archive team=home',
    'floatlab volume label archive team-',
  );

  const rename = group
    .command('rename')
    .description('give a volume another name')
    .argument('<volume>')
    .argument('<to>');
  rename.action(async (volume: string, to: string, options: ChangeOptions) => {
    await changeVolume(cli, options, 'rename-volume', volume, (ref) => ({
      input: { ...ref, to },
      done: `Volume ${ref.name} is called ${to} now.`,
      nothing: `Volume ${ref.name} is called so already.`,
    }));
  });
  examples(
    namespaceOption(changeOptions(rename)),
    'floatlab volume rename archive archive-2026',
    'floatlab volume rename archive archive-2026 --dry-run',
  );

  const clone = group
    .command('clone')
    .description('make a volume that begins with the content of another one, beside it')
    .argument('<volume>')
    .argument('<as>')
    .option('--snapshot <name>', 'as of this snapshot; as of now when it is left out')
    .option('--size <size>', 'how large it may grow; as the other one when it is left out')
    .option('--label <key=value...>', 'labels');
  clone.action((volume: string, as: string, options: CloneOptions) => cloneVolume(cli, options, volume, as));
  examples(
    namespaceOption(changeOptions(clone)),
    'floatlab volume clone photos-db photos-test',
    'floatlab volume clone photos-db photos-test --snapshot before-upgrade',
  );

  const remove = group
    .command('rm')
    .description('delete a volume with its snapshots; it can be recovered for a while')
    .argument('<volume>')
    .option(
      '--keep-for <duration>',
      `how long it can be recovered: ${formatDuration(recoverableMs)} when it is left out`,
    )
    .option('--purge', 'at once and for ever')
    .option('--scrub', 'for ever, and so that nothing of it can be read from the disks');
  remove.action((volume: string, options: RemoveOptions) => removeVolume(cli, options, volume));
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab volume rm photos-db',
    'floatlab volume rm photos-db --keep-for 30d',
    'floatlab volume rm photos-db --purge',
  );

  const recover = group
    .command('recover')
    .description('bring a deleted volume back, with its snapshots')
    .argument('<volume>', 'as it is called since it was deleted: photos-db-deleted')
    .option('--as <name>', 'its name; the one from before when it is left out');
  recover.action(async (volume: string, options: ChangeOptions & { readonly as?: string }) => {
    const as = options.as === undefined ? {} : { as: options.as };
    await changeVolume(cli, options, 'recover-volume', volume, (ref) => ({
      input: { ...ref, ...as },
      done: `Volume ${ref.name} is back${options.as === undefined ? ' under the name that it had' : ` as ${options.as}`}.`,
      nothing: `Volume ${ref.name} was not deleted: nothing to do.`,
    }));
  });
  examples(
    namespaceOption(changeOptions(recover)),
    'floatlab volume recover photos-db-deleted',
    'floatlab volume recover photos-db-deleted --as photos-old',
  );

  const retry = group
    .command('retry')
    .alias('repair')
    .description('try again what failed, and put right what is wrong')
    .argument('<volume>');
  retry.action(async (volume: string, options: ChangeOptions) => {
    await changeVolume(cli, options, 'retry-volume', volume, (ref) => ({
      input: ref,
      done: `Volume ${ref.name} is ready.`,
      nothing: `Nothing is wrong with volume ${ref.name}: nothing to do.`,
    }));
  });
  examples(
    namespaceOption(changeOptions(retry)),
    'floatlab volume retry photos-db',
    'floatlab volume retry photos-db --detach',
  );
}

/** Asks for a change of one volume. @param what the input, and what is said in the end, of the volume that is meant */
async function changeVolume<N extends CommandName>(
  cli: Cli,
  options: ChangeOptions,
  command: N,
  volume: string,
  what: (ref: Ref) => Words & { readonly input: CommandInputs[N] },
): Promise<void> {
  const lab = await cli.lab(options);
  const { input, ...words } = what(lab.ref(volume, options));
  await change(cli, lab, options, command, input, words);
}

interface SetOptions extends ChangeOptions, PlacingOptions, ReplicaOptions {
  readonly size?: string;
  readonly keep?: string;
  readonly onChange?: string;
  readonly owner?: string;
  readonly mode?: string;
}
interface CreateOptions extends SetOptions {
  readonly size: string;
  readonly recordSize?: string;
  readonly compression?: string;
  readonly label?: readonly string[];
}
interface CloneOptions extends ChangeOptions {
  readonly snapshot?: string;
  readonly size?: string;
  readonly label?: readonly string[];
}
interface RemoveOptions extends ChangeOptions {
  readonly keepFor?: string;
  readonly purge?: boolean;
  readonly scrub?: boolean;
}

/** What both `create` and `set` take. */
const shared = ({ keep, owner, mode, ...placing }: SetOptions) => ({
  ...placingOf(placing),
  ...(keep === undefined ? {} : { keep: keepOf(keep) }),
  ...(owner === undefined ? {} : { owner: ownerOf(owner) }),
  ...(mode === undefined ? {} : { mode: modeOf(mode) }),
});

async function createVolume(cli: Cli, options: CreateOptions, volume: string): Promise<void> {
  const { recordSize: record, compression: how } = options;
  const onChange = options.onChange === undefined ? null : onChangeOf(options.onChange);
  const replicas = replicasOf(options);
  const spec = {
    sizeBytes: volumeSizeOf(options.size),
    ...shared(options),
    ...(onChange ? { snapshotOnChange: onChange } : {}),
    ...(replicas ? { replicas: changedReplicas(undefined, replicas) } : {}),
    ...(record === undefined ? {} : { recordSizeBytes: recordSizeOf(record) }),
    ...(how === undefined ? {} : { compression: compressionOf(how) }),
  };
  const labels = labelsOf(options.label ?? []);
  await changeVolume(cli, options, 'create-volume', volume, (ref) => ({
    input: { ...ref, spec, labels },
    done: `Volume ${ref.name} is ready.`,
    nothing: `Volume ${ref.name} is there already.`,
  }));
}

async function setVolume(cli: Cli, options: SetOptions, volume: string): Promise<void> {
  const replicas = replicasOf(options);
  const changes = {
    ...(replicas === undefined ? {} : { replicas }),
    ...(options.size === undefined ? {} : { sizeBytes: volumeSizeOf(options.size) }),
    ...(options.onChange === undefined ? {} : { snapshotOnChange: onChangeOf(options.onChange) }),
    ...shared(options),
  };
  if (Object.keys(changes).length === 0)
    throw usageError(
      'Say what to change: --size, --grow-to, --keep, --on-change, --replicas, --owner, --mode, or where it may be.',
      'floatlab help volume set',
    );
  await changeVolume(cli, options, 'change-volume', volume, (ref) => ({
    input: { ...ref, ...changes },
    done: `Volume ${ref.name} is changed.`,
    nothing: `Volume ${ref.name} is so already.`,
  }));
}

async function cloneVolume(cli: Cli, options: CloneOptions, volume: string, as: string): Promise<void> {
  const { snapshot, size } = options;
  const input = {
    as,
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(size === undefined ? {} : { sizeBytes: volumeSizeOf(size) }),
    labels: labelsOf(options.label ?? []),
  };
  await changeVolume(cli, options, 'clone-volume', volume, (ref) => ({
    input: { ...ref, ...input },
    done: `Volume ${as} is ready.`,
    nothing: `Volume ${as} is there already.`,
  }));
}

async function removeVolume(cli: Cli, options: RemoveOptions, volume: string): Promise<void> {
  const { keepFor, scrub = false } = options;
  const isForEver = options.purge === true || scrub;
  if (isForEver && keepFor !== undefined) throw usageError('Say --keep-for, or --purge or --scrub, not both.');
  const how: Pick<CommandInputs['delete-volume'], 'purge' | 'scrub' | 'keepForMs'> = {
    ...(isForEver ? { purge: true } : {}),
    ...(scrub ? { scrub } : {}),
    ...(keepFor === undefined ? {} : { keepForMs: durationOf(keepFor) }),
  };
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const asks = !options.yes && !options.dryRun;
  // A refusal comes before the question, not after it.
  if (asks) await forecast(lab, 'delete-volume', { ...ref, ...how });
  const row = asks ? await lab.rest.show('volumes', { ...ref }) : undefined;
  if (isForEver) await agreeToLoss(cli, options, ref.name, row ? [volumeGoes(row, undefined)] : []);
  else await agreeToDelete(cli, options, row, how.keepForMs ?? recoverableMs);
  await change(
    cli,
    lab,
    options,
    'delete-volume',
    { ...ref, ...how },
    {
      done: isForEver
        ? `Volume ${ref.name} is deleted for ever.`
        : `Volume ${ref.name} is deleted; floatlab volume ls -o wide shows until when it can be recovered.`,
      nothing: `Volume ${ref.name} is deleted already.`,
    },
  );
}

async function agreeToDelete(
  cli: Cli,
  options: ChangeOptions,
  row: VolumeRow | undefined,
  keepForMs: number,
): Promise<void> {
  if (row) cli.print.talk(volumeGoes(row, keepForMs));
  await agree(cli, options, `Delete volume ${row?.name ?? ''}?`);
}
