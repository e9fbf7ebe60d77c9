/**
 * Snapshots and history on a real disk, beside a bare copy of the same bytes: read, written, hashed (SHA-256) and synced
 * by the same process, in pieces of the same size. By turns, medians. On the disk that holds temporary files.
 *
 *   npx tsx test/bench/snapshots.ts [--quick]
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer } from '#events/raft/entry.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { fetchMissing } from '#io/log/raft/history/fetch.ts';
import { firstHead } from '#io/log/raft/history/head.ts';
import { beginHistory } from '#io/log/raft/history/open.ts';
import type { HistoryEntry } from '#io/log/raft/history/segment.ts';
import { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { median, type Row } from './table.ts';

const rowBytes = 300;
const entryBytes = 256;
const batch = 64;
const pieceBytes = 256 * 1024;
const meta = { index: 1_000_000, term: 7, configuration: configurationOf(['a', 'b', 'c'].map(asPeer)) };

export async function benchSnapshots(bytes: number, runs: number): Promise<Row[]> {
  const speeds = new Map<string, number[]>();
  for (let run = 0; run <= runs; run++) {
    for (const [what, megabytesPerSecond] of await measure(bytes)) {
      // The first warms up.
      if (run > 0) speeds.set(what, [...(speeds.get(what) ?? []), megabytesPerSecond]);
    }
  }
  const speed = (what: string): number => median(speeds.get(what) ?? []);
  const row = (what: string, peerIs: string): Row => ({
    what,
    value: speed(what),
    unit: 'MB/s',
    peer: speed(peerIs),
    peerIs,
  });
  return [
    row('snapshot: write', 'bare copy, SHA-256, fsync'),
    row('snapshot: send and receive', 'bare copy, SHA-256, fsync'),
    row('snapshot: read the rows', 'bare read, SHA-256'),
    row('snapshot: verify', 'bare read, SHA-256'),
    row('history: append, synced when sealed', 'bare copy, SHA-256, fsync'),
    row('history: fetch from a peer', 'bare copy, SHA-256, fsync'),
    row('history: read the entries', 'bare read, SHA-256'),
    row('history: verify', 'bare read, SHA-256'),
  ];
}

async function measure(bytes: number): Promise<(readonly [what: string, megabytesPerSecond: number])[]> {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-bench-'));
  const results: (readonly [string, number])[] = [];
  let sizeBytes = bytes;
  const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    results.push([what, sizeBytes / 1000 / (performance.now() - began)]);
    return result;
  };
  try {
    const sending = await SnapshotFiles.open(await openDirectory(join(dir, 'sending')));
    const receiving = await SnapshotFiles.open(await openDirectory(join(dir, 'receiving')));
    const pointer = await timed('snapshot: write', () => sending.write(meta, rows(bytes)));
    sizeBytes = pointer.sizeBytes;
    const file = join(dir, 'sending', pointer.file);
    await timed('bare copy, SHA-256, fsync', () => bareCopy(file, join(dir, 'copy')));
    await timed('snapshot: send and receive', () => transfer(sending, receiving, pointer));
    await timed('bare read, SHA-256', () => bareRead(file));
    await timed('snapshot: verify', () => sending.verify(pointer));
    await timed('snapshot: read the rows', () => drain(sending.read(pointer)));
    await sending.close();
    await receiving.close();

    const batches = historyBatches(bytes);
    const { history } = await beginHistory(await openDirectory(join(dir, 'history')), firstHead);
    await timed('history: append, synced when sealed', async () => {
      for (const entries of batches) await history.append(entries);
      await history.sync();
    });
    await timed('history: verify', () => history.verify());
    await timed('history: read the entries', () => drain(history.read(0, history.last)));
    const head = await history.at(history.last);
    const joined = await beginHistory(await openDirectory(join(dir, 'joined')), head);
    const { signal } = new AbortController();
    await timed('history: fetch from a peer', () =>
      fetchMissing(joined.history, [history.source('peer')], { clock: realClock, signal }),
    );
    if (joined.history.missing().length > 0) throw new Error('not everything was fetched');
    await history.close();
    await joined.history.close();
    return results;
  } finally {
    await rm(dir, { recursive: true });
  }
}

const someRows = Array.from({ length: 1000 }, (_, row) => new Uint8Array(rowBytes).fill(row));

async function* rows(bytes: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = bytes; left > 0;) {
    for (const row of someRows) yield row;
    left -= someRows.length * rowBytes;
  }
}

function historyBatches(bytes: number): readonly (readonly HistoryEntry[])[] {
  const count = Math.floor(bytes / entryBytes / batch);
  return Array.from({ length: count }, (_, at) =>
    Array.from({ length: batch }, (__, i) => {
      const index = at * batch + i + 1;
      return { index, term: 1, bytes: new Uint8Array(entryBytes).fill(index) };
    }),
  );
}

async function transfer(
  sending: SnapshotFiles,
  receiving: SnapshotFiles,
  pointer: Parameters<SnapshotFiles['receive']>[0],
): Promise<void> {
  const receiver = await receiving.receive(pointer);
  if ('refused' in receiver) throw new Error(receiver.explain);
  for await (const chunk of sending.sendFrom(pointer, receiver.offset)) {
    const refusal = await receiver.take(chunk);
    if (refusal) throw new Error(refusal.explain);
  }
  const outcome = await receiver.finish();
  if ('refused' in outcome) throw new Error(outcome.explain);
}

async function drain(slices: AsyncIterable<readonly unknown[]>): Promise<number> {
  let count = 0;
  for await (const slice of slices) count += slice.length;
  return count;
}

async function bareCopy(from: string, to: string): Promise<void> {
  const hash = createHash('sha256');
  const target = await open(`${to}.new`, 'w');
  await eachPiece(from, async (piece) => {
    const writing = target.write(piece);
    hash.update(piece);
    await writing;
  });
  hash.digest();
  await target.sync();
  await target.close();
  await rename(`${to}.new`, to);
}

async function bareRead(from: string): Promise<void> {
  const hash = createHash('sha256');
  await eachPiece(from, async (piece) => void hash.update(piece));
  hash.digest();
}

async function eachPiece(from: string, work: (piece: Uint8Array) => Promise<void>): Promise<void> {
  const source = await open(from, 'r');
  const piece = new Uint8Array(pieceBytes);
  for (;;) {
    const { bytesRead } = await source.read(piece, 0, pieceBytes);
    if (bytesRead === 0) break;
    await work(piece.subarray(0, bytesRead));
  }
  await source.close();
}

if (process.argv[1] === import.meta.filename) {
  const [bytes, runs] = process.argv.includes('--quick') ? [32_000_000, 3] : [192_000_000, 7];
  console.log('| what | MB/s | beside | MB/s | ratio |');
  console.log('| ---- | ---: | ------ | ---: | ----: |');
  for (const { what, value, peer = Number.NaN, peerIs = '' } of await benchSnapshots(bytes, runs))
    console.log(`| ${what} | ${Math.round(value)} | ${peerIs} | ${Math.round(peer)} | ${(value / peer).toFixed(2)} |`);
}
