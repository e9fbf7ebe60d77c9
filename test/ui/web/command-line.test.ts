import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textOf, wordsOf } from '#ui/web/format/command-line.ts';

describe('a command as people write it', () => {
  it.each([
    ['sh', ['sh']],
    ['  psql  -U  photos ', ['psql', '-U', 'photos']],
    ["sh -c 'echo $HOME; ls'", ['sh', '-c', 'echo $HOME; ls']],
    ['echo "it\'s" \'a "b"\'', ['echo', "it's", 'a "b"']],
    ['echo a\\ b "\\"" \'\\\'', ['echo', 'a b', '"', '\\']],
    ['echo "" x', ['echo', '', 'x']],
    ['pre"mid"post', ['premidpost']],
  ])('%j is %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it.each(['', '   ', '"', "sh 'x", 'sh \\', '"" x'])('%j is none', (text) => {
    expect(wordsOf(text)).toBeUndefined();
  });

  it('can be any words, when each stands in quotes', () => {
    const word = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(word), (first, others) => {
        const quoted = [first, ...others].map((one) => `"${one.replaceAll(/["\\]/g, '\\$&')}"`).join(' ');
        expect(wordsOf(quoted)).toEqual([first, ...others]);
      }),
    );
  });

  it('is written as it is read', () => {
    expect(textOf(['sh', '-c', 'echo "a"; sync'])).toBe('sh -c "echo \\"a\\"; sync"');
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.string({ unit: 'binary' })), (first, others) => {
        expect(wordsOf(textOf([first, ...others]))).toEqual([first, ...others]);
      }),
    );
  });
});
