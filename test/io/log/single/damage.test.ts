/** Damage below the event log, done to real files of LevelDB: it never opens silently shorter or different. */
import { cp, mkdtemp, open, readFile, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asIndex, type StreamId } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { LogError, type EventLog } from '#io/log/port.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { openLevel } from '#io/stores/level.ts';
import { StoreError } from '#io/stores/port.ts';
import { entryFor, never } from '#test/io/log/entries.ts';

const streams: readonly StreamId[] = ['volume:a', 'volume:b', 'volume:c'];
let root: string;
/** The same 900 events: in LevelDB's write-ahead file, and in a table. */
let inLogFile: string;
let inTable: string;
let whole: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floatlab-damage-'));
  inLogFile = join(root, 'in-log-file');
  inTable = join(root, 'in-table');
  const log = await openIn(inLogFile);
  for (let i = 0; i < 30; i++) {
    await Promise.all(
      Array.from({ length: 10 }, (_, n) => log.append(entryFor(streams, { text: `event ${i} ${n}` }), never)),
    );
  }
  whole = await contentOf(log);
  await log.close();
  await cp(inLogFile, inTable, { recursive: true });
  await (await openIn(inTable)).close();
  expect(await filesIn(inLogFile, '.ldb')).toEqual([]);
  expect(await filesIn(inTable, '.ldb')).toHaveLength(1);
});
afterAll(() => rm(root, { recursive: true }));

const cases = [
  { files: '.log', at: () => inLogFile },
  { files: '.ldb', at: () => inTable },
  { files: 'MANIFEST', at: () => inTable },
  { files: 'CURRENT', at: () => inTable },
];

describe.each(cases)('Of a log whose events are in a file $files', { timeout: 60_000 }, ({ files, at }) => {
  test('no flipped bit goes unnoticed unless everything is still there', async () => {
    const random = seededRandom(5);
    let refused = 0;
    for (let i = 0; i < 40; i++) {
      refused += await outcomeOf(at(), files, async (file) => {
        const size = (await stat(file)).size;
        await flip(file, random.below(size * 8));
      });
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('no missing end goes unnoticed', async () => {
    const random = seededRandom(6);
    let refused = 0;
    for (let i = 0; i < 15; i++) {
      refused += await outcomeOf(at(), files, async (file) => truncate(file, random.below((await stat(file)).size)));
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('a deleted file is noticed', async () => {
    expect(await outcomeOf(at(), files, (file) => rm(file))).toBe(1);
  });
});

test('an emptied database is noticed, and the error says what is lost and what to do', async () => {
  const dir = await copyOf(inTable);
  await rm(join(dir, 'log'), { recursive: true });
  await expect(openIn(dir)).rejects.toMatchObject({
    code: 'SHORTENED',
    message: expect.stringContaining('at least 900 events'),
    hint: expect.stringContaining('backup'),
  });
});

test('a lost watermark is noticed once there are events', async () => {
  const dir = await copyOf(inTable);
  await rm(join(dir, 'watermark'));
  await expect(openIn(dir)).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining('watermark') });
});

test('the watermark of another log is noticed', async () => {
  const dir = await copyOf(inTable);
  const other = join(root, 'other');
  await (await openIn(other)).close();
  await cp(join(other, 'watermark'), join(dir, 'watermark'));
  await expect(openIn(dir)).rejects.toMatchObject({
    code: 'DAMAGED',
    message: expect.stringContaining('belongs to the log'),
  });
});

test('a refused log is left as it was: a second attempt says the same', async () => {
  const dir = await copyOf(inTable);
  const [table] = await filesIn(dir, '.ldb');
  await flip(table as string, 8 * 5000);
  const first = await openIn(dir).catch((error: unknown) => error);
  expect(first).toBeInstanceOf(LogError);
  await expect(openIn(dir)).rejects.toThrow((first as LogError).message);
});

/** @returns 1 when opening was refused, 0 when everything was still there; anything else fails the test */
async function outcomeOf(from: string, files: string, damage: (file: string) => Promise<unknown>): Promise<number> {
  const dir = await copyOf(from);
  try {
    const [file] = await filesIn(dir, files);
    await damage(file as string);
    const log = await openIn(dir);
    const content = await contentOf(log);
    await log.close();
    expect(content).toBe(whole);
    return 0;
  } catch (error) {
    if (!(error instanceof LogError || error instanceof StoreError)) throw error;
    expect(error.hint).toMatch(/\w/);
    return 1;
  } finally {
    await rm(dir, { recursive: true });
  }
}

let copies = 0;
async function copyOf(from: string): Promise<string> {
  const dir = join(root, `copy-${++copies}`);
  await cp(from, dir, { recursive: true });
  return dir;
}

async function openIn(dir: string): Promise<EventLog> {
  const store = await openLevel(join(dir, 'log'));
  const watermark = await openWatermark(join(dir, 'watermark'));
  try {
    return await openSingleLog({ store, watermark, clock: realClock, random: realRandom });
  } catch (error) {
    await store.close();
    await watermark.close();
    throw error;
  }
}

async function contentOf(log: EventLog): Promise<string> {
  const events: unknown[] = [];
  for await (const slice of log.read(asIndex(0), log.head)) events.push(...slice);
  return JSON.stringify(events);
}

async function filesIn(dir: string, part: string): Promise<string[]> {
  const names = await readdir(join(dir, 'log'));
  const found = names.filter((name) => name.includes(part)).map((name) => join(dir, 'log', name));
  const sizes = await Promise.all(found.map(async (path) => (await stat(path)).size));
  return found.filter((_, i) => (sizes[i] as number) > 0);
}

async function flip(file: string, bit: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  const handle = await open(file, 'r+');
  await handle.write(bytes);
  await handle.close();
}
