/** `floatlab volume note`: what to know of a snapshot. */
import type { Command } from 'commander';
import { change } from '../change.ts';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { changeOptions, examples, namespaceOption, type ChangeOptions } from '../options.ts';

/** @param group the commands of volumes */
export function addNote(group: Command, cli: Cli): void {
  const note = group
    .command('note')
    .description('give a snapshot another note, or take its note away')
    .argument('<volume>')
    .argument('<snapshot>')
    .argument('[text]', 'what to know of it')
    .option('--clear', 'take its note away');
  note.action((volume: string, of: string, text: string | undefined, options: NoteOptions) =>
    noteSnapshot(cli, options, volume, of, text),
  );
  examples(
    namespaceOption(changeOptions(note)),
    'floatlab volume note photos-db before-upgrade "version 2, went well"',
    'floatlab volume note photos-db before-upgrade --clear',
  );
}

interface NoteOptions extends ChangeOptions {
  readonly clear?: boolean;
}

async function noteSnapshot(
  cli: Cli,
  options: NoteOptions,
  volume: string,
  of: string,
  text: string | undefined,
): Promise<void> {
  const isCleared = options.clear === true;
  if (isCleared === (text !== undefined)) throw usageError('Say the note, or --clear to take it away.');
  const lab = await cli.lab(options);
  const ref = lab.ref(volume, options);
  const note = isCleared ? null : (text ?? null);
  await change(
    cli,
    lab,
    options,
    'note-snapshot',
    { ...ref, snapshot: of, note },
    {
      done: isCleared
        ? `Snapshot ${of} of ${ref.name} has no note any more.`
        : `Snapshot ${of} of ${ref.name} is noted.`,
      nothing: isCleared
        ? `Snapshot ${of} of ${ref.name} has no note.`
        : `Snapshot ${of} of ${ref.name} has that note.`,
    },
  );
}
