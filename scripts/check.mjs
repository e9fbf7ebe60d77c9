/**
 * `npm run check`: what needs no running, two at a time. Types, lint (with the laws of the rooms), format, dead code.
 * Only what fails speaks.
 */
import { join } from 'node:path';
import { main, Refusal, run, say } from './setup/run.mjs';

const root = join(import.meta.dirname, '..');
const tool = (name) => join(root, 'node_modules', '.bin', name);

const steps = [
  // Rules ask for types, so the program is checked on the way: the compiler would do all of it once more.
  { name: 'types, lint, rooms', command: ['oxlint', '--deny-warnings', '--type-check'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'format', command: ['oxfmt', '--check', '.'] },
];

/** @returns {Promise<{ name: string, ok: boolean, seconds: number }[]>} */
export async function check() {
  const waiting = [...steps];
  const done = [];
  const lane = async () => {
    for (let step = waiting.shift(); step; step = waiting.shift()) done.push(await perform(step));
  };
  await Promise.all([lane(), lane()]);
  return done;
}

async function perform({ name, command: [program, ...args] }) {
  const startedAt = Date.now();
  const { code, output } = await run(tool(program), args, { cwd: root });
  const seconds = (Date.now() - startedAt) / 1000;
  say(`${code === 0 ? '✓' : '✗'} ${name} (${seconds.toFixed(1)} s)`);
  if (code !== 0) say(output.trimEnd(), '');
  return { name, ok: code === 0, seconds };
}

async function checkAll() {
  const failed = (await check()).filter(({ ok }) => !ok).map(({ name }) => name);
  if (failed.length > 0) throw new Refusal(`Failed: ${failed.join(', ')}.`);
}

if (process.argv[1] === import.meta.filename) await main(checkAll);
