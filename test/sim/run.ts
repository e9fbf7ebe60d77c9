/**
 * `npm run sim`: seed after seed until something is wrong; `-- --seed S` replays one with its trace; `-- --seeds N`
 * runs so many; `-- --seconds S` virtual seconds each.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simulate, type SimResult } from './simulate.ts';
import { drawScript } from './swarm.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const seconds = Number(values.seconds ?? 600);
const run = (seed: number, log?: (line: string) => void): Promise<SimResult> =>
  simulate({ seed, script: drawScript(seededRandom(seed), seconds), ...(log ? { log } : {}) });
const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.seed !== undefined) {
  const result = await run(Number(values.seed), print);
  print(`seed ${result.seed}: ${result.events} events, trace ${result.trace.slice(0, 16)}`);
  for (const wrong of result.wrong) print(`WRONG ${wrong}`);
  process.exitCode = result.wrong.length === 0 ? 0 : 1;
} else {
  const from = Number(values.from ?? 1);
  const count = values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds);
  for (let seed = from; seed < from + count; seed++) {
    const result = await run(seed);
    if (result.wrong.length > 0) {
      for (const wrong of result.wrong) print(`WRONG ${wrong}`);
      print(`seed ${seed} failed; replay it: npm run sim -- --seed ${seed} --seconds ${seconds}`);
      process.exitCode = 1;
      break;
    }
    if (seed % 10 === 0) print(`${seed - from + 1} seeds well, the last with ${result.events} events`);
  }
}
