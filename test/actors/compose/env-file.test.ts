import { parse as dotenv } from 'dotenv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEnvFile, type EnvFormat } from '#actors/compose/env-file.ts';

const outside: Readonly<Record<string, string>> = { HOST: 'lab' };
const read = (text: string, format: EnvFormat = 'compose'): ReturnType<typeof readEnvFile> =>
  readEnvFile(text, format, (name) => (Object.hasOwn(outside, name) ? outside[name] : undefined));
const variables = (text: string, format?: EnvFormat): Record<string, string> => {
  const { variables: found, problems } = read(text, format);
  expect(problems).toEqual([]);
  return Object.fromEntries(found);
};

describe('an env file', () => {
  test.each([
    ['', {}],
    ['\n\n  # only a comment\n\t\n', {}],
    ['A=1\nB = two words \r\nC=', { A: '1', B: 'two words', C: '' }],
    ['export A=1\n  B: yaml style', { A: '1', B: 'yaml style' }],
    ['A=a#b # a comment\nB=#c\nC= # nothing', { A: 'a#b', B: '#c', C: '' }],
    ['A="a # b" # c\nB=\'$HOST "x"\'', { A: 'a # b', B: '$HOST "x"' }],
    ['A="line 1\nline 2\\nline 3"\nB=1', { A: 'line 1\nline 2\nline 3', B: '1' }],
    ['A="say \\"hi\\" \\$HOST \\\\"', { A: 'say "hi" $HOST \\' }],
    ["A='it\\'s'", { A: "it's" }],
    ['A=$HOST/${HOST}/${NONE:-x}\nB=$A$$', { A: 'lab/lab/x', B: 'lab/lab/x$' }],
    ['A="$HOST"', { A: 'lab' }],
    // What the project says comes first; the value of the line is its own all the same.
    ['HOST=mine\nURL=http://$HOST\nOTHER=$URL', { HOST: 'mine', URL: 'http://lab', OTHER: 'http://lab' }],
    ['HOST\nA=1\nA=2', { HOST: 'lab', A: '2' }],
    ['A=x=y\na.b-c_1=1', { A: 'x=y', 'a.b-c_1': '1' }],
    ['\uFEFFA=1'.slice(1), { A: '1' }],
  ])('%j', (text, expected) => expect(variables(text)).toEqual(expected));

  test('of format raw is taken as it is', () => {
    expect(variables('# c\nA="x" # y\nB=$HOST\nHOST\n\nC= a ', 'raw')).toEqual({
      A: '"x" # y',
      B: '$HOST',
      HOST: 'lab',
      C: ' a ',
    });
    expect(read('A B=1\nNONE', 'raw').problems.map(({ line }) => line)).toEqual([1, 2]);
  });

  test.each([
    ['A=1\nno key here', [2], 'is not KEY=value'],
    ['A=1\n\n=x', [3], 'is not KEY=value'],
    ['NONE', [1], 'without a value'],
    ['A=$NONE', [1], 'not set'],
    ['A=5$', [1], 'begins no variable'],
    ['A="x"y\nB=1', [1], 'after the closing quote'],
    ['A=1\nB="never\nC=1', [2], 'never closed'],
    ['A="1\n2"\nB', [3], 'without a value'],
    ['A=\0', [1], 'NUL'],
    [`A=${'x'.repeat(140_000)}`, [1], 'longer than 128 KiB'],
  ])('%j is refused at line %j', (text, lines, message) => {
    const { problems } = read(text);
    expect(problems.map(({ line }) => line)).toEqual(lines);
    expect(problems[0]?.message).toContain(message);
  });

  test('never grows without end', () => {
    const doubling = Array.from({ length: 64 }, (_, n) => `A${n}=${n === 0 ? 'xxxxxxxx' : `$A${n - 1}$A${n - 1}`}`);
    const { problems, variables: found } = read(doubling.join('\n'));
    expect(problems.length).toBeGreaterThan(0);
    for (const value of found.values()) expect(value.length).toBeLessThanOrEqual(131_072);
  });

  test('is read like the dotenv package where both know the form', () => {
    const key = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,5}$/);
    const plain = fc.stringMatching(/^[a-z0-9/:.,@%^&*()=+-]{0,8}$/);
    const value = fc.oneof(
      plain,
      fc.tuple(plain, plain).map(([a, b]) => `"${a} #${b}"`),
      fc.tuple(plain, plain).map(([a, b]) => `'${a}\n"${b}'`),
      plain.map((text) => `${text} # comment`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 8 }), (lines) => {
        const text = lines.map(([name, written]) => `${name}=${written}`).join('\n');
        expect(variables(text)).toEqual(dotenv(text));
      }),
    );
  });

  test('never shows what it holds, whatever is wrong with it', () => {
    const secret = 's3cr3t';
    const piece = fc.constantFrom(secret, '=', '"', "'", '$', '{', '}', ' ', '\n', 'A', ':', '#', '\\', '?', '-', '\0');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.constantFrom<EnvFormat>('compose', 'raw'),
        (pieces, format) => {
          const text = pieces.join('');
          const { problems } = read(text, format);
          expect(JSON.stringify(problems)).not.toContain(secret);
          for (const { line } of problems) expect(line).toBeLessThanOrEqual(text.split('\n').length);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
