/**
 * `npm run bench:tree-stream`: 100,000 small files, and one large file, from one process to another as a stream of a tree,
 * beside `tar -c | tar -x` of the same files with the same attributes, to the disk, in turns. `-- --quick` for a look.
 * To reach: half of tar, which neither checks what arrives nor takes a digest of the tree.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Call } from '#io/devices/call.ts';
import { receiveTree } from '#io/devices/tree-stream/receive.ts';
import { sendTree } from '#io/devices/tree-stream/send.ts';
import { atEnd, runBenchmark } from './program.ts';
import { median } from './table.ts';

const isQuick = process.argv.includes('--quick');
const files = isQuick ? 10_000 : 100_000;
const largeBytes = (isQuick ? 128 : 1024) * 2 ** 20;
const turns = isQuick ? 1 : 3;
const call: Call = { signal: new AbortController().signal, timeoutMs: 600_000, progress: () => undefined };
const id = 'bench';

const [role, folder] = process.argv.slice(2);
if (role === 'send' && folder !== undefined) await sendTo(folder);
else await runBenchmark(compare);

async function sendTo(source: string): Promise<void> {
  for await (const chunk of sendTree({ target: { path: source, id } }, call))
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}

async function compare(): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'floatlab-bench-tree-'));
  atEnd(async () => rmSync(root, { recursive: true }));
  const [small, large] = [join(root, 'small'), join(root, 'large')];
  makeSmall(small);
  makeLarge(large);
  process.stdout.write('| what | tree stream | tar | ratio, median of pairs |\n|---|---|---|---|\n');
  for (const [source, what, unit, amount] of [
    [small, `${files.toLocaleString('en')} small files`, 'files/s', files],
    [large, `one file of ${largeBytes / 2 ** 20} MiB`, 'MiB/s', largeBytes / 2 ** 20],
  ] as const) {
    const [ours, tars]: [number[], number[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      ours.push(amount / (await timed(root, (sink) => stream(source, sink))));
      tars.push(amount / (await timed(root, (sink) => tar(source, sink))));
    }
    const ratio = median(ours.map((rate, turn) => rate / (tars[turn] ?? Number.NaN)));
    const shown = [median(ours), median(tars)].map((rate) => `${Math.round(rate).toLocaleString('en')} ${unit}`);
    process.stdout.write(`| ${what} | ${shown.join(' | ')} | ${ratio.toFixed(2)} |\n`);
  }
}

async function stream(source: string, sink: string): Promise<void> {
  const sender = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), 'send', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await receiveTree(sender.stdout, { into: sink, ids: { base: undefined, target: id } }, call);
}

async function tar(source: string, sink: string): Promise<void> {
  const keep = ['--format=pax', '--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
  const from = spawn('tar', ['--create', ...keep, '--sparse', '-C', source, '.'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const to = spawn('tar', ['--extract', ...keep, '-C', sink], { stdio: [from.stdout, 'ignore', 'ignore'] });
  await ended(to);
  await ended(spawn('sync', ['--file-system', sink], { stdio: 'ignore' }));
}

async function ended(child: ReturnType<typeof spawn>): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnfile} ended with ${code}`);
}

/** @returns seconds */
async function timed(root: string, work: (sink: string) => Promise<void>): Promise<number> {
  const sink = join(root, 'sink');
  mkdirSync(sink);
  const began = performance.now();
  await work(sink);
  const seconds = (performance.now() - began) / 1000;
  rmSync(sink, { recursive: true });
  return seconds;
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
  const piece = Buffer.alloc(2 ** 20);
  for (let at = 0; at < largeBytes; at += piece.length) {
    for (let n = 0; n < piece.length; n += 512) piece.writeUInt32LE(at + n + 1, n);
    writeSync(fd, piece);
  }
  closeSync(fd);
}
