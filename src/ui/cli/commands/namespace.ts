/** Namespaces: rooms for names. */
import type { ConfigRow } from '#projections/config.ts';
import type { Command } from 'commander';
import { change } from '../change.ts';
import { withHint } from '../errors.ts';
import type { Cli } from '../cli.ts';
import { changeOptions, examples, readOptions, type ChangeOptions, type ReadOptions } from '../options.ts';
import { printList } from '../output/formats.ts';
import { orDash } from '../output/words.ts';
import { readRows } from '../rows.ts';
import { labelWords } from './app.ts';

export function addNamespaceCommands(program: Command, cli: Cli): void {
  const group = program.command('namespace').description('list, create and remove namespaces');

  const list = group.command('ls').alias('list').description('list the namespaces');
  list.action(async (options: ReadOptions) => {
    const lab = await cli.lab(options);
    const rows = await readRows(cli, lab, 'config', options, { filters: { kind: 'namespace', namespace: undefined } });
    printList<ConfigRow>(cli.print, options, {
      rows,
      name: ({ metadata }) => metadata.name,
      empty: 'No namespaces: the lab is just starting.',
      columns: [
        { header: 'NAMESPACE', value: ({ metadata }) => metadata.name },
        { header: 'LABELS', value: ({ metadata }) => orDash(labelWords(metadata.labels)) },
        { header: 'UUID', value: ({ metadata }) => metadata.uuid, wide: true },
      ],
    });
  });
  examples(readOptions(list), 'floatlab namespace ls', 'floatlab namespace ls -q');

  const create = group.command('create').description('create a namespace').argument('<namespace>');
  create.action(async (namespace: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(namespace, options);
    await change(
      cli,
      lab,
      options,
      'create-namespace',
      { name },
      {
        done: `Namespace ${name} is created.`,
        nothing: `Namespace ${name} is there already.`,
      },
    );
  });
  examples(changeOptions(create), 'floatlab namespace create media', 'floatlab namespace create media --dry-run');

  const remove = group.command('rm').description('remove an empty namespace').argument('<namespace>');
  remove.action(async (namespace: string, options: ChangeOptions) => {
    const lab = await cli.lab(options);
    const { name } = lab.ref(namespace, options);
    await change(
      cli,
      lab,
      options,
      'delete-namespace',
      { name },
      {
        done: `Namespace ${name} is removed.`,
        nothing: `Namespace ${name} is removed already.`,
      },
    ).catch((error: unknown) => {
      throw withHint(error, 'NOT_EMPTY', `floatlab ps -n ${name} shows what is in it.`);
    });
  });
  examples(changeOptions(remove), 'floatlab namespace rm media', 'floatlab namespace rm media --dry-run');
}
