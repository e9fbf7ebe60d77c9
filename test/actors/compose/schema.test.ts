/** One description of `x-floatlab`: the reader, the schema for editors and the documentation say the same. */
import { Ajv } from 'ajv';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { extensionTables } from '#actors/compose/extension-tables.ts';
import { readCompose } from '#actors/compose/read.ts';
import { resolvedFile } from '#actors/compose/resolved/resolve.ts';
import { composeSchema } from '#actors/compose/schema.ts';
import { fixtures, input, inputFromFolder } from './fixtures.ts';

const validate = new Ajv({ strict: false, allErrors: true }).compile(composeSchema());
const wrong = (value: unknown): readonly string[] =>
  validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
const read = (text: string): unknown => parse(text, { merge: true }) as unknown;

test.each(readdirSync(join(fixtures, 'good')))(
  'the file of %s fits the schema, and so does what is understood of it',
  (app) => {
    const given = inputFromFolder(join(fixtures, 'good', app));
    expect(wrong(read(given.text))).toEqual([]);
    const result = readCompose(given);
    expect('app' in result && wrong(resolvedFile(result.app, { showSecrets: true }))).toEqual([]);
  },
);

const withExtension = (extension: string, of: 'top' | 'volume'): string =>
  of === 'top'
    ? `services: { db: { image: x, volumes: ["data:/d"] } }\nvolumes: { data: }\nx-floatlab: { ${extension} }\n`
    : `services: { db: { image: x, volumes: ["data:/d"] } }\nvolumes: { data: { x-floatlab: { ${extension} } } }\n`;

test.each([
  ['name: Photos', true],
  ['size: 5GiB', true],
  ['size: 1073741824', true],
  ['snapshot: { schedule: "0 * * * *", on-change: { settle: 30s, at-most-every: 5m } }', true],
  ['snapshot: { on-change: true }', true],
  ['keep: "24h:1h last:3"', true],
  ['hooks: { before: { service: db, command: [a, b], timeout: 30s }, on-failure: skip }', true],
  ['nodes: { zone: attic }, pool: main, driver: zfs, grow-to: 9GiB', true],
  ['replicas: 2, replicate: change, max-data-loss: 5m', true],
  ['sise: 5GiB', false],
  ['snapshot: { on: true }', false],
  ['hooks: { before: { service: db } }', false],
  ['hooks: { after: { service: db, command: x }, on-failure: hope }', false],
  ['replicas: 9', false],
  ['keep: [1]', false],
])('%s is the same to the reader and to the schema', (extension, isRight) => {
  for (const of of extension.startsWith('name') ? (['top'] as const) : (['top', 'volume'] as const)) {
    const text = withExtension(extension, of);
    expect('app' in readCompose(input(text)), text).toBe(isRight);
    expect(wrong(read(text)).length === 0, text).toBe(isRight);
  }
});

test('the tables of docs/compose.md are current: npx tsx scripts/compose-docs.ts && npx oxfmt docs/compose.md', () => {
  const docs = readFileSync(new URL('../../../docs/compose.md', import.meta.url), 'utf8');
  const plain = (text: string): string => text.replace(/ +\|/g, ' |').replace(/-{3,}/g, '---');
  for (const table of extensionTables()) expect(plain(docs)).toContain(plain(table));
});
