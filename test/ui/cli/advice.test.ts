import { addressed, pathOf } from '#ui/cli/advice.ts';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { programAlone } from './program.ts';

const program: Command = programAlone();
const inMedia = (text: string): string => addressed(text, program, { namespace: 'media' });

test.each([
  ['floatlab app start films', 'floatlab app start films -n media'],
  ['Start it: floatlab app start films.', 'Start it: floatlab app start films -n media.'],
  ['floatlab logs films web shows why.', 'floatlab logs films -n media web shows why.'],
  ['Look: floatlab logs films web.', 'Look: floatlab logs films web -n media.'],
  ['floatlab ps shows how it is.', 'floatlab ps -n media shows how it is.'],
  ['floatlab volume ls shows what there is.', 'floatlab volume ls -n media shows what there is.'],
  [
    'Remove the app (floatlab down films), or both (floatlab down films --volumes).',
    'Remove the app (floatlab down films -n media), or both (floatlab down films -n media --volumes).',
  ],
  ['floatlab exec films web -- sh', 'floatlab exec films web -n media -- sh'],
  ['floatlab volume set films-db --size …', 'floatlab volume set films-db -n media --size …'],
])('a command in a sentence gets the namespace: %s', (text, expected) => {
  expect(inMedia(text)).toBe(expected);
});

test.each([
  'floatlab node ls shows what there is.',
  'floatlab ps -n home shows what is in it.',
  'floatlab app start media/films',
  'floatlab passwd changes it.',
  'floatlab itself failed: floatlab volume has commands.',
  'Photos of floatlab are nice.',
  '',
])('what takes no namespace, or says one, stays as it is: %s', (text) => {
  expect(inMedia(text)).toBe(text);
});

test('the lab is named for what talks to one, and for nothing else', () => {
  const there = (text: string): string => addressed(text, program, { lab: '--context home' });
  expect(there('Sign in: floatlab login')).toBe('Sign in: floatlab login --context home');
  expect(there('floatlab operation wait op-7kq2wxyz')).toBe('floatlab operation wait op-7kq2wxyz --context home');
  expect(there('floatlab context ls shows what there is.')).toBe('floatlab context ls shows what there is.');
  expect(there('floatlab app start films --server http://x')).toBe('floatlab app start films --server http://x');
});

test('every command is known by its words', () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  for (const command of all(program).filter(({ commands }) => commands.length === 0)) {
    if (!command.options.some(({ long }) => long === '--namespace') || pathOf(command)[0] === 'context') continue;
    const required = command.registeredArguments.filter((one) => one.required && !one.variadic).map(() => 'films');
    const words = ['floatlab', ...pathOf(command), ...required].join(' ');
    expect(inMedia(words)).toBe(`${words} -n media`);
  }
});
