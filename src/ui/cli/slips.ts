/** Slips of the keyboard: what is wrong with the arguments, and what may have been meant. Pure. */
import type { Command, CommanderError } from 'commander';
import { usageError, type CliError } from './errors.ts';

/** @returns the error to print; or the exit code, where what had to be said was said: help and the version */
export function slipIn(program: Command, error: CommanderError, args: readonly string[]): CliError | 0 | 2 {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  if (error.code === 'commander.help') return 2;
  const path = pathIn(program, args);
  const { sentence, meant } = readMessage(error.message);
  const word = error.code === 'commander.unknownCommand' ? /'([^']*)'/.exec(sentence)?.[1] : undefined;
  const nearest = word === undefined ? undefined : nearestCommands(program, path, word, meant);
  const help = ['floatlab help', ...path].join(' ');
  if (nearest === undefined || nearest.length === 0) {
    return usageError(sentence, meant === undefined ? help : `Did you mean ${meant}? ${help}`);
  }
  return usageError(sentence, `Did you mean ${nearest.join(' or ')}?`);
}

/** Commander's message, and the words that it thinks were meant. */
function readMessage(text: string): { readonly sentence: string; readonly meant: string | undefined } {
  const message = text.replace(/^error: /, '').replaceAll('\n', ' ');
  const guess = /\s*\(Did you mean (?:one of )?(.+)\?\)$/.exec(message);
  const said = guess ? message.slice(0, guess.index) : message;
  return { sentence: said.slice(0, 1).toUpperCase() + said.slice(1), meant: guess?.[1] };
}

/** `volum` → `floatlab volume`; `stop`, which other tools have at the top, → `floatlab app stop`. */
function nearestCommands(
  program: Command,
  path: readonly string[],
  word: string,
  meant: string | undefined,
): readonly string[] {
  const elsewhere = program.commands.flatMap((group) =>
    group.commands
      .filter((one) => one.name() === word && group.name() !== path[0])
      .map((one) => [group.name(), one.name()]),
  );
  const same = meant?.split(', ').map((name) => [...path, name]) ?? [];
  return [...same, ...(same.length === 0 ? elsewhere : [])].map((words) => ['floatlab', ...words].join(' '));
}

/** The words among the arguments that name a command. */
function pathIn(program: Command, args: readonly string[]): readonly string[] {
  const path: string[] = [];
  let at = program;
  for (const word of args) {
    const next = at.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (!next) continue;
    path.push(next.name());
    at = next;
  }
  return path;
}
