/**
 * `npm start`: sets up what is missing, then becomes floatlabd.
 *
 *   npm start                       run FloatLab on this machine
 *   npm start -- --yes              install what is missing without asking
 *   npm start -- --simulate 3       a simulated lab of three nodes: needs neither root nor Docker nor btrfs
 *   npm start -- --stop-all         end what a start leaves running: apps, engine, pool
 *   npm start -- --help             the options of floatlabd, to which all other arguments go
 *
 * The set-up: packages of the system (provision.mjs), npm packages when the lock file changed, the build when sources
 * changed. Each step does nothing when nothing is to be done, and works without network then. The daemon runs in this
 * very process: nothing stands between it and its signals, exit code and terminal.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { provision } from './provision.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { main, Refusal, run, say } from './setup/run.mjs';
import { oneAtATime } from './setup/turn.mjs';

const root = join(import.meta.dirname, '..');
const daemon = join(root, 'bin', 'floatlabd.js');

const usage = `npm start -- [--yes] [OPTIONS OF floatlabd]

  --yes             install what is missing without asking
  --simulate N      a simulated lab of N machines: needs neither root nor Docker nor btrfs
  --stop-all        end what a start leaves running: apps, engine, pool
  --help            this; once FloatLab is built, the options of floatlabd

FLOATLAB_NO_INSTALL=1 forbids installing packages of the system, and names what is missing.`;

async function start() {
  const args = process.argv.slice(2);
  const {
    help,
    version,
    simulate,
    yes = false,
    sample,
    pool: pools = [],
    data,
    engine,
    witness,
    'stop-all': stopAll,
    recover,
    restore,
    prefold,
    inspect,
  } = options(args);
  /** They end what is there, or work on what is on the disk, and need nothing that is not there. */
  const needsNothing = stopAll || recover || prefold || restore !== undefined || inspect !== undefined;
  // npm keeps options for itself unless "--" stands before them.
  if (process.env.npm_config_simulate !== undefined)
    throw new Refusal('npm took the option for itself. Write: npm start -- --simulate 3');

  const informs = help || version;
  if (informs && !existsSync(join(root, 'dist', 'floatlabd.js'))) {
    say(usage);
    return;
  }
  if (!informs) {
    await oneAtATime(root, async () => {
      if (simulate === undefined && !needsNothing)
        await provision('start', { yes, sample, dataFolder: data, pools, engine, witness });
      await ensurePackages(root);
      const { code } = await run(process.execPath, [join(root, 'scripts', 'build.mjs')], { show: true });
      if (code !== 0) throw new Refusal('FloatLab could not be built; the reason is above.');
    });
  }
  process.argv = [process.execPath, daemon, ...args.filter((arg) => arg !== '--yes')];
  await import(daemon);
}

/** Those of floatlabd's options that the set-up has to know; floatlabd itself judges all of them. */
function options(args) {
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const texts = { ...text, multiple: true };
  const words = { data: text, pool: texts, simulate: text, engine: text, restore: text, inspect: text };
  const flags = {
    sample: flag,
    witness: flag,
    yes: flag,
    version: flag,
    'stop-all': flag,
    recover: flag,
    prefold: flag,
  };
  const known = { ...words, ...flags };
  return parseArgs({ args, strict: false, allowNegative: true, options: { ...known, help: { ...flag, short: 'h' } } })
    .values;
}

await main(start);
