/** `help`: of a command, or on a topic. */
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { examples } from '../options.ts';
import { padStart } from '../output/width.ts';

export function addHelpCommand(program: Command, cli: Cli): void {
  const help = program
    .command('help')
    .description('help on a command, or on exit-codes')
    .argument('[command...]')
    .action((words: string[]) => {
      if (words.length === 1 && words[0] === 'exit-codes') return cli.print.raw(exitCodeTable());
      let found: Command = program;
      for (const word of words) {
        const next = found.commands.find((command) => command.name() === word || command.aliases().includes(word));
        if (!next) throw usageError(`There is no command ${words.join(' ')}.`, 'floatlab help lists the commands.');
        found = next;
      }
      return found.outputHelp();
    });
  examples(help, 'floatlab help up', 'floatlab help exit-codes');
}

const exitCodeTable = (): string =>
  exitCodes.map(([code, meaning]) => `${padStart(String(code), 3)}  ${meaning}\n`).join('');
