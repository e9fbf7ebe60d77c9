/** The laws of the writer: exactly the one change, in the meaning and in the bytes, for any file and any path. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isScalar, parse, parseDocument } from 'yaml';
import { editText, type Edit } from '#actors/compose/edit/edit.ts';
import type { Path, Plain } from '#actors/compose/edit/value.ts';
import { fixtures } from '../fixtures.ts';
import { someStrings, yamlText } from './yaml-texts.ts';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What it means, by another way than the writer's own. */
const read = (text: string): Json =>
  JSON.parse(JSON.stringify(parse(text, { merge: true, maxAliasCount: -1, logLevel: 'error', uniqueKeys: false })));

/** Every path of the structure, what it brings in by aliases included. */
function pathsOf(value: Json, path: Path = []): Path[] {
  if (value === null || typeof value !== 'object') return [path];
  const inner: readonly (readonly [string | number, Json])[] = Array.isArray(value)
    ? value.map((one, n) => [n, one] as const)
    : Object.entries(value);
  return [path, ...inner.flatMap(([step, one]) => pathsOf(one, [...path, step]))];
}

const at = (value: Json, path: Path): Json =>
  path.reduce<Json>((one, step) => (one as Record<string | number, Json>)[step] ?? null, value);

/** The edit of a structure of JSON: what the edit of the text has to mean. */
function changed(value: Json, edit: Edit): Json {
  const copy = structuredClone(value);
  const above = at(copy, edit.path.slice(0, -1)) as Record<string | number, Json>;
  const last = edit.path.at(-1) ?? '';
  if (edit.do === 'set') above[last] = edit.value as Json;
  else if (edit.do === 'insert') (above as unknown as Json[]).splice(Number(last), 0, edit.value as Json);
  else if (edit.do === 'remove' && Array.isArray(above)) above.splice(Number(last), 1);
  else if (edit.do === 'remove') delete above[last];
  else {
    above[edit.key] = above[last] as Json;
    delete above[last];
  }
  return copy;
}

const corpus = readdirSync(join(fixtures, 'good')).map((app) =>
  readFileSync(join(fixtures, 'good', app, 'compose.yaml'), 'utf8'),
);
const anyText = fc.oneof({ weight: 4, arbitrary: yamlText }, { weight: 1, arbitrary: fc.constantFrom(...corpus) });

const scalar: fc.Arbitrary<Plain> = fc.oneof(
  fc.constantFrom(...someStrings),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
  fc.boolean(),
  fc.constant(null),
);
const keyName = fc
  .oneof(
    fc.constantFrom('image', 'new', 'on', '80', 'a b', 'é', '?', '- x', "it's"),
    fc.string({ minLength: 1, maxLength: 8 }),
  )
  .filter((key) => key !== '__proto__' && key !== '<<' && !key.includes('\0'));
const plain: fc.Arbitrary<Plain> = fc.letrec<{ readonly any: Plain }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    { weight: 4, arbitrary: scalar },
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(keyName, tie('any'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).any;

/** An edit that the structure of the text can take. */
const editOf = (text: string): fc.Arbitrary<Edit> => {
  const value = read(text);
  const paths = pathsOf(value).filter((path) => path.length > 0);
  const maps = pathsOf(value).filter((path) => isMap(at(value, path)));
  const lists = paths.filter((path) => Array.isArray(at(value, path)));
  const named = paths.filter((path) => isMap(at(value, path.slice(0, -1))));
  const from = (all: Path[]): fc.Arbitrary<Path> => fc.constantFrom(...all);
  const edits: fc.Arbitrary<Edit>[] = [
    fc.record({ do: fc.constant('set' as const), path: from(paths), value: plain }),
    fc.record({ do: fc.constant('remove' as const), path: from(paths) }),
    fc
      .record({ do: fc.constant('rename' as const), path: from(named), key: keyName })
      .filter(({ path, key }) => !Object.hasOwn(at(value, path.slice(0, -1)) as object, key)),
    fc
      .tuple(from(maps), keyName, plain)
      .map(([path, key, one]) => ({ do: 'set' as const, path: [...path, key], value: one })),
  ];
  if (lists.length > 0)
    edits.push(
      fc.tuple(from(lists), fc.nat(9), plain).map(([path, n, one]) => {
        const { length } = at(value, path) as Json[];
        return { do: 'insert' as const, path: [...path, n % (length + 1)], value: one };
      }),
    );
  return fc.oneof(...edits);
};
const isMap = (value: Json): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const textAndEdit = anyText.chain((text) => editOf(text).map((edit) => ({ text, edit })));

const usesAnchors = (text: string): boolean => /[*&]\w/.test(text);

const commentsOf = (text: string): string[] => text.match(/#c\d+[^\n]*?e/g) ?? [];

/** What is left when the two have the same beginning and the same end. */
function difference(old: string, now: string): { readonly gone: string; readonly come: string } {
  let [before, behind] = [0, 0];
  const least = Math.min(old.length, now.length);
  while (before < least && old[before] === now[before]) before++;
  while (behind < least - before && old[old.length - 1 - behind] === now[now.length - 1 - behind]) behind++;
  return { gone: old.slice(before, old.length - behind), come: now.slice(before, now.length - behind) };
}

/** Runs the property on edits that are not refused; how often some are is what the first test is about. */
const holdsFor = (
  numRuns: number,
  texts: fc.Arbitrary<{ readonly text: string; readonly edit: Edit }>,
  law: (given: { readonly text: string; readonly edit: Edit; readonly now: string }) => void,
): void =>
  fc.assert(
    fc.property(texts, ({ text, edit }) => {
      const result = editText(text, [edit]);
      if ('text' in result) law({ text, edit, now: result.text });
    }),
    { numRuns },
  );

export const editLaws = (numRuns: number): unknown =>
  describe('an edit', () => {
    test('changes the meaning by exactly what was asked for, in any file', () => {
      let refusals = 0;
      fc.assert(
        fc.property(textAndEdit, ({ text, edit }) => {
          const result = editText(text, [edit]);
          if ('refused' in result) {
            refusals++;
            expect(result.refused.code, result.refused.message).toBe('SHARED');
            expect(usesAnchors(text)).toBe(true);
            return;
          }
          expect(read(result.text)).toEqual(changed(read(text), edit));
        }),
        { numRuns: 2 * numRuns },
      );
      expect(refusals).toBeLessThan(numRuns / 2);
    });

    test('that writes what is there changes no byte', () => {
      const here = anyText.chain((text) =>
        fc.constantFrom(...pathsOf(read(text)).filter((path) => path.length > 0)).map((path) => ({ text, path })),
      );
      fc.assert(
        fc.property(here, ({ text, path }) => {
          expect(editText(text, [{ do: 'set', path, value: at(read(text), path) }])).toEqual({ text });
        }),
        { numRuns },
      );
    });

    test('of one scalar keeps every byte in front of it and behind it', () => {
      holdsFor(numRuns, scalars, ({ text, edit, now }) => {
        const found = parseDocument(text, { logLevel: 'silent', uniqueKeys: false }).getIn(edit.path, true);
        // What an alias or a merge key brings in is written elsewhere.
        if (!isScalar(found) || found.range?.[0] === found.range?.[1] || usesAnchors(text)) return;
        const [start = 0, end = 0] = found.range ?? [];
        const isBlock = /^[|>]/.test(text.slice(start));
        if (!isBlock && !JSON.stringify(at(read(now), edit.path)).includes('\\n')) {
          expect(now.startsWith(text.slice(0, start))).toBe(true);
          expect(now.endsWith(text.slice(end))).toBe(true);
        }
        expect(commentsOf(now)).toEqual(commentsOf(text));
      });
    });

    test('that adds something leaves all the rest as it is', () => {
      holdsFor(numRuns, additions, ({ text, now }) => {
        const { gone } = difference(text, now);
        // `{}`, an empty value or an alias gives way; nothing else does.
        if (!usesAnchors(text)) expect(gone.replace(/[\s{}[\]]/g, '')).toBe('');
        expect(commentsOf(now)).toEqual(commentsOf(text));
      });
    });

    test('that takes something away adds nothing', () => {
      holdsFor(numRuns, ofKind('remove'), ({ text, now }) =>
        expect(
          difference(text, now)
            .come.replace(/#c\d[^\n]*/, '')
            .trim(),
          // One of the two brackets may be the end of what was there; so may be the end of a comment.
        ).toMatch(/^[{}[\]]{0,2}$/),
      );
    });

    test('that renames a key changes its name alone', () => {
      holdsFor(numRuns, ofKind('rename'), ({ text, edit, now }) => {
        expect(commentsOf(now)).toEqual(commentsOf(text));
        expect(now.split('\n').length).toBe(text.split('\n').length);
        expect(difference(text, now).gone.length).toBeLessThan(JSON.stringify(edit.path.at(-1)).length + 2);
      });
    });

    test('keeps the kind of line ends, a byte order mark, and an end without a line break', () => {
      holdsFor(numRuns, textAndEdit, ({ text, now }) => {
        if (text.includes('\r\n')) expect(now.replaceAll('\r\n', '')).not.toContain('\n');
        else expect(now).not.toContain('\r');
        expect(now.startsWith('\uFEFF')).toBe(text.startsWith('\uFEFF'));
        if (!text.endsWith('\n') && commentsOf(text).length > 0) {
          const isLastLine = now.endsWith(text.slice(text.lastIndexOf('\n') + 1));
          if (isLastLine) expect(now.endsWith('\n')).toBe(false);
        }
      });
    });

    test('and its inverse have the meaning that was there before', () => {
      holdsFor(numRuns, textAndEdit, ({ text, edit, now }) => {
        const before = read(text);
        const back = editText(now, [inverse(before, edit)]);
        if ('text' in back) expect(read(back.text)).toEqual(before);
        else expect(back.refused.code).toBe('SHARED');
      });
    });

    test('and another one apart from it may come in any order', () => {
      const both = anyText.chain((text) => fc.tuple(editOf(text), editOf(text)).map(([a, b]) => ({ text, a, b })));
      fc.assert(
        fc.property(both, ({ text, a, b }) => {
          if (!apart(a, b)) return;
          const [one, other] = [editText(text, [a, b]), editText(text, [b, a])];
          if ('refused' in one || 'refused' in other) return;
          expect(read(one.text)).toEqual(read(other.text));
          if (a.do === 'rename' && b.do === 'rename') expect(one.text).toBe(other.text);
        }),
        { numRuns },
      );
    });

    test('of a text that is no YAML is refused, and never throws', () => {
      const bit = fc.constantFrom(
        'a',
        ':',
        ' ',
        '\n',
        '- ',
        '{',
        '}',
        '[',
        '&a ',
        '*a',
        '<<: ',
        '? ',
        '"',
        '|',
        '\t',
        '---',
        '!x ',
        ',',
        '\uFEFF',
        '#',
      );
      fc.assert(
        fc.property(fc.array(bit, { maxLength: 30 }), plain, (bits, value) => {
          const text = bits.join('');
          const result = editText(text, [{ do: 'set', path: ['a'], value }]);
          if ('refused' in result) expect(result.refused.message).toMatch(/\.$/);
          else expect(at(read(result.text), ['a'])).toEqual(value);
        }),
        { numRuns: 4 * numRuns },
      );
    });
  });

const ofKind = (kind: Edit['do']) =>
  anyText.chain((text) =>
    editOf(text)
      .filter((edit) => edit.do === kind)
      .map((edit) => ({ text, edit })),
  );

const scalars = anyText.chain((text) => {
  const value = read(text);
  const leaves = pathsOf(value).filter((path) => path.length > 0 && typeof at(value, path) !== 'object');
  return leaves.length === 0
    ? fc.constant({ text, edit: { do: 'remove', path: ['nothing'] } as Edit })
    : fc
        .record({ do: fc.constant('set' as const), path: fc.constantFrom(...leaves), value: scalar })
        .map((edit) => ({ text, edit }));
});

const additions = anyText.chain((text) => {
  const value = read(text);
  return editOf(text)
    .filter(
      (edit) =>
        edit.do === 'insert' ||
        (edit.do === 'set' && !Object.hasOwn(at(value, edit.path.slice(0, -1)) as object, edit.path.at(-1) ?? '')),
    )
    .map((edit) => ({ text, edit }));
});

function inverse(before: Json, edit: Edit): Edit {
  const { path } = edit;
  const above = path.slice(0, -1);
  const inList = Array.isArray(at(before, above));
  switch (edit.do) {
    case 'set':
      return inList || Object.hasOwn(at(before, above) as object, path.at(-1) ?? '')
        ? { do: 'set', path, value: at(before, path) }
        : { do: 'remove', path };
    case 'insert':
      return { do: 'remove', path };
    case 'remove':
      return { do: inList ? 'insert' : 'set', path, value: at(before, path) };
    case 'rename':
      return { do: 'rename', path: [...above, edit.key], key: String(path.at(-1)) };
  }
}

/** Neither is inside what the other one changes, and none moves the places that the other one counts. */
function apart(a: Edit, b: Edit): boolean {
  const [one, other] = [touched(a), touched(b)];
  return !startsWith(one, other) && !startsWith(other, one);
}
/** What moves or names its neighbours touches all of them. */
const touched = ({ do: kind, path }: Edit): Path =>
  kind === 'rename' || typeof path.at(-1) === 'number' ? path.slice(0, -1) : path;
const startsWith = (path: Path, start: Path): boolean => start.every((step, n) => path[n] === step);
