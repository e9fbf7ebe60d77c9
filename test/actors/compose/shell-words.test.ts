import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitWords } from '#actors/compose/shell-words.ts';

describe('a command is split into words', () => {
  test.each([
    ['', []],
    ['  ', []],
    ['serve --port 80', ['serve', '--port', '80']],
    ['  a \t b\nc  ', ['a', 'b', 'c']],
    ['--name "my app" \'it is\'', ['--name', 'my app', 'it is']],
    ['a"b c"d', ['ab cd']],
    ['"" \'\'', ['', '']],
    ['"it\'s" \'say "hi"\'', ["it's", 'say "hi"']],
    ['a\\ b c\\"d', ['a b', 'c"d']],
    ['"a\\"b" \'a\\b\'', ['a"b', 'a\\b']],
    ['a\\nb\\tc', ['a\nb\tc']],
    ['"a|b;c" \'&<>\' a\\|b', ['a|b;c', '&<>', 'a|b']],
    ['--x=$HOME #no comment', ['--x=$HOME', '#no', 'comment']],
    ['größe 日本', ['größe', '日本']],
  ])('%j', (text, words) => expect(splitWords(text)).toEqual(words));
});

describe('a command that only a shell could run is refused', () => {
  test.each([
    ['a | b', 'operator', 2],
    ['a && b', 'operator', 2],
    ['a; b', 'operator', 1],
    ['a > b', 'operator', 2],
    ['$(a)', 'operator', 1],
    ['`a`', 'operator', 0],
    ['a "b', 'quote', 2],
    ["it's", 'quote', 2],
    ['a\\', 'backslash', 1],
  ])('%j', (text, what, at) => expect(splitWords(text)).toMatchObject({ what, at }));
});

test('words in quotes come back as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      const quoted = words.map((word) => `'${word.replaceAll("'", `'"'"'`)}'`).join(' ');
      expect(splitWords(quoted)).toEqual(words);
    }),
  );
});
