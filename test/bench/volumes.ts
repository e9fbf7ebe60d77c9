/**
 * `npm run bench:volumes`: what the port of volumes costs beside the bare commands, on a real btrfs and on zfs-fuse, and
 * what it costs to find out which of 500 volumes have changed.
 *
 *   npm run bench:volumes [-- --quick]
 *
 * Snapshots are taken by turns: one through the port, one by the command alone, of the same volume, after a write each.
 * To reach: within 50 ms of the bare command; under 1 s of processor time for 500 unchanged volumes. Needs root.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call } from '#io/devices/call.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { missingZfsFuse, zfsFuse, zfsPool } from '#test/zfs-fixture.ts';
import { atEnd, runBenchmark } from './program.ts';
import { lineOf, median, percentile, type Row } from './table.ts';

const isQuick = process.argv.includes('--quick');
const pairs = isQuick ? 5 : 40;
const many = isQuick ? 50 : 500;
const looks = isQuick ? 3 : 20;

const patient = (): Call => ({ signal: new AbortController().signal, timeoutMs: 120_000, progress: () => {} });
const sizeBytes = 16 * 2 ** 20;
const of = (name: string): Dataset => ({ pool: 'test', name });

/** One volume, and the two ways to take a snapshot of it. */
interface Subject {
  readonly kind: string;
  /** How the bare command is called. */
  readonly peerIs: string;
  readonly volumes: VolumePort;
  write(text: string): Promise<void>;
  bare(name: string): Promise<void>;
}

async function benchSnapshots({ kind, peerIs, volumes, write, bare }: Subject): Promise<readonly Row[]> {
  const ours: number[] = [];
  const theirs: number[] = [];
  const timed = async (into: number[], n: number, work: () => Promise<unknown>): Promise<void> => {
    await write(`${n}`);
    const began = performance.now();
    await work();
    // The first ones warm up.
    if (n >= 0) into.push(performance.now() - began);
  };
  for (let n = -2; n < pairs; n++) {
    const both = [
      () => timed(ours, n, () => volumes.snapshot(of('subject'), `ours-${n + 2}`, patient())),
      () => timed(theirs, n, () => bare(`bare-${n + 2}`)),
    ];
    for (const take of n % 2 === 0 ? both : both.toReversed()) await take();
  }
  const more = ours.map((ms, n) => ms - (theirs[n] ?? 0));
  return [
    { what: `a snapshot on ${kind}, median`, value: median(ours), unit: 'ms', peer: median(theirs), peerIs },
    { what: 'the same, what it takes more, median', value: median(more), unit: 'ms' },
    { what: 'the same, what it takes more, p90', value: percentile(more, 0.9), unit: 'ms' },
  ];
}

async function onBtrfs(): Promise<readonly Row[]> {
  const pool = await tempPool({ sizeBytes: 2 * 2 ** 30 });
  atEnd(() => pool.dispose());
  const { path } = await pool.volumes.create(of('subject'), { sizeBytes }, patient());
  const foreign = join(pool.mountpoint, 'bare');
  await pool.tool('mkdir', foreign);
  const snapshots = await benchSnapshots({
    kind: 'btrfs',
    peerIs: 'btrfs subvolume snapshot -r',
    volumes: pool.volumes,
    write: (text) => writeFile(join(path, 'file'), text, { flush: true }),
    bare: async (name) => void (await pool.tool('btrfs', 'subvolume', 'snapshot', '-r', path, join(foreign, name))),
  });
  return [...snapshots, ...(await benchChanges(pool))];
}

async function benchChanges(pool: TempPool): Promise<readonly Row[]> {
  for (let n = 0; n < many; n++) {
    const one = of(`one-${n}`);
    await pool.volumes.create(one, { sizeBytes }, patient());
    await pool.volumes.snapshot(one, 's', patient());
  }
  await pool.tool('btrfs', 'filesystem', 'sync', pool.mountpoint);
  const tookMs: number[] = [];
  let before = 0;
  // The first one warms up.
  for (let look = -1; look < looks; look++) {
    if (look === 0) before = cpuMs();
    const began = performance.now();
    const changes = await pool.volumes.changes('test', patient());
    if (look >= 0) tookMs.push(performance.now() - began);
    const changed = [...changes].filter(([name, change]) => name.startsWith('one-') && change.changed);
    if (changes.size <= many || changed.length > 0)
      throw new Error(`${changed.length} of ${changes.size} have changed`);
  }
  const what = `changes of ${many} unchanged volumes on btrfs`;
  return [
    { what: `${what}, processor time, mean`, value: (cpuMs() - before) / looks, unit: 'ms' },
    { what: 'the same, until the answer, median', value: median(tookMs), unit: 'ms' },
  ];
}

/** Of this process, and of the commands that it ran: those of ended children, in hundredths of a second. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const [ofChildren, inKernel] = [Number(fields[13]), Number(fields[14])];
  return (user + system) / 1000 + (ofChildren + inKernel) * 10;
}

async function onZfsFuse(): Promise<readonly Row[]> {
  const machine = await zfsFuse();
  atEnd(() => machine.dispose());
  const pool = await zfsPool(machine);
  const { path } = await pool.volumes.create(of('subject'), { sizeBytes }, patient());
  return benchSnapshots({
    kind: 'zfs-fuse',
    peerIs: 'zfs snapshot',
    volumes: pool.volumes,
    write: (text) => machine.write(`${path}/file`, text),
    bare: async (name) => void (await pool.tool('zfs', 'snapshot', `${pool.root}/subject@${name}`)),
  });
}

await runBenchmark(async () => {
  for (const [missing, bench] of [
    [missingBtrfs(), onBtrfs],
    [missingZfsFuse(), onZfsFuse],
  ] as const) {
    if (missing === undefined) for (const row of await bench()) process.stdout.write(`${lineOf(row)}\n`);
    else process.stdout.write(`${bench.name}: left out, this machine lacks ${missing}\n`);
  }
});
