/** `npm test`: what it counts, and when it fails. Vitest and the checks are stand-ins that say what they are told. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { bareCheckout, type Checkout } from './checkout.ts';

type Status = 'passed' | 'failed' | 'skipped' | 'todo';
interface Report {
  readonly code: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: Status;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

let checkout: Checkout;
beforeEach(async () => {
  checkout = await bareCheckout();
});
afterEach(() => checkout.dispose());

const file = (...statuses: Status[]): Report['testResults'][number] => ({
  name: join(checkout.folder, 'test/one.test.ts'),
  status: statuses.includes('failed') ? 'failed' : 'passed',
  message: '',
  assertionResults: statuses.map((status, at) => ({
    status,
    fullName: `one does ${at}`,
    failureMessages: status === 'failed' ? [`expected ${at}\nat line 7`] : [],
  })),
});
const unloadable = (): Report['testResults'][number] => ({
  name: join(checkout.folder, 'test/two.test.ts'),
  status: 'failed',
  message: 'no such module',
  assertionResults: [],
});
const wellDone = (): Report => ({ code: 0, testResults: [file('passed', 'passed')] });

/** Packages in which vitest reports this for each project, and each check ends with 0 unless it is named. */
async function packages(reports: Readonly<Record<string, Report>>, failingCheck = ''): Promise<void> {
  const vitest = `
    import { writeFileSync } from 'node:fs';
    import { getPriority } from 'node:os';
    const [, , , , project] = process.argv;
    const report = ${JSON.stringify(reports)}[project] ?? { code: 0, testResults: [] };
    const output = process.argv.find((arg) => arg.startsWith('--outputFile.json=')).split('=')[1];
    console.log('vitest', process.argv.slice(2).filter((arg) => /^(--exclude|[^-])/.test(arg)).join(' '));
    console.log(project, 'has priority', getPriority());
    writeFileSync(output, JSON.stringify(report));
    process.exit(report.code);`;
  await checkout.program(
    'npm',
    `const { mkdirSync, writeFileSync } = require('node:fs');
     for (const folder of ['node_modules/.bin', 'node_modules/vitest']) mkdirSync(folder, { recursive: true });
     writeFileSync('node_modules/vitest/vitest.mjs', ${JSON.stringify(vitest)});
     for (const name of ['tsc', 'oxlint', 'knip', 'oxfmt']) {
       const script = '#!${process.execPath}\\nif ("' + name + '" === ${JSON.stringify(failingCheck)}) { console.log("it is bad"); process.exit(1); }';
       writeFileSync('node_modules/.bin/' + name, script, { mode: 0o755 });
     }`,
  );
}

const lastLine = (text: string): string | undefined => text.trimEnd().split('\n').at(-1);

describe('npm test', () => {
  test('ends with the sum over all kinds of tests', async () => {
    await packages({
      unit: wellDone(),
      sim: wellDone(),
      int: wellDone(),
      e2e: { code: 0, testResults: [file('passed')] },
    });
    const { code, stdout } = await checkout.test([]);
    expect(stdout.endsWith('\n7 passed, 0 failed\n')).toBe(true);
    expect(code).toBe(0);
  });

  test('fails when one test does', async () => {
    await packages({ unit: wellDone(), sim: { code: 1, testResults: [file('passed', 'failed')] } });
    const { code, stdout } = await checkout.test([]);
    expect(lastLine(stdout)).toBe('3 passed, 1 failed');
    expect(code).toBe(1);
  });

  test('counts a file that cannot be loaded, and an error outside of all tests', async () => {
    await packages({ unit: { code: 1, testResults: [file('passed'), unloadable()] }, sim: { ...wellDone(), code: 1 } });
    expect(lastLine((await checkout.test([])).stdout)).toBe('3 passed, 2 failed');
  });

  test('says at the end again what failed, and why', async () => {
    await packages({ unit: { code: 1, testResults: [file('passed', 'failed'), unloadable()] }, sim: wellDone() });
    const { stdout } = await checkout.test([]);
    expect(stdout).toContain('✗ test/one.test.ts: one does 1\n    expected 1\n    at line 7\n');
    expect(stdout).toContain('✗ test/two.test.ts: could not be run\n    no such module\n');
  });

  test('counts what was skipped, which fails in CI only', async () => {
    await packages({ int: { code: 0, testResults: [file('passed', 'skipped', 'todo')] } });
    const here = await checkout.test([]);
    expect(lastLine(here.stdout)).toBe('1 passed, 0 failed, 2 skipped');
    expect(here.code).toBe(0);
    const inCi = await checkout.test([], { env: { CI: 'true' } });
    expect(inCi.stdout).toMatch(/With CI=true a skipped test is a failure/);
    expect(lastLine(inCi.stdout)).toBe('1 passed, 0 failed, 2 skipped');
    expect(inCi.code).toBe(1);
  });

  test('fails when a check does, and shows what it said', async () => {
    await packages({ unit: wellDone() }, 'oxlint');
    const { code, stdout, stderr } = await checkout.test([]);
    expect(stderr).toMatch(/✗ types, lint, rooms .*\nit is bad/);
    expect(stdout).toMatch(/✗ types, lint, rooms/);
    expect(lastLine(stdout)).toBe('2 passed, 0 failed');
    expect(code).toBe(1);
  });

  test('runs the kinds and files that a developer asks for', async () => {
    await packages({ unit: wellDone() });
    const { stderr, stdout } = await checkout.test(['--only', 'unit,sim', 'test/events']);
    expect(`${stdout}${stderr}`.match(/vitest .*/g)).toEqual([
      'vitest run unit test/events',
      'vitest run sim test/events',
    ]);
    expect(await checkout.calls()).toEqual(['npm install --no-audit --no-fund --include=dev']);
  });

  test('lets the simulator have what the others leave of the cores, and shows it when it has ended', async () => {
    await packages({ unit: wellDone(), sim: wellDone() });
    const { stderr } = await checkout.test([]);
    expect(stderr.match(/\w+ has priority \d+/g)).toEqual([
      ...['unit', 'int', 'e2e'].map((name) => `${name} has priority 0`),
      'sim has priority 10',
    ]);
  });

  test('says how long all of it took', async () => {
    await packages({ unit: wellDone() });
    expect((await checkout.test([])).stdout).toMatch(/\n✓ total +\d+\.\d s\n2 passed, 0 failed\n$/);
  });

  test('leaves the thorough tests to a run of their own', async () => {
    await packages({ unit: wellDone(), thorough: wellDone() });
    expect((await checkout.test([])).stderr).not.toContain('vitest run thorough');
    const { stdout, stderr } = await checkout.test(['--only', 'thorough']);
    expect(stderr.match(/vitest run .*/g)).toEqual([expect.stringMatching(/^vitest run thorough/)]);
    expect(lastLine(stdout)).toBe('2 passed, 0 failed');
  });

  test('says that OpenZFS was not tried where its machine is not, in CI too', async () => {
    await packages({ thorough: wellDone() });
    const without = await checkout.test(['--only', 'thorough'], { env: { CI: 'true' } });
    expect(without.stdout).toMatch(/\nnot run: OpenZFS, needs FLOATLAB_OPENZFS_VM\n2 passed, 0 failed\n$/);
    expect(without.stderr).toContain('--exclude=**/openzfs.thorough.test.ts');
    expect(without.code).toBe(0);
    await checkout.program('start', '');
    const env = { FLOATLAB_OPENZFS_VM: join(checkout.folder, '..', 'bin') };
    const { stdout, stderr } = await checkout.test(['--only', 'thorough'], { env });
    expect(`${stdout}${stderr}`).not.toMatch(/not run|--exclude/);
  });

  test('refuses a kind that it does not know', async () => {
    const { code, stderr } = await checkout.test(['--only', 'units']);
    expect(stderr).toMatch(/--only takes some of: check,unit,sim,int,e2e,thorough/);
    expect(code).toBe(1);
  });

  test('says what real devices are missing, and goes on without them', async () => {
    await packages({ unit: wellDone() });
    const { code, stderr, stdout } = await checkout.test([], { env: { FLOATLAB_NO_INSTALL: '1' } });
    expect(stderr).toMatch(/Chromium: opens the web app in tests/);
    expect(stderr).toMatch(/Tests that need it are skipped/);
    expect(lastLine(stdout)).toBe('2 passed, 0 failed');
    expect(code).toBe(0);
  });
});
