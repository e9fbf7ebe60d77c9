/**
 * `npm test`: everything that can be proven on this machine.
 *
 *   npm test                              set up, check, then all tests but the thorough ones
 *   npm run test:thorough                 the thorough ones: what takes too long for every day
 *   npm run test:openzfs                  every promise of volumes on OpenZFS: an hour where its machine is emulated
 *   npm test -- --only unit,sim           some of: check, unit, sim, int, e2e, thorough, openzfs
 *   npm test -- --only int test/io/log    of those only the files whose path holds this
 *
 * The set-up installs what tests on real devices need (see provision.mjs; FLOATLAB_NO_INSTALL=1 forbids it). Where a
 * device cannot be had its tests are skipped; with CI=true a test that was skipped is a failure. OpenZFS alone is left
 * out where its machine is not, and that is said. With CI=true a test on real things that failed is tried once more; it
 * is named at the end with its reason, also when it passed then. The last line is the sum over all tests: `N passed, M failed`, and
 * `K skipped` when there are any.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { check } from './check.mjs';
import { provision } from './provision.mjs';
import { hasOpenZfs } from './setup/needs.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { main, Refusal, run, say } from './setup/run.mjs';
import { oneAtATime } from './setup/turn.mjs';

const root = join(import.meta.dirname, '..');
const everyDay = ['check', 'unit', 'sim', 'int', 'e2e'];
const projects = ['unit', 'sim', 'int', 'e2e', 'thorough', 'openzfs'];
/** They start the built programs, and meet real devices. */
const onRealThings = ['int', 'e2e', 'thorough', 'openzfs'];
/** No package brings the machine that these need. */
const openZfsFiles = '**/openzfs.thorough.test.ts';

async function testAll() {
  const startedAt = Date.now();
  const { only, filters } = parse(process.argv.slice(2));
  const real = only.some((name) => onRealThings.includes(name));
  await oneAtATime(root, async () => {
    if (real) await provision('test', { yes: true });
    await ensurePackages(root);
    if (real) await build();
  });

  const reports = await mkdtemp(join(tmpdir(), 'floatlab-test-'));
  try {
    // The simulator computes and never waits; the others wait for devices, pages and clocks. Beside them it takes what
    // they leave of the cores, so all end sooner.
    const beside =
      only.length > 1 && only.includes('sim') ? runProject('sim', filters, reports, { yields: true }) : undefined;
    const checks = only.includes('check') ? await check() : [];
    const runs = [];
    for (const project of projects.filter((name) => only.includes(name) && !(beside && name === 'sim')))
      runs.push(await runProject(project, filters, reports));
    if (beside) runs.push(await shown(beside));
    summarize({ checks, runs, seconds: (Date.now() - startedAt) / 1000, notRun: notRunOf(only) });
  } finally {
    await rm(reports, { recursive: true });
  }
}

function parse(args) {
  const all = [...everyDay, 'thorough', 'openzfs'];
  const at = args.indexOf('--only');
  if (at < 0) return { only: everyDay, filters: args };
  const only = args[at + 1]?.split(',') ?? [];
  const unknown = only.find((name) => !all.includes(name));
  if (only.length === 0 || unknown !== undefined) throw new Refusal(`--only takes some of: ${all.join(',')}`);
  return { only, filters: args.toSpliced(at, 2) };
}

async function build() {
  const { code } = await run(process.execPath, [join(root, 'scripts', 'build.mjs')], { show: true });
  if (code !== 0) throw new Refusal('FloatLab could not be built; the reason is above.');
}

/** What ran beside others and was not shown then. */
async function shown(beside) {
  const { output, ...result } = await beside;
  say('', `── ${result.name} tests, which ran beside the others`, output.trimEnd());
  return result;
}

/** @param options `yields`: beside others, to which it leaves the cores; its output is given back instead of shown */
async function runProject(project, filters, reports, { yields = false } = {}) {
  say('', yields ? `── ${project} tests run beside the others` : `── ${project} tests`);
  const report = join(reports, `${project}.json`);
  const startedAt = Date.now();
  const args = ['run', '--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json'];
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const leaveOut = project === 'thorough' && !hasOpenZfs() ? [`--exclude=${openZfsFiles}`] : [];
  const { code, output } = await run(
    process.execPath,
    [vitest, ...args, ...leaveOut, `--outputFile.json=${report}`, ...filters],
    { show: !yields, yields, cwd: root },
  );
  const seconds = (Date.now() - startedAt) / 1000;
  return { name: project, seconds, output, ...count(await readReport(report), code) };
}

const readReport = async (path) => JSON.parse(await readFile(path, 'utf8').catch(() => '{"testResults":[]}'));

/** A file that could not be loaded, or an error outside of any test, counts as one failed test. */
function count({ testResults }, code) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  const having = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  ).length;
  const failed = having('failed') + broken;
  return {
    passed: having('passed'),
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: having('skipped', 'pending', 'todo', 'disabled'),
    failures: testResults.flatMap(failuresOf),
    unsteady: testResults.flatMap(unsteadyOf),
  };
}

/** What failed in a file, with the first lines of the reason: said again at the end, where nobody has to look for it. */
function failuresOf({ name, status, message, assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (status === 'failed' && failed.length === 0) return [failure(name, 'could not be run', [message])];
  return failed.map((test) => failure(name, test.fullName, test.failureMessages));
}

/** What failed in a file and passed when it was tried once more. */
const unsteadyOf = ({ name, assertionResults }) =>
  assertionResults
    .filter((test) => test.status === 'passed' && test.failureMessages.length > 0)
    .map((test) => failure(name, `${test.fullName} (passed when it was tried again)`, test.failureMessages, '~'));

function failure(file, title, messages, mark = '✗') {
  const reason = messages.join('\n').split('\n').slice(0, 20);
  return [`${mark} ${relative(root, file)}: ${title}`, ...reason.map((line) => `    ${line}`)].join('\n');
}

const notRunOf = (only) =>
  only.includes('thorough') && !hasOpenZfs() ? ['not run: OpenZFS, needs FLOATLAB_OPENZFS_VM'] : [];

function summarize({ checks, runs, seconds, notRun }) {
  const total = (what) => runs.reduce((sum, result) => sum + result[what], 0);
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(total);
  const skipIsFailure = skipped > 0 && process.env.CI === 'true';
  const ok = failed === 0 && !skipIsFailure && checks.every((step) => step.ok);

  console.log('');
  for (const text of runs.flatMap((result) => [...result.unsteady, ...result.failures])) console.log(text);
  for (const step of checks) console.log(row(step.name, step.ok, step.seconds, ''));
  for (const result of runs) console.log(row(result.name, result.failed === 0, result.seconds, words(result)));
  console.log(row('total', ok, seconds, ''));
  for (const line of notRun) console.log(line);
  if (skipIsFailure) console.log('With CI=true a skipped test is a failure.');
  if (!ok) process.exitCode = 1;
  console.log(words({ passed, failed, skipped }));
}

const row = (name, ok, seconds, more) =>
  `${ok ? '✓' : '✗'} ${name.padEnd(20)}${`${seconds.toFixed(1)} s`.padStart(9)}  ${more}`.trimEnd();

const words = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;

await main(testAll);
