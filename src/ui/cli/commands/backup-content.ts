/** What is in a backup: looked at, and fetched, without restoring it. */
import { formatSize } from '#events/values/size.ts';
import { baseName, typedPath } from '#events/values/tree-path.ts';
import type { BackupEntry } from '#io/contract/backups.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples, namespaceOption, outputOptions, type LabOptions } from '../options.ts';
import { printList, type OutputOptions } from '../output/formats.ts';
import { receiveTo } from '../receive.ts';

interface LookOptions extends LabOptions, OutputOptions {
  readonly namespace?: string;
}
interface GetOptions extends LabOptions {
  readonly namespace?: string;
  readonly file: string;
  readonly quiet?: boolean;
}

export function addBackupContent(group: Command, cli: Cli): void {
  const list = group
    .command('files')
    .description('what is in a folder of a backup')
    .argument('<backup>')
    .argument('[path]', 'from the root of the volume', '');
  list.action(async (backup: string, typed: string, options: LookOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(backup, options);
    const path = typedPath(typed);
    const rows: BackupEntry[] = [];
    for (let cursor: string | undefined, isFirst = true; isFirst || cursor !== undefined; isFirst = false) {
      const signal = cli.world.interrupt;
      const page = await lab.rest.backupContent(ref, { path, cursor, limit: 1000, signal });
      if (path !== '' && page.self.entries === 0) rows.push({ name: baseName(path), ...page.self });
      rows.push(...page.items);
      cursor = page.cursor;
    }
    printList<BackupEntry>(cli.print, options, {
      rows,
      name: ({ name }) => name,
      empty: `There is nothing in ${path === '' ? `backup ${ref.name}` : path}.`,
      columns: [
        { header: 'SIZE', value: ({ bytes }) => formatSize(bytes), right: true },
        { header: 'ENTRIES', value: ({ entries }) => (entries === 0 ? '–' : String(entries)), right: true },
        { header: 'NAME', value: ({ name, entries }) => (entries === 0 ? name : `${name}/`) },
      ],
    });
  });
  examples(
    namespaceOption(outputOptions(list)),
    'floatlab backup files photos-db-2026-11-21-0300-00',
    'floatlab backup files photos-db-2026-11-21-0300-00 config',
  );

  const get = group
    .command('get')
    .description('fetch a file or folder of a backup, as a tar; its place in the volume is in it')
    .argument('<backup>')
    .argument('<path>')
    .option('--file <file>', 'where to write it; - is stdout', '');
  get.action(async (backup: string, typed: string, options: GetOptions) => {
    const lab = await cli.lab(options);
    const ref = lab.ref(backup, options);
    const path = typedPath(typed);
    const own = path === '' ? ref.name : baseName(path);
    const saved = await lab.rest.readBackup(ref, { path, signal: cli.world.interrupt });
    await receiveTo(cli, options.file === '' ? `${own}.tar` : options.file, saved, {
      what: path === '' ? `backup ${ref.name}` : path,
      quiet: options.quiet ?? false,
    });
  });
  examples(
    namespaceOption(get.option('-q, --quiet', 'say nothing on success')),
    'floatlab backup get photos-db-2026-11-21-0300-00 config/app.ini',
    'floatlab backup get photos-db-2026-11-21-0300-00 config --file - | tar x',
  );
}
