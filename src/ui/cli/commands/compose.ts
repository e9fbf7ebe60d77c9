/** Compose files on this machine, without a lab: checking one, its layout, what it means, what is different. */
import { problemWords } from '#actors/compose/render.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { collectCompose } from '../compose-files.ts';
import { CliError, usageError } from '../errors.ts';
import { eachOne, examples, outputOptions } from '../options.ts';
import { addConvertCommand } from './compose-convert.ts';
import { addFmtCommand } from './compose-fmt.ts';
import { addSchemaCommand } from './compose-schema.ts';
import { addComposeDiffCommand } from './diff.ts';
import { formatOf, isStructured, printStructured, type OutputOptions } from '../output/formats.ts';
import { printFindings } from '../output/problems.ts';
import { counted } from '../output/words.ts';

interface LintOptions extends OutputOptions {
  readonly file?: readonly string[];
  readonly without?: readonly string[];
}

export function addComposeCommands(program: Command, cli: Cli): void {
  const group = program.command('compose').description('work with compose files, without a lab');
  const lint = group
    .command('lint')
    .description('say what is wrong with a compose file, and where')
    .argument('[file]', 'compose.yaml here when it is left out; - reads stdin')
    .option('-f, --file <path>', 'the same, as up has it; again for a file over it', eachOne)
    .option('--without <path...>', 'as if these files and folders were not there');
  lint.action((file: string | undefined, options: LintOptions) => lintFile(cli, options, filesOf(file, options)));
  examples(
    outputOptions(lint, 'say nothing when all is well'),
    'floatlab compose lint',
    'floatlab compose lint photos/compose.yaml -o json',
  );
  addFmtCommand(group, cli);
  addConvertCommand(group, cli);
  addComposeDiffCommand(group, cli);
  addSchemaCommand(group, cli);
}

function filesOf(named: string | undefined, { file }: LintOptions): readonly string[] | undefined {
  if (named === undefined) return file;
  if (file === undefined || (file.length === 1 && file[0] === named)) return [named];
  throw usageError(
    `Two files are named: ${named} and ${file.join(', ')}.`,
    'Check one after the other, or -f FILE -f OVER-IT.',
  );
}

async function lintFile(cli: Cli, options: LintOptions, file: readonly string[] | undefined): Promise<void> {
  const format = formatOf(options);
  const { input, read } = await collectCompose(cli.world.cwd, file, options.without, cli.world);
  const findings = 'findings' in read ? read.findings : [];
  const notes = 'app' in read ? read.app.notes : [];
  if (isStructured(format)) {
    printStructured(cli.print, format, { file: input.fileName, valid: findings.length === 0, findings, notes });
    if (findings.length > 0) cli.exitCode = 2;
    return;
  }
  if (findings.length > 0) {
    throw new CliError('COMPOSE_INVALID', 2, problemWords(findings), undefined, { findings });
  }
  if (options.quiet) return;
  printFindings(cli.print, notes);
  const services = 'app' in read ? Object.keys(read.app.spec.services).length : 0;
  const travel = Object.keys(input.files).length;
  const beside = travel === 0 ? '' : `; ${counted(travel, 'file')} beside it would travel with it`;
  cli.print.talk(`${input.fileName} is valid: ${counted(services, 'service')}${beside}.`);
}
