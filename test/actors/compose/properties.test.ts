/** What must hold for any text and any structure: no exception, places inside the file, the same answer twice, a valid result. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ComposeInput } from '#actors/compose/model.ts';
import { namedPaths, readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { appSpec } from '#events/app.ts';
import { fixtures, input, inputFromFolder } from './fixtures.ts';

function holds(given: ComposeInput): void {
  const result = readCompose(given);
  expect(readCompose(given)).toEqual(result);
  const findings = 'findings' in result ? result.findings : result.app.notes;
  for (const { file, line, column, message, frame } of findings) {
    expect(message).toMatch(/\.$/);
    if (file !== given.fileName) continue;
    const lines = given.text.split('\n');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1);
    expect(frame).toMatch(new RegExp(`^> +${line} \\|`, 'm'));
    expect(frame).toMatch(/^ +\| *\^$/m);
  }
  expect(typeof renderFindings(findings)).toBe('string');
  if ('findings' in result) {
    expect(result.findings.length).toBeGreaterThan(0);
    expect(result.findings.length).toBeLessThanOrEqual(50);
    const own = result.findings.filter(({ file }) => file === given.fileName);
    expect(own.map(({ line, column }) => line * 1e7 + column)).toEqual(
      own.map(({ line, column }) => line * 1e7 + column).toSorted((a, b) => a - b),
    );
  } else {
    expect(appSpec.parse(result.app.spec)).toEqual(result.app.spec);
    expect(JSON.parse(JSON.stringify(result.app.bundle))).toEqual(result.app.bundle);
  }
  expect(namedPaths(given)).toContain('.env');
}

const word = fc.constantFrom(
  ...[
    'services',
    'web',
    'db',
    'image',
    'nginx',
    'ports',
    '80:80',
    'volumes',
    'data',
    'data:/data',
    './x:/x',
    'restart',
  ],
  ...[
    'no',
    'true',
    'null',
    '~',
    '1',
    '-1',
    '.5',
    '0x1f',
    '2001-01-01',
    '<<',
    '*a',
    '&a',
    '!!str',
    '!reset',
    '---',
    '...',
  ],
  ...[
    '${A}',
    '$',
    '$$',
    '${A:-b}',
    '__proto__',
    'constructor',
    '',
    ' ',
    '\t',
    '#',
    ': ',
    '- ',
    '? ',
    '| ',
    '>',
    '[',
    ']',
  ],
  ...[
    '{',
    '}',
    ',',
    '"',
    "'",
    '\n',
    '\n  ',
    '\n    ',
    '\r\n',
    '\uFEFF',
    '\u0000',
    '\u202e',
    'é',
    '👍',
    '\ud800',
    '@',
    '%',
  ],
);

test('any text', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => holds(input(words.join(''), { '.env': 'A=1' }))),
    { numRuns: 400 },
  );
});

test('any text of any characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => holds(input(text))),
    { numRuns: 100 },
  );
});

const good = readdirSync(join(fixtures, 'good')).map((app) => inputFromFolder(join(fixtures, 'good', app)));

test('a good file with a piece cut out, doubled or replaced', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...good),
      fc.nat(),
      fc.nat({ max: 40 }),
      fc.array(word, { maxLength: 3 }),
      (app, at, length, words) => {
        const from = at % app.text.length;
        const text = app.text.slice(0, from) + words.join('') + app.text.slice(from + length);
        holds({ ...app, text });
      },
    ),
    { numRuns: 75 },
  );
});

/** Values that are right somewhere, so that many structures come out valid. */
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    1,
    80,
    1.5,
    '',
    'no',
    'always',
    'on-failure:3',
    'nginx:1.27',
    '8080:80',
    'data',
  ),
  fc.constantFrom<unknown>(
    'data:/data',
    './conf:/conf:ro',
    './a.conf:/a',
    '/abs:/x',
    '10s',
    '1m30s',
    'CMD',
    'true',
    'KEY=1',
    'KEY',
  ),
  fc.constantFrom<unknown>(
    '${A}',
    '${B:-x}',
    '${C:?no}',
    '$$',
    'service_healthy',
    'db',
    'web',
    'a.env',
    'raw',
    'tcp',
    'volume',
  ),
  fc.constantFrom<unknown>(
    'bind',
    '5GiB',
    '24h:1h',
    '0 * * * *',
    'https://x.lab',
    'udp',
    '::1',
    'host',
    '/data',
    '../x',
    'x'.repeat(200),
  ),
  fc.string(),
  fc.integer(),
);
const key = fc.constantFrom(
  ...['name', 'version', 'services', 'volumes', 'x-floatlab', 'x-other', 'web', 'db', 'image', 'command', 'entrypoint'],
  ...[
    'environment',
    'env_file',
    'ports',
    'restart',
    'healthcheck',
    'depends_on',
    'labels',
    'test',
    'interval',
    'retries',
  ],
  ...[
    'disable',
    'timeout',
    'start_period',
    'condition',
    'required',
    'target',
    'published',
    'protocol',
    'host_ip',
    'mode',
  ],
  ...[
    'type',
    'source',
    'read_only',
    'subpath',
    'volume',
    'size',
    'keep',
    'snapshot',
    'schedule',
    'icon',
    'url',
    'path',
  ],
  ...['format', 'external', 'driver', 'build', 'data', 'a b', '1', 'constructor', '__proto__', '<<'],
);
const tree = fc.letrec<{ node: unknown; map: unknown; list: unknown }>((tie) => ({
  node: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('map'), tie('list')),
  map: fc.array(fc.tuple(key, tie('node')), { maxLength: 5 }).map((entries) => new Map(entries)),
  list: fc.array(tie('node'), { maxLength: 4 }),
}));

/** The shape of a compose file with anything at each place, mostly with what belongs there. */
const usually = (value: unknown, weight = 25): fc.Arbitrary<unknown> =>
  fc.oneof({ weight, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: tree.node });
/** Mostly what belongs there, seldom something like it, more seldom anything. */
const either = (value: unknown, alike: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary: usually(value) }, { weight: 1, arbitrary: alike });
const some = (record: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.record(record, { requiredKeys: [] });
const serviceShape = fc.record(
  {
    image: usually('nginx:1.27', 60),
    command: usually('serve it'),
    environment: either({ A: '${A}', B: 1 }, some({ A: leaf, B: leaf })),
    env_file: usually('a.env'),
    ports: either(['8080:80'], fc.array(leaf, { maxLength: 3 })),
    volumes: either(['data:/data', './conf:/conf:ro'], fc.array(leaf, { maxLength: 3 })),
    restart: usually('always'),
    healthcheck: either(
      { test: 'true', interval: '10s' },
      some({ test: leaf, interval: leaf, disable: leaf, retries: leaf }),
    ),
    depends_on: either(['db'], some({ db: some({ condition: leaf, required: leaf }) })),
    labels: usually({ a: 'b' }),
  },
  { requiredKeys: ['image'] },
);
const extension = some({
  name: usually('Photos'),
  icon: usually('https://x.lab/i.png'),
  url: usually('https://x.lab'),
  size: usually('5GiB'),
  keep: usually('24h:1h'),
  snapshot: usually({ schedule: '0 * * * *' }),
});
const shape = fc.record(
  {
    name: usually('photos'),
    services: fc.record({ web: serviceShape, db: usually({ image: 'postgres:16' }, 60) }, { requiredKeys: ['web'] }),
    volumes: either({ data: null }, some({ data: some({ 'x-floatlab': extension, labels: leaf }) })),
    'x-floatlab': extension,
  },
  { requiredKeys: ['services'] },
);

test('any structure of known keys', { timeout: 60_000 }, () => {
  let valid = 0;
  const files = { '.env': 'A=1\nB=\n', 'a.env': 'X=1', 'conf/x.conf': 'x' };
  fc.assert(
    fc.property(
      fc.oneof({ weight: 1, arbitrary: tree.node }, { weight: 4, arbitrary: shape }),
      fc.constantFrom(2, 4),
      (value, indent) => {
        const given = input(stringify(value, { indent, aliasDuplicateObjects: false }), files);
        if ('app' in readCompose(given)) valid++;
        holds(given);
      },
    ),
    { numRuns: 120 },
  );
  // Otherwise nothing was said about results.
  expect(valid).toBeGreaterThan(10);
});
