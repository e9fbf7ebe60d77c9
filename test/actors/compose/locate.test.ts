import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { frameAt, positionOf, printable, quoted, sourceOf } from '#actors/compose/locate.ts';

const source = (text: string): ReturnType<typeof sourceOf> => sourceOf('compose.yaml', text);

describe('a place', () => {
  test('has a line and a column from 1', () => {
    const text = source('ab\ncd\r\n\nef');
    const at = (offset: number): string => Object.values(positionOf(text, offset)).join(':');
    expect([0, 1, 2, 3, 5, 7, 8, 10].map(at)).toEqual(['1:1', '1:2', '1:3', '2:1', '2:3', '3:1', '4:1', '4:3']);
  });

  test('is always inside the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'é') }), fc.integer(), (text, offset) => {
        const { line, column } = positionOf(source(text), offset);
        const lines = text.split('\n');
        expect(line).toBeLessThanOrEqual(lines.length);
        expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
        if (offset >= 0 && offset < text.length) {
          expect(lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, column - 1)).toBe(offset);
        }
      }),
    );
  });
});

describe('a frame', () => {
  test('shows the line with its neighbours and a caret', () => {
    const text = 'a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n';
    expect(frameAt(source(text), text.indexOf('3'))).toBe('  1 | a: 1\n  2 | b: 2\n> 3 | c: 3\n    |    ^\n  4 | d: 4');
  });

  test('aligns numbers of different length', () => {
    const text = 'x\n'.repeat(10);
    expect(frameAt(source(text), 16)).toBe('   7 | x\n   8 | x\n>  9 | x\n     | ^\n  10 | x');
  });

  test('cuts long lines around the caret', () => {
    const text = `${'a'.repeat(200)}!${'b'.repeat(200)}`;
    const [line = '', caret = ''] = frameAt(source(text), 200).split('\n');
    expect(line.length).toBeLessThanOrEqual(78);
    expect(line[caret.indexOf('^')]).toBe('!');
  });

  test('keeps the caret below the character, also behind tabs and emoji', () => {
    const [line = '', caret = ''] = frameAt(source('\t👍👍x'), 5).split('\n');
    expect([...line][caret.indexOf('^')]).toBe('x');
  });

  test('cannot move the cursor or turn the text around', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\u001b', '\u202e', '\r', '\n', '\t', '\u0000', '\ud800') }),
        fc.nat(),
        (text, at) => {
          // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
          expect(frameAt(source(text), at)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\ud800]/);
        },
      ),
    );
  });
});

test('a quotation is short and on one line', () => {
  expect(quoted('a\nb')).toBe('`a·b`');
  expect(quoted('x'.repeat(100))).toHaveLength(62);
  expect(printable('\u200bе')).toBe('·е');
});
