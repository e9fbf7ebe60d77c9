/**
 * `npm run bench:replicate`: a volume that is replicated by two real daemons, joined over TLS, from one pool to another,
 * beside the bare `send | receive` of the same snapshot and beside btrbk or syncoid, which take turns in the same run.
 * To reach: 0.9 of the bare pipe, and no slower than the others. Needs root and a build.
 *
 *   -- --quick               an eighth of the data, fewer rounds
 *   -- --only=btrfs          or zfs-fuse
 *   -- --rounds=N
 *   -- --streams             nothing but whole streams
 *   -- --node-args=--cpu-prof --cpu-prof-dir=…   for both daemons
 */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds } from '../log/resources.ts';
import { atEnd, runBenchmark } from '../program.ts';
import { lineOf, median, percentile, type Row } from '../table.ts';
import { watchBeat, type Beat } from './beat.ts';
import { btrfsEnds } from './btrfs.ts';
import type { Ends, Sent } from './ends.ts';
import { benchEngine, PairLab } from './lab.ts';
import { forgetPeak, peakMiB } from './memory.ts';
import { zfsFuseEnds } from './zfs-fuse.ts';

const MiB = 2 ** 20;
const option = (name: string): string | undefined =>
  process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
const isQuick = process.argv.includes('--quick');
const only = option('only');
const nodeArgs = option('node-args')?.split(' ') ?? [];
const rounds = Number(option('rounds') ?? (isQuick ? 3 : 5));
const idleRounds = isQuick ? 10 : 20;

interface Amount {
  readonly largeMiB: number;
  readonly smallFiles: number;
}
const share = ({ largeMiB, smallFiles }: Amount, part: number): Amount => ({
  largeMiB: largeMiB / part,
  smallFiles: Math.floor(smallFiles / part),
});
const whole: Amount = share({ largeMiB: 2048, smallFiles: 100_000 }, isQuick ? 8 : 1);
/** Every call to a file system in a process of its own costs much: less of it tells as much. */
const amounts: Readonly<Record<string, Amount>> = { btrfs: whole, 'zfs-fuse': share(whole, 4) };

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const print = (row: Row): void => say(lineOf(row));

async function fill(folder: string, { largeMiB, smallFiles }: Amount): Promise<void> {
  const piece = randomBytes(32 * MiB);
  for (let n = 0; n < largeMiB / 32; n++) {
    // No two alike, for whoever would find that out.
    piece.writeUInt32LE(n);
    await writeFile(join(folder, `large-${n}`), piece);
  }
  for (let n = 0; n < smallFiles; n++) {
    const place = join(folder, `small-${n % 100}`);
    if (n < 100) await mkdir(place);
    await writeFile(join(place, `${n}`), randomBytes(2000));
  }
}

const wallOf = async (work: Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work;
  return performance.now() - began;
};

async function streams(lab: PairLab, ends: Ends): Promise<void> {
  const sent = await firstOf(lab);
  const ours: number[] = [];
  const times = new Map<string, number[]>();
  const peers = [ends.bare, ...(ends.peer ? [ends.peer] : [])];
  const pids = [lab.from.pid, lab.to.pid];
  const cpu: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = await Promise.all(pids.map(cpuSeconds));
    const ourMs = await lab.replicate('data');
    const after = await Promise.all(pids.map(cpuSeconds));
    const took = new Map<string, number>();
    const beside = async (): Promise<void> => {
      for (const peer of round % 2 === 0 ? peers : peers.toReversed())
        took.set(peer.name, await wallOf(peer.run(sent)));
    };
    await lab.drop('data');
    await ends.clean();
    await beside();
    await ends.clean();
    say(
      `  round ${round}: ours ${Math.round(ourMs)} ms${[...took].map(([name, ms]) => `, ${name} ${Math.round(ms)} ms`).join('')}`,
    );
    // The first round warms the caches.
    if (round === 0) continue;
    ours.push(ourMs);
    for (const [name, ms] of took) times.set(name, [...(times.get(name) ?? []), ms]);
    cpu.push(after.reduce((sum, one, n) => sum + one - (before[n] ?? 0), 0));
  }
  for (const [peerIs, all] of times) {
    const ratios = all.map((ms, n) => ms / (ours[n] ?? Number.NaN));
    print({ what: `${ends.kind}: all of it, median`, value: median(ours), unit: 'ms', peer: median(all), peerIs });
    print({ what: `${ends.kind}: speed as a share of ${peerIs}, median of rounds`, value: median(ratios), unit: '' });
  }
  print({ what: `${ends.kind}: processor time of both daemons for that`, value: median(cpu), unit: 's' });
}

/** Each of them beside the same increment through the bare pipe. */
async function unchanged(lab: PairLab, { kind, bare, clean }: Ends): Promise<void> {
  await lab.ask('PATCH', 'volumes/default/data', { replicas: { count: 1, on: { cron: '0 0 1 1 *' } } });
  const first = await firstOf(lab);
  await bare.run(first);
  const [ours, theirs]: [number[], number[]] = [[], []];
  let from = first.snapshot;
  for (let n = 0; n < idleRounds; n++) {
    const snapshot = `idle-${n}`;
    await lab.snapshot('data', snapshot);
    // What the snapshot itself has set off is over.
    await delay(500);
    ours.push(await lab.syncNow('data'));
    theirs.push(await wallOf(bare.run({ ...first, snapshot, from })));
    from = snapshot;
  }
  await clean();
  const what = `${kind}: an increment without a change, request to fact, median`;
  print({ what, value: median(ours), unit: 'ms', peer: median(theirs), peerIs: bare.name });
  print({ what: `${kind}: the same, p90`, value: percentile(ours, 0.9), unit: 'ms' });
}

const firstOf = async (lab: PairLab): Promise<Sent> => ({
  dataset: (await lab.volume('data')).id.replace('volume:', ''),
  snapshot: 'one',
});

async function onChange(lab: PairLab, ends: Ends): Promise<void> {
  const settleMs = 1000;
  const changes = { replicas: { count: 1, on: 'change' }, snapshotOnChange: { settleMs, minIntervalMs: 10_000 } };
  await lab.ask('PATCH', 'volumes/default/data', changes);
  const folder = ends.seen((await lab.volume('data')).path ?? '');
  const found: { noticed: number; rest: number; total: number }[] = [];
  for (let n = 0; n < (isQuick ? 2 : 5); n++) {
    // The last one is to be longer ago than the shortest interval.
    await delay(11_000);
    const after = await lab.index;
    const wroteAt = Date.now();
    await writeFile(join(folder, 'changed'), `${n}`);
    await ends.sync();
    const events = async () => lab.events(after);
    while (!(await events()).some(({ type }) => type === 'replica.synced')) await delay(100);
    const at = async (type: string): Promise<number> => (await events()).find((event) => event.type === type)?.at ?? 0;
    const asked = await at('snapshot.requested');
    const synced = await at('replica.synced');
    found.push({ noticed: asked - wroteAt - settleMs, rest: synced - asked, total: synced - wroteAt });
  }
  const line = (what: string, values: readonly number[]): void =>
    print({ what: `${ends.kind}: ${what}`, value: median(values), unit: 'ms' });
  line(
    'a write to its replica, on change',
    found.map(({ total }) => total),
  );
  line('of it settling, as it is set', [settleMs]);
  line(
    'of it until the change is noticed',
    found.map(({ noticed }) => noticed),
  );
  line(
    'of it snapshot and replication',
    found.map(({ rest }) => rest),
  );
}

function printBeat(kind: string, when: string, { commits, leastLeaseMs, elections }: Beat): void {
  print({ what: `${kind}: ${when}, a command agreed on, median`, value: median(commits), unit: 'ms' });
  print({ what: `${kind}: ${when}, the same, p99`, value: percentile(commits, 0.99), unit: 'ms' });
  if (leastLeaseMs !== undefined)
    print({ what: `${kind}: ${when}, least left of a lease`, value: leastLeaseMs, unit: 'ms' });
  print({ what: `${kind}: ${when}, elections`, value: elections, unit: '' });
}

/** @param amount of each of two volumes */
async function heartbeats(lab: PairLab, ends: Ends): Promise<void> {
  const idle = await watchBeat(lab);
  await delay(isQuick ? 5000 : 20_000);
  printBeat(ends.kind, 'idle', await idle());
  const busy = await watchBeat(lab);
  for (const name of ['data', 'half']) await lab.ask('POST', `volumes/default/${name}/replicas`, { node: 'to' });
  for (const name of ['data', 'half']) await lab.holds(name);
  printBeat(ends.kind, 'two streams', await busy());
  await lab.drop('half');
}

async function memory(lab: PairLab, { kind }: Ends): Promise<void> {
  for (const [name, what] of [
    ['half', 'half of it'],
    ['data', 'all of it'],
  ] as const) {
    for (const { pid } of [lab.from, lab.to]) await forgetPeak(pid);
    await lab.replicate(name);
    print({ what: `${kind}: most memory of the sender, ${what}`, value: await peakMiB(lab.from.pid), unit: 'MiB' });
    print({ what: `${kind}: most memory of the receiver, ${what}`, value: await peakMiB(lab.to.pid), unit: 'MiB' });
    await lab.drop(name);
  }
}

async function measure(ends: Ends, engine: string): Promise<void> {
  const amount = amounts[ends.kind] ?? whole;
  const lab = await PairLab.start(ends, engine, nodeArgs);
  for (const [name, of] of [
    ['data', amount],
    ['half', share(amount, 2)],
  ] as const) {
    await fill(await lab.create(name, (of.largeMiB * 2 + 512) * MiB), of);
    await ends.sync();
    await lab.snapshot(name, 'one');
  }
  say(`${ends.kind}: ${amount.largeMiB} MiB of large files and ${amount.smallFiles} small ones`);
  await streams(lab, ends);
  if (process.argv.includes('--streams')) return lab.stop();
  await memory(lab, ends);
  await heartbeats(lab, ends);
  await unchanged(lab, ends);
  await onChange(lab, ends);
  await lab.stop();
}

await runBenchmark(async () => {
  const engine = await benchEngine();
  say(
    `${cpus().length} cores, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}, Node ${process.versions.node}\n`,
  );
  const makers: Readonly<Record<string, () => Promise<Ends | undefined>>> = {
    btrfs: () => btrfsEnds((whole.largeMiB * 4 + 4096) * MiB, say),
    'zfs-fuse': () => zfsFuseEnds((whole.largeMiB * 2 + 4096) * MiB, say),
  };
  for (const [kind, make] of Object.entries(makers)) {
    if (only !== undefined && only !== kind) continue;
    const ends = await make();
    if (!ends) continue;
    atEnd(() => ends.dispose());
    await measure(ends, engine);
  }
});
