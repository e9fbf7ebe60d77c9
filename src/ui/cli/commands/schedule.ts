/** Schedules: what happens again and again. */
import { formatDuration } from '#events/values/duration.ts';
import type { ScheduleRow } from '#projections/views/schedules.ts';
import type { Command } from 'commander';
import { agree, change, checkOptions } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { momentsOf } from '../moments.ts';
import {
  changeOptions,
  durationOf,
  examples,
  momentOf,
  namespaceOption,
  readOptions,
  yesOption,
  type ChangeOptions,
  type ReadOptions,
} from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { momentWords, orDash } from '../output/words.ts';
import { keepOf } from '../volume-values.ts';
import { byName, namespaceColumn, readRows } from '../rows.ts';

/** `photos-db`, `app photos`, `pool tank`. */
function targetWords({ id, name }: ScheduleRow['of']): string {
  const kind = id.slice(0, id.indexOf(':'));
  return kind === 'volume' ? name : `${kind} ${name}`;
}

function behindWords({ action, behindSince }: ScheduleRow): string | null {
  if (behindSince === null) return null;
  if (behindSince === 0) return action === 'backup' ? 'no backup was ever read back' : 'there is no snapshot';
  return `the newest ${action === 'backup' ? 'good backup' : 'snapshot'} is of ${momentWords(behindSince)}`;
}

interface TermsOptions {
  readonly keep?: string;
  readonly testRestoreEvery?: string;
}

/** `none` is said as the command wants it: empty, and 0. */
const termsOf = ({ keep, testRestoreEvery: every }: TermsOptions) => ({
  ...(keep === undefined ? {} : { keep: keep === 'none' ? ('' as const) : keepOf(keep) }),
  ...(every === undefined
    ? {}
    : { testRestoreEveryMs: every === 'none' ? (0 as const) : durationOf(every, '--test-restore-every') }),
});

interface CreateOptions extends ChangeOptions, TermsOptions {
  readonly volume?: string;
  readonly app?: string;
  readonly scrub?: string;
  readonly backupTo?: string;
  readonly cron: string;
  readonly timeZone?: string;
}

interface EditOptions extends ChangeOptions, TermsOptions {
  readonly cron?: string;
  readonly timeZone?: string;
  readonly backupTo?: string;
}

function addEdit(group: Command, cli: Cli): void {
  const edit = group
    .command('edit')
    .description('change when a schedule runs, and of backups where they go and how long they stay')
    .argument('<schedule>')
    .option('--cron <line>', 'when: minute, hour, day of month, month, day of week')
    .option('--time-zone <name>', 'for example Europe/Berlin; lab: that of the lab')
    .option('--backup-to <target>', 'of backups: another target; what lies in the old one stays')
    .option('--keep <policy>', 'of backups: which of each volume stay; none: as the target says')
    .option('--test-restore-every <duration>', 'of backups: 30d; none: as the target says');
  edit.action(async (schedule: string, options: EditOptions) => {
    const { cron, timeZone, backupTo } = options;
    const changes = {
      ...(cron === undefined ? {} : { cron }),
      ...(timeZone === undefined ? {} : { timeZone: timeZone === 'lab' ? null : timeZone }),
      ...(backupTo === undefined ? {} : { backupTo }),
      ...termsOf(options),
    };
    if (Object.keys(changes).length === 0)
      throw usageError('Say what changes: --cron, --time-zone, --backup-to, --keep or --test-restore-every.');
    const lab = await cli.lab(options);
    const ref = lab.ref(schedule, options);
    await change(
      cli,
      lab,
      options,
      'change-schedule',
      { ...ref, ...changes },
      {
        done: `Schedule ${ref.name} is changed.`,
        nothing: `Schedule ${ref.name} is like that already.`,
      },
    );
  });
  examples(
    namespaceOption(changeOptions(edit)),
    'floatlab schedule edit nightly --cron "0 4 * * *"',
    'floatlab schedule edit nightly --time-zone Europe/Berlin --dry-run',
    'floatlab schedule edit offsite --backup-to usb --keep "14d:1d 8w:1w"',
  );
}

function targetOf({
  volume,
  app,
  scrub: pool,
}: CreateOptions): { volume: string } | { app: string } | { pool: string } {
  if ([volume, app, pool].filter((of) => of !== undefined).length === 1) {
    if (volume !== undefined) return { volume };
    if (app !== undefined) return { app };
    if (pool !== undefined) return { pool };
  }
  throw usageError('Say --volume, --app or --scrub.');
}

export function addScheduleCommands(program: Command, cli: Cli): void {
  const group = program
    .command('schedule')
    .description('take snapshots, make backups, or scrub pools, again and again');

  const list = group.command('ls').alias('list').description('list the schedules');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const rows = (await readRows(cli, lab, 'schedules', options)).toSorted(byName);
    const { ago } = momentsOf(cli, options);
    printList<ScheduleRow>(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: 'No schedules. floatlab schedule create nightly --volume photos-db --cron "0 3 * * *" makes one.',
      columns: [
        { header: 'SCHEDULE', value: ({ name }) => name },
        ...namespaceColumn(rows),
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'CRON', value: ({ cron }) => cron },
        { header: 'OF', value: ({ of }) => targetWords(of) },
        { header: 'NEXT', value: ({ dueAt, state }) => (state === 'active' ? ago(dueAt) : '–') },
        { header: 'LAST', value: ({ lastRunAt }) => (lastRunAt === null ? 'never' : ago(lastRunAt)) },
        { header: 'APP', value: ({ app }) => orDash(app?.name), wide: true },
        { header: 'ZONE', value: ({ timeZone }) => orDash(timeZone), wide: true },
        { header: 'MISSED', value: ({ missed }) => String(missed), right: true, wide: true },
      ],
    });
  });
  examples(namespaceOption(readOptions(list)), 'floatlab schedule ls', 'floatlab schedule ls -o wide');

  const show = group.command('show').description('show a schedule').argument('<schedule>');
  show.action(async (schedule: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('schedules', { ...lab.ref(schedule, options) }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { ago } = momentsOf(cli, options);
    return printFields(cli.print, [
      ['schedule', row.name],
      ['namespace', row.namespace === 'default' ? null : row.namespace],
      ['state', row.state],
      ['does', `${row.action} of ${targetWords(row.of)}${row.target ? ` to ${row.target.name}` : ''}`],
      ['volumes', row.only?.join(', ')],
      ['keeps', row.keep],
      ['test restore', row.testRestoreEveryMs === null ? null : `every ${formatDuration(row.testRestoreEveryMs)}`],
      ['behind', behindWords(row)],
      ['cron', `${row.cron} (${row.timeZone ?? 'in the time zone of the lab'})`],
      ['next', row.state === 'active' ? `${momentWords(row.dueAt)}, ${ago(row.dueAt)}` : null],
      ['last', row.lastRunAt === null ? 'never' : `${momentWords(row.lastRunAt)}, ${ago(row.lastRunAt)}`],
      ['missed', row.missed === 0 ? null : `${row.missed}, made up for by the last run`],
      ['app', row.app && `${row.app.name}, whose compose file asks for it`],
    ]);
  });
  examples(
    namespaceOption(readOptions(show)),
    'floatlab schedule show nightly',
    'floatlab schedule show nightly -o yaml',
  );

  const create = group
    .command('create')
    .description('create a schedule')
    .argument('<schedule>')
    .option('--volume <name>', 'the volume to take snapshots of')
    .option('--app <name>', 'or the app, to snapshot all its volumes as a set')
    .option('--scrub <node/pool>', 'or the pool to scrub')
    .option('--backup-to <target>', 'back up to this target instead of taking snapshots')
    .option('--keep <policy>', 'of backups: which of each volume stay, "14d:1d 8w:1w"; else as the target says')
    .option(
      '--test-restore-every <duration>',
      'of backups: restore one as a test so often, 30d; else as the target says',
    )
    .requiredOption('--cron <line>', 'when: minute, hour, day of month, month, day of week')
    .option('--time-zone <name>', 'for example Europe/Berlin; that of the lab when it is left out');
  create.action(async (schedule: string, options: CreateOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(schedule, options);
    const of = targetOf(options);
    const { keep, testRestoreEveryMs } = termsOf(options);
    const backup = {
      ...(options.backupTo === undefined ? {} : { backupTo: options.backupTo }),
      ...(keep ? { keep } : {}),
      ...(testRestoreEveryMs ? { testRestoreEveryMs } : {}),
    };
    const zone = options.timeZone === undefined ? {} : { timeZone: options.timeZone };
    await change(
      cli,
      lab,
      options,
      'create-schedule',
      { ...ref, ...of, ...backup, cron: options.cron, ...zone },
      {
        done: `Schedule ${ref.name} is created.`,
        nothing: `Schedule ${ref.name} is there already.`,
      },
    );
  });
  examples(
    namespaceOption(changeOptions(create)),
    'floatlab schedule create nightly --volume photos-db --cron "0 3 * * *"',
    'floatlab schedule create hourly --volume wiki-data --cron "0 * * * *" --dry-run',
    'floatlab schedule create offsite --app wiki --backup-to usb --cron "30 3 * * *"',
    'floatlab schedule create monthly --scrub atlas/tank --cron "0 3 1 * *"',
  );
  addEdit(group, cli);

  const verbs = {
    suspend: ['suspend a schedule', 'is suspended', 'is suspended already'],
    resume: ['resume a schedule', 'goes on', 'is not suspended: nothing to do'],
  } as const;
  for (const [verb, [what, done, nothing]] of Object.entries(verbs) as [keyof typeof verbs, readonly string[]][]) {
    const command = group
      .command(verb)
      .description(what ?? '')
      .argument('<schedule>');
    command.action(async (schedule: string, options: ChangeOptions) => {
      const lab = await cli.lab(options);
      const ref = lab.ref(schedule, options);
      await change(cli, lab, options, `${verb}-schedule`, ref, {
        done: `Schedule ${ref.name} ${done}.`,
        nothing: `Schedule ${ref.name} ${nothing}.`,
      });
    });
    examples(
      namespaceOption(changeOptions(command)),
      `floatlab schedule ${verb} nightly`,
      `floatlab schedule ${verb} nightly --dry-run`,
    );
  }

  const remove = group
    .command('rm')
    .description('remove a schedule; its snapshots stay; asks first')
    .argument('<schedule>');
  remove.action(async (schedule: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(schedule, options);
    checkOptions(options);
    if (!options.yes && !options.dryRun) {
      const { action, of } = await lab.rest.show('schedules', { ...ref });
      await agree(cli, options, `Remove schedule ${ref.name}? It takes no more ${action}s of ${targetWords(of)}.`);
    }
    await change(cli, lab, options, 'remove-schedule', ref, {
      done: `Schedule ${ref.name} is removed; its snapshots stay.`,
      nothing: `Schedule ${ref.name} is removed already.`,
    });
  });
  examples(
    yesOption(namespaceOption(changeOptions(remove))),
    'floatlab schedule rm nightly',
    'floatlab schedule rm nightly --yes',
  );
}
