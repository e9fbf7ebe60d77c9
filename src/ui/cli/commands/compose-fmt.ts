/** `compose fmt`: the layout of a compose file, and nothing else of it. */
import { randomUUID } from 'node:crypto';
import { chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { formatText } from '#actors/compose/edit/format.ts';
import { frameAt, positionOf, sourceOf } from '#actors/compose/locate.ts';
import type { Cli } from '../cli.ts';
import { findCompose, readComposeText } from '../compose-files.ts';
import { CliError, reasonOf } from '../errors.ts';
import { examples } from '../options.ts';
import { safe } from '../output/safe.ts';
import { diffLines, hunksOf } from '../output/line-diff.ts';
import { readText } from '../stdin.ts';

interface FmtOptions {
  readonly check?: boolean;
  readonly diff?: boolean;
  readonly quiet?: boolean;
}

export function addFmtCommand(group: Command, cli: Cli): void {
  const fmt = group
    .command('fmt')
    .description('lay out a compose file: indentation, spaces, line ends; comments and order stay')
    .argument('[file]', 'compose.yaml here when it is left out; - reads stdin and prints')
    .option('--check', 'change nothing: say whether it would, with exit code 1')
    .option('--diff', 'change nothing: print what it would')
    .option('-q, --quiet', 'say nothing on success');
  fmt.action((file: string | undefined, options: FmtOptions) => format(cli, file, options));
  examples(fmt, 'floatlab compose fmt', 'floatlab compose fmt --check photos/compose.yaml');
}

async function format(cli: Cli, named: string | undefined, options: FmtOptions): Promise<void> {
  const { print, world } = cli;
  const path = named === '-' ? undefined : await findCompose(world.cwd, named);
  const text = path === undefined ? await readText(world) : await readComposeText(path);
  const shown = path === undefined ? 'stdin' : basename(path);
  const formatted = formattedText(shown, text);
  const isSame = formatted === text;
  if (options.diff) for (const line of hunksOf(diffLines(text, formatted))) print.data(safe(line));
  if (options.check || options.diff) {
    if (!options.quiet) print.talk(isSame ? `${shown} is laid out well.` : `${shown} would be laid out anew.`);
    cli.exitCode = isSame ? 0 : 1;
    return;
  }
  if (path === undefined) return print.raw(formatted);
  if (!isSame) await replaceFile(path, formatted);
  if (!options.quiet) print.talk(isSame ? `${shown} is laid out well already.` : `${shown} is laid out anew.`);
}

/** @throws CliError where it cannot be read, or would mean something else */
function formattedText(fileName: string, text: string): string {
  const result = formatText(text);
  if ('text' in result) return result.text;
  const { at, message, hint } = result.refused;
  const source = sourceOf(fileName, text);
  const finding = {
    path: '',
    file: fileName,
    ...positionOf(source, at),
    message,
    frame: frameAt(source, at),
    ...(hint === undefined ? {} : { hint }),
  };
  throw new CliError('COMPOSE_INVALID', 2, `${fileName} was not changed.`, undefined, { findings: [finding] });
}

/** All of it or nothing, with the mode that it had; a link stays a link. */
async function replaceFile(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  const part = join(dirname(real), `.${basename(real)}-${randomUUID()}`);
  try {
    const { mode } = await stat(real);
    await writeFile(part, text, { flag: 'wx', flush: true });
    await chmod(part, mode & 0o7777);
    await rename(part, real);
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw new CliError('FILE_UNWRITABLE', 1, `${path} cannot be written: ${reasonOf(error)}.`);
  }
}
