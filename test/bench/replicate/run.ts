/**
 * `npm run bench:replicate`: a stream through the port of replication beside the bare `btrfs send | btrfs receive`, in
 * pairs, between two real btrfs pools on this machine and without a network. To reach: 0.9 of the bare pipe.
 *
 *   npm run bench:replicate [MiB of large files] [small files] [pairs]
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { btrfsReplication } from '#io/devices/replication/btrfs/backend.ts';
import { patient } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool, type TempPool } from '#test/pool-fixture.ts';
import { runBenchmark } from './program.ts';
import { median } from './table.ts';

const MiB = 2 ** 20;

async function fill(folder: string, largeMiB: number, smallFiles: number): Promise<void> {
  for (let n = 0; n < largeMiB / 32; n++) await writeFile(join(folder, `large-${n}`), randomBytes(32 * MiB));
  for (let n = 0; n < smallFiles; n++) {
    const place = join(folder, `small-${n % 100}`);
    if (n < 100) await mkdir(place);
    await writeFile(join(place, `${n}`), randomBytes(2000));
  }
}

/** As a shell would connect them: both ends of one kernel pipe, and nothing of ours in between. */
async function bare(from: string, into: string, fifo: string, tool: TempPool['tool']): Promise<void> {
  await tool('mkfifo', fifo);
  const pipe = await open(fifo, constants.O_RDWR);
  const [output, input] = [await open(fifo, 'w'), await open(fifo, 'r')];
  await pipe.close();
  const sender = spawn('btrfs', ['send', '-q', from], { stdio: ['ignore', output.fd, 'inherit'] });
  const receiver = spawn('btrfs', ['receive', '-q', into], { stdio: [input.fd, 'ignore', 'inherit'] });
  for (const end of [output, input]) await end.close();
  for (const child of [sender, receiver]) {
    const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number]) : [child.exitCode];
    if (code !== 0) throw new Error(`the bare pipe ended with ${code}`);
  }
  await tool('btrfs', 'filesystem', 'sync', into);
  await rm(fifo);
}

await runBenchmark(async () => {
  const missing = missingBtrfs();
  if (missing !== undefined) throw new Error(`this needs ${missing}`);
  const [largeMiB = 512, smallFiles = 10_000, pairs = 5] = process.argv.slice(2).map(Number);
  const sizeBytes = (largeMiB * 3 + 1024) * MiB;
  const [here, there] = [await tempPool({ sizeBytes }), await tempPool({ sizeBytes })];
  try {
    const portOf = ({ mountpoint }: TempPool) => btrfsReplication({ pools: [{ name: 'test', mountpoint }] });
    const [sender, receiver] = [portOf(here), portOf(there)];
    const of = { pool: 'test', name: 'data' };
    const { path } = await here.volumes.create(of, { sizeBytes }, patient());
    await fill(path, largeMiB, smallFiles);
    const one = await here.volumes.snapshot(of, 'one', patient());
    const source = join(here.mountpoint, 'floatlab', 'volumes', 'data', 'snapshots', 'one');
    const hour = { ...patient(), timeoutMs: 3_600_000 };
    const epoch = { generation: 1, index: 1 };
    const through = async (from: string | undefined, to: { name: string; guid: string }): Promise<number> => {
      const began = performance.now();
      const base = from === undefined ? {} : { from };
      const { bytes, format } = await sender.send(
        of,
        { ...base, to: to.guid },
        { compressed: false, raw: false },
        hour,
      );
      await receiver.receive(of, { ...base, to, format, epoch, lineage: 'one' }, bytes, hour);
      return performance.now() - began;
    };
    const received = join(there.mountpoint, 'bare');
    await mkdir(received);
    const ratios: number[] = [];
    for (let n = 0; n <= pairs; n++) {
      const bareFirst = n % 2 === 0;
      const runBare = async (): Promise<number> => {
        const began = performance.now();
        await bare(source, received, join(here.folder, 'pipe'), here.tool);
        return performance.now() - began;
      };
      const bareMs = bareFirst ? await runBare() : 0;
      const oursMs = await through(undefined, one);
      const times = [bareFirst ? bareMs : await runBare(), oursMs] as const;
      await receiver.discard(of, epoch, hour);
      await there.tool('btrfs', 'subvolume', 'delete', '-c', join(received, 'one'));
      await there.tool('btrfs', 'subvolume', 'sync', there.mountpoint);
      // The first pair only warms the caches.
      if (n === 0) continue;
      ratios.push(times[0] / times[1]);
      process.stdout.write(`| ${n} | bare ${Math.round(times[0])} ms | ours ${Math.round(times[1])} ms |\n`);
    }
    await through(undefined, one);
    const idle: number[] = [];
    let before = one;
    for (let n = 0; n < 10; n++) {
      const next = await here.volumes.snapshot(of, `idle-${n}`, patient());
      idle.push(await through(before.guid, next));
      before = next;
    }
    const rss = Math.round(process.memoryUsage().rss / MiB);
    process.stdout.write(`| share of the bare pipe, median of ${pairs} pairs | ${median(ratios).toFixed(2)} |\n`);
    process.stdout.write(`| increment of an unchanged volume, median of 10 | ${Math.round(median(idle))} ms |\n`);
    process.stdout.write(`| memory of this process afterwards | ${rss} MiB |\n`);
  } finally {
    for (const pool of [here, there]) await pool.dispose();
  }
});
