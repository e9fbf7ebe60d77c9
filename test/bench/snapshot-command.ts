/**
 * `npm run bench:snapshot`: from the command over the API to the committed fact, on a daemon of its own with a btrfs pool,
 * beside the bare `btrfs subvolume snapshot -r` of the same subvolume, by turns, each after a write. Then a look at 500 volumes of a simulated
 * node. Needs root and a build.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DaemonFixture } from '#test/daemon-fixture.ts';
import { OneMachine } from '#test/io/agent/one-machine.ts';
import { tempPool } from '#test/pool-fixture.ts';
import { lineOf, median, type Row } from './table.ts';

const rounds = process.argv.includes('--quick') ? 20 : 100;
const warmUp = 5;
const manyVolumes = 500;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

interface Answer {
  readonly operation?: string | null;
  readonly token?: string;
  readonly path?: string | null;
}

async function benchCommand(): Promise<readonly Row[]> {
  const pool = await tempPool({ sizeBytes: 2 * 2 ** 30 });
  const daemon = await DaemonFixture.make(['--pool', pool.mountpoint]);
  try {
    await daemon.start();
    let token = '';
    const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => {
      const response = await fetch(`${daemon.url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
      return JSON.parse(answer) as Answer;
    };
    const done = async ({ operation }: Answer): Promise<void> => {
      if (typeof operation !== 'string') throw new Error('there is no operation to wait for');
      await ask('GET', `/operations/${operation.replace('operation:', '')}/wait`);
    };
    token = (await ask('POST', '/session', { name: 'admin', password: daemon.password })).token ?? '';
    await done(await ask('POST', '/volumes', { name: 'data', spec: { sizeBytes: 2 ** 28 } }));
    const { path } = await ask('GET', '/volumes/default/data');
    if (typeof path !== 'string') throw new Error('the volume has no path');

    const [ours, bare]: [number[], number[]] = [[], []];
    for (let n = 0; n < rounds + warmUp; n++) {
      await writeFile(join(path, 'file'), Buffer.alloc(64 * 1024, n));
      const began = performance.now();
      await done(await ask('POST', '/volumes/default/data/snapshots', { as: `s${n}` }));
      const ended = performance.now();
      await writeFile(join(path, 'file'), Buffer.alloc(64 * 1024, n + 1));
      const between = performance.now();
      await pool.tool('btrfs', 'subvolume', 'snapshot', '-r', path, join(pool.mountpoint, `bare-${n}`));
      if (n < warmUp) continue;
      ours.push(ended - began);
      bare.push(performance.now() - between);
    }
    const peerIs = 'btrfs subvolume snapshot -r';
    return [
      { what: 'snapshot, command to fact, median', value: median(ours), unit: 'ms', peer: median(bare), peerIs },
      { what: 'the same, above the bare command', value: median(ours) - median(bare), unit: 'ms' },
    ];
  } finally {
    await daemon.dispose();
    await pool.dispose();
  }
}

async function benchMany(): Promise<readonly Row[]> {
  const one = await OneMachine.started();
  const spec = { sizeBytes: 2 ** 26, snapshotOnChange: { settleMs: 5000, minIntervalMs: 60_000 } };
  for (let n = 0; n < manyVolumes; n++) await one.must('create-volume', { name: `data-${n}`, spec });
  const taken = (): number => one.lab.list('snapshot').filter(({ state }) => state === 'available').length;
  await one.until('all have their first snapshot', () => taken() === manyVolumes);
  await one.clock.run(120_000);

  const looks = 12;
  const idleFrom = process.cpuUsage();
  await one.clock.run(looks * 5000);
  const idle = process.cpuUsage(idleFrom);

  const entries = new Set<string>();
  one.world.wired.lab.replica.listen(({ steps }) => {
    for (const { event } of steps) if (event.type === 'snapshot.taken') entries.add(event.command);
  });
  const [machine] = one.world.machines;
  for (const { context } of one.lab.list('volume'))
    machine?.volumes.filesAt(context.path ?? '')?.set('page', 'something else');
  const busyFrom = process.cpuUsage();
  await one.until('all have their second snapshot', () => taken() === 2 * manyVolumes);
  const busy = process.cpuUsage(busyFrom);
  const ms = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
  return [
    {
      what: `a look at ${manyVolumes} volumes that have not changed (simulated), CPU`,
      value: ms(idle) / looks,
      unit: 'ms',
    },
    { what: `${manyVolumes} that have: all until they are taken, CPU`, value: ms(busy), unit: 'ms' },
    { what: 'entries of the log that told of these', value: entries.size, unit: '' },
  ];
}

print('| what | FloatLab | beside |\n|---|---|---|');
for (const row of [...(await benchCommand()), ...(await benchMany())]) print(lineOf(row));
