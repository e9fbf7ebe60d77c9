/** An app as a whole: its volumes into a target as a set, and back out of it, with its compose file. */
import type { BackupRow } from '#projections/views/backups.ts';
import { agree, change, forecast } from '../change.ts';
import type { Cli, Lab } from '../cli.ts';
import { CliError } from '../errors.ts';
import type { ChangeOptions, Ref } from '../options.ts';
import { isStructured, formatOf, printStructured } from '../output/formats.ts';
import { counted, momentWords } from '../output/words.ts';
import { pause } from '../operations.ts';
import { readRows } from '../rows.ts';

const lookMs = 1000;

export async function backedUpApp(
  cli: Cli,
  lab: Lab,
  options: ChangeOptions & { readonly to: string },
  app: Ref,
): Promise<void> {
  const before = new Set((await rowsOf(cli, lab, options)).map(({ id }) => id));
  await change(
    cli,
    lab,
    options,
    'back-up-app',
    { ...app, to: options.to },
    {
      done: `App ${app.name} is being backed up to ${options.to}.`,
      nothing: `App ${app.name} is backed up already.`,
    },
  );
  if (options.dryRun || options.detach) return;
  // The operation is of the first of them: the others may take longer.
  for (;;) {
    const own = (await rowsOf(cli, lab, options)).filter(
      (row) => !before.has(row.id) && row.app?.name === app.name && row.target.name === options.to,
    );
    const wrong = own.find(({ state, problem }) => ['failed', 'damaged', 'unverified'].includes(state) && problem);
    if (wrong?.problem) {
      const { message, hint } = wrong.problem;
      throw new CliError('FAILED', 1, `Backup ${wrong.name} of volume ${wrong.volumeName} failed: ${message}`, hint);
    }
    if (own.every(({ isGood }) => isGood)) break;
    await pause(lookMs, cli.world.interrupt);
    cli.world.interrupt.throwIfAborted();
  }
  if (!options.quiet && !isStructured(formatOf(options)))
    cli.print.talk(`All volumes of ${app.name} are backed up, and were read back.`);
}

export async function restoreApp(
  cli: Cli,
  lab: Lab,
  options: ChangeOptions & { readonly target?: string },
  app: Ref,
): Promise<void> {
  const newest = newestSet(await rowsOf(cli, lab, options), app.name, options.target);
  const [first] = newest;
  if (!first) {
    throw new CliError(
      'NOT_FOUND',
      4,
      `There is no good backup of app ${app.name}${options.target === undefined ? '' : ` in ${options.target}`}.`,
      'floatlab backup ls -o wide shows what there is; floatlab backup verify BACKUP reads one back.',
    );
  }
  const ref = (row: BackupRow) => ({ namespace: row.namespace, name: row.name });
  const { compose, files } = await lab.rest.backupFiles(ref(first), { signal: cli.world.interrupt });
  if (compose === null)
    throw new CliError(
      'NOT_FOUND',
      4,
      `Backup ${first.name} has no compose file.`,
      'Restore its volume alone: --as NAME.',
    );
  const restores = newest.map((row) => ({ ...ref(row), as: row.volumeName }));
  if (options.dryRun) {
    const answers = [];
    for (const restore of restores) answers.push(await forecast(lab, 'restore-backup', restore));
    const format = formatOf(options);
    if (isStructured(format)) return printStructured(cli.print, format, answers);
    for (const { events } of answers) for (const { words } of events) cli.print.data(words);
    return cli.print.data(`Then app ${app.name} would be deployed with these volumes.`);
  }
  if (!options.yes) {
    const taken = momentWords(Math.min(...newest.map(({ takenAt }) => takenAt ?? 0)));
    await agree(cli, options, `Restore app ${app.name} with ${counted(newest.length, 'volume')} as of ${taken}?`);
  }
  for (const restore of restores) {
    const done = `Volume ${restore.as} is back.`;
    await change(cli, lab, { ...options, detach: false }, 'restore-backup', restore, { done, nothing: done });
  }
  const namespace = app.namespace === undefined ? {} : { namespace: app.namespace };
  await change(
    cli,
    lab,
    options,
    'deploy-app',
    { ...namespace, name: app.name, compose, files: { ...files } },
    {
      done: `App ${app.name} is back.`,
      nothing: `App ${app.name} is as it was.`,
    },
  );
}

/** Of each volume the newest good one, of one set where they were taken together. */
function newestSet(rows: readonly BackupRow[], app: string, target: string | undefined): readonly BackupRow[] {
  const good = rows
    .filter((row) => row.app?.name === app && (target === undefined || row.target.name === target))
    .filter((row) => row.isGood || (row.lab !== null && row.state === 'unverified'))
    .toSorted((a, b) => (b.takenAt ?? 0) - (a.takenAt ?? 0));
  const whole = good.find(({ set }) => set && good.filter((other) => other.set?.id === set.id).length === set.size);
  const newest = whole?.set ? good.filter(({ set }) => set?.id === whole.set?.id) : good;
  const byVolume = new Map<string, BackupRow>();
  for (const row of newest) if (!byVolume.has(row.volumeName)) byVolume.set(row.volumeName, row);
  return [...byVolume.values()].toSorted((a, b) => a.volumeName.localeCompare(b.volumeName, 'en'));
}

const rowsOf = (cli: Cli, lab: Lab, options: ChangeOptions): Promise<BackupRow[]> =>
  readRows(cli, lab, 'backups', {
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
  });
