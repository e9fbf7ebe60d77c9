import { describe, expect, test } from 'vitest';
import { editText, type Edit } from '#actors/compose/edit/edit.ts';

const file = `# my photos
name: photos  # the name

x-common: &common
  restart: always
  deploy:
    resources: {limits: {cpus: '1'}}

services:
  web:
    <<: *common
    image: "nginx:1" # pinned
    ports:
    - 80:80 # people
    - "443:443"
    environment: { A: 1, 'B': 2 }
    command: | # two lines
      a
      b
  db: *common
volumes:
  data:
  other: {}
`;

/** What goes and what comes, line by line. */
function hunk(text: string, ...edits: Edit[]): string {
  const result = editText(text, edits);
  if ('refused' in result) return `${result.refused.code}: ${result.refused.message}`;
  const [old, now] = [text.split('\n'), result.text.split('\n')];
  let [start, end] = [0, 0];
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start++;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  const lines = (all: string[], sign: string) => all.slice(start, all.length - end).map((line) => `${sign}${line}`);
  return [...lines(old, '-'), ...lines(now, '+')].join('\n');
}
const web = (...path: (string | number)[]) => ['services', 'web', ...path];
const set = (path: (string | number)[], value: Extract<Edit, { do: 'set' }>['value']): Edit => ({
  do: 'set',
  path,
  value,
});

describe('a value', () => {
  test('keeps its quotes and the comment behind it', () =>
    expect(hunk(file, set(web('image'), 'nginx:2'))).toBe(
      '-    image: "nginx:1" # pinned\n+    image: "nginx:2" # pinned',
    ));

  test('that a merge key brings in is written over it', () => {
    expect(hunk(file, set(web('restart'), 'no'))).toBe('+    restart: "no"');
    expect(hunk(file, set(web('deploy', 'resources', 'limits', 'cpus'), '2'))).toBe(
      '+    deploy:\n+      resources:\n+        limits:\n+          cpus: "2"',
    );
  });

  test('that stands over a merged one is not taken away: that one would show', () => {
    const over = file.replace('    image: "nginx:1"', '    restart: "no"\n    image: "nginx:1"');
    expect(hunk(over, { do: 'remove', path: web('restart') })).toBe(
      'SHARED: `services.web.restart` stands over what `<<` brings in, which would show instead.',
    );
  });

  test('over an alias becomes a map that merges it', () =>
    expect(hunk(file, set(['services', 'db', 'image'], 'postgres'))).toBe(
      '-  db: *common\n+  db:\n+    <<: *common\n+    image: postgres',
    ));

  test('that others share is refused', () =>
    expect(hunk(file, set(['x-common', 'restart'], 'no'))).toBe(
      'SHARED: `x-common.restart` is part of `&common`, which line 11 uses, too: both would change.',
    ));

  test('that another tool would take for a number or for true is put into quotes', () => {
    expect(hunk(file, set(web('ports', 0), '22:22'))).toBe('-    - 80:80 # people\n+    - "22:22" # people');
    expect(hunk(file, set(web('environment', 'C'), 'yes'))).toContain('C: "yes" }');
  });

  test('of several lines stays a block, with the comment at its head', () => {
    expect(hunk(file, set(web('command'), 'a\nb\nc: d\n'))).toBe('+      c: d');
    expect(hunk(file, set(web('command'), 'x'))).toBe(
      '-    command: | # two lines\n-      a\n-      b\n+    command: x # two lines',
    );
  });

  test('of another kind takes the place of the old one', () => {
    expect(hunk(file, set(web('image'), ['a', { b: 'c', d: [] }]))).toBe(
      '-    image: "nginx:1" # pinned\n+    image: # pinned\n+    - a\n+    - b: c\n+      d: []',
    );
    expect(hunk(file, set(['name'], null))).toBe('-name: photos  # the name\n+name: null  # the name');
  });
});

describe('something new', () => {
  test('comes with the maps above it', () =>
    expect(hunk(file, set(['x-floatlab', 'snapshot', 'schedule'], '0 * * * *'))).toBe(
      '+x-floatlab:\n+  snapshot:\n+    schedule: 0 * * * *',
    ));

  test('goes below a key without a value, and into braces', () => {
    expect(hunk(file, set(['volumes', 'data', 'x-floatlab', 'size'], '5GiB'))).toBe(
      '+    x-floatlab:\n+      size: 5GiB',
    );
    expect(hunk(file, set(['volumes', 'other', 'labels'], { a: 'b' }))).toContain('+  other: {labels: {a: b}}');
  });

  test('has the dashes of its list', () => {
    const value = { target: 80, published: 90 };
    expect(hunk(file, { do: 'insert', path: web('ports', 0), value })).toBe('+    - target: 80\n+      published: 90');
    expect(hunk(file, { do: 'insert', path: web('ports', 2), value: '90:90' })).toBe('+    - 90:90');
  });

  test('goes behind a last line without a line break', () =>
    expect(editText('a: 1', [set(['b'], [true])])).toEqual({ text: 'a: 1\nb:\n  - true' }));
});

describe('something that goes', () => {
  test('takes its own lines', () => {
    expect(hunk(file, { do: 'remove', path: web('ports', 0) })).toBe('-    - 80:80 # people');
    expect(hunk(file, { do: 'remove', path: web('command') })).toBe('-    command: | # two lines\n-      a\n-      b');
    expect(hunk(file, { do: 'remove', path: web('environment', 'A') })).toContain("+    environment: { 'B': 2 }");
  });

  test('leaves an empty list behind when it was the last', () =>
    expect(hunk('a:\n  - 1 # one\nb: 2\n', { do: 'remove', path: ['a', 0] })).toBe('-a:\n-  - 1 # one\n+a: [] # one'));

  test('stays when it is written elsewhere, or when others need its anchor', () => {
    expect(hunk(file, { do: 'remove', path: web('restart') })).toMatch(
      /^SHARED: `services.web.restart` is brought in by/,
    );
    expect(hunk(file, { do: 'remove', path: ['x-common'] })).toMatch(
      /^SHARED: `x-common` is `&common`, which line 11 uses/,
    );
  });
});

test('a key gets another name, and nothing else happens', () =>
  expect(hunk(file, { do: 'rename', path: web('ports'), key: 'expose' })).toBe('-    ports:\n+    expose:'));

test('an edit of what is not there says so', () => {
  expect(hunk(file, { do: 'remove', path: ['services', 'cache'] })).toBe('NOT_THERE: There is no `services.cache`.');
  expect(hunk(file, set(['name', 'x'], 1))).toBe('NOT_THERE: `name` is no map, so it has no `x`.');
  expect(hunk(file, set(web('ports', 7), 'x'))).toBe('NOT_THERE: `services.web.ports` has no item 7: it has 2.');
  expect(hunk(file, { do: 'rename', path: web('ports'), key: 'image' })).toBe(
    'NOT_THERE: `services.web.image` is there already.',
  );
  expect(hunk('a: 1\na: 2\nb: 3\n', set(['b'], 4))).toBe('-b: 3\n+b: 4');
});

test('several edits are all made, or none', () => {
  expect(hunk(file, set(['name'], 'pics'), { do: 'remove', path: ['name'] })).toBe('-name: photos  # the name');
  expect(hunk(file, set(['name'], 'pics'), { do: 'remove', path: ['nothing'] })).toMatch(/^NOT_THERE/);
});
