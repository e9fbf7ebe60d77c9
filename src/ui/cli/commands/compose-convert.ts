/** `compose convert`: what the lab understands of a compose file, with variables in and short forms long. */
import type { Command } from 'commander';
import { resolvedFile } from '#actors/compose/resolved/resolve.ts';
import { problemWords } from '#actors/compose/render.ts';
import type { ComposeApp } from '#actors/compose/model.ts';
import type { Cli } from '../cli.ts';
import { collectCompose, type Collected } from '../compose-files.ts';
import { CliError } from '../errors.ts';
import { eachOne, examples } from '../options.ts';
import { asJson, asYaml, formatOf } from '../output/formats.ts';

interface ConvertOptions {
  readonly file?: readonly string[];
  readonly output?: string;
  readonly without?: readonly string[];
  readonly showSecrets?: boolean;
}

export function addConvertCommand(group: Command, cli: Cli): void {
  const convert = group
    .command('convert')
    .description('print what the lab understands: variables in, short forms long, several files as one')
    .argument('[file]', 'compose.yaml here when it is left out')
    .option('-f, --file <path>', 'the same, as up has it; again for a file over it', eachOne)
    .option('--without <path...>', 'as if these files and folders were not there')
    .option('--show-secrets', 'values of the environment, and what is in configs and secrets, too')
    .option('-o, --output <format>', 'yaml or json', 'yaml');
  convert.action((file: string | undefined, options: ConvertOptions) => print(cli, file, options));
  examples(convert, 'floatlab compose convert', 'floatlab compose convert -f photos/compose.yaml -o json');
}

async function print(cli: Cli, named: string | undefined, options: ConvertOptions): Promise<void> {
  const format = formatOf({ output: options.output }, 'yaml');
  const files = named === undefined ? options.file : [named, ...(options.file ?? [])];
  const collected = await collectCompose(cli.world.cwd, files, options.without, cli.world);
  const resolved = resolvedFile(appOf(collected), {
    name: nameOf(collected),
    showSecrets: options.showSecrets === true,
  });
  cli.print.data(format === 'json' ? asJson(resolved) : asYaml(resolved));
}

const nameOf = ({ read, folderName }: Collected): string | undefined =>
  ('app' in read ? read.app.name : undefined) ?? folderName;

/** @throws CliError with what is wrong with it */
export function appOf({ read }: Collected): ComposeApp {
  if ('app' in read) return read.app;
  throw new CliError('COMPOSE_INVALID', 2, problemWords(read.findings), undefined, { findings: read.findings });
}
