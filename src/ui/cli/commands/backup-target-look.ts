/** Which targets of backups there are, and what is known of each. */
import { formatSize } from '#events/values/size.ts';
import type { BackupTargetRow } from '#projections/views/backup-targets.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { momentsOf } from '../moments.ts';
import { examples, momentOf, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printFields, printList, printStructured } from '../output/formats.ts';
import { paintState } from '../output/style.ts';
import { shortDuration } from '../output/words.ts';
import { byName, readRows } from '../rows.ts';

export function addTargetLooking(group: Command, cli: Cli): void {
  const list = group.command('ls').alias('list').description('list the targets');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const rows = (await readRows(cli, lab, 'backup-targets', options)).toSorted(byName);
    const { ago } = momentsOf(cli, options);
    printList<BackupTargetRow>(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: 'No backup targets. floatlab backup target add usb --path /mnt/usb --node atlas adds one.',
      columns: [
        { header: 'TARGET', value: ({ name }) => name },
        {
          header: 'STATE',
          value: ({ state }) => state,
          paint: (text, { state }) => paintState(cli.print.style, text, state),
        },
        { header: 'WHERE', value: ({ where }) => where },
        { header: 'BACKUPS', value: ({ backups }) => String(backups), right: true },
        { header: 'KEEP', value: ({ keep }) => keep ?? 'all' },
        { header: 'SEEN', value: ({ checkedAt }) => (checkedAt === null ? 'never' : ago(checkedAt)), wide: true },
        { header: 'PRUNED', value: ({ prunedAt }) => (prunedAt === null ? 'never' : ago(prunedAt)), wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab backup target ls', 'floatlab backup target ls -o wide');

  const show = group.command('show').description('show a target').argument('<target>');
  show.action(async (name: string, options: ReadOptions) => {
    const lab = await cli.lab(options);
    const at = momentOf(options.at, cli.world.now());
    const row = await lab.rest.show('backup-targets', { name }, { at });
    const format = formatOf(options);
    if (options.quiet) return cli.print.data(row.name);
    if (isStructured(format)) return printStructured(cli.print, format, row);
    const { when } = momentsOf(cli, options);
    return printFields(cli.print, [
      ['target', row.name],
      ['state', row.state],
      ['where', row.where],
      ['belongs to', row.isForeign ? 'another lab: it is only read' : null],
      [
        'lent',
        row.lent &&
          `to another lab, up to ${formatSize(row.lent.quotaBytes)}${row.lent.appendOnly ? ', append-only' : ''}`,
      ],
      ['backups', row.lent ? null : String(row.backups)],
      ['keep', row.keep ?? 'all of them'],
      [
        'read back',
        row.verifyEveryMs === null
          ? 'once, when written'
          : `the newest of each volume, every ${shortDuration(row.verifyEveryMs)}`,
      ],
      [
        'restored as a test',
        row.testRestoreEveryMs === null
          ? 'never by itself'
          : `the newest of each volume, every ${shortDuration(row.testRestoreEveryMs)}`,
      ],
      ['limit', row.limitBytesPerSecond === null ? null : `${formatSize(row.limitBytesPerSecond)} in a second`],
      ['seen', when(row.checkedAt)],
      ['pruned', when(row.prunedAt) ?? 'never'],
      ['problem', row.problem?.message ?? null],
      ['what to do', row.problem?.hint ?? null],
      ['next attempt', when(row.retryAt)],
    ]);
  });
  examples(readOptions(show), 'floatlab backup target show usb', 'floatlab backup target show usb -o yaml');
}
