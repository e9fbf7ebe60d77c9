/** What is different: between two compose files, and between what the lab runs and the file here. */
import { compareRevisions, changeWords } from '#actors/app/changes.ts';
import { volumeChangeWords } from '#actors/app/volume-changes.ts';
import type { CommandInputs } from '#actors/commands.ts';
import { ApiError } from '#ui/client/errors.ts';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { forecast } from '../change.ts';
import { collectCompose, type Collected } from '../compose-files.ts';
import { eachOne, examples, namespaceOption, outputOptions, type LabOptions } from '../options.ts';
import { formatOf, isStructured, printStructured, type OutputOptions } from '../output/formats.ts';
import { diffLines, hunksOf } from '../output/line-diff.ts';
import { safe } from '../output/safe.ts';
import { wrap } from '../output/width.ts';
import { planOf } from '../plan.ts';
import { appOf } from './compose-convert.ts';

interface Difference {
  /** What it means, in sentences. */
  readonly changes: readonly string[];
  /** The text, as `diff -u` shows it. */
  readonly text: readonly string[];
}

export function addComposeDiffCommand(group: Command, cli: Cli): void {
  const diff = group
    .command('diff')
    .description('say what two compose files make of their app differently; exit code 1 when they differ')
    .argument('<before>', 'a compose file, with what lies beside it')
    .argument('<after>', 'another one');
  diff.action(async (before: string, after: string, options: OutputOptions) => {
    const format = formatOf(options);
    const [old, now] = [await collectCompose(cli.world.cwd, before), await collectCompose(cli.world.cwd, after)];
    show(cli, { ...options, format }, { changes: changesOf(old, now), text: textOf(old.input.text, now.input.text) });
  });
  examples(
    outputOptions(diff, 'print nothing: the exit code says it'),
    'floatlab compose diff compose.yaml compose.new.yaml',
    'floatlab compose diff old/compose.yaml new/compose.yaml -o json',
  );
}

function changesOf(old: Collected, now: Collected): readonly string[] {
  const [before, after] = [appOf(old), appOf(now)];
  const compared = compareRevisions({ ...before, files: filesOf(old) }, { ...after, files: filesOf(now) });
  // Of two files nobody knows what runs: a running app would be restarted.
  const isSame = compared.files.length === 0 && compared.services.every(({ change }) => change === 'same');
  const volumes = volumeChangeWords(before.spec, after.spec);
  return isSame ? volumes : [...changeWords(compared, true), ...volumes];
}

const filesOf = ({ input }: Collected): Record<string, { content: string; mode: number }> => ({ ...input.files });

const textOf = (before: string, after: string): readonly string[] => hunksOf(diffLines(before, after));

interface DiffOptions extends LabOptions, OutputOptions {
  readonly file?: readonly string[];
  readonly without?: readonly string[];
  readonly namespace?: string;
}

export function addDiffCommand(program: Command, cli: Cli): void {
  const diff = program
    .command('diff')
    .description('say what the file here would change of what the lab runs; exit code 1 when it would')
    .argument('[app]', 'the app; from the file or its folder when it is left out')
    .option('-f, --file <path>', 'the compose file, again for a file over it; compose.yaml here', eachOne)
    .option('--without <path...>', 'leave these files and folders here although the file names them');
  diff.action((app: string | undefined, options: DiffOptions) => compareWithLab(cli, app, options));
  examples(
    namespaceOption(outputOptions(diff, 'print nothing: the exit code says it')),
    'floatlab diff',
    'floatlab diff photos -f photos/compose.yaml',
  );
}

async function compareWithLab(cli: Cli, app: string | undefined, options: DiffOptions): Promise<void> {
  const format = formatOf(options);
  const {
    input: file,
    read,
    folderName,
  } = await collectCompose(cli.world.cwd, options.file, options.without, cli.world);
  const lab = await cli.lab(options);
  const namespace = lab.namespace(options);
  const name = app ?? ('app' in read ? read.app.name : undefined) ?? folderName;
  const input: CommandInputs['deploy-app'] = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    fileName: file.fileName,
    compose: file.text,
    files: { ...file.files },
    // Whether it runs is no difference between two files.
    start: false,
  };
  const plan = await forecast(lab, 'deploy-app', input);
  const stored = await lab.rest
    .composeFile({ ...(namespace === undefined ? {} : { namespace }), name: name ?? '' })
    .catch((error: unknown) => {
      if (error instanceof ApiError && error.kind === 'missing') return '';
      throw error;
    });
  const changes = plan.unchanged ? [] : [...planOf(plan.events).map(asSentence), ...(plan.changes ?? [])];
  show(cli, { ...options, format }, { changes, text: textOf(stored, file.text) });
}

const asSentence = (phrase: string): string => `${phrase.slice(0, 1).toUpperCase()}${phrase.slice(1)}.`;

function show(
  cli: Cli,
  { format, quiet }: { readonly format: ReturnType<typeof formatOf>; readonly quiet?: boolean | undefined },
  { changes, text }: Difference,
): void {
  const { print } = cli;
  const isSame = changes.length === 0 && text.length === 0;
  cli.exitCode = isSame ? 0 : 1;
  if (isStructured(format)) return printStructured(print, format, { same: isSame, changes, text });
  if (quiet) return;
  if (isSame) return print.talk('There is no difference.');
  if (changes.length === 0) print.talk('It means the same; the text differs.');
  for (const change of changes)
    for (const [n, line] of wrap(safe(change), 78).entries()) print.data(`${n === 0 ? '' : '  '}${line}`);
  if (changes.length > 0 && text.length > 0) print.data('');
  const { good, bad, dim } = print.style;
  for (const line of text) {
    const paint = line.startsWith('@@') ? dim : line.startsWith('+') ? good : line.startsWith('-') ? bad : String;
    print.data(paint(safe(line)));
  }
}
