/** A start with a long log: from the state database, and folding everything again. Real LevelDB in a private folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { asIndex } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { RunningLab } from '#io/lab/running.ts';
import { StateDatabase } from '#io/lab/state.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { memoryBlobs } from '#io/stores/blobs.ts';
import { openLevel } from '#io/stores/level.ts';
import { entriesOf } from './history.ts';
import type { Row } from './table.ts';

interface Opened {
  readonly lab: RunningLab;
  close(): Promise<void>;
}

async function open(dir: string): Promise<Opened> {
  const state = new StateDatabase(await openLevel(join(dir, 'state')), 'bench');
  const folded = await state.load();
  const eventLog = await openSingleLog({
    store: await openLevel(join(dir, 'log')),
    watermark: await openWatermark(join(dir, 'watermark')),
    heads: folded.lab.versions(),
    headsAt: folded.lab.index,
    clock: realClock,
    random: realRandom,
  });
  const parts = {
    eventLog,
    state,
    folded,
    blobs: memoryBlobs(),
    clock: realClock,
    random: realRandom,
    log: pino({ level: 'silent' }),
  };
  const lab = await RunningLab.open({
    ...parts,
    onBroken: (error) => {
      throw error;
    },
  });
  return {
    lab,
    close: async () => {
      await lab.close();
      await eventLog.close();
      await state.close();
    },
  };
}

async function fill(dir: string, events: number): Promise<void> {
  const log = await openSingleLog({
    store: await openLevel(join(dir, 'log')),
    watermark: await openWatermark(join(dir, 'watermark')),
    clock: realClock,
    random: realRandom,
  });
  const { signal } = new AbortController();
  let batch: Promise<unknown>[] = [];
  for (const entry of entriesOf(events)) {
    batch.push(log.append(entry, signal));
    if (batch.length === 2000) {
      await Promise.all(batch);
      batch = [];
    }
  }
  await Promise.all(batch);
  await log.close();
}

const timed = async <T>(act: () => Promise<T>): Promise<readonly [T, number]> => {
  const began = performance.now();
  const result = await act();
  return [result, (performance.now() - began) / 1000];
};

export async function benchStart(events = 1_000_000): Promise<Row[]> {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-bench-'));
  try {
    await fill(dir, events);
    const [first, refold] = await timed(() => open(dir));
    const total = first.lab.index;
    const [, past] = await timed(() => first.lab.rowsAt('volumes', asIndex(Math.floor(total * 0.77))));
    await first.close();
    const [again, warm] = await timed(() => open(dir));
    await again.close();
    return [
      { what: `start with ${total} events, from the state database`, value: warm, unit: 's' },
      { what: `start with ${total} events, folding all again`, value: refold, unit: 's' },
      { what: 'the same, as a rate', value: total / refold, unit: 'events/s' },
      { what: 'a view at a past index of that log', value: past, unit: 's' },
    ];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
