/** What the web app tells people to type must be something that the command line takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { wordsOf } from '#ui/web/format/command-line.ts';
import { programAlone } from '../cli/program.ts';

const src = join(import.meta.dirname, '../../../src');

/** Screens, and the page of the first app. */
const files = [
  ...readdirSync(join(src, 'ui/web'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join('ui/web', name)),
  'io/daemon/welcome-page.ts',
];

/** Commands to be copied stand alone in a text; others are named in a sentence. */
interface Shown {
  readonly file: string;
  readonly text: string;
  readonly isWhole: boolean;
}

const shown: readonly Shown[] = files.flatMap((file) => {
  const source = readFileSync(join(src, file), 'utf8').replaceAll(/^ *(?:\/?\*|\/\/).*$/gm, '');
  return [...source.matchAll(/(["'`>])(floatlab [^\n]*?)(?=\1|<|\n)|\bfloatlab [a-z][\w -]*/g)].map(
    ([all, , whole]) => ({
      file,
      text: (whole ?? all).replaceAll(/\$\{[^}]*\}/g, 'name').trim(),
      isWhole: whole !== undefined,
    }),
  );
});

const program = programAlone();

/** @returns why the command line would refuse it; undefined when it would not */
function refusalOf(text: string, isWhole: boolean): string | undefined {
  const [first, ...words] = wordsOf(text) ?? [];
  if (first !== 'floatlab') return 'it begins with something else';
  let command: Command = program;
  for (let next = named(command, words[0]); next; next = named(command, words[0])) {
    command = next;
    words.shift();
  }
  if (command === program) return `there is no command ${words[0] ?? ''}`;
  if (!isWhole) return undefined;
  if (command.commands.length > 0) return `${command.name()} has no command ${words[0] ?? ''}`;
  const { operands, unknown } = command.parseOptions(words);
  const given = [...operands, ...unknown];
  const [dashed] = given.filter(
    (word, n) => word.startsWith('-') && word !== '--' && !given.slice(0, n).includes('--'),
  );
  if (dashed !== undefined) return `${command.name()} has no option ${dashed}`;
  const taken = command.registeredArguments;
  const least = taken.filter(({ required }) => required).length;
  const most = taken.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : taken.length;
  const count = given.filter((word) => word !== '--').length;
  return count < least || count > most ? `${command.name()} takes another number of arguments` : undefined;
}

const named = (command: Command, word: string | undefined): Command | undefined =>
  command.commands.find((one) => word !== undefined && (one.name() === word || one.aliases().includes(word)));

describe('commands that the web app shows', () => {
  it.each(shown.map((one) => [one.text, one] as const))('%s is one', (_, { text, isWhole, file }) => {
    expect(refusalOf(text, isWhole), `${file}: ${text}`).toBeUndefined();
  });

  it('are found, and would be refused when they are none', () => {
    expect(shown.map(({ text }) => text)).toContain('floatlab alert ls');
    expect(shown.filter(({ isWhole }) => isWhole).length).toBeGreaterThan(6);
    for (const text of [
      'floatlab alerts',
      'floatlab snapshot photos-db',
      'floatlab volume',
      'floatlab alert ls --colour',
      'floatlab volume snapshot',
      'floatlab logs photos web more',
    ])
      expect(refusalOf(text, true), text).toBeDefined();
  });
});
