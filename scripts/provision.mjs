/**
 * Brings a machine to where FloatLab can run (`start`) or be tested (`test`): finds what is missing, says what it will
 * install and why, asks when a person is there, and installs it with apt-get.
 *
 *   node scripts/provision.mjs start|test [--yes]
 *
 * FLOATLAB_NO_INSTALL=1 forbids installing. It needs nothing but Node.js.
 */
import { createInterface } from 'node:readline/promises';
import { aptInstall } from './setup/apt.mjs';
import { completeSearchPath, hasPrograms, isRoot, missing, system } from './setup/needs.mjs';
import { main, Refusal, say } from './setup/run.mjs';

const title = {
  start: 'FloatLab needs what this machine does not have:',
  test: 'Some tests need what this machine does not have:',
};

/**
 * @param {'start' | 'test'} purpose
 * @param {{ yes: boolean, sample?: boolean, dataFolder?: string, pools?: readonly string[], engine?: string, witness?: boolean }} options
 *   `yes`: install without asking; `sample`: the welcome app is wanted (default); `dataFolder`: where the lab is, when
 *   it is not the usual place; `pools`: where its volumes are, as `--pool` names them; `engine`: the container engine that
 *   a person names; `witness`: the node is to run no apps, and needs nothing of what those do
 * @throws Refusal naming everything that is missing, when something stays missing that `start` cannot do without
 */
export async function provision(purpose, { yes, ...wanted }) {
  process.env.PATH = completeSearchPath(process.env.PATH);
  let lacks = await missing(purpose, wanted);
  const packages = lacks.flatMap(packagesOf);
  let hindrance = hindranceTo(purpose, lacks, packages);
  if (packages.length > 0 && hindrance === undefined) {
    say(title[purpose], ...lacks.map(({ what, why }) => `  - ${what}: ${why}`), '');
    say(`Going to install with apt-get: ${packages.join(', ')}.`);
    if (yes || !process.stdin.isTTY || (await agreed())) {
      await aptInstall(packages);
      lacks = await missing(purpose, wanted);
    } else {
      hindrance = 'Nothing was installed: you said no.';
    }
  }
  if (lacks.length > 0) report(purpose, lacks, hindrance);
}

const packagesOf = (need) => need.packages?.() ?? [];

/** @returns why nothing can or should be installed, or undefined */
function hindranceTo(purpose, lacks, packages) {
  if (packages.length === 0) return undefined;
  if (process.env.FLOATLAB_NO_INSTALL === '1') return 'Nothing was installed: FLOATLAB_NO_INSTALL=1 forbids it.';
  if (!isRoot()) return 'Nothing was installed: only root can do that.';
  if (!hasPrograms('apt-get')) return `Nothing was installed: this is ${system().name}, which has no apt-get.`;
  const hopeless = purpose === 'start' && lacks.find((need) => !need.wish && packagesOf(need).length === 0);
  return hopeless ? `Nothing was installed: it would not help without ${hopeless.what}.` : undefined;
}

/** @throws Refusal when FloatLab cannot start like this */
function report(purpose, lacks, hindrance) {
  const text = [title[purpose]];
  for (const need of lacks) text.push(`  - ${need.what}: ${need.why}`, `      ${remedy(need)}`);
  if (hindrance !== undefined) text.push('', hindrance);
  if (purpose === 'start' && lacks.some((need) => !need.wish)) {
    text.push('', 'To see FloatLab on this machine as it is, in a simulated lab of three nodes:');
    text.push('  npm start -- --simulate 3');
    throw new Refusal(text.join('\n'));
  }
  say(...text, purpose === 'test' ? 'Tests that need it are skipped.' : 'FloatLab starts without it.', '');
}

function remedy(need) {
  const packages = hasPrograms('apt-get') ? packagesOf(need) : [];
  return packages.length > 0 ? `Install it: apt-get install ${packages.join(' ')}` : need.otherwise;
}

/** Ctrl-C and Ctrl-D mean no. */
async function agreed() {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise((resolve) => terminal.once('close', () => resolve('no')));
  const answer = await Promise.race([terminal.question('Install them? [Y/n] '), closed]);
  terminal.close();
  return /^(y|yes)?$/i.test(answer.trim());
}

if (process.argv[1] === import.meta.filename) {
  const [purpose, ...rest] = process.argv.slice(2);
  await main(async () => {
    if (purpose !== 'start' && purpose !== 'test') throw new Refusal('Say for what: start or test.');
    await provision(purpose, { yes: rest.includes('--yes') });
  });
}
