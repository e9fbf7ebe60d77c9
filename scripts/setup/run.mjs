/** Runs a program without a shell, for the scripts: what it says is shown as it comes, or kept and given back. */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/**
 * @param {{ show?: boolean, env?: NodeJS.ProcessEnv, cwd?: string, yields?: boolean }} options `show`: its output goes to
 *   the person, on stderr; `yields`: it takes little more time than other programs leave
 * @returns {Promise<{ code: number, output: string }>} code 127 when there is no such program
 */
export function run(file, args, { show = false, env = process.env, cwd, yields = false } = {}) {
  return new Promise((resolve) => {
    const out = show ? process.stderr : 'pipe';
    const child = spawn(file, args, { env, cwd, stdio: ['ignore', out, out] });
    if (yields && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    const output = () => Buffer.concat(chunks).toString('utf8');
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output: output() }));
  });
}

/** Talk goes to the standard error output: the other one belongs to the program that is started. */
export const say = (...lines) => {
  for (const line of lines) process.stderr.write(`${line}\n`);
};

/** Tells while a program takes long that it is still at work, and at the end how long it took. */
export async function patiently(name, body) {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const talk = setInterval(() => say(`  ${name} is at work (${seconds()} s)`), 15_000);
  try {
    const result = await body();
    say(`Installed in ${seconds()} s.`);
    return result;
  } finally {
    clearInterval(talk);
  }
}

/** The last lines of what a program said, indented. */
export const ending = (output, count = 15) =>
  output
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `  ${line}`);

/** What a person can act upon; anything else that is thrown is a fault of the scripts. */
export class Refusal extends Error {}

/** Runs a script's main function: a refusal ends it with its sentences, without a stack. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say('', error.message);
    process.exitCode = 1;
  }
}
