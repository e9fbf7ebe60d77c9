/** What there is of backups, and what is known of each. */
import { counted } from '#actors/counted.ts';
import { formatSize } from '#events/values/size.ts';
import type { BackupRow } from '#projections/views/backups.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { examples, momentOf, namespaceOption, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { orDash } from '../output/words.ts';
import { namespaceColumn, readRows } from '../rows.ts';

export function addBackupLooking(group: Command, cli: Cli): void {
  const list = group
    .command('ls')
    .alias('list')
    .description('list the backups, the newest first')
    .option('--volume <name>', 'of this volume')
    .option('--target <name>', 'in this target');
  list.action(async (options: ReadOptions & { readonly volume?: string; readonly target?: string }) => {
    const lab = await cli.lab(options);
    const filters = {
      ...(options.volume === undefined ? {} : { volumeName: options.volume }),
      ...(options.target === undefined ? {} : { target: options.target }),
    };
    const rows = (await readRows(cli, lab, 'backups', options, { filters })).toSorted(newestFirst);
    const { ago } = momentsOf(cli, options);
    printList<BackupRow>(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: 'No backups. floatlab backup target add usb --path /mnt/usb --node atlas says where they go.',
      columns: [
        { header: 'BACKUP', value: ({ name }) => name },
        ...namespaceColumn(rows),
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'VOLUME', value: ({ volumeName }) => volumeName },
        { header: 'TARGET', value: ({ target }) => target.name },
        { header: 'TAKEN', value: ({ takenAt }) => (takenAt === null ? '–' : ago(takenAt)) },
        { header: 'SIZE', value: ({ sizeBytes }) => (sizeBytes === null ? '–' : formatSize(sizeBytes)), right: true },
        { header: 'READ BACK', value: ({ verifiedAt }) => (verifiedAt === null ? 'never' : ago(verifiedAt)) },
        {
          header: 'NEW',
          value: ({ addedBytes }) => (addedBytes === null ? '–' : formatSize(addedBytes)),
          right: true,
          wide: true,
        },
        { header: 'APP', value: ({ app }) => orDash(app?.name), wide: true },
        { header: 'LAB', value: ({ lab: of }) => orDash(of), wide: true },
      ],
    });
  });
  examples(namespaceOption(readOptions(list)), 'floatlab backup ls', 'floatlab backup ls --volume photos-db -o wide');

  const show = group.command('show').description('show a backup').argument('<backup>');
  show.action(async (backup: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('backups', { ...lab.ref(backup, options) }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { when } = momentsOf(cli, options);
    return printFields(cli.print, [
      ['backup', row.name],
      ['namespace', row.namespace === 'default' ? null : row.namespace],
      ['state', row.state],
      ['volume', row.volumeName],
      ['app', row.app && `${row.app.name}, which calls it ${row.app.key}`],
      ['target', row.target.name],
      ['lab', row.lab],
      ['taken', when(row.takenAt)],
      ['size', row.sizeBytes === null ? null : formatSize(row.sizeBytes)],
      ['new there', row.addedBytes === null ? null : formatSize(row.addedBytes)],
      ['read back', when(row.verifiedAt) ?? 'never: it does not count yet'],
      ['restored as a test', row.restoreTest && `${when(row.restoreTest.at)}: ${restoreTestWords(row.restoreTest)}`],
      ['last test failed', row.failedTest && `${when(row.failedTest.at)}: ${row.failedTest.problem.message}`],
      ['problem', row.problem?.message ?? null],
      ['what to do', row.problem?.hint ?? null],
      ['next attempt', when(row.retryAt)],
    ]);
  });
  examples(
    namespaceOption(readOptions(show)),
    'floatlab backup show photos-db-2026-11-21-0300-00',
    'floatlab backup show photos-db-2026-11-21-0300-00 -o yaml',
  );
}

const restoreTestWords = ({ files, folders, bytes, digest }: NonNullable<BackupRow['restoreTest']>): string =>
  `${counted(files, 'file')} in ${counted(folders, 'folder')}, ${formatSize(bytes)}, digest ${digest.slice(0, 16)}`;

const newestFirst = (a: BackupRow, b: BackupRow): number =>
  (b.takenAt ?? b.requestedAt) - (a.takenAt ?? a.requestedAt) || a.name.localeCompare(b.name, 'en');
