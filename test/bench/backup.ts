/**
 * `npm run bench:backup`: a folder backed up into another folder, beside `tar | gzip | openssl` of the same folder into a
 * file, both synced to the disk, in turns; then the same folder once more, when nothing has changed. `-- --quick` for a
 * look. To reach: not slower than the pipe, which neither reads back what it wrote nor stores anything only once.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backup } from '#io/devices/backup/backup.ts';
import { initRepository, type Repository } from '#io/devices/backup/repository.ts';
import { openBackup } from '#io/devices/backup/restore.ts';
import { openDirStore } from '#io/devices/backup/store/dir.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { packTree } from '#io/devices/tree/archive.ts';
import { atEnd, runBenchmark } from './program.ts';
import { lineOf, median } from './table.ts';

const isQuick = process.argv.includes('--quick');
const mib = isQuick ? 64 : 512;
const turns = isQuick ? 1 : 3;
const { signal } = new AbortController();
const encryption = ['enc', '-aes-256-ctr', '-K', '00'.repeat(32), '-iv', '00'.repeat(16)];

await runBenchmark(async () => {
  const root = await mkdtemp(join(tmpdir(), 'floatlab-bench-backup-'));
  atEnd(async () => rmSync(root, { recursive: true }));
  process.stdout.write('| what | FloatLab | beside |\n|---|---|---|\n');
  for (const [name, what] of [
    ['text', 'a backup of text'],
    ['noise', 'a backup of what is compressed already'],
  ] as const) {
    const volume = join(root, name);
    make(volume, name);
    const [first, again, back, pipes]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let turn = 0; turn < turns; turn++) {
      const place = join(root, 'store');
      mkdirSync(place);
      const repository = await initRepository(
        {
          store: await openDirStore(place, signal),
          key: randomBytes(32),
          clock: realClock,
          random: realRandom,
          by: 'bench',
        },
        signal,
      );
      first.push(await timed(() => take(repository, volume, 'first')));
      again.push(await timed(() => take(repository, volume, 'again')));
      back.push(await timed(() => bring(repository)));
      rmSync(place, { recursive: true });
      pipes.push(await timed(() => pipe(volume, join(root, 'pipe'))));
    }
    const peer = { peer: median(pipes), peerIs: 'tar, gzip, openssl' };
    process.stdout.write(`${lineOf({ what, value: median(first), unit: 'MiB/s', ...peer })}\n`);
    process.stdout.write(`${lineOf({ what: `${what}, once more`, value: median(again), unit: 'MiB/s', ...peer })}\n`);
    process.stdout.write(`${lineOf({ what: `${what}, restored`, value: median(back), unit: 'MiB/s' })}\n`);
    rmSync(volume, { recursive: true });
  }
});

async function take(repository: Repository, volume: string, id: string): Promise<void> {
  const subject = { lab: 'bench', volume: 'bench', snapshot: { guid: id, takenAt: 0 } };
  await backup(repository, { id, subject, startedAt: 0, content: packTree(volume, [], signal) }, signal);
}

async function bring(repository: Repository): Promise<void> {
  const { content } = await openBackup(repository, 'first', signal);
  for await (const _ of content());
}

async function pipe(volume: string, to: string): Promise<void> {
  const out = openSync(to, 'w');
  const tar = spawn(
    'tar',
    ['--create', '--format=posix', '--sparse', '--xattrs', '--acls', '--numeric-owner', '-C', volume, '.'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const gzip = spawn('gzip', ['-c'], { stdio: [tar.stdout, 'pipe', 'ignore'] });
  const encrypted = spawn('openssl', encryption, { stdio: [gzip.stdout, out, 'ignore'] });
  await once(encrypted, 'exit');
  closeSync(out);
  await once(spawn('sync', ['--file-system', to], { stdio: 'ignore' }), 'exit');
}

/** @returns MiB of the volume for each second */
async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return mib / ((performance.now() - began) / 1000);
}

function make(path: string, name: 'text' | 'noise'): void {
  mkdirSync(path);
  for (let file = 0; file < 16; file++) {
    const fd = openSync(join(path, `file-${file}`), 'w');
    for (let piece = 0; piece < mib / 16; piece++)
      writeSync(fd, name === 'noise' ? randomBytes(2 ** 20) : Buffer.from(text()));
    closeSync(fd);
  }
}

/** Lines as logs have them: some of it is new in each. */
function text(): string {
  const noise = randomBytes(2 ** 17).toString('hex');
  let lines = '';
  for (let at = 0; lines.length < 2 ** 20; at += 12)
    lines += `2026-01-02T03:04:05Z INFO request ${noise.slice(at % noise.length, (at % noise.length) + 12)} served\n`;
  return lines.slice(0, 2 ** 20);
}
