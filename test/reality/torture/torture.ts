/**
 * A lab of real daemons under load while somebody does harm to it; then it is healed and judged. What clients were told
 * must be explained by registers that take one operation after another, every acknowledged write must be in the history,
 * and all nodes must end with the same history.
 */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { Api } from '../api.ts';
import { pause, until } from '../host.ts';
import { RealLab } from '../lab.ts';
import { read, runClient } from './client.ts';
import { judgeHistory, type Line } from './history.ts';
import { runNemesis, type NemesisOptions } from './nemesis.ts';

interface TortureOptions extends Pick<NemesisOptions, 'kinds' | 'say'> {
  /** That are one lab, and all vote. */
  readonly nodes: number;
  readonly clients: number;
  /** Of what is done and asked. */
  readonly seed: number;
  /** For so long at least; until each of `kinds` was done, where they are named. */
  readonly lastsMs: number;
  /** File for the history, as lines of JSON. */
  readonly out: string;
}

interface Verdict {
  /** In words; none: nothing is wrong. */
  readonly wrong: readonly string[];
  /** How often each harm was done. */
  readonly harms: ReadonlyMap<string, number>;
}

/** Registers are new ones after so long: a history of one is judged as a whole, and long ones take long. */
const roundMs = 15_000;
const labelsInRound = 6;
const namespacesInRound = 4;

/** @throws when the lab is not whole again in time */
export async function torture(options: TortureOptions): Promise<Verdict> {
  await using lab = await RealLab.make(options.nodes);
  try {
    return await tortureOf(lab, options);
  } catch (error) {
    sayWhatTheySay(lab, options.say);
    throw error;
  }
}

async function tortureOf(lab: RealLab, options: TortureOptions): Promise<Verdict> {
  const { nodes, clients, seed, lastsMs, say, kinds } = options;
  say(`${nodes} nodes are one lab; ${clients} clients, seed ${seed}`);
  const lines: Line[] = [];
  const out = createWriteStream(options.out);
  const record = (line: Line): void => {
    lines.push(line);
    out.write(`${JSON.stringify(line)}\n`);
  };
  const apis = lab.machines.map((machine) => lab.api(machine));
  const started = performance.now();
  const keys = (): readonly string[] => keysOf(Math.floor((performance.now() - started) / roundMs));
  const [enough, stop] = [new AbortController(), new AbortController()];
  const running = Array.from({ length: clients }, (_, n) => {
    const random = seededRandom(seed * 1000 + n + 1);
    return runClient({ name: `c${n + 1}`, apis, random, keys, record, signal: stop.signal });
  });
  const random = seededRandom(seed);
  const harming = runNemesis({ lab, random, signal: enough.signal, say, ...(kinds ? { kinds } : {}) });
  let harms: ReadonlyMap<string, number>;
  try {
    await Promise.race([pause(lastsMs), harming]);
    enough.abort();
    harms = await harming;
  } finally {
    stop.abort();
    await Promise.all(running);
  }
  say('healed');
  await lab.whole(90_000);
  await readAll(apis, new Set(lines.map(({ key }) => key)), record);
  out.end();
  await once(out, 'finish');

  const histories = await until('all nodes at the same event', 30_000, async () => {
    const all = await Promise.all(apis.map((one) => one.events()));
    return new Set(all.map(({ length }) => length)).size === 1 && all;
  });
  const count = (outcome: Line['outcome']): number => lines.filter((line) => line.outcome === outcome).length;
  const longestMs = Math.max(0, ...gapsMs(lines));
  say(
    `${lines.length} operations (${count('ok')} ok, ${count('fail')} refused or unequal, ${count('unknown')} unknown), ` +
      `${histories[0]?.length} events on each of ${nodes} nodes, ` +
      `longest time without an answered write ${(longestMs / 1000).toFixed(1)} s`,
  );
  return { harms, wrong: judge(lines, histories) };
}

const keysOf = (round: number): readonly string[] => [
  ...Array.from({ length: labelsInRound }, (_, n) => `r${round}-${n}`),
  ...Array.from({ length: namespacesInRound }, (_, n) => `ns${round}-${n}`),
];

/** What is there at the end, for each register: an acknowledged write that is gone shows here. */
async function readAll(apis: readonly Api[], keys: ReadonlySet<string>, record: (line: Line) => void): Promise<void> {
  for (const [n, key] of [...keys].entries()) {
    const call = process.hrtime.bigint();
    const value = await read(apis[n % apis.length] as Api, key);
    const [call_ns, return_ns] = [Number(call), Number(process.hrtime.bigint())];
    record({ client: 'judge', op: 'get', key, value, call_ns, return_ns, outcome: 'ok' });
  }
}

/** @param histories of each node. @returns what is wrong, in words */
function judge(lines: readonly Line[], histories: readonly (readonly ActivityRow[])[]): readonly string[] {
  const wrong: string[] = [];
  const [first = [], ...others] = histories;
  for (const [n, other] of others.entries()) {
    const at = first.findIndex((event, index) => JSON.stringify(event) !== JSON.stringify(other[index]));
    if (at >= 0) wrong.push(`n1 and n${n + 2} differ at event ${at + 1}`);
  }
  const byIndex = new Map(first.map((event) => [Number(event.index), event]));
  const lost = lines.filter(({ outcome, index, value }) => {
    if (outcome !== 'ok' || index === undefined) return false;
    const event = byIndex.get(index);
    return typeof value === 'string'
      ? !JSON.stringify(event?.data ?? null).includes(`"${value}"`)
      : event === undefined;
  });
  for (const { key, value, index } of lost.slice(0, 5)) wrong.push(`lost: ${key} = ${String(value)} at event ${index}`);
  const unexplained = judgeHistory(lines);
  if (unexplained !== undefined) wrong.push(unexplained);
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

const lastLines = 25;

/** What each machine said last, for whoever has to find out why the lab did not come through. */
function sayWhatTheySay(lab: RealLab, say: (text: string) => void): void {
  for (const { name, isRunning, output } of lab.machines) {
    const lines = output.split('\n').slice(-lastLines).join('\n  ');
    say(`${name} ${isRunning ? 'runs' : 'does not run'}, and said last:\n  ${lines}`);
  }
}
