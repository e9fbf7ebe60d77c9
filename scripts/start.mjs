/**
 * `npm start`: sets up what is missing, then becomes floatlabd.
 *
 *   npm start                       run FloatLab on this machine
 *   npm start -- --yes              install what is missing without asking
 *   npm start -- --simulate 3       a simulated lab of three nodes: needs neither root nor Docker nor btrfs
 *   npm start -- --help             the options of floatlabd, to which all other arguments go
 *
 * The set-up: packages of the system (provision.mjs), npm packages when the lock file changed, the build when sources
 * changed. Each step does nothing when nothing is to be done, and works without network then. The daemon runs in this
 * very process: nothing stands between it and its signals, exit code and terminal.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { provision } from './provision.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { main, Refusal, run, say } from './setup/run.mjs';
import { oneAtATime } from './setup/turn.mjs';

const root = join(import.meta.dirname, '..');
const daemon = join(root, 'bin', 'floatlabd.js');

const usage = `npm start -- [--yes] [OPTIONS OF floatlabd]

  --yes             install what is missing without asking
  --simulate N      run a simulated lab of N nodes: needs neither root nor Docker nor btrfs
  --help            the options of floatlabd, once it is built (this start built nothing)

FLOATLAB_NO_INSTALL=1 forbids installing packages of the system, and names what is missing.`;

await main(async () => {
  const { yes, simulate, info, args } = parse(process.argv.slice(2));
  if (info && !existsSync(join(root, 'dist', 'floatlabd.js'))) {
    say(usage);
    return;
  }
  if (!info) {
    await oneAtATime(root, async () => {
      if (!simulate) await provision('start', { yes });
      await ensurePackages(root);
      const { code } = await run(process.execPath, [join(root, 'scripts', 'build.mjs')], { show: true });
      if (code !== 0) throw new Refusal('FloatLab could not be built; the reason is above.');
    });
  }
  process.argv = [process.execPath, daemon, ...args];
  await import(daemon);
});

function parse(given) {
  // npm keeps options for itself unless "--" stands before them.
  if (process.env.npm_config_simulate !== undefined)
    throw new Refusal('npm took the option for itself. Write: npm start -- --simulate 3');
  const has = (...names) => given.some((arg) => names.includes(arg.split('=')[0]));
  return {
    yes: has('--yes', '-y'),
    simulate: has('--simulate'),
    info: has('--help', '-h', '--version', '-V'),
    args: given.filter((arg) => arg !== '--yes' && arg !== '-y'),
  };
}
