import { safe, safeLogLine } from '#ui/cli/output/safe.ts';
import { renderTable } from '#ui/cli/output/table.ts';
import { cutTo, padEnd, widthOf, wrap } from '#ui/cli/output/width.ts';
import { asJson, asYaml } from '#ui/cli/output/formats.ts';
import { counted, listed, shortDuration, tookWords } from '#ui/cli/output/words.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

// oxlint-disable-next-line no-control-regex -- what must not come out
const acting = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
/** Text of the worst kind: half of it acts upon a terminal. */
const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u001b',
      '[',
      ']',
      '0',
      ';',
      'm',
      '2J',
      '\u0007',
      '\u009b',
      '\u202e',
      '\r',
      '\n',
      '\t',
      '\u2028',
      '\ufeff',
    ),
    fc.string({ unit: 'grapheme', maxLength: 1 }),
  ),
});
const plain = { wide: false, header: (text: string) => text };

describe('text of the lab', () => {
  test('has nothing in it that acts upon a terminal, once it is safe', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(safe(text)).not.toMatch(acting);
      }),
    );
  });

  test('of a log keeps its colours, which end with the line, and nothing else', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        // oxlint-disable-next-line no-control-regex -- colours begin with a control character
        expect(safeLogLine(text).replace(/\u001b\[[0-9;]{0,32}m/g, '')).not.toMatch(acting);
      }),
    );
    expect(safeLogLine('\u001b[31mred')).toBe('\u001b[31mred\u001b[0m');
    expect(safeLogLine('plain')).toBe('plain');
  });

  test('is the same value as JSON and as YAML, with nothing in it that acts upon a terminal', () => {
    fc.assert(
      fc.property(
        fc.dictionary(nasty, fc.oneof(nasty, fc.integer(), fc.constant(null)), { noNullPrototype: true }),
        (value) => {
          const [json, yaml] = [asJson(value), asYaml(value)];
          expect(JSON.parse(json)).toEqual(value);
          // As it is written: with the end of its last line.
          expect(parse(`${yaml}\n`)).toEqual(value);
          // A tab moves along the line and no further.
          expect((json + yaml).replaceAll(/[\n\t]/g, '')).not.toMatch(acting);
        },
      ),
      { examples: [[{ '': '\n' }]] },
    );
  });
});

describe('columns', () => {
  test('counts what a terminal shows: wide characters twice, colours and accents not at all', () => {
    expect(widthOf('photos')).toBe(6);
    expect(widthOf('写真')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('🎉')).toBe(2);
    expect(widthOf('\u001b[32mok\u001b[39m')).toBe(2);
  });

  test('cuts and pads to what is asked for', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(safe), fc.integer({ min: 1, max: 30 }), (text, columns) => {
        expect(widthOf(cutTo(text, columns))).toBeLessThanOrEqual(columns);
        expect(widthOf(padEnd(cutTo(text, columns), columns))).toBe(columns);
      }),
    );
  });

  test('wraps between words and loses none', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 }),
        fc.integer({ min: 12, max: 40 }),
        (words, columns) => {
          const lines = wrap(words.join(' '), columns);
          expect(lines.join(' ')).toBe(words.join(' '));
          for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('of a table are aligned, and fit whenever the first column leaves room', () => {
    const cell = fc.stringMatching(/^[a-z]{0,50}$/);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,20}$/), cell, cell, cell), { maxLength: 6 }),
        (rows) => {
          const columns = ['NAME', 'ONE', 'TWO', 'THREE'].map((header, n) => ({
            header,
            value: (row: readonly string[]) => row[n] ?? '',
          }));
          const lines = renderTable(columns, rows, { ...plain, width: 80 });
          expect(lines).toHaveLength(rows.length + 1);
          for (const [n, line] of lines.entries()) {
            expect(line.length).toBeLessThanOrEqual(80);
            if (n > 0) expect(line.startsWith(rows[n - 1]?.[0] ?? '')).toBe(true);
          }
          const at = lines[0]?.indexOf('ONE') ?? 0;
          for (const line of lines.slice(1)) expect(line.slice(at - 2, at).trim()).toBe('');
        },
      ),
    );
  });

  test('of a table are never cut in its wide form', () => {
    const long = 'x'.repeat(200);
    const columns = [
      { header: 'A', value: () => 'a' },
      { header: 'B', value: () => long },
      { header: 'C', value: () => 'c', wide: true },
    ];
    expect(renderTable(columns, [{}], { ...plain, wide: true, width: 80 })[1]).toContain(long);
    expect(renderTable(columns, [{}], { ...plain, width: 80 })[1]).toBe(`a  ${'x'.repeat(76)}…`);
  });
});

describe('words', () => {
  test('say times in one unit', () => {
    expect([0, 999, 41_000, 720_000, 3 * 86_400_000, -5].map(shortDuration)).toEqual([
      '0 s',
      '0 s',
      '41 s',
      '12 m',
      '3 d',
      '0 s',
    ]);
    expect([40, 4200, 59_900, 192_000].map(tookWords)).toEqual(['0.0 s', '4.2 s', '59.9 s', '3 m 12 s']);
  });

  test('say how many, and which', () => {
    expect([counted(1, 'volume'), counted(3, 'volume')]).toEqual(['1 volume', '3 volumes']);
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });
});
