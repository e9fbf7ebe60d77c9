/** The daemon's program, as its own launcher begins it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { CliError } from './errors.ts';
import type { DaemonRun } from './world.ts';

const program = fileURLToPath(new URL('../bin/floatlabd.js', import.meta.url));

/** On this terminal: it asks what it has to ask, and hears Ctrl-C itself. @throws CliError where there is none */
export async function runDaemon(args: readonly string[], output: 'show' | 'take'): Promise<DaemonRun> {
  if (!existsSync(program)) {
    throw new CliError('NOT_BUILT', 1, `There is no ${program}.`, 'Run this where FloatLab is installed as a whole.');
  }
  const ran = await execa(process.execPath, [program, ...args], {
    stdin: 'inherit',
    stdout: output === 'show' ? 'inherit' : 'pipe',
    stderr: 'inherit',
    reject: false,
    maxBuffer: 16 * 1024 * 1024,
  });
  return { code: ran.exitCode ?? 1, stdout: ran.stdout ?? '' };
}
