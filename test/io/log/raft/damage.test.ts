/** Damage below the durable log, done to real files of LevelDB: it is never opened silently shorter or different. */
import { cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import { createStorage, openStorage } from '#io/log/raft/open.ts';
import { openDirectory } from '#io/stores/directory-real.ts';
import { openLevel } from '#io/stores/level.ts';
import { judgeOpened, judgeRefusal, type Outcome } from './law.ts';
import { deedOf, firstConfiguration, identity, nothing, storyOf, type Known } from './member.ts';

let root: string;
/** The same story: killed, with everything in LevelDB's write-ahead file; and opened again, with everything in a table. */
let inLogFile: string;
let inTable: string;
let known: Known;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'floatlab-raft-damage-'));
  inLogFile = join(root, 'in-log-file');
  inTable = join(root, 'in-table');
  const parts = await partsIn(join(root, 'first'));
  const { storage } = await createStorage(parts, identity, firstConfiguration);
  known = nothing;
  for (const step of storyOf(3, 150)) {
    const deed = deedOf(known, step);
    await deed?.run(storage);
    known = deed?.next ?? known;
  }
  // The last note is written while the caller goes on.
  await new Promise((resolve) => setTimeout(resolve, 100));
  // As a killed process leaves it: LevelDB does nothing more when it is closed, the log would sync its watermark.
  await cp(join(root, 'first'), inLogFile, { recursive: true });
  await storage.close();
  await cp(join(root, 'first'), inTable, { recursive: true });
  await (await openStorage(await partsIn(inTable))).storage.close();
  expect(known.last.index).toBeGreaterThan(50);
  expect(await filesIn(inLogFile, '.ldb')).toEqual([]);
  expect((await filesIn(inTable, '.ldb')).length).toBeGreaterThan(0);
}, 60_000);
afterAll(() => rm(root, { recursive: true }));

test('what a killed process leaves is all there', async () => {
  expect(await outcomeOf(inLogFile, '.log', async () => undefined)).toBe('exact');
  expect(await outcomeOf(inTable, '.ldb', async () => undefined)).toBe('exact');
});

const cases = [
  { files: '.log', at: () => inLogFile, noticed: ['suspect'] },
  { files: '.ldb', at: () => inTable, noticed: ['suspect', 'refused'] },
  { files: 'MANIFEST', at: () => inTable, noticed: ['suspect', 'refused'] },
  { files: 'CURRENT', at: () => inTable, noticed: ['suspect', 'refused'] },
] as const;

describe.each(cases)('Of a log whose entries are in a file $files', { timeout: 120_000 }, ({ files, at, noticed }) => {
  const count = (outcomes: readonly Outcome[]) =>
    outcomes.filter((outcome) => noticed.some((one) => one === outcome)).length;

  test('no flipped bit goes unnoticed unless everything is still there', async () => {
    const random = seededRandom(5);
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 25; i++) {
      const flip = async (file: string) => flipBit(file, random.below((await stat(file)).size * 8));
      outcomes.push(await outcomeOf(at(), files, flip));
    }
    expect(count(outcomes)).toBeGreaterThan(0);
  });

  test('no missing end goes unnoticed', async () => {
    const random = seededRandom(6);
    const outcomes: Outcome[] = [];
    for (let i = 0; i < 14; i++) {
      // Some of them short: the last record alone.
      const cut = async (file: string) => {
        const { size } = await stat(file);
        await truncate(file, size - 1 - random.below(i % 2 === 0 ? Math.min(50, size) : size));
      };
      outcomes.push(await outcomeOf(at(), files, cut));
    }
    expect(count(outcomes)).toBeGreaterThan(files === '.log' ? 10 : 0);
  });

  test('a deleted file is noticed', async () => {
    expect(count([await outcomeOf(at(), files, (file) => rm(file))])).toBe(1);
  });
});

test('a database that was deleted, or is that of an earlier day, makes a suspect that knows how far it went', async () => {
  const dir = await copyOf(inTable);
  await rm(join(dir, 'raft'), { recursive: true });
  const opened = await openStorage(await partsIn(dir));
  expect(judgeOpened(opened, known)).toBe('suspect');
  expect(opened.start.entries).toEqual([]);
  await opened.storage.close();
});

describe('Of the files beside the database', () => {
  test('no flipped bit and no missing end does harm', async () => {
    const random = seededRandom(7);
    for (const name of ['watermark', 'identity']) {
      const whole = await readFile(join(inTable, 'files', name));
      for (let i = 0; i < 12; i++) {
        const dir = await copyOf(inTable);
        const path = join(dir, 'files', name);
        // The watermark has much that is empty.
        if (i % 2 === 0) await flipBit(path, 8 * (name === 'watermark' ? 4096 * (i % 3) : 0) + random.below(8 * 40));
        else await writeFile(path, whole.subarray(0, random.below(whole.length)));
        expect(['exact', 'suspect']).toContain(await judgedIn(dir));
      }
    }
  });

  test('a deleted watermark makes a suspect', async () => {
    const dir = await copyOf(inTable);
    await rm(join(dir, 'files', 'watermark'));
    expect(await judgedIn(dir)).toBe('suspect');
  });
});

async function outcomeOf(from: string, files: string, damage: (file: string) => Promise<unknown>): Promise<Outcome> {
  const dir = await copyOf(from);
  try {
    const [file] = await filesIn(dir, files);
    await damage(file as string);
    return await judgedIn(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function judgedIn(dir: string): Promise<Outcome> {
  try {
    const { store, directory } = await partsIn(dir);
    try {
      return judgeOpened(await openStorage({ store, directory }), known);
    } finally {
      await store.close();
      await directory.close();
    }
  } catch (error) {
    return judgeRefusal(error);
  }
}

let copies = 0;
async function copyOf(from: string): Promise<string> {
  const dir = join(root, `copy-${++copies}`);
  await cp(from, dir, { recursive: true });
  return dir;
}

async function partsIn(dir: string) {
  const directory = await openDirectory(join(dir, 'files'));
  return { store: await openLevel(join(dir, 'raft')), directory };
}

async function filesIn(dir: string, part: string): Promise<string[]> {
  const names = (await readdir(join(dir, 'raft'))).filter((name) => name.includes(part)).toSorted();
  const found = names.map((name) => join(dir, 'raft', name));
  const sizes = await Promise.all(found.map(async (path) => (await stat(path)).size));
  return found.filter((_, i) => (sizes[i] as number) > 0).toReversed();
}

async function flipBit(file: string, bit: number): Promise<void> {
  const bytes = await readFile(file);
  bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  const handle = await open(file, 'r+');
  await handle.write(bytes);
  await handle.close();
}
