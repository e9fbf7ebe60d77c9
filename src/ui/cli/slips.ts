/** Slips of the keyboard: what is wrong with the arguments, and what may have been meant. Pure. */
import type { Command, CommanderError } from 'commander';
import { nearest } from '#actors/compose/suggest.ts';
import { usageError, type CliError } from './errors.ts';
import { defaultOf } from './options.ts';

/** @returns the error to print; or the exit code, where what had to be said was said: help and the version */
export function slipIn(program: Command, error: CommanderError, args: readonly string[]): CliError | 0 | 2 {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  if (error.code === 'commander.help') return 2;
  const path = pathIn(program, args);
  const other = error.code === 'commander.excessArguments' ? otherThanDefault(program, path, args) : undefined;
  if (other) return other;
  const { sentence, meant } = readMessage(error.message);
  const word = error.code === 'commander.unknownCommand' ? /'([^']*)'/.exec(sentence)?.[1] : undefined;
  const nearest = word === undefined ? undefined : nearestCommands(program, path, word, meant);
  const help = ['floatlab help', ...path].join(' ');
  if (nearest === undefined || nearest.length === 0) {
    return usageError(sentence, meant === undefined ? help : `Did you mean ${meant}? ${help}`);
  }
  return usageError(sentence, `Did you mean ${nearest.join(' or ')}?`);
}

/** `floatlab node token lss`: what Commander takes for an argument of the group's own command was to be one of the others. */
function otherThanDefault(program: Command, path: readonly string[], args: readonly string[]): CliError | undefined {
  const group = commandAt(program, path);
  const word = args.slice(args.indexOf(path.at(-1) ?? '') + 1).find((arg) => !arg.startsWith('-'));
  if (!group || word === undefined || defaultOf(group)?.registeredArguments.length !== 0) return undefined;
  const names = group.commands.map((command) => command.name());
  const meant = nearest(word, names);
  const words = ['floatlab', ...path];
  return usageError(
    `Unknown command '${word}'.`,
    meant === undefined
      ? `There are ${names.join(', ')}: ${['floatlab help', ...path].join(' ')}`
      : `Did you mean ${[...words, meant].join(' ')}?`,
  );
}

const commandAt = (program: Command, path: readonly string[]): Command | undefined =>
  path.reduce<Command | undefined>((at, name) => at?.commands.find((one) => one.name() === name), program);

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
