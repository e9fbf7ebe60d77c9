/**
 * How long the event log takes to open with a million events, each an entry of its own: the case with the most
 * records. Beside it, the bare database reading the same range.
 *
 *   npx tsx test/bench/open-log.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Entry, StreamId } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { openLevel } from '#io/stores/level.ts';

export interface OpenRow {
  readonly what: string;
  readonly events: number;
  readonly ms: number;
}

/** Every snapshot is a stream of its own, so there are many. */
const streams = 100_000;

export async function benchOpenLog(events = 1_000_000): Promise<readonly OpenRow[]> {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-bench-'));
  try {
    const heads = await fill(dir, events);
    const rows: OpenRow[] = [];
    const time = async (what: string, run: () => Promise<void>) => {
      const from = performance.now();
      await run();
      rows.push({ what, events, ms: performance.now() - from });
    };
    // The first opening writes what was in the write-ahead file into tables.
    await (await openIn(dir)).close();
    await time('open, heads from the state database', async () => (await openIn(dir, heads, events)).close());
    await time('open, heads from the log alone', async () => (await openIn(dir)).close());
    await time('bare database, every entry', async () => {
      const store = await openLevel(join(dir, 'log'));
      let count = 0;
      for await (const slice of store.range({})) count += slice.length;
      if (count !== events + 1) throw new Error(`${count} records instead of ${events + 1}`);
      await store.close();
    });
    const log = await openIn(dir, heads, events);
    await time('read and unpack all', async () => {
      let count = 0;
      for await (const slice of log.read(0 as never, log.head)) count += slice.length;
      if (count !== events) throw new Error(`${count} events instead of ${events}`);
    });
    await log.close();
    return rows;
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function fill(dir: string, events: number): Promise<Map<StreamId, number>> {
  const log = await openIn(dir);
  const { signal } = new AbortController();
  const heads = new Map<StreamId, number>();
  for (let n = 0; n < events; n += 2000) {
    const entries = Array.from({ length: Math.min(2000, events - n) }, (_, i) => entryOf(n + i));
    await Promise.all(entries.map((entry) => log.append(entry, signal)));
    for (const { drafts } of entries) {
      for (const { stream } of drafts) heads.set(stream, (heads.get(stream) ?? 0) + 1);
    }
  }
  await log.close();
  return heads;
}

/** About 250 bytes, with as much chance in it as ids and paths bring. */
function entryOf(n: number): Entry {
  const stream: StreamId = `snapshot:k3v9q0${n % streams}`;
  return {
    command: realRandom.id(),
    by: 'policy:placement',
    cause: realRandom.id(),
    correlation: realRandom.id(),
    at: 1_700_000_000_000 + n,
    expect: [],
    drafts: [
      {
        stream,
        type: 'volume.provisioned',
        schema: 1,
        data: { dataset: `tank/floatlab/${realRandom.id()}`, path: `/var/lib/floatlab/volumes/${realRandom.id()}` },
      },
    ],
  };
}

async function openIn(dir: string, heads: ReadonlyMap<StreamId, number> = new Map(), headsAt = 0): Promise<EventLog> {
  return openSingleLog({
    store: await openLevel(join(dir, 'log')),
    watermark: await openWatermark(join(dir, 'watermark')),
    clock: realClock,
    random: realRandom,
    heads,
    headsAt,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const rows = await benchOpenLog();
  console.table(rows.map(({ what, events, ms }) => ({ what, events, ms: Math.round(ms) })));
}
