/**
 * `npm run bench:log`: the log of three members beside three real etcd members, on one machine in one run.
 *
 * Ours and etcd's: three processes with a folder each on the same disk, every write synced by a majority, and one client
 * process with one connection to the leader, which keeps so many writes of 256 bytes outstanding. Ours speak TLS, as
 * always; etcd speaks plain HTTP/2, as it comes. Rounds alternate, and the medians of all rounds are shown.
 *
 *   -- --quick                  one short round, fewer kills
 *   -- --ours                   without etcd
 *   -- --throughput             nothing else
 *   -- --node-args=--cpu-prof   for all our processes
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import { atEnd, runBenchmark } from '../program.ts';
import { median } from '../table.ts';
import { bundlePrograms } from './bundle.ts';
import { EtcdGroup, haveEtcd } from './etcd.ts';
import { Lab } from './lab.ts';
import type { Load, Measured } from './load.ts';
import { freePorts } from './ports.ts';
import { Remote } from './remote.ts';
import { bytesIn, watchMemory } from './resources.ts';

const has = (option: string): boolean => process.argv.includes(`--${option}`);
const isQuick = has('quick');
const nodeArgs = process.argv.flatMap((arg) => /^--node-args=(.*)$/.exec(arg)?.[1]?.split(' ') ?? []);

const levels = [1, 16, 64, 256, 1000];
const rounds = isQuick ? 1 : 5;
const kills = isQuick ? 1 : 5;
const missedEvents = isQuick ? 20_000 : 100_000;
const warmUpMs = isQuick ? 1000 : 10_000;
const load = { warmMs: 200, durationMs: isQuick ? 500 : 1000 };

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const round = (value: number): string => (value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3));

async function run(): Promise<void> {
  const folder = await mkdtemp('/var/tmp/floatlab-bench-log-');
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  const etcdVersion = has('ours') ? undefined : await haveEtcd(say);
  const beside = etcdVersion === undefined ? '' : `, etcd ${etcdVersion}`;
  say(`${cpus().length} cores, ${formatSize(totalmem())} of memory, Node ${process.versions.node}${beside}\n`);
  const programs = await bundlePrograms(folder);
  const ports = await freePorts(12);
  const pairs = Array.from({ length: 6 }, (_, at) => [ports[2 * at], ports[2 * at + 1]] as [number, number]);

  const lab = await Lab.start({ programs, folder: join(folder, 'ours'), ports: pairs.slice(0, 3), nodeArgs });
  atEnd(() => lab.stop());
  const memory = watchMemory(async () => {
    const followers = await lab.followers().catch(() => []);
    return followers.flatMap((name) => lab.pidOf(name) ?? []);
  });
  atEnd(memory);
  let etcd: Remote | undefined;
  if (etcdVersion !== undefined) {
    const group = await EtcdGroup.start(join(folder, 'etcd'), pairs.slice(3));
    atEnd(() => group.stop());
    const client = new Remote(programs.etcdClient);
    atEnd(() => client.stop());
    await client.call('start', group.endpoints);
    etcd = client;
  }

  await throughput(lab, etcd);
  if (has('throughput')) return;
  say('\n| what | FloatLab |\n|---|---|');
  const row = (what: string, value: string): void => say(`| ${what} | ${value} |`);
  await newLeader(lab, row);
  await catchUp(lab, row);
  row('memory of a follower throughout, most', `${round((await memory()) / 2 ** 20)} MiB`);
  await disk(lab, row);
}

async function throughput(lab: Lab, etcd: Remote | undefined): Promise<void> {
  const sides = { ours: (one: Load) => lab.measure(one), etcd: (one: Load) => etcd?.call<Measured>('measure', one) };
  // What is compiled while it runs needs thousands of turns until it is as fast as it gets: with some hundred rounds a
  // second that is half a minute.
  for (const outstanding of [256, 64, 1])
    for (const side of ['ours', 'etcd'] as const) await sides[side]({ outstanding, warmMs: 0, durationMs: warmUpMs });
  const results = new Map(levels.map((level) => [level, { ours: [] as Measured[], etcd: [] as Measured[] }]));
  for (let n = 0; n < rounds; n++) {
    for (const [outstanding, found] of results) {
      const order = n % 2 === 0 ? (['ours', 'etcd'] as const) : (['etcd', 'ours'] as const);
      for (const side of order) {
        const measured = await sides[side]({ ...load, outstanding });
        if (measured) found[side].push(measured);
      }
    }
  }
  say('| outstanding | FloatLab: appends/s | p50 ms | p99 ms | etcd: puts/s | p50 ms | p99 ms | times etcd |');
  say('|---|---|---|---|---|---|---|---|');
  for (const [outstanding, { ours, etcd: theirs }] of results) {
    const [our, their] = [cells(ours), cells(theirs)];
    // Of the rounds, each beside its own neighbour.
    const ratio = median(ours.map(({ perSecond }, at) => perSecond / (theirs[at]?.perSecond ?? Number.NaN)));
    say(`| ${[outstanding, ...our, ...their, ratio.toFixed(2)].join(' | ')} |`);
  }
}

const cells = (measured: readonly Measured[]): readonly string[] =>
  (['perSecond', 'p50Ms', 'p99Ms'] as const).map((what) => round(median(measured.map((one) => one[what]))));

type Show = (what: string, value: string) => void;

/** From the kill of a leader to the first append that another one acknowledges. */
async function newLeader(lab: Lab, row: Show): Promise<void> {
  const tookMs: number[] = [];
  for (let n = 0; n < kills; n++) {
    const leader = await lab.leader();
    const killedMs = Date.now();
    await lab.kill(leader);
    tookMs.push((await lab.untilAppended()) - killedMs);
    await lab.startMember(leader);
    await lab.untilHead(leader, await lab.head(await lab.leader()));
  }
  row(`a killed leader's successor appends, median of ${kills}`, `${round(median(tookMs))} ms`);
  row('the same, longest', `${round(Math.max(...tookMs))} ms`);
}

/** A follower that was away, killed or stopped, while the others went on. */
async function catchUp(lab: Lab, row: Show): Promise<void> {
  for (const how of ['killed', 'stopped'] as const) {
    const [away] = await lab.followers();
    if (away === undefined) throw new Error('there is no follower');
    const before = await lab.head(away);
    if (how === 'killed') await lab.kill(away);
    else lab.signal(away, 'SIGSTOP');
    const head = await lab.write(missedEvents, 256);
    const beginMs = Date.now();
    if (how === 'killed') await lab.startMember(away);
    else lab.signal(away, 'SIGCONT');
    const startedMs = Date.now();
    const doneMs = await lab.untilHead(away, head);
    const missed = head - before;
    row(
      `a ${how} follower catches up ${missed.toLocaleString('en')} events`,
      `${round((missed * 1000) / (doneMs - startedMs))} events/s (${round(doneMs - startedMs)} ms)`,
    );
    if (how === 'killed')
      row('the same, until its process has opened the log before that', `${round(startedMs - beginMs)} ms`);
  }
}

async function disk(lab: Lab, row: Show): Promise<void> {
  const [follower] = await lab.followers();
  if (follower === undefined) throw new Error('there is no follower');
  const events = await lab.head(follower);
  for (const part of ['history', 'raft', 'snapshots']) {
    const bytes = await bytesIn(join(lab.folderOf(follower), part));
    row(`bytes on disk per event, ${part}`, `${round(bytes / events)} (${formatSize(bytes)}, ${round(events)} events)`);
  }
}

await runBenchmark(run);
