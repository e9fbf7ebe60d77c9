/**
 * `npm run torture`: a lab of real daemons under load while machines die, hang, lose power and are cut off; then it is
 * healed and judged (`torture/torture.ts`).
 *
 *   npm run torture -- --nodes 3 --minutes 10 --out history.jsonl     [--clients 8] [--seed 1]
 *
 * Ends with 1 when something is wrong, and says by which seed. The harm is the same for a seed; what comes of it is not,
 * for real machines never do the same thing twice.
 */
import '../../bin/v8.js';
import { parseArgs } from 'node:util';
import { missingMachines } from './host.ts';
import { torture } from './torture/torture.ts';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '3' },
    minutes: { type: 'string', default: '2' },
    out: { type: 'string', default: 'torture.jsonl' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const [nodes, clients, seed] = [Number(values.nodes), Number(values.clients), Number(values.seed)];
const begun = performance.now();
const say = (text: string): void =>
  void process.stdout.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);

const missing = missingMachines();
if (missing !== undefined) {
  process.stderr.write(`torture needs ${missing}\n`);
  process.exit(2);
}
try {
  const lastsMs = Number(values.minutes) * 60_000;
  const { wrong, harms } = await torture({ nodes, clients, seed, lastsMs, out: values.out, say });
  say('how often each harm was done:');
  for (const [name, count] of harms) say(`  ${String(count).padStart(3)} × ${name} …`);
  for (const one of wrong) process.stdout.write(`WRONG: ${one}\n`);
  say(wrong.length === 0 ? 'verdict: nothing is wrong' : `verdict: WRONG; again with --seed ${seed}`);
  process.exit(wrong.length === 0 ? 0 : 1);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  say(`verdict: the lab did not come through; again with --seed ${seed}`);
  process.exit(1);
}
