import './bin/v8.js';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simulate } from './test/sim/simulate.ts';
import { drawScript } from './test/sim/swarm.ts';
const [from, to, seconds = '300'] = process.argv.slice(2);
for (let seed = Number(from); seed <= Number(to); seed++) {
  const t = Date.now();
  try {
    const r = await simulate({ seed, script: drawScript(seededRandom(seed), Number(seconds)) });
    if (r.wrong.length) console.log(`seed ${seed}: ${r.wrong.slice(0, 3).join(' | ').slice(0, 600)}`);
    else if (seed % 10 === 0) console.log(`seed ${seed} ok ${r.events} events ${Date.now() - t} ms`);
  } catch (e) { console.log(`seed ${seed} threw`, e); }
}
