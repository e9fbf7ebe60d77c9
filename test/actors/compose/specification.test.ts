/**
 * Our own reader judges compose files; the JSON schema of the specification judges the reader: what it accepts is valid by
 * the schema once it is merged, and what the schema refuses it refuses, with a finding at that place.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseEnvFile } from '#actors/compose/environment.ts';
import type { ComposeInput } from '#actors/compose/model.ts';
import { Project } from '#actors/compose/project/load.ts';
import { startReading, type Reading } from '#actors/compose/reading.ts';
import { readCompose } from '#actors/compose/read.ts';
import type { Node } from '#actors/compose/tree.ts';
import { fixtures, input, inputFromFolder } from './fixtures.ts';
import { isBySpecification, spots } from './specification.ts';

/** All files as one, as plain values with variables replaced. */
function mergedModel({ fileName, text, files }: ComposeInput): unknown {
  const reading = startReading(fileName, text, new Map(Object.entries(files)));
  const project = new Project(reading);
  const started = project.start();
  const { scope } = reading.main;
  const dotEnv = files['.env'] && parseEnvFile(reading, '.env', files['.env'].content, 'compose', scope);
  for (const [name, value] of dotEnv?.variables ?? []) scope.variables.set(name, value);
  const tree = project.merge((started ?? []).map((file) => project.complete(file)));
  return tree && plainOf(reading, tree);
}
function plainOf(reading: Reading, node: Node): unknown {
  if (node.kind === 'list') return node.items.map((item) => plainOf(reading, item));
  if (node.kind === 'map')
    return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainOf(reading, value)]));
  return typeof node.value === 'string' ? reading.peek(node) : node.value;
}

const good = join(fixtures, 'good');
test.each(readdirSync(good))('%s is valid by the specification when its files are merged', (app) => {
  const model = mergedModel(inputFromFolder(join(good, app)));
  expect(isBySpecification(model) ? [] : isBySpecification.errors).toEqual([]);
});

const all = spots();
const wrong = [
  null,
  true,
  7,
  -1.5,
  'no such thing',
  '',
  [],
  [[]],
  [7],
  [true],
  {},
  { nope: 1 },
  [{ nope: [] }],
  [null],
];
const isNear = (one: string, other: string): boolean => one !== '' && (one.startsWith(other) || other.startsWith(one));

function refuses(path: string, file: unknown): void {
  const started = performance.now();
  const result = readCompose(input(stringify(file, { aliasDuplicateObjects: false })));
  const tookMs = performance.now() - started;
  const findings = 'findings' in result ? result.findings : [];
  const where = findings.map((finding) => finding.path);
  expect(
    where.some((one) => isNear(one, path)),
    `${path} in ${JSON.stringify(file)}: ${where.join(', ')}`,
  ).toBe(true);
  for (const { message } of findings) expect(message).toMatch(/\.$/);
  expect(tookMs).toBeLessThan(1000);
}

describe('what the specification refuses is refused', () => {
  test('at every place that it speaks of, with some of several wrong values', { timeout: 60_000 }, () => {
    let refused = 0;
    // One value after the other over all places: a run sees every place, and every value many times.
    for (const [n, spot] of all.entries()) {
      for (const value of [wrong[n % wrong.length], wrong[(n * 5 + 3) % wrong.length]]) {
        const file = spot.with(value);
        if (isBySpecification(file)) continue;
        refused++;
        refuses(spot.path, file);
      }
    }
    expect(all.length).toBeGreaterThan(400);
    expect(refused).toBeGreaterThan(500);
  });

  test('with anything at any of these places', { timeout: 60_000 }, () => {
    const key = fc.constantFrom('a', 'path', 'x-y', '');
    const anything = fc.anything({ withNullPrototype: false, maxDepth: 2, key });
    fc.assert(
      fc.property(fc.constantFrom(...all), anything, (spot, value) => {
        const file = spot.with(value === undefined ? null : JSON.parse(JSON.stringify(value) ?? 'null'));
        if (!isBySpecification(file)) refuses(spot.path, file);
      }),
      { numRuns: 300 },
    );
  });
});

test('what is accepted is valid by the specification', { timeout: 60_000 }, () => {
  let accepted = 0;
  for (const [n, spot] of all.entries()) {
    for (const value of [wrong[(n + 4) % wrong.length], '1', ['80:80'], { a: '1' }]) {
      const given = input(stringify(spot.with(value)));
      if (!('app' in readCompose(given))) continue;
      accepted++;
      expect(isBySpecification(mergedModel(given)), spot.path).toBe(true);
    }
  }
  expect(accepted).toBeGreaterThan(40);
});
