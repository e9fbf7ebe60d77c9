/** Snapshots of volumes: to take, list and remove them, and to go back to one. */
import { snapshotEvents } from '#events/snapshot.ts';
import type { RetentionAnswer } from '#io/contract/retention.ts';
import { writtenWords, type RollbackAnswer } from '#io/contract/rollback.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { hookTrouble } from '#projections/hook-words.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { Command } from 'commander';
import { agree, agreeToLoss, apply, change, checkOptions, finish, forecast, printDryRun } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  examples,
  namespaceOption,
  outputOptions,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
  type Ref,
} from '../options.ts';
import { formatOf, isStructured, printList, printStructured } from '../output/formats.ts';
import { safe } from '../output/safe.ts';
import { paintState } from '../output/style.ts';
import { counted, momentWords, orDash } from '../output/words.ts';
import { readRows } from '../rows.ts';
import { listForeignSnapshots, mentionForeign } from './snapshot-foreign.ts';
import { addNote } from './snapshot-note.ts';

/** @param group the commands of volumes */
export function addSnapshotCommands(program: Command, group: Command, cli: Cli): void {
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

  addNote(group, cli);
  addTake(program, cli);

  const snapshots = group
    .command('snapshots')
    .description('list the snapshots of a volume, oldest first')
    .argument('<volume>')
    .option('--foreign', 'those of other tools instead, as its node sees them now: the lab never touches them');
  snapshots.action((volume: string, options: SnapshotsOptions) =>
    options.foreign ? listForeignSnapshots(cli, options, volume) : listSnapshots(cli, options, volume),
  );
  examples(
    namespaceOption(readOptions(snapshots)),
    'floatlab volume snapshots photos-db',
    'floatlab volume snapshots photos-db -q',
    'floatlab volume snapshots photos-db --foreign',
  );

  const retention = group
    .command('retention')
    .description('which snapshots its retention keeps and drops, and why; drops nothing')
    .argument('<volume>')
    .option('--keep <policy>', 'another policy than the one that it has: "24h:1h 14d:1d last:3"');
  retention.action((volume: string, options: RetentionOptions) => showRetention(cli, options, volume));
  examples(
    namespaceOption(outputOptions(retention)),
    'floatlab volume retention photos-db',
    'floatlab volume retention photos-db --keep "14d:1d last:3"',
  );

  const rollback = group
    .command('rollback')
    .description('go back to a snapshot; what is replaced is kept as a snapshot')
    .argument('<volume>')
    .argument('[snapshot]', 'to which it goes back')
    .option('--past-newer', 'also past newer snapshots, which stay in the line of the history that is left')
    .option('--cancel', 'call off a roll-back of which nothing has happened yet, or that has failed');
  rollback.action((volume: string, to: string | undefined, options: RollbackOptions) =>
    rollBack(cli, options, volume, to),
  );
  examples(
    yesOption(namespaceOption(changeOptions(rollback))),
    'floatlab volume rollback photos-db before-upgrade',
    'floatlab volume rollback photos-db before-upgrade --dry-run',
    'floatlab volume rollback photos-db --cancel',
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

/** `floatlab snapshot take`: of one volume, or of all volumes of an app. */
function addTake(program: Command, cli: Cli): void {
  const group = program.command('snapshot').description('take snapshots, also of all volumes of an app');
  const take = group
    .command('take')
    .description('take a snapshot of a volume, or a set of all volumes of an app; prints its name')
    .option('--app <name>', 'of all its volumes, around its hooks')
    .option('--volume <name>', 'of this volume')
    .option('--as <name>', 'its name; made from the time when it is left out')
    .option('--note <text>', 'why it was taken');
  take.action((options: TakeOptions) => {
    const { app, volume } = options;
    if (volume !== undefined && app === undefined) return takeSnapshot(cli, options, volume);
    if (app !== undefined && volume === undefined) return takeSnapshot(cli, options, app, 'take-app-snapshot');
    throw usageError('Say --app or --volume.');
  });
  examples(
    namespaceOption(changeOptions(take)),
    'floatlab snapshot take --app photos',
    'floatlab snapshot take --app photos --as before-upgrade --note "version 2"',
  );
}

interface TakeOptions extends SnapshotOptions {
  readonly app?: string;
  readonly volume?: string;
}

interface SnapshotOptions extends ChangeOptions {
  readonly as?: string;
  readonly note?: string;
}

interface SnapshotsOptions extends ReadOptions {
  readonly foreign?: boolean;
}

interface RetentionOptions extends ReadOptions {
  readonly keep?: string;
}

async function showRetention(cli: Cli, options: RetentionOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const { keep, kept, dropped, items } = await lab.rest.previewRetention(ref, options.keep, {
    signal: cli.world.interrupt,
  });
  const { ago } = momentsOf(cli, {});
  const format = formatOf(options);
  if (isStructured(format)) return printStructured(cli.print, format, { keep, kept, dropped, items });
  printList<RetentionAnswer['items'][number]>(cli.print, options, {
    rows: items,
    name: ({ snapshot }) => snapshot,
    empty: `Volume ${ref.name} has no snapshots.`,
    columns: [
      { header: 'SNAPSHOT', value: ({ snapshot }) => snapshot },
      { header: 'TAKEN', value: ({ takenAt }) => ago(takenAt) },
      { header: 'STAYS', value: ({ keep: stays }) => (stays ? 'yes' : 'no') },
      { header: 'WHY', value: ({ why }) => why },
    ],
  });
  if (options.quiet || items.length === 0) return;
  const policy = keep === null ? 'Without a policy' : `With ${keep}`;
  cli.print.talk(`${policy}, ${kept} of ${counted(items.length, 'snapshot')} ${kept === 1 ? 'stays' : 'stay'}.`);
}

async function takeSnapshot(
  cli: Cli,
  options: SnapshotOptions,
  of: string,
  command: 'take-snapshot' | 'take-app-snapshot' = 'take-snapshot',
): Promise<void> {
  checkOptions(options);
  const lab = await cli.lab(options);
  const ref = lab.ref(of, options);
  const input = {
    ...ref,
    ...(options.as === undefined ? {} : { as: options.as }),
    ...(options.note === undefined ? {} : { note: options.note }),
  };
  if (options.dryRun) return printDryRun(cli, options, await forecast(lab, command, input));
  const startedAt = cli.world.now();
  const answer = await apply(cli, lab, command, input);
  const named = snapshotIn(answer);
  await finish(
    cli,
    lab,
    options,
    answer,
    {
      done:
        command === 'take-snapshot'
          ? `Snapshot ${named} of ${ref.name} is taken.`
          : `A set of snapshots of app ${ref.name} is taken, each called ${named}.`,
      nothing: '',
    },
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
      { header: 'REASON', value: reasonOf },
      {
        header: 'NOTE',
        value: ({ note, problem, held, hooks }) =>
          orDash(problem?.message ?? held?.message ?? hookTrouble(hooks) ?? note),
      },
      { header: 'TIME', value: ({ takenAt, requestedAt }) => momentWords(takenAt ?? requestedAt), wide: true },
      { header: 'LINE', value: ({ lineage }) => String(lineage), wide: rows.every(({ lineage }) => lineage === 1) },
      { header: 'GUID', value: ({ guid }) => orDash(guid), wide: true },
    ],
  });
  await mentionForeign(cli, lab, options, ref);
}

/** `schedule`, `manual, set of 3`. */
const reasonOf = ({ reason, set }: SnapshotRow): string => (set === null ? reason : `${reason}, set of ${set.size}`);

interface RollbackOptions extends ChangeOptions {
  readonly pastNewer?: boolean;
  readonly cancel?: boolean;
}

async function rollBack(cli: Cli, options: RollbackOptions, volume: string, to: string | undefined): Promise<void> {
  checkOptions(options);
  if (options.cancel === true) {
    if (to !== undefined || options.pastNewer === true)
      throw usageError('--cancel calls the roll-back off: leave the snapshot and the other options out.');
    return cancelRollback(cli, options, volume);
  }
  if (to === undefined)
    throw usageError('Say which snapshot to go back to.', `floatlab volume snapshots ${volume} shows what there is.`);
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  let pastNewer = options.pastNewer === true;
  if (!options.yes && !options.dryRun) {
    const isPast = await describeRollback(cli, lab, { ...ref, snapshot: to });
    await agree(cli, options, `Roll ${ref.name} back to ${to}?`);
    // Who has been told what is left behind, and agrees, has said so.
    pastNewer ||= isPast;
  }
  if (options.dryRun) return dryRunOf(cli, lab, options, { ...ref, snapshot: to });
  const input = { ...ref, snapshot: to, ...(pastNewer ? { pastNewer } : {}) };
  await change(cli, lab, options, 'rollback-volume', input, {
    done: `Volume ${ref.name} is back at ${to}; what it held before is kept as a snapshot.`,
    nothing: `Volume ${ref.name} is being rolled back already.`,
  });
}

async function cancelRollback(cli: Cli, options: RollbackOptions, volume: string): Promise<void> {
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  await change(cli, lab, options, 'cancel-rollback', ref, {
    done: `The roll-back of volume ${ref.name} is called off; had it been done by then, it stays so.`,
    nothing: `Volume ${ref.name} is not being rolled back: nothing to do.`,
  });
}

/** Past newer snapshots a plan says what would be left behind, and with which word it happens: nothing is refused. */
async function dryRunOf(
  cli: Cli,
  lab: Lab,
  options: RollbackOptions,
  input: Ref & { readonly snapshot: string },
): Promise<void> {
  const plan = await forecast(lab, 'rollback-volume', { ...input, pastNewer: true });
  const { snapshot, ...ref } = input;
  const preview = await lab.rest.previewRollback(ref, snapshot, { signal: cli.world.interrupt });
  const past = newerWords(preview);
  const needs =
    past.length === 0 || options.pastNewer === true
      ? []
      : [`Without --past-newer it is refused, because of ${counted(preview.newer.length, 'newer snapshot')}.`];
  printDryRun(cli, options, { ...plan, changes: [...(plan.changes ?? []), sinceWords(preview), ...past, ...needs] });
}

function newerWords({ newer }: RollbackAnswer): readonly string[] {
  if (newer.length === 0) return [];
  const named = newer.slice(-5).map((one) => one.snapshot);
  const more = newer.length > named.length ? `${newer.length - named.length} more, ` : '';
  const stay = newer.length === 1 ? 'It stays' : 'They stay';
  return [
    `${counted(newer.length, 'snapshot')} ${newer.length === 1 ? 'is' : 'are'} newer: ${more}${named.join(', ')}. ` +
      `${stay}, in the line of the history that is left.`,
  ];
}

const sinceWords = (preview: RollbackAnswer): string =>
  `${preview.snapshot} was taken at ${momentWords(preview.takenAt)}. ${writtenWords(preview)}`;

/** What will happen, before it happens: a refusal comes before the question. @returns whether it goes past newer ones */
async function describeRollback(cli: Cli, lab: Lab, input: Ref & { readonly snapshot: string }): Promise<boolean> {
  const { events } = await forecast(lab, 'rollback-volume', { ...input, pastNewer: true });
  for (const { type, words } of events) if (!type.startsWith('operation.')) cli.print.talk(words);
  const { snapshot, ...ref } = input;
  const preview = await lab.rest.previewRollback(ref, snapshot, { signal: cli.world.interrupt });
  const { takenAt, newer } = preview;
  cli.print.talk(`It will be as it was ${momentsOf(cli, {}).ago(takenAt)}, at ${momentWords(takenAt)}.`);
  cli.print.talk(writtenWords(preview));
  for (const sentence of newerWords(preview)) cli.print.talk(sentence);
  cli.print.talk('What it holds now is kept as a snapshot: roll back to that to undo.');
  return newer.length > 0;
}
