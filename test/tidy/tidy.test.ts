/** What the linter does not see: the repository as a whole. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const canary = 'test/tidy/canary/';
const self = relative(root, import.meta.filename);

/** Every file that belongs to the project; `.gitignore` names folders and endings only. */
const files = walk(root).filter((path) => !path.startsWith(canary));
const source = files.filter((path) => /^(src|test|scripts|bin)\/.*\.(ts|tsx|js|mjs)$/.test(path) && path !== self);
const texts = files.filter((path) => !['.png', '.woff2', '.ico'].includes(extname(path)));

describe('the repository', () => {
  test('leaves nothing to do later', () => {
    expect(linesWith(source, /\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  test('has small files', () => {
    const long = source.filter((path) => path.startsWith('src/') && read(path).split('\n').length > 500);
    expect(long).toEqual([]);
  });

  test('has a README in every room', () => {
    const rooms = ['src/events', 'src/actors', 'src/projections', 'src/io', 'src/ui', 'test'];
    expect(rooms.filter((room) => !files.includes(`${room}/README.md`))).toEqual([]);
  });

  test('names files in kebab-case', () => {
    expect(source.filter((path) => !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(basename(path)))).toEqual([]);
  });

  test('has no barrels', () => {
    expect(source.filter((path) => /^index\.(ts|tsx|js|mjs)$/.test(basename(path)))).toEqual([]);
  });

  test('exports names, and a default only where a tool asks for one', () => {
    const asked = (path: string) => path.endsWith('.config.ts') || path === 'scripts/lint/floatlab.mjs';
    expect(linesWith(source, /^export default\b/).filter((line) => !asked(line.split(':')[0] ?? ''))).toEqual([]);
  });

  test('runs no shell', () => {
    const product = source.filter((path) => path.startsWith('src/') || path.startsWith('scripts/'));
    const shells = /\bshell:\s*true|\bexec(Sync)?\(\s*[`'"]|\bexecaCommand|\w\(\s*['"](\/bin\/)?(ba|da)?sh['"]/;
    expect(linesWith(product, shells)).toEqual([]);
  });

  test('skips a test only where a device is missing', () => {
    const tests = source.filter((path) => path.startsWith('test/') && path !== 'test/real.ts');
    expect(linesWith(tests, /\b(describe|test|it)\.(skip|skipIf|runIf|todo)\b|\bskip\s*[,}]\s*.*=>/)).toEqual([]);
  });

  test('pins every package to one version', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const versions = Object.entries({ ...dependencies, ...devDependencies });
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('installs from whatever registry its user has', () => {
    expect(linesWith(['package-lock.json'], /"resolved": "http/)).toEqual([]);
    expect(linesWith(['.npmrc'], /registry=|_auth/)).toEqual([]);
    const hosts = /\b(registry\.npmjs|npmjs\.(org|com)|yarnpkg\.com|artifactory|verdaccio)\b/;
    expect(linesWith(texts, hosts).filter((line) => !line.startsWith(`${self}:`))).toEqual([]);
  });

  test('knows no folder of the machine that it was written on', () => {
    // Folders that many machines and containers have; a project may well speak of them.
    const usual = ['/', '/app', '/build', '/code', '/data', '/home', '/mnt', '/opt', '/repo', '/root', '/src', '/srv'];
    usual.push('/tmp', '/usr/src', '/var/tmp', '/workspace', '/workspaces');
    const foreign = [root, dirname(root), homedir()].filter((folder) => !usual.includes(folder));
    expect(texts.filter((path) => foreign.some((folder) => read(path).includes(`${folder}/`)))).toEqual([]);
  });
});

function walk(folder: string): string[] {
  const ignored = new Set(['.git', 'node_modules', 'dist', 'coverage', '.floatlab']);
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (ignored.has(name) || name.endsWith('.log')) return [];
    return statSync(path).isDirectory() ? walk(path) : [relative(root, path)];
  });
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** `path:number: line`, for every line that matches. */
function linesWith(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
