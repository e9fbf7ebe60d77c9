/**
 * `npm run bench:tree-stream`: 100,000 small files, and one large file, from one folder to another as replication carries
 * them: on two threads, to the disk, and read again; beside `tar -c | tar -x` and `rsync` of the same files with the same
 * attributes, to the disk, in turns; then the same once more, where nothing has changed. `-- --quick` for a look,
 * `-- --turns N`. To reach: half of tar, which neither checks what arrives nor takes a digest of the tree.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
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
const how = { target: 'the benchmark', signal: new AbortController().signal, silenceMs: 600_000 };
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
  const [small, large] = [join(root, 'small'), join(root, 'large')];
  makeSmall(small);
  makeLarge(large);
  // Times of files must lie before the snapshot, and clocks tick.
  await delay(2500);
  process.stdout.write(
    `| what | ${methods.map(({ name }) => name).join(' | ')} |\n|---|${'---|'.repeat(methods.length)}\n`,
  );
  for (const [source, what, unit, amount] of [
    [small, `${files.toLocaleString('en')} small files`, 'files/s', files],
    [large, `one file of ${largeBytes / MiB} MiB`, 'MiB/s', largeBytes / MiB],
  ] as const) {
    const seconds = methods.map((): [number[], number[]] => [[], []]);
    for (let turn = 0; turn < turns; turn++)
      for (const [n, method] of methods.entries()) {
        const [whole, again] = await timed(root, source, method);
        seconds[n]?.[0].push(whole);
        if (again !== undefined) seconds[n]?.[1].push(again);
      }
    const ours = median(seconds[0]?.[0] ?? []);
    const rate = (found: number): string =>
      `${Math.round(amount / found).toLocaleString('en')} ${unit} (ours: ${(found / ours).toFixed(2)})`;
    const told = seconds.map(([whole]) => rate(median(whole)));
    process.stdout.write(`| ${what} | ${told.join(' | ')} |\n`);
    const unchanged = seconds.map(([, again]) => (again.length === 0 ? '' : `${Math.round(median(again) * 1000)} ms`));
    process.stdout.write(`| … once more, unchanged | ${unchanged.join(' | ')} |\n`);
  }
  const peak = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`\nMemory of this process with both threads, at most: ${peak} MiB\n`);
});

/** @returns seconds, of all of it and of nothing */
async function timed(root: string, source: string, method: Method): Promise<[number, number | undefined]> {
  const sink = join(root, 'sink');
  mkdirSync(sink);
  const took = async (carry: Carry): Promise<number> => {
    const began = performance.now();
    await carry(source, sink);
    return (performance.now() - began) / 1000;
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

function makeSmall(path: string): void {
  const inFolder = 200;
  for (let n = 0; n < files; n++) {
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
