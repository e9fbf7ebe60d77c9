import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffLines, hunksOf } from '#ui/cli/output/line-diff.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 30 })
  .map((lines) => lines.map((l) => `${l}\n`).join(''));

test('what stays and goes is the one text, what stays and comes the other', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffLines(before, after);
      const of = (not: string): string =>
        lines.flatMap(({ kind, text: one }) => (kind === not ? [] : [`${one}\n`])).join('');
      expect(of('come')).toBe(before);
      expect(of('gone')).toBe(after);
    }),
  );
});

test('it is the shortest way', () => {
  const lines = diffLines('a\nb\nc\na\nb\nb\na\n', 'c\nb\na\nb\na\nc\n');
  expect(lines.filter(({ kind }) => kind !== 'same').length).toBe(5);
});

test('the same text has no hunks; changes far from each other have one each', () => {
  expect(hunksOf(diffLines('a\n', 'a\n'))).toEqual([]);
  const many = Array.from({ length: 20 }, (_, n) => `${n}`);
  const before = `${many.join('\n')}\n`;
  const after = before.replace('2\n', 'two\n').replace('17\n', '');
  expect(hunksOf(diffLines(before, after))).toEqual([
    '@@ -1,6 +1,6 @@',
    ...[' 0', ' 1', '-2', '+two', ' 3', ' 4', ' 5'],
    '@@ -15,6 +15,5 @@',
    ...[' 14', ' 15', ' 16', '-17', ' 18', ' 19'],
  ]);
});

test('a line break that is missing at the end is shown', () => {
  expect(hunksOf(diffLines('a\n', 'a'))).toEqual(['@@ -1,1 +1,1 @@', '-a', '+a', '\\ no line break at the end']);
});
