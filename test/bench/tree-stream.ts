/**
 * `npm run bench:tree-stream`: 100,000 small files, and one large file, from one folder to another as replication carries
 * them: on two threads, as they are built (`npm run build` before it), to the disk, and read again; beside
 * `tar -c | tar -x` and `rsync` of the same files with the same attributes, to the disk, in turns; then the same once
 * more, where nothing has changed. Each is told by the clock, and by the time of the processor that all of its threads
 * and programs took, which other work on the machine does not change. `-- --quick` for a look, `-- --turns N`. To
 * reach: half of tar, which neither checks what arrives nor takes a digest of the tree; 100 ms for a volume of a hundred
 * files that has not changed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { receiveOnThread, sendOnThread } from '#io/devices/tree-stream/thread/streams.ts';
import { atEnd, runBenchmark } from './program.ts';
import { median } from './table.ts';

const isQuick = process.argv.includes('--quick');
const files = isQuick ? 10_000 : 100_000;
const MiB = 2 ** 20;
const largeBytes = (isQuick ? 128 : 2048) * MiB;
const turns = Number(process.argv[process.argv.indexOf('--turns') + 1]) || (isQuick ? 1 : 3);
const program = new URL('../../dist/tree-stream.js', import.meta.url);
if (!existsSync(program)) throw new Error('build it first: npm run build');
const how = { target: 'the benchmark', signal: new AbortController().signal, silenceMs: 600_000, program };
const [first, second] = ['one', 'two'] as const;

type Carry = (source: string, sink: string) => Promise<void>;
interface Method {
  readonly name: string;
  readonly whole: Carry;
  /** Of what has not changed since. */
  readonly again?: Carry;
}

const rsync: Carry = async (source, sink) => {
  const keep = ['--archive', '--hard-links', '--acls', '--xattrs', '--sparse', '--numeric-ids'];
  await ended(spawn('rsync', [...keep, `${source}/`, `${sink}/`], { stdio: 'ignore' }));
  await flushed(sink);
};

const methods: readonly Method[] = [
  {
    name: 'FloatLab',
    async whole(source, sink) {
      const bytes = sendOnThread({ target: { path: source, id: first } }, how);
      await receiveOnThread(bytes, { into: sink, ids: { base: undefined, target: first } }, how);
    },
    async again(source, sink) {
      // As between two snapshots of one file system: an inode that was not touched is the same in both.
      const base = { path: source, id: first, takenAtMs: Date.now() };
      const bytes = sendOnThread({ target: { path: source, id: second }, base }, how);
      await receiveOnThread(bytes, { into: sink, ids: { base: first, target: second } }, how);
    },
  },
  { name: 'tar', whole: tar },
  { name: 'rsync', whole: rsync, again: rsync },
];

await runBenchmark(async () => {
  const root = await mkdtemp(join(tmpdir(), 'floatlab-bench-tree-'));
  atEnd(async () => rmSync(root, { recursive: true }));
  const [few, small, large] = [join(root, 'few'), join(root, 'small'), join(root, 'large')];
  makeSmall(few, 100);
  makeSmall(small, files);
  makeLarge(large);
  // Times of files must lie before the snapshot, and clocks tick.
  await delay(2500);
  process.stdout.write(
    `| what | ${methods.map(({ name }) => name).join(' | ')} |\n|---|${'---|'.repeat(methods.length)}\n`,
  );
  for (const [source, what, unit, amount] of [
    [few, '100 small files', 'files/s', 100],
    [small, `${files.toLocaleString('en')} small files`, 'files/s', files],
    [large, `one file of ${largeBytes / MiB} MiB`, 'MiB/s', largeBytes / MiB],
  ] as const) {
    const seconds = methods.map((): [Took[], Took[]] => [[], []]);
    for (let turn = 0; turn < turns; turn++)
      for (const [n, method] of methods.entries()) {
        const [whole, again] = await timed(root, source, method);
        seconds[n]?.[0].push(whole);
        if (again !== undefined) seconds[n]?.[1].push(again);
      }
    const ours = middle(seconds[0]?.[0] ?? []);
    const rate = ({ wall, busy }: Took): string =>
      `${Math.round(amount / wall).toLocaleString('en')} ${unit} (ours: ${(wall / ours.wall).toFixed(2)}), ` +
      `${busy.toFixed(2)} s of a processor (ours: ${(busy / ours.busy).toFixed(2)})`;
    const told = seconds.map(([whole]) => rate(middle(whole)));
    process.stdout.write(`| ${what} | ${told.join(' | ')} |\n`);
    const unchanged = seconds.map(([, again]) => (again.length === 0 ? '' : inMs(middle(again))));
    process.stdout.write(`| … once more, unchanged | ${unchanged.join(' | ')} |\n`);
  }
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`\nMemory of this process with both threads, at most: ${peak} MiB\n`);
});

/** Seconds: by the clock, and of processors. */
interface Took {
  readonly wall: number;
  readonly busy: number;
}

function middle(all: readonly Took[]): Took {
  return { wall: median(all.map(({ wall }) => wall)), busy: median(all.map(({ busy }) => busy)) };
}

function inMs({ wall, busy }: Took): string {
  return `${Math.round(wall * 1000)} ms, ${Math.round(busy * 1000)} ms of a processor`;
}

/** Of this process, its threads, and all programs that it has started and that have ended; in seconds. */
function busySeconds(): number {
  // Behind the name, which may hold anything: user and system, and the same of the children.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  const ticksPerSecond = 100;
  return ticks / ticksPerSecond;
}

/** @returns what all of it took, and nothing of it */
async function timed(root: string, source: string, method: Method): Promise<[Took, Took | undefined]> {
  const sink = join(root, 'sink');
  mkdirSync(sink);
  const took = async (carry: Carry): Promise<Took> => {
    const [began, busy] = [performance.now(), busySeconds()];
    await carry(source, sink);
    return { wall: (performance.now() - began) / 1000, busy: busySeconds() - busy };
  };
  const whole = await took(method.whole);
  const again = method.again && (await took(method.again));
  rmSync(sink, { recursive: true });
  return [whole, again];
}

async function tar(source: string, sink: string): Promise<void> {
  const keep = ['--format=pax', '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
  const from = spawn('tar', ['--create', ...keep, '--sparse', '-C', source, '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const to = spawn('tar', ['--extract', ...keep, '-C', sink], { stdio: [from.stdout, 'ignore', 'ignore'] });
  await ended(to);
  await flushed(sink);
}

function flushed(path: string): Promise<void> {
  return ended(spawn('sync', ['--file-system', path], { stdio: 'ignore' }));
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

function makeSmall(path: string, count: number): void {
  const inFolder = 200;
  for (let n = 0; n < count; n++) {
    const below = join(path, `folder ${Math.floor(n / inFolder)}`);
    if (n % inFolder === 0) mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `file ${n}`), `${n},`.repeat(50 + (n % 500)));
  }
}

function makeLarge(path: string): void {
  mkdirSync(path);
  const fd = openSync(join(path, 'file'), 'w');
  const piece = Buffer.alloc(MiB);
  for (let at = 0; at < largeBytes; at += piece.length) {
    for (let n = 0; n < piece.length; n += 512) piece.writeUInt32LE((at + n + 1) % 2 ** 32, n);
    writeSync(fd, piece);
  }
  closeSync(fd);
}
