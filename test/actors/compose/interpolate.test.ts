import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { interpolate } from '#actors/compose/interpolate.ts';

const variables: Readonly<Record<string, string>> = { FOO: 'first', EMPTY: '', _x1: 'under' };
const run = (text: string): ReturnType<typeof interpolate> =>
  interpolate(text, (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined));

describe('a variable is replaced', () => {
  test.each([
    ['no variable', 'no variable'],
    ['$FOO-bar', 'first-bar'],
    ['a${FOO}b$_x1', 'afirstbunder'],
    ['$$FOO costs 5$$', '$FOO costs 5$'],
    ['$${FOO}', '${FOO}'],
    ['$$$FOO', '$first'],
    ['{FOO} }', '{FOO} }'],
    ['[${EMPTY}]', '[]'],
    // Defaults: with the colon also for an empty variable.
    ['${NONE-d}${NONE:-d}', 'dd'],
    ['${EMPTY-d}|${EMPTY:-d}', '|d'],
    ['${FOO-d}${FOO:-d}', 'firstfirst'],
    ['${NONE-}', ''],
    // Replacements.
    ['${NONE+r}${NONE:+r}', ''],
    ['${EMPTY+r}|${EMPTY:+r}', 'r|'],
    ['${FOO+r}${FOO:+r}', 'rr'],
    // Refusals that do not apply.
    ['${FOO?no}${FOO:?no}${EMPTY?no}', 'firstfirst'],
    // The first operator counts, whatever follows.
    ['${NONE:-a:?b-c+d}', 'a:?b-c+d'],
    ['${EMPTY:-/non:-alphanumeric}', '/non:-alphanumeric'],
    // Words hold variables, and only the one that is used is looked at.
    ['${NONE-${NONE:-$FOO}}', 'first'],
    ['${NONE:-${FOO} $$ ${FOO}}', 'first $ first'],
    ['${FOO:-${NONE}}', 'first'],
    ['${NONE:+${NONE}}', ''],
    ['${NONE:-{"a": 1}', '{"a": 1'],
  ])('%s → %s', (text, expected) => expect(run(text)).toBe(expected));
});

describe('a variable is refused', () => {
  test.each([
    ['${NONE}', 'unset', 0, 'NONE'],
    ['a $NONE', 'unset', 2, 'NONE'],
    ['${NONE:?tell me}', 'required', 0, 'NONE'],
    ['${EMPTY:?}', 'required', 0, 'EMPTY'],
    ['${NONE?}', 'required', 0, 'NONE'],
    ['${FOO}${NONE:-${ALSO}}', 'unset', 14, 'ALSO'],
    ['$', 'syntax', 0, ''],
    ['5$ ', 'syntax', 1, ''],
    ['$1', 'syntax', 0, ''],
    ['${', 'syntax', 0, ''],
    ['${}', 'syntax', 0, ''],
    ['${ FOO}', 'syntax', 0, ''],
    ['${FOO }', 'syntax', 0, 'FOO'],
    ['${FOO!}', 'syntax', 0, 'FOO'],
    ['${FOO', 'syntax', 0, 'FOO'],
    ['${FOO:-${FOO}', 'syntax', 0, 'FOO'],
  ])('%s: %s at %i', (text, kind, at, name) => expect(run(text)).toMatchObject({ kind, at, name }));

  test('when defaults nest without end or a text grows without end', () => {
    expect(run('${A:-'.repeat(1000))).toMatchObject({ kind: 'depth' });
    expect(interpolate('$A$A', () => 'x'.repeat(100_000))).toMatchObject({ kind: 'length' });
  });
});

test('the word of a refusal is kept as it was written, without values', () => {
  expect(run('${NONE:?set ${FOO}}')).toMatchObject({ written: 'set ${FOO}' });
});

test('a text with doubled dollar signs comes out as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', ' ', 'é') }), (text) => {
      expect(run(text.replaceAll('$', '$$$$'))).toBe(text);
    }),
  );
});

test('any text gives a text or a problem inside it', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'FOO', ':', '-', '+', '?', 'x') }), (text) => {
      const result = run(text);
      if (typeof result === 'string') return;
      expect(result.at).toBeGreaterThanOrEqual(0);
      expect(result.at).toBeLessThan(text.length);
    }),
  );
});
