/** Volumes as archives: out of the lab, and into it. */
import { formatSize } from '#events/values/size.ts';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { agree } from '../change.ts';
import type { Cli } from '../cli.ts';
import { CliError, reasonOf, usageError } from '../errors.ts';
import { examples, namespaceOption, outputOptions, yesOption, type LabOptions } from '../options.ts';
import { formatOf, type OutputOptions } from '../output/formats.ts';
import { counted } from '../output/words.ts';
import { counting, receiveTo } from '../receive.ts';
import { printAnswer, volumeAt } from './files.ts';

interface ExportOptions extends LabOptions {
  readonly namespace?: string;
  readonly file: string;
  readonly quiet?: boolean;
}
interface ImportOptions extends LabOptions, OutputOptions {
  readonly namespace?: string;
  readonly file: string;
  readonly replace?: boolean;
  readonly yes?: boolean;
}

/** @param group the commands of volumes */
export function addArchiveCommands(group: Command, cli: Cli): void {
  const out = group
    .command('export')
    .description('write a volume as a tar, as of a snapshot; one is taken for it when none is named')
    .argument('<volume[@snapshot]>')
    .option('--file <file>', 'a new file; stdout when it is left out', '-')
    .option('-q, --quiet', 'say nothing on success');
  out.action(async (of: string, options: ExportOptions) => {
    const lab = await cli.lab(options);
    const { ref, snapshot } = volumeAt(lab, of, options);
    if (options.file === '-' && cli.world.stdout.isTTY)
      throw usageError('A terminal shows no tar.', 'Send it on: > FILE, or name a file: --file FILE.');
    const saved = await lab.rest.exportVolume(ref, { snapshot, signal: cli.world.interrupt });
    await receiveTo(cli, options.file, saved, {
      what: `volume ${ref.name}`,
      quiet: options.quiet ?? false,
      why: () => lab.rest.files(ref, { snapshot, limit: 1, signal: cli.world.interrupt }),
    });
  });
  examples(
    namespaceOption(out),
    'floatlab volume export photos-db > photos-db.tar',
    'floatlab volume export photos-db@before-upgrade --file old.tar',
  );

  const into = group
    .command('import')
    .description('fill a volume from a tar: all of it, or nothing')
    .argument('<volume>')
    .option('--file <file>', 'the tar; stdin when it is left out', '-')
    .option('--replace', 'what the volume holds goes, and is kept as a snapshot; else it has to be empty');
  into.action((volume: string, options: ImportOptions) => importInto(cli, options, volume));
  examples(
    yesOption(namespaceOption(outputOptions(into, 'say nothing on success'))),
    'floatlab volume import photos-new --file photos-db.tar',
    'floatlab volume import photos-db --file old.tar --replace',
  );
}

async function importInto(cli: Cli, options: ImportOptions, volume: string): Promise<void> {
  formatOf(options);
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const isStdin = options.file === '-';
  if (isStdin && cli.world.stdin.isTTY === true)
    throw usageError('There is no tar on stdin.', 'Give it one: < FILE, or name it: --file FILE.');
  const { bytes, total } = isStdin ? { bytes: cli.world.stdin, total: undefined } : await fileOf(cli, options.file);
  // A question would be answered by the archive.
  if (options.replace && isStdin && !options.yes)
    throw usageError('With the tar on stdin nobody can be asked.', 'Add --yes, or name the file: --file FILE.');
  if (options.replace)
    await agree(
      cli,
      { yes: options.yes ?? false },
      `Replace everything in ${ref.name}? What it holds now is kept as a snapshot.`,
    );
  const shown = counting(cli, bytes as AsyncIterable<Uint8Array>, `volume ${ref.name}`, total);
  const answer = await lab.rest.importVolume(ref, shown, { replace: options.replace, signal: cli.world.interrupt });
  const sentence = `Volume ${ref.name} has what was imported: ${counted(answer.files, 'file')}, ${formatSize(answer.bytes)}.`;
  printAnswer(cli, options, answer, sentence);
}

async function fileOf(cli: Cli, file: string) {
  const path = resolve(cli.world.cwd, file);
  const about = await stat(path).catch((error: unknown) => {
    throw new CliError('NOT_READ', 1, `${file} cannot be read: ${reasonOf(error)}.`);
  });
  return { bytes: createReadStream(path) as AsyncIterable<Uint8Array>, total: about.size };
}
