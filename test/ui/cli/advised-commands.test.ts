/**
 * Every sentence that names a command, all over the product, names one that this program takes. A command in a sentence
 * ends where the sentence goes on (`… shows what there is`), so that a command without its argument would take a word
 * of the sentence for it.
 */
import { addressed } from '#ui/cli/advice.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { programAlone } from './program.ts';

const rooms = ['src/actors', 'src/io', 'src/projections', 'src/ui/cli'];
/** With these a sentence goes on behind a command. */
const goesOn = /^(?:shows|makes|brings|starts|waits|takes|changes|lists|prints|lets|sends|tells|ends)$/;
/** The product itself, not its command. */
const isProse = /^floatlab (?:itself|knows|blob|password version|recovery key|sealed secrets|backup)\b/;

interface Advice {
  readonly where: string;
  readonly text: string;
}

/** From `floatlab` to the end of its string, or of the part of the sentence. */
function adviceIn(path: string): Advice[] {
  const found: Advice[] = [];
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (/^\s*(?:\*|\/\/|\/\*)/.test(line)) continue;
    for (const { index: at } of line.matchAll(/(?<![-\w./$]|xargs -n 1 )floatlab (?=[a-z$])/g)) {
      // One in quotation marks ends with them.
      const end = line[at - 1] === '"' ? /^[^'`;)"]*/ : /^[^'`;)]*/;
      const [text = ''] = end.exec(line.slice(at)) ?? [];
      if (!isProse.test(text)) found.push({ where: `${path}:${index + 1}`, text });
    }
  }
  return found;
}

const advice = rooms.flatMap((room) =>
  readdirSync(room, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => adviceIn(join(room, name))),
);

/** The words of the command; what is filled in stands for itself. */
function wordsOf(text: string): string[] {
  const filled = text.replaceAll(/\$\{[^}]*\}|<[^>]*>/g, 'NAME');
  const words = [...filled.matchAll(/"[^"]*"|\S+/g)].map(([word]) => word.replaceAll('"', ''));
  const end = words.findIndex(
    (word, n) => goesOn.test(word) || /^[|>]$/.test(word) || /[.,:?!]$/.test(words[n - 1] ?? ''),
  );
  return words.slice(1, end < 0 ? undefined : end).map((word) => word.replace(/[.,:?!]+$/, ''));
}

/** A program that takes commands and does nothing. */
function idleProgram(): Command {
  const program = programAlone();
  const calm = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => undefined);
    else command.commands.forEach(calm);
  };
  calm(program);
  return program;
}

/** A word that is filled in may be a verb or a kind: some command has to take the rest with one of them. */
function candidates(words: readonly string[], program: Command): string[][] {
  let command = program;
  for (const [n, word] of words.entries()) {
    const choices = command.registeredArguments[0]?.argChoices;
    if (word === 'NAME' && choices) return choices.map((choice) => words.with(n, choice));
    if (command.commands.length === 0) break;
    if (word === 'NAME') return command.commands.map((sub) => words.with(n, sub.name()));
    const sub = command.commands.find((one) => one.name() === word);
    if (!sub) break;
    command = sub;
  }
  return [[...words]];
}

function isTaken(words: readonly string[]): boolean {
  return candidates(words, idleProgram()).some((candidate) => {
    try {
      idleProgram().parse(candidate, { from: 'user' });
      return true;
    } catch {
      return false;
    }
  });
}

test('sentences all over the product name commands', () => {
  expect(advice.length).toBeGreaterThan(90);
});

test.each(advice.map(({ where, text }) => [text, where]))('%s is a command that can be given (%s)', (text) => {
  expect(isTaken(wordsOf(text)), wordsOf(text).join(' ')).toBe(true);
});

test('a command that lacks its argument is found', () => {
  expect(isTaken(wordsOf('floatlab volume create makes one'))).toBe(false);
  expect(isTaken(wordsOf('floatlab volumes ls shows what there is.'))).toBe(false);
  expect(isTaken(wordsOf('floatlab volume ls shows what there is.'))).toBe(true);
});

test('the hint of an empty list of volumes keeps its words apart from the command', () => {
  const text = advice.map((one) => one.text).find((one) => one.startsWith('floatlab volume create NAME')) ?? '';
  expect(addressed(text, idleProgram(), { namespace: 'media' })).toBe(
    'floatlab volume create NAME -n media --size 10GiB makes one without an app.',
  );
});
