/**
 * The linter proves that imports point one way and that the pure rooms are pure; this proves the linter.
 *
 * Under `canary/` stands a bad file for every rule. A line that must be refused says by which rules (`// ✗ rule`);
 * every other line must pass, so that a rule which refuses too much is caught as well.
 */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const canary = join(import.meta.dirname, 'canary');
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');

const ofTheRooms = new Set([
  'floatlab/rooms',
  'floatlab/clock',
  'no-restricted-globals',
  'no-restricted-properties',
  'oxc/no-async-await',
  'import/no-cycle',
]);

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

describe('the lint rules', () => {
  let refused: readonly string[];
  let marked: readonly string[];

  beforeAll(async () => {
    [refused, marked] = await Promise.all([refusals(), marks()]);
  }, 60_000);

  test('refuse every bad line of the canary, each by the rule it breaks, and no other line', () => {
    expect(refused).toEqual(marked);
  });

  test.each([
    ...ofTheRooms,
    'oxc/no-barrel-file',
    'import/no-default-export',
    'no-console',
    'typescript/no-floating-promises',
    'typescript/switch-exhaustiveness-check',
    'unicorn/filename-case',
  ])('are shown to work: %s', (rule) => {
    expect(marked.some((mark) => mark.endsWith(` ${rule}`))).toBe(true);
  });
});

/** What oxlint refuses in the canary, as sorted `file:line rule`. */
async function refusals(): Promise<string[]> {
  const found = await lint('-c', join(canary, 'oxlintrc.json'), canary);
  return found.map(({ file, line, rule }) => `${relative(canary, file)}:${line} ${rule}`).toSorted();
}

interface Finding {
  readonly file: string;
  readonly line: number | undefined;
  readonly rule: string;
}

async function lint(...args: readonly string[]): Promise<readonly Finding[]> {
  const output = await outputOf(oxlint, ['--format', 'json', ...args]);
  const { diagnostics } = JSON.parse(output) as { diagnostics: readonly Diagnostic[] };
  return diagnostics.map(({ code, filename, labels }) => {
    const [, plugin, rule] = /^(.*)\((.*)\)$/.exec(code) ?? [];
    const name = plugin === 'eslint' ? rule : `${plugin}/${rule}`;
    return { file: join(root, filename), line: labels[0]?.span.line, rule: name ?? code };
  });
}

/** What the canary says of itself, in the same form. */
async function marks(): Promise<string[]> {
  const found: string[] = [];
  for (const file of await readdir(canary, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const lines = (await readFile(join(canary, file), 'utf8')).split('\n');
    for (const [index, line] of lines.entries()) {
      const rules = line.split('// ✗ ')[1]?.split(', ') ?? [];
      found.push(...rules.map((rule) => `${file}:${index + 1} ${rule}`));
    }
  }
  return found.toSorted();
}

/** Oxlint ends with a code other than 0 when it has found something. */
async function outputOf(script: string, args: readonly string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, [script, ...args], { cwd: root, maxBuffer: 2 ** 24 });
  return run.then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
}
