/**
 * `npm run bench:nodes`: what a thousand nodes cost the one that leads. A group of three members, each a process with its
 * log on the disk; and a thousand nodes in two more processes, with their own keys and TLS links, that renew their leases
 * as real ones do. The leader is measured before they are there, and with them.
 *
 *   -- --nodes N        so many (1000)
 *   -- --seconds S      measured for so long, before and with them (60)
 *   -- --both           with the link for entries beside the one for leases, as members have it
 *   -- --leader-args=A  of Node, for the leader, for example --cpu-prof
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatSize } from '#events/values/size.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import { createAuthority } from '#io/pki/ca.ts';
import { bundleWithMember } from '../log/bundle.ts';
import { makeNode, peerAt, type Node } from '../log/lab.ts';
import type { MemberStart } from '../log/member.ts';
import { freePorts } from '../log/ports.ts';
import { Remote } from '../log/remote.ts';
import { cpuSeconds, residentBytes } from '../log/resources.ts';
import { atEnd, runBenchmark } from '../program.ts';
import type { HoldersFigures, HoldersStart } from './holders.ts';

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const count = Number(option('nodes') ?? 1000);
const seconds = Number(option('seconds') ?? 60);
const purposes = process.argv.includes('--both') ? ['consensus', 'log'] : ['consensus'];
const leaderArgs = process.argv.flatMap((arg) => /^--leader-args=(.*)$/.exec(arg)?.[1]?.split(' ') ?? []);
const holderProcesses = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function run(): Promise<void> {
  const folder = await mkdtemp('/var/tmp/floatlab-bench-nodes-');
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  say(`${cpus().length} cores, ${formatSize(totalmem())} of memory, Node ${process.versions.node}\n`);
  const source = fileURLToPath(new URL('./holders.ts', import.meta.url));
  const { member = '', holders = '' } = await bundleWithMember(folder, { holders: source });
  const ports = await freePorts(6);
  const authority = await createAuthority(Date.now());
  const members = await Promise.all(
    [0, 1, 2].map((at) => makeNode(authority, `node${at + 1}`, ports[2 * at] ?? 0, ports[2 * at + 1] ?? 0)),
  );
  const crowds = Array.from({ length: holderProcesses }, () => started(new Remote(holders)));
  const each = Math.ceil(count / holderProcesses);
  const made = crowds.map((crowd, at) => {
    const start: HoldersStart = { authority, from: 10_000 + at * each, count: Math.min(each, count - at * each) };
    return crowd.call<readonly ThreadPeer[]>('make', start);
  });
  const others = (await Promise.all(made)).flat();

  const leader = await found(member, members, others, folder);
  const measured = async (): Promise<number> => {
    const before = await cpuSeconds(leader.pid);
    await wait(seconds * 1000);
    return (100 * ((await cpuSeconds(leader.pid)) - before)) / seconds;
  };
  say('| what | of the leader |\n|---|---|');
  await wait(5000);
  const [idle, idleBytes] = [await measured(), await residentBytes(leader.pid)];
  say(`| alone with two members, share of a core | ${idle.toFixed(1)} % |`);
  say(`| the same, resident memory | ${formatSize(idleBytes)} |`);

  const target = peerAt(members[0] as Node, (members[0] as Node).memberPort);
  const beganMs = Date.now();
  await Promise.all(crowds.map((crowd) => crowd.call('connect', { leader: target, purposes })));
  say(`| ${count} nodes connect | in ${((Date.now() - beganMs) / 1000).toFixed(1)} s |`);
  if (!(await leader.call<boolean>('leads'))) throw new Error('another member leads by now: the machine is too busy');
  await untilAllHold(crowds);
  await wait(5000);
  for (const crowd of crowds) await crowd.call('forget');
  const [busy, busyBytes] = [await measured(), await residentBytes(leader.pid)];
  const figures = await Promise.all(crowds.map((crowd) => crowd.call<HoldersFigures>('figures')));
  const sum = (what: 'grants' | 'lapses' | 'held'): number => figures.reduce((all, one) => all + one[what], 0);
  say(`| with ${count} nodes, share of a core | ${busy.toFixed(1)} % |`);
  say(`| what they cost, share of a core | ${(busy - idle).toFixed(1)} % |`);
  say(`| resident memory with them | ${formatSize(busyBytes)} |`);
  say(`| grants that arrived | ${(sum('grants') / seconds).toFixed(0)} /s |`);
  say(
    `| longest from one grant of a node to the next | ${Math.max(...figures.map((one) => one.longestMs)).toFixed(0)} ms |`,
  );
  say(`| leases that lapsed | ${sum('lapses')} |`);
  say(
    `| nodes that hold one in the end; by the leader's reckoning, members too | ${sum('held')}; ${await leader.call<number>('leasesHeld')} |`,
  );
}

const started = (remote: Remote): Remote => {
  atEnd(() => remote.stop());
  return remote;
};

/** The first of the members leads. */
async function found(
  program: string,
  members: readonly Node[],
  others: readonly ThreadPeer[],
  folder: string,
): Promise<Remote> {
  const running: Remote[] = [];
  for (const [at, { identity, memberPort, meshPort }] of members.entries()) {
    const remote = started(new Remote(program, at === 0 ? leaderArgs : []));
    running.push(remote);
    await remote.call('start', {
      folder: join(folder, identity.node),
      identity,
      begin: at === 0 ? 'found' : 'join',
      memberPort,
      meshPort,
      members: [...members.map((one) => peerAt(one, one.memberPort)), ...others],
      nodes: members.map((one) => peerAt(one, one.meshPort)),
    } satisfies MemberStart);
  }
  const leader = running[0] as Remote;
  await leader.call('untilLeads', 10_000);
  for (const { identity } of members.slice(1)) await leader.call('addVoter', identity.node);
  await leader.call('openLeases');
  return leader;
}

async function untilAllHold(crowds: readonly Remote[]): Promise<void> {
  for (const endMs = Date.now() + 60_000; ;) {
    const held = await Promise.all(crowds.map((crowd) => crowd.call<number>('held')));
    const all = held.reduce((sum, one) => sum + one, 0);
    if (all === count) return;
    if (Date.now() > endMs) throw new Error(`only ${all} of ${count} nodes got a lease within a minute`);
    await wait(200);
  }
}

await runBenchmark(run);
