/**
 * `npm run sim`: seed after seed until something is wrong, of whole labs and of consensus in turns.
 *
 *   npm run sim -- --of lab|consensus|storage|leases
 *                                               only those (`storage`: consensus with the real storage under it)
 *   npm run sim -- --of consensus --seed S      one again, with its trace
 *   npm run sim -- --seeds N --from F           so many, from there
 *   npm run sim -- --of lab --seconds S         virtual seconds of each lab (600), or of each storm (8)
 */
import '../../bin/v8.js';
import { parseArgs } from 'node:util';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simulateLeases } from './lease/simulate.ts';
import { simulateRaft, simulateStored, type RaftSimResult } from './raft/simulate.ts';
import { simulate } from './simulate.ts';
import { drawScript } from './swarm.ts';

interface Outcome {
  readonly wrong: readonly string[];
  readonly summary: string;
}

type Run = (seed: number, seconds: number | undefined, log?: (line: string) => void) => Promise<Outcome>;

const ofGroup = (result: RaftSimResult): Outcome => ({
  wrong: result.wrong,
  summary: `${result.commitIndex} entries, ${result.answered} answers, trace ${result.trace.toString(16)}`,
});

const runs: Record<'lab' | 'consensus' | 'storage' | 'leases', Run> = {
  lab: async (seed, seconds, log) => {
    const script = drawScript(seededRandom(seed), seconds ?? 600);
    const result = await simulate({ seed, script, ...(log ? { log } : {}) });
    return { wrong: result.wrong, summary: `${result.events} events, trace ${result.trace.slice(0, 16)}` };
  },
  consensus: (seed, seconds, log) => Promise.resolve(ofGroup(simulateRaft(storm(seed, seconds, log)))),
  leases: (seed, _, log) => {
    const { wrong, grants, fenced, terms } = simulateLeases({ seed, ...(log ? { log } : {}) });
    return Promise.resolve({ wrong, summary: `${grants} grants, ${fenced} fenced, ${terms} terms` });
  },
  storage: async (seed, seconds, log) => ofGroup(await simulateStored(storm(seed, seconds, log))),
};

const storm = (seed: number, seconds: number | undefined, log: ((line: string) => void) | undefined) => ({
  seed,
  ...(seconds === undefined ? {} : { stormMs: seconds * 1000 }),
  ...(log ? { log } : {}),
});

type Kind = keyof typeof runs;

const { values } = parseArgs({
  options: {
    of: { type: 'string' },
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const isKind = (name: string): name is Kind => Object.hasOwn(runs, name);
const seconds = values.seconds === undefined ? undefined : Number(values.seconds);

async function replay(kind: Kind, seed: number): Promise<void> {
  const { wrong, summary } = await runs[kind](seed, seconds, print);
  print(`${kind} seed ${seed}: ${summary}`);
  for (const line of wrong) print(`WRONG ${line}`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

async function go(kinds: readonly Kind[], from: number, count: number): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    for (const kind of kinds) {
      const { wrong, summary } = await runs[kind](seed, seconds);
      if (wrong.length > 0) {
        for (const line of wrong) print(`WRONG ${line}`);
        const more = seconds === undefined ? '' : ` --seconds ${seconds}`;
        print(`${kind} seed ${seed} failed; replay it: npm run sim -- --of ${kind} --seed ${seed}${more}`);
        process.exitCode = 1;
        return;
      }
      if (seed % 10 === 0) print(`${kind}: ${seed - from + 1} seeds well, the last with ${summary}`);
    }
  }
}

if (values.of !== undefined && !isKind(values.of)) {
  print(`--of is one of: ${Object.keys(runs).join(', ')}`);
  process.exitCode = 2;
} else if (values.seed !== undefined) await replay(values.of ?? 'lab', Number(values.seed));
else {
  const kinds = values.of === undefined ? (['lab', 'consensus', 'storage', 'leases'] as const) : [values.of];
  await go(
    kinds,
    Number(values.from ?? 1),
    values.seeds === undefined ? Number.POSITIVE_INFINITY : Number(values.seeds),
  );
}
