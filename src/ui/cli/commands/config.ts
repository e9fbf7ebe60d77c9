/** The configuration database: every object with what was asked for and how it is. */
import type { ConfigRow } from '#projections/config.ts';
import { kinds } from '#events/envelope.ts';
import { Argument, type Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { examples, namespaceOption, readOptions, type ReadOptions } from '../options.ts';
import { formatOf, isStructured, printList, printStructured } from '../output/formats.ts';
import { namespaceColumn, readRows } from '../rows.ts';

interface ConfigOptions extends ReadOptions {
  readonly selector?: string;
}

const stored = kinds.filter((kind) => kind !== 'operation');

export function addConfigCommands(program: Command, cli: Cli): void {
  const group = program.command('config').description('every object of the lab as data');
  const get = group
    .command('get')
    .description('print objects of a kind, or one of them, as YAML')
    .addArgument(new Argument('<kind>', 'what kind of object').choices(stored))
    .argument('[name]', 'only the one with this name')
    .option('-l, --selector <labels>', 'only these: team=home,!test');
  get.action((kind: string, name: string | undefined, options: ConfigOptions) => getConfig(cli, options, kind, name));
  examples(
    namespaceOption(readOptions(get)),
    'floatlab config get volume photos-db',
    'floatlab config get app -l team=home -o json',
  );
}

async function getConfig(cli: Cli, options: ConfigOptions, kind: string, name: string | undefined): Promise<void> {
  const lab = await cli.lab(options);
  const ref = name === undefined ? undefined : lab.ref(name, options);
  const filters = { kind, selector: options.selector, ...ref };
  const rows = await readRows(cli, lab, 'config', options, { filters });
  if (ref && rows.length === 0) {
    throw new CliError(
      'NOT_FOUND',
      4,
      `There is no ${kind} ${ref.name}.`,
      `floatlab config get ${kind} shows what there is.`,
    );
  }
  const format = formatOf(options, 'yaml');
  const [first] = rows;
  // One was asked for by name: one is printed, not a list of one.
  if (isStructured(format) && !options.quiet) {
    return printStructured(cli.print, format, ref && rows.length === 1 ? first : rows);
  }
  const inNamespaces = namespaceColumn(rows.map(({ metadata }) => metadata)).length > 0;
  return printList<ConfigRow>(cli.print, options, {
    rows,
    name: ({ metadata }) => metadata.name,
    empty: `No objects of kind ${kind}.`,
    columns: [
      { header: 'NAME', value: ({ metadata }) => metadata.name },
      { header: 'NAMESPACE', value: ({ metadata }) => metadata.namespace, wide: !inNamespaces },
      { header: 'STATE', value: ({ status }) => stateIn(status) },
      { header: 'VERSION', value: ({ version }) => String(version), right: true },
      { header: 'ID', value: ({ id }) => id, wide: true },
    ],
  });
}

function stateIn(status: Readonly<Record<string, unknown>>): string {
  const { state } = status;
  return typeof state === 'string' ? state : '–';
}
