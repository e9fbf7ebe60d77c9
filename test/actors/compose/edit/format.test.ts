import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatText } from '#actors/compose/edit/format.ts';
import { fixtures } from '../fixtures.ts';
import { yamlText } from './yaml-texts.ts';

const formatted = (text: string): string => {
  const result = formatText(text);
  if ('refused' in result) throw new Error(result.refused.message);
  return result.text;
};
const read = (text: string): unknown => parse(text, { merge: true, maxAliasCount: -1, uniqueKeys: false });
const commentsOf = (text: string): string[] => text.match(/#c\d+/g) ?? [];

test('the layout is made regular, and comments move with what they stand above', () => {
  const text = [
    'services:',
    '    # the front',
    '    web:   ',
    '        image:   "nginx"   # pinned',
    '        ports:',
    '        # for people',
    '        -   80:80',
    '        command: |',
    '                a  ',
    '                  b',
    '        labels: { a: 1,',
    '                  b: 2 }',
    '',
    '',
    '',
    'volumes:',
    '    data:',
    '    # the end',
    '',
  ].join('\r\n');
  expect(formatted(text).split('\r\n')).toEqual([
    'services:',
    '  # the front',
    '  web:',
    '    image: "nginx"   # pinned',
    '    ports:',
    '      # for people',
    '      - 80:80',
    '    command: |',
    '      a  ',
    '        b',
    '    labels: { a: 1,',
    '              b: 2 }',
    '',
    'volumes:',
    '  data:',
    '  # the end',
    '',
  ]);
});

test.each(readdirSync(join(fixtures, 'good')))('the file of %s is laid out well already', (app) => {
  const text = readFileSync(join(fixtures, 'good', app, 'compose.yaml'), 'utf8');
  expect(formatted(text)).toBe(text);
});

test('any file keeps its meaning and its comments, and a second time changes nothing', () => {
  fc.assert(
    fc.property(yamlText, (text) => {
      const once = formatted(text);
      expect(read(once)).toEqual(read(text));
      expect(commentsOf(once)).toEqual(commentsOf(text));
      expect(formatted(once)).toBe(once);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 100) },
  );
});

test('what cannot be read is refused with its place', () => {
  const result = formatText('a: [1\nb: 2\n');
  expect(result).toMatchObject({ refused: { code: 'UNREADABLE' } });
});
