/**
 * How fast the event log takes entries, beside the bare database in the same run.
 *
 * The log: n writers, each of which appends its next entry when the last one is durable. The bare database: batches
 * of n values of the same size, synced, one after another; more cannot be had from it. Both on the disk that holds
 * the directory for temporary files.
 *
 *   npx tsx test/bench/append.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Level } from 'level';
import type { Entry } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { keyOf, makeRecord, packEntry } from '#io/log/codec.ts';
import type { EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { openLevel } from '#io/stores/level.ts';

export interface AppendRow {
  readonly writers: number;
  readonly logPerSecond: number;
  readonly logP50Ms: number;
  readonly logP99Ms: number;
  /** The bare database, by its `batch([...])`. */
  readonly levelArrayPerSecond: number;
  /** The bare database, by its chained batch, which is the faster one. */
  readonly levelChainedPerSecond: number;
}

const valueBytes = 256;

export async function benchAppend(durationMs = 2000): Promise<readonly AppendRow[]> {
  const rows: AppendRow[] = [];
  for (const writers of [1, 64, 256]) {
    const dir = await mkdtemp(join(tmpdir(), 'floatlab-bench-'));
    try {
      const levelArrayPerSecond = await bareLevel(join(dir, 'array'), byArray, writers, durationMs);
      const levelChainedPerSecond = await bareLevel(join(dir, 'chained'), byChain, writers, durationMs);
      const log = await eventLog(join(dir, 'log'), writers, durationMs);
      rows.push({ writers, ...log, levelArrayPerSecond, levelChainedPerSecond });
    } finally {
      await rm(dir, { recursive: true });
    }
  }
  return rows;
}

type Db = Level<Uint8Array, Uint8Array>;
type Put = readonly [key: Uint8Array, value: Uint8Array];

const byArray = (db: Db, puts: readonly Put[]): Promise<void> =>
  db.batch(
    puts.map(([key, value]) => ({ type: 'put', key, value })),
    { sync: true },
  );

const byChain = (db: Db, puts: readonly Put[]): Promise<void> => {
  const batch = db.batch();
  for (const [key, value] of puts) batch.put(key, value);
  return batch.write({ sync: true });
};

async function bareLevel(dir: string, write: typeof byArray, size: number, durationMs: number): Promise<number> {
  const db: Db = new Level(dir, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: 32 * 1024 * 1024,
  });
  await db.open();
  let count = 0;
  const run = async (endAt: number) => {
    while (performance.now() < endAt) {
      const puts = Array.from({ length: size }, (): Put => {
        const value = new Uint8Array(valueBytes).fill(count);
        return [keyOf(++count), value];
      });
      await write(db, puts);
    }
  };
  await run(performance.now() + durationMs / 10);
  const warm = count;
  const from = performance.now();
  await run(from + durationMs);
  const perSecond = ((count - warm) * 1000) / (performance.now() - from);
  await db.close();
  return perSecond;
}

async function eventLog(
  dir: string,
  writers: number,
  durationMs: number,
): Promise<Pick<AppendRow, 'logPerSecond' | 'logP50Ms' | 'logP99Ms'>> {
  const log = await openSingleLog({
    store: await openLevel(dir),
    watermark: await openWatermark(`${dir}.watermark`),
    clock: realClock,
    random: realRandom,
  });
  await Promise.all(writersOf(log, writers, performance.now() + durationMs / 10, []));
  const latencies: number[] = [];
  const from = performance.now();
  await Promise.all(writersOf(log, writers, from + durationMs, latencies));
  const perSecond = (latencies.length * 1000) / (performance.now() - from);
  await log.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { logPerSecond: perSecond, logP50Ms: at(0.5), logP99Ms: at(0.99) };
}

let run = 0;

function writersOf(log: EventLog, writers: number, endAt: number, latencies: number[]): Promise<void>[] {
  run++;
  return Array.from({ length: writers }, async (_, writer) => {
    const { signal } = new AbortController();
    for (let n = 0; performance.now() < endAt; n++) {
      const from = performance.now();
      const answer = await log.append(entryOf(writer, n), signal);
      if ('conflict' in answer) throw new Error(`unexpected conflict on ${answer.conflict}`);
      latencies.push(performance.now() - from);
    }
  });
}

/** Of `valueBytes` as a record, checked against the version that its writer knows. */
function entryOf(writer: number, n: number): Entry {
  const stream = `operation:bench-${run}-${writer}` as const;
  const base = (text: string): Entry => ({
    command: `${run}-${writer}-${n}`,
    by: 'user:bench',
    cause: 'bench',
    correlation: 'bench',
    at: 1_700_000_000_000 + n,
    expect: [[stream, n]],
    drafts: [{ stream, type: 'operation.failed', schema: 1, data: { problem: { code: 'BENCH', message: text } } }],
  });
  filler ??= 'x'.repeat(valueBytes - sizeOf(base('x'.repeat(64))) + 64);
  return base(filler);
}
let filler: string | undefined;

const sizeOf = (entry: Entry): number => makeRecord(keyOf(1), [1], packEntry(entry)).length;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rows = await benchAppend();
  console.table(
    rows.map((row) => ({
      writers: row.writers,
      'log appends/s': Math.round(row.logPerSecond),
      'p50 ms': row.logP50Ms.toFixed(2),
      'p99 ms': row.logP99Ms.toFixed(2),
      'level batch([])/s': Math.round(row.levelArrayPerSecond),
      'level chained/s': Math.round(row.levelChainedPerSecond),
      'of chained': (row.logPerSecond / row.levelChainedPerSecond).toFixed(2),
    })),
  );
}
