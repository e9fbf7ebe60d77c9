/** Replicas: copies of volumes on other nodes. How many the lab keeps by itself is a volume's: `volume set --replicas`. */
import type { CommandInputs } from '#actors/commands.ts';
import type { ReplicaAnswer } from '#io/contract/replica-loss.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import { lossInShort, lossWords } from '#ui/client/protection-words.ts';
import type { Command } from 'commander';
import { agree, agreeToLoss, change, type Words } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  examples,
  momentOf,
  namespaceOption,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
  type Ref,
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { momentWords, orDash } from '../output/words.ts';
import { byName, namespaceColumn, readRows } from '../rows.ts';

interface CreateOptions extends ChangeOptions {
  readonly node?: string;
  readonly pool?: string;
}
interface ResyncOptions extends ChangeOptions {
  readonly keep?: boolean;
  readonly discard?: boolean;
}

export function addReplicaCommands(program: Command, cli: Cli): void {
  const group = program.command('replica').description('keep copies of volumes on other nodes');

  const list = group
    .command('ls')
    .alias('list')
    .description('list the replicas')
    .option('--volume <name>', 'of this one');
  list.action((options: ReadOptions & { readonly volume?: string }) => listReplicas(cli, options));
  examples(namespaceOption(readOptions(list)), 'floatlab replica ls', 'floatlab replica ls --volume photos-db');

  const show = group.command('show').description('show a replica').argument('<replica>');
  show.action((replica: string, options: ReadOptions) => showReplica(cli, options, replica));
  examples(
    namespaceOption(readOptions(show)),
    'floatlab replica show photos-db-on-vega',
    'floatlab replica show photos-db-on-vega -o yaml',
  );

  const create = group
    .command('create')
    .description('make a replica of a volume, and wait until it holds it')
    .argument('<volume>')
    .option('--node <name>', 'where; the node with the most room when it is left out')
    .option('--pool <pool>', 'in this pool of the node');
  create.action(async (volume: string, options: CreateOptions) => {
    const { node, pool } = options;
    const where = { ...(node === undefined ? {} : { node }), ...(pool === undefined ? {} : { pool }) };
    const lab = await cli.lab(options);
    const ref = lab.ref(volume, options);
    await change(
      cli,
      lab,
      options,
      'create-replica',
      { ...ref, ...where },
      {
        done: `Volume ${ref.name} has a replica.`,
        nothing: `Volume ${ref.name} has that replica already.`,
      },
    );
  });
  examples(
    namespaceOption(changeOptions(create)),
    'floatlab replica create photos-db --node vega',
    'floatlab replica create photos-db --detach',
  );

  plain(group, cli, 'sync', 'bring a replica to the newest snapshot now; tries again one that failed', 'sync-replica', {
    done: 'is up to date.',
    nothing: 'is up to date, or on its way.',
  });
  plain(group, cli, 'cancel', 'end what a replica receives at the moment', 'cancel-replica', {
    done: 'receives nothing any more.',
    nothing: 'receives nothing: nothing to do.',
  });
  plain(group, cli, 'pause', 'let a replica follow no more, until it is resumed', 'pause-replica', {
    done: 'is paused.',
    nothing: 'is paused already.',
  });
  plain(group, cli, 'resume', 'let a replica follow again', 'resume-replica', {
    done: 'follows again.',
    nothing: 'is not paused: nothing to do.',
  });

  const resync = group
    .command('resync')
    .description('take a replica that has diverged back to what its volume has; asks first')
    .argument('<replica>')
    .option('--keep', 'what only it has stays for a week as a deleted volume')
    .option('--discard', 'what only it has is destroyed');
  resync.action((replica: string, options: ResyncOptions) => resyncReplica(cli, options, replica));
  examples(
    yesOption(namespaceOption(changeOptions(resync))),
    'floatlab replica resync photos-db-on-vega --keep',
    'floatlab replica resync photos-db-on-vega --discard --dry-run',
  );

  const remove = group.command('rm').description('remove a replica with its data; asks first').argument('<replica>');
  remove.action(async (replica: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(replica, options);
    if (!options.yes && !options.dryRun) {
      const { state, volume, node } = await lab.rest.show('replicas', { ...ref });
      if (state === 'orphaned')
        await agreeToLoss(cli, options, ref.name, [`It is all that is left of volume ${volume.name}.`]);
      else await agree(cli, options, `Remove the copy of ${volume.name} on ${node.name}?`);
    }
    await change(cli, lab, options, 'remove-replica', ref, {
      done: `Replica ${ref.name} is removed.`,
      nothing: `Replica ${ref.name} is being removed already.`,
    });
  });
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab replica rm photos-db-on-vega',
    'floatlab replica rm photos-db-on-vega --yes',
  );
}

type Plain = 'sync-replica' | 'cancel-replica' | 'pause-replica' | 'resume-replica';

/** @param words how a sentence about the replica ends */
function plain(group: Command, cli: Cli, verb: string, what: string, name: Plain, words: Words): void {
  const command = group.command(verb).description(what).argument('<replica>');
  command.action(async (replica: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(replica, options);
    await change(cli, lab, options, name, ref, {
      done: `Replica ${ref.name} ${words.done}`,
      nothing: `Replica ${ref.name} ${words.nothing}`,
    });
  });
  examples(
    namespaceOption(changeOptions(command)),
    `floatlab replica ${verb} photos-db-on-vega`,
    `floatlab replica ${verb} photos-db-on-vega --dry-run`,
  );
}

async function resyncReplica(cli: Cli, options: ResyncOptions, replica: string): Promise<void> {
  const { keep = false, discard = false } = options;
  if (keep === discard) throw usageError('Say --keep or --discard: what becomes of what only the replica has.');
  const lab = await cli.lab(options);
  const ref: Ref = lab.ref(replica, options);
  const input: CommandInputs['resync-replica'] = { ...ref, keep };
  if (discard) await agreeToLoss(cli, options, ref.name, ['What only this replica has is destroyed.']);
  else await agree(cli, options, `Take ${ref.name} back to what its volume has? What only it has is kept for a week.`);
  await change(cli, lab, options, 'resync-replica', input, {
    done: `Replica ${ref.name} follows its volume again.`,
    nothing: `Replica ${ref.name} follows its volume already.`,
  });
}

async function listReplicas(cli: Cli, options: ReadOptions & { readonly volume?: string }): Promise<void> {
  const lab = await cli.lab(options);
  const rows = (await readRows(cli, lab, 'replicas', options, { filters: { volume: options.volume } })).toSorted(
    byName,
  );
  const { ago } = momentsOf(cli, options);
  printList<ReplicaAnswer>(cli.print, options, {
    rows,
    name: ({ name }) => name,
    empty: 'No replicas. floatlab volume set NAME --replicas 1 lets the lab keep a copy on another node.',
    columns: [
      { header: 'REPLICA', value: ({ name }) => name },
      ...namespaceColumn(rows),
      {
        header: 'STATE',
        value: ({ state }) => state,
        paint: (text, { state }) => paintState(cli.print.style, text, state),
      },
      { header: 'VOLUME', value: ({ volume }) => volume.name },
      { header: 'NODE', value: ({ node }) => node.name },
      { header: 'HOLDS', value: ({ holds }) => holds?.name ?? 'nothing yet' },
      { header: 'AS OF', value: ({ holds }) => (holds ? ago(holds.takenAt) : '–') },
      { header: 'MAY LOSE', value: ({ loss }) => lossInShort(loss) },
      { header: 'SYNCED', value: ({ syncedAt }) => (syncedAt === null ? 'never' : ago(syncedAt)) },
      { header: 'POOL', value: ({ pool }) => pool, wide: true },
      { header: 'WHY', value: ({ problem, waits }) => orDash(problem?.message ?? waits?.words), wide: true },
    ],
  });
}

/** `the window opens at 01:00 (2026-11-21 01:00)`, `node vega is away since …` */
function waitWords({ words, since, until }: NonNullable<ReplicaRow['waits']>): string {
  if (until !== undefined) return `${words} (${momentWords(until)})`;
  return since === undefined ? words : `${words}, since ${momentWords(since)}`;
}

async function showReplica(cli: Cli, options: ReadOptions, replica: string): Promise<void> {
  const lab = await cli.lab(options);
  const at = momentOf(options.at, cli.world.now());
  const row = await lab.rest.show('replicas', { ...lab.ref(replica, options) }, { at });
  const format = formatOf(options);
  if (options.quiet) return cli.print.data(row.name);
  if (isStructured(format)) return printStructured(cli.print, format, row);
  const { ago, since } = momentsOf(cli, options);
  return printFields(cli.print, [
    ['replica', row.name],
    ['namespace', row.namespace === 'default' ? null : row.namespace],
    ['state', `${row.state} on ${row.node.name}, since ${since(row.since)}`],
    ['problem', row.problem && `${row.problem.message} (${row.problem.code})`],
    ['hint', row.problem?.hint && cli.advise(row.problem.hint)],
    ['volume', row.volume.name],
    ['pool', row.pool],
    [
      'holds',
      row.holds
        ? `${row.holds.name}, as of ${momentWords(row.holds.takenAt)}, ${ago(row.holds.takenAt)}`
        : 'nothing yet',
    ],
    ['may lose', row.loss === undefined || !row.holds ? null : lossWords(row.loss)],
    ['goes to', row.to && `${row.to.name}${row.full ? ', with everything: it held nothing that its volume has' : ''}`],
    ['waits', row.waits && waitWords(row.waits)],
    ['synced', row.syncedAt === null ? 'never' : ago(row.syncedAt)],
    [
      'tries',
      row.retryAt === null || row.state !== 'idle'
        ? null
        : `again ${ago(row.retryAt)}, after ${row.failures} in a row failed`,
    ],
    ['behind', row.behindSince === null ? null : `since ${momentWords(row.behindSince)}`],
    ['kept', row.manual ? 'because a person asked for it' : 'because the volume asks for replicas'],
  ]);
}
