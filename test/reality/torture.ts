/**
 * `npm run torture`: a lab of real daemons under load while machines die, hang, lose power and are cut off; then it is
 * healed and judged. What clients were told must be explained by registers that take one operation after another, every
 * acknowledged write must be in the history, and all nodes must end with the same history.
 *
 *   npm run torture -- --nodes 3 --minutes 10 --out history.jsonl     [--clients 8] [--seed 1]
 *
 * Ends with 1 when something is wrong, and says by which seed. The harm is the same for a seed; what comes of it is not,
 * for real machines never do the same thing twice.
 */
import '../../bin/v8.js';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { seededRandom } from '#io/devices/random/sim.ts';
import { missingMachines, pause, until } from './host.ts';
import { RealLab } from './lab.ts';
import { runClient } from './torture/client.ts';
import { judgeHistory, type Line } from './torture/history.ts';
import { runNemesis } from './torture/nemesis.ts';

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
const lastsMs = Number(values.minutes) * 60_000;
const begun = performance.now();
const say = (text: string): void =>
  void process.stdout.write(`${((performance.now() - begun) / 1000).toFixed(1).padStart(7)} s  ${text}\n`);

/** Registers are new ones after so long: a history of one is judged as a whole, and long ones take long. */
const roundMs = 15_000;
const labelsInRound = 6;
const namespacesInRound = 4;

/** What each machine said last, for whoever has to find out why the lab did not come through. */
function sayWhatTheySay(lab: RealLab): void {
  for (const { name, isRunning, output } of lab.machines) {
    const lines = output.split('\n').slice(-lastLines).join('\n  ');
    process.stdout.write(`${name} ${isRunning ? 'runs' : 'does not run'}, and said last:\n  ${lines}\n`);
  }
}
const lastLines = 25;

async function torture(): Promise<readonly string[]> {
  await using lab = await RealLab.make(nodes);
  try {
    return await tortureOf(lab);
  } catch (error) {
    sayWhatTheySay(lab);
    throw error;
  }
}

async function tortureOf(lab: RealLab): Promise<readonly string[]> {
  say(`${nodes} nodes are one lab; ${clients} clients, seed ${seed}`);
  const random = seededRandom(seed);
  const stop = new AbortController();
  const lines: Line[] = [];
  const out = createWriteStream(values.out);
  const started = performance.now();
  const keys = (): readonly string[] => {
    const round = Math.floor((performance.now() - started) / roundMs);
    return [
      ...Array.from({ length: labelsInRound }, (_, n) => `r${round}-${n}`),
      ...Array.from({ length: namespacesInRound }, (_, n) => `ns${round}-${n}`),
    ];
  };
  const apis = lab.machines.map((machine) => lab.api(machine));
  const record = (line: Line): void => {
    lines.push(line);
    out.write(`${JSON.stringify(line)}\n`);
  };
  const running = Array.from({ length: clients }, (_, n) =>
    runClient({
      name: `c${n + 1}`,
      apis,
      random: seededRandom(seed * 1000 + n + 1),
      keys,
      record,
      signal: stop.signal,
    }),
  );
  const harming = runNemesis({ lab, random, signal: stop.signal, say });
  await Promise.race([pause(lastsMs), harming]);
  stop.abort();
  const harms = await harming;
  await Promise.all(running);
  say('healed; how often each harm was done:');
  for (const [name, count] of harms) say(`  ${String(count).padStart(3)} × ${name} …`);
  await lab.whole(90_000);

  // What is there at the end, for each register: an acknowledged write that is gone shows here.
  const [api] = apis;
  if (!api) throw new Error('no nodes');
  const labels = (await api.node('n1')).labels;
  for (const key of new Set(lines.map((line) => line.key).filter((one) => one.startsWith('r')))) {
    const now = Number(process.hrtime.bigint());
    record({
      client: 'judge',
      op: 'get',
      key,
      value: labels[key] ?? '',
      call_ns: now,
      return_ns: now + 1,
      outcome: 'ok',
    });
  }
  out.end();
  await once(out, 'finish');

  const wrong: string[] = [];
  const histories = await until('all nodes at the same event', 30_000, async () => {
    const all = await Promise.all(apis.map((one) => one.events()));
    return new Set(all.map(({ length }) => length)).size === 1 && all;
  });
  const [first = [], ...others] = histories;
  for (const [n, other] of others.entries()) {
    const at = first.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(other[index]));
    if (at >= 0) wrong.push(`n1 and n${n + 2} differ at event ${at + 1}`);
  }
  const lost = lines.filter(({ outcome, index, value }) => {
    if (outcome !== 'ok' || index === undefined) return false;
    const event = first.find((one) => one.index === index);
    return typeof value === 'string'
      ? !JSON.stringify(event?.data ?? null).includes(`"${value}"`)
      : event === undefined;
  });
  for (const { key, value, index } of lost.slice(0, 5)) wrong.push(`lost: ${key} = ${String(value)} at event ${index}`);
  const unexplained = judgeHistory(lines);
  if (unexplained !== undefined) wrong.push(unexplained);
  const count = (outcome: Line['outcome']): number => lines.filter((line) => line.outcome === outcome).length;
  const longestMs = Math.max(0, ...gapsMs(lines));
  say(
    `${lines.length} operations (${count('ok')} ok, ${count('fail')} refused or unequal, ${count('unknown')} unknown), ` +
      `${first.length} events on each of ${nodes} nodes, longest time without an answered write ${(longestMs / 1000).toFixed(1)} s`,
  );
  return wrong;
}

/** Between writes that were acknowledged, by anybody to anybody. */
function gapsMs(lines: readonly Line[]): readonly number[] {
  const ends = lines
    .filter(({ op, outcome }) => op !== 'get' && outcome === 'ok')
    .map((line) => line.return_ns / 1e6)
    .toSorted((a, b) => a - b);
  return ends.slice(1).map((end, before) => end - (ends[before] ?? end));
}

const missing = missingMachines();
if (missing !== undefined) {
  process.stderr.write(`torture needs ${missing}\n`);
  process.exit(2);
}
try {
  const wrong = await torture();
  for (const one of wrong) process.stdout.write(`WRONG: ${one}\n`);
  say(wrong.length === 0 ? 'verdict: nothing is wrong' : `verdict: WRONG; again with --seed ${seed}`);
  process.exit(wrong.length === 0 ? 0 : 1);
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  say(`verdict: the lab did not come through; again with --seed ${seed}`);
  process.exit(1);
}
