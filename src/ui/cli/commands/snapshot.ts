/** Snapshots of volumes: to take, list and remove them, and to go back to one. */
import { snapshotEvents } from '#events/snapshot.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { Command } from 'commander';
import { agree, agreeToLoss, apply, change, checkOptions, finish, forecast, printDryRun } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  examples,
  namespaceOption,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printList } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import { momentWords, orDash } from '../output/words.ts';
import { readRows } from '../rows.ts';

/** @param group the commands of volumes */
export function addSnapshotCommands(group: Command, cli: Cli): void {
  const snapshot = group
    .command('snapshot')
    .description('take a snapshot and print its name')
    .argument('<volume>')
    .option('--as <name>', 'its name; made from the time when it is left out')
    .option('--note <text>', 'why it was taken');
  snapshot.action((volume: string, options: SnapshotOptions) => takeSnapshot(cli, options, volume));
  examples(
    namespaceOption(changeOptions(snapshot)),
    'floatlab volume snapshot photos-db',
    'floatlab volume snapshot photos-db --as before-upgrade --note "version 2"',
  );

  const snapshots = group.command('snapshots').description('list the snapshots of a volume, oldest first');
  snapshots.argument('<volume>').action((volume: string, options: ReadOptions) => listSnapshots(cli, options, volume));
  examples(
    namespaceOption(readOptions(snapshots)),
    'floatlab volume snapshots photos-db',
    'floatlab volume snapshots photos-db -q',
  );

  const rollback = group
    .command('rollback')
    .description('go back to a snapshot; what is replaced is kept as a snapshot')
    .argument('<volume>')
    .argument('<snapshot>');
  rollback.action((volume: string, to: string, options: ChangeOptions) => rollBack(cli, options, volume, to));
  examples(
    yesOption(namespaceOption(changeOptions(rollback))),
    'floatlab volume rollback photos-db before-upgrade',
    'floatlab volume rollback photos-db before-upgrade --dry-run',
  );

  const removeSnapshot = group
    .command('rm-snapshot')
    .description('remove a snapshot')
    .argument('<volume>')
    .argument('<snapshot>');
  removeSnapshot.action(async (volume: string, named: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(volume, options);
    await agreeToLoss(cli, options, named, [`Snapshot ${named} of ${ref.name} will be removed for ever.`]);
    await change(
      cli,
      lab,
      options,
      'remove-snapshot',
      { ...ref, snapshot: named },
      {
        done: `Snapshot ${named} of ${ref.name} is removed.`,
        nothing: `Snapshot ${named} of ${ref.name} is being removed already.`,
      },
    );
  });
  examples(
    yesOption(namespaceOption(changeOptions(removeSnapshot))),
    'floatlab volume rm-snapshot photos-db before-upgrade',
    'floatlab volume rm-snapshot photos-db before-upgrade --yes',
  );
}

interface SnapshotOptions extends ChangeOptions {
  readonly as?: string;
  readonly note?: string;
}

async function takeSnapshot(cli: Cli, options: SnapshotOptions, volume: string): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const input = {
    ...ref,
    ...(options.as === undefined ? {} : { as: options.as }),
    ...(options.note === undefined ? {} : { note: options.note }),
  };
  if (options.dryRun) return printDryRun(cli, options, await forecast(lab, 'take-snapshot', input));
  const startedAt = cli.world.now();
  const answer = await apply(cli, lab, 'take-snapshot', input);
  const named = snapshotIn(answer);
  await finish(
    cli,
    lab,
    options,
    answer,
    { done: `Snapshot ${named} of ${ref.name} is taken.`, nothing: '' },
    startedAt,
  );
  // With --detach the operation has been printed: that is what to wait for.
  if (!options.detach && !isStructured(formatOf(options))) cli.print.data(safe(named));
}

function snapshotIn(answer: CommandAnswer): string {
  const event = answer.events.find(({ type }) => type === 'snapshot.requested');
  const data = snapshotEvents['snapshot.requested'].data.safeParse(event?.data);
  return data.data?.metadata.name ?? '';
}

async function listSnapshots(cli: Cli, options: ReadOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const rows = await readRows(cli, lab, 'snapshots', options, { params: { ...ref } });
  const { ago } = momentsOf(cli, options);
  printList<SnapshotRow>(cli.print, options, {
    rows,
    name: ({ name }) => name,
    empty: `Volume ${ref.name} has no snapshots. floatlab volume snapshot ${ref.name} takes one.`,
    columns: [
      { header: 'SNAPSHOT', value: ({ name }) => name },
      {
        header: 'STATE',
        value: ({ state }) => state,
        paint: (text, { state }) => paintState(cli.print.style, text, state),
      },
      { header: 'TAKEN', value: ({ takenAt, requestedAt }) => ago(takenAt ?? requestedAt) },
      { header: 'REASON', value: ({ reason }) => reason },
      { header: 'NOTE', value: ({ note, problem }) => orDash(problem?.message ?? note) },
      { header: 'TIME', value: ({ takenAt, requestedAt }) => momentWords(takenAt ?? requestedAt), wide: true },
      { header: 'GUID', value: ({ guid }) => orDash(guid), wide: true },
    ],
  });
}

async function rollBack(cli: Cli, options: ChangeOptions, volume: string, to: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const input = { ...ref, snapshot: to };
  if (!options.yes && !options.dryRun) await describeRollback(cli, lab, input);
  await agree(cli, options, `Roll ${ref.name} back to ${to}?`);
  await change(cli, lab, options, 'rollback-volume', input, {
    done: `Volume ${ref.name} is back at ${to}; what it held before is kept as a snapshot.`,
    nothing: `Volume ${ref.name} is being rolled back already.`,
  });
}

/** What will happen, before it happens: a refusal comes before the question. */
async function describeRollback(cli: Cli, lab: Lab, input: { name: string; snapshot: string }): Promise<void> {
  const { events } = await forecast(lab, 'rollback-volume', input);
  for (const { type, words } of events) if (!type.startsWith('operation.')) cli.print.talk(words);
  cli.print.talk('What it holds now is kept as a snapshot: roll back to that to undo.');
}
