/** A whole lab in one file: what it holds, and that nothing in it can be changed unnoticed. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectSnapshot } from '#io/lab-snapshot/inspect.ts';
import { readSnapshot } from '#io/lab-snapshot/read.ts';
import { saveLab } from '#io/lab-snapshot/save.ts';
import { sampleLab, savedAt, savedTo, type SampleLab } from './sample-lab.ts';

const { signal } = new AbortController();
let dir: string;
let sample: SampleLab;
let file: string;
let whole: Buffer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-snapshot-'));
  sample = await sampleLab(join(dir, 'lab'));
  file = await savedTo(join(dir, 'lab.tar'), sample);
  whole = await readFile(file);
});
afterAll(async () => {
  await sample.close();
  await rm(dir, { recursive: true });
});

/** The file with some bytes changed. */
async function changed(change: (bytes: Buffer) => Buffer): Promise<string> {
  const path = join(dir, 'changed.tar');
  await writeFile(path, change(Buffer.from(whole)));
  return path;
}

/** Where each part stands: its head, and its content. */
function partsIn(tar: Buffer): { name: string; head: number; begin: number; end: number }[] {
  const parts = [];
  for (let at = 0; tar[at] !== 0;) {
    const name = tar.toString('latin1', at, tar.indexOf(0, at));
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    parts.push({ name, head: at, begin: at + 512, end: at + 512 + size });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return parts;
}

describe('a saved lab', () => {
  test('is all of it: history, files and sealed keys, as of one event', async () => {
    const { about, lab, blobs, sealedKeys, problems } = await readSnapshot(file);
    expect(problems).toEqual([]);
    expect(lab?.versions()).toEqual(sample.lab.versions());
    expect(about).toMatchObject({
      lab: 'lab-of-tests',
      name: 'lab',
      generation: 4,
      index: sample.lab.index,
      entry: sample.keeper.history.last,
      term: 3,
      at: sample.lab.at,
      savedAt,
      savedBy: 'a',
      version: '1.2.3',
    });
    expect(blobs.toSorted()).toEqual([...(await sample.blobs.list())].toSorted());
    expect(sealedKeys).toEqual(Buffer.from(sample.sealedKeys));
  });

  test('is a tar that any tool lists, with checksums that any tool checks', async () => {
    const into = await mkdtemp(join(dir, 'tar-'));
    const { stdout } = await execa('tar', ['--list', '--file', file]);
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'floatlab-snapshot.json',
      'history/manifest',
      'history/0000000000000001.segment',
    ]);
    await execa('tar', ['--extract', '--file', file, '--directory', into]);
    await execa('sha256sum', ['--strict', '--check', 'checksums'], { cwd: into });
  });

  test('is as long as was said before', async () => {
    expect((await saveLab(sample.parts, signal)).sizeBytes).toBe(whole.length);
  });

  test('has no secret in it that is not sealed', () => {
    expect(whole.includes('hunter2')).toBe(false);
    expect(whole.includes('PRIVATE KEY')).toBe(false);
  });

  test('is told in words', async () => {
    expect(await inspectSnapshot(file)).toMatchObject({
      isWhole: true,
      problems: [],
      counts: { nodes: 2, apps: sample.lab.list('app').length, volumes: sample.lab.list('volume').length, blobs: 2 },
      // What the sample's apps refer to was never there.
      about: { lacking: ['a'.repeat(64)] },
    });
  });
});

describe('whoever reads it', () => {
  test('notices any byte that was changed', async () => {
    const parts = partsIn(whole);
    expect(parts.length).toBeGreaterThan(8);
    const places = fc.oneof(
      fc.constantFrom(...parts).chain(({ begin, end }) => fc.integer({ min: begin, max: end - 1 })),
      fc
        .tuple(fc.constantFrom(...parts), fc.integer({ min: 0, max: 511 }))
        // What ends the sum in a head says nothing, and the sum does not count itself.
        .filter(([, at]) => at !== 154 && at !== 155)
        .map(([{ head }, at]) => head + at),
    );
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (place, by) => {
        const path = await changed((bytes) => {
          bytes[place] = (bytes[place] ?? 0) ^ by;
          return bytes;
        });
        const found = await readSnapshot(path).catch((error: unknown) => error);
        if (!(found instanceof Error))
          expect(found).toHaveProperty('problems', expect.arrayContaining([expect.anything()]));
      }),
      { numRuns: 60 },
    );
  });

  test('says which part is damaged, and where in it', async () => {
    const part = partsIn(whole).find(({ name }) => name === 'history/0000000000000121.segment');
    const path = await changed((bytes) => {
      bytes[(part?.begin ?? 0) + 5000] = 0xff;
      return bytes;
    });
    const { problems, lab, about } = await readSnapshot(path);
    expect(problems).toEqual([
      {
        part: 'history/0000000000000121.segment',
        explain: expect.stringMatching(/^At byte \d+, where entry \d+ should/),
      },
    ]);
    expect(lab).toBeUndefined();
    expect(about).toBeDefined();
  });

  test('notices wherever it is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 600, max: whole.length - 1025 }), async (length) => {
        const path = await changed((bytes) => bytes.subarray(0, length));
        expect((await readSnapshot(path)).problems.at(-1)?.explain).toMatch(/cut off|missing/);
      }),
      { numRuns: 30 },
    );
  });

  test('misses a part that was taken out, and one that was put in', async () => {
    const parts = partsIn(whole);
    const blob = parts.find(({ name }) => name.startsWith('blobs/'));
    const next = parts[parts.findIndex((part) => part === blob) + 1];
    if (!blob || !next) throw new Error('the sample has no blob');
    const without = await changed((bytes) => Buffer.concat([bytes.subarray(0, blob.head), bytes.subarray(next.head)]));
    expect((await readSnapshot(without)).problems).toEqual([{ part: blob.name, explain: 'It is missing.' }]);
    const twice = await changed((bytes) =>
      Buffer.concat([bytes.subarray(0, next.head), bytes.subarray(blob.head, next.head), bytes.subarray(next.head)]),
    );
    expect((await readSnapshot(twice)).problems).toMatchObject([{ part: blob.name }]);
  });

  test('is told that a file is none, or of a later version', async () => {
    const other = await changed(() => Buffer.from('PK'.repeat(600)));
    await expect(inspectSnapshot(join(dir, 'nothing.tar'))).rejects.toMatchObject({ code: 'MISSING' });
    await writeFile(join(dir, 'empty.tar'), '');
    for (const path of [other, join(dir, 'empty.tar')]) {
      await expect(inspectSnapshot(path)).rejects.toMatchObject({
        code: 'INVALID',
        message: expect.stringContaining('is not the snapshot of a lab'),
      });
    }
    const [first] = partsIn(whole);
    const later = await changed((bytes) => {
      bytes.write('"format": 9', bytes.indexOf('"format": 1'));
      return bytes;
    });
    expect(first?.name).toBe('floatlab-snapshot.json');
    await expect(inspectSnapshot(later)).rejects.toMatchObject({
      message: expect.stringContaining('has format 9, written by FloatLab 1.2.3; this version knows up to 1'),
    });
  });
});

describe('a lab that is not right', () => {
  test('is not saved: damage is told before the first byte leaves', async () => {
    const damaged = await sampleLab(await mkdtemp(join(dir, 'damaged-')));
    const segment = join(damaged.dir, 'history', '0000000000000121.segment');
    await truncate(segment, 9000);
    await expect(saveLab(damaged.parts, signal)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('0000000000000121.segment'),
    });
    await damaged.close();
  });

  test('is not saved by a node that has no sealed keys: nobody could open it', async () => {
    const parts = { ...sample.parts, sealedKeys: () => Promise.resolve(undefined) };
    await expect(saveLab(parts, signal)).rejects.toMatchObject({ code: 'MISSING' });
  });

  test('is saved without the files that nobody has any more, and names them', async () => {
    const lacking = await sampleLab(await mkdtemp(join(dir, 'lacking-')));
    const [ref = ''] = await lacking.blobs.list();
    await writeFile(join(lacking.dir, 'blobs', ref.slice(0, 2), ref), 'no blob at all');
    const { about } = await saveLab(lacking.parts, signal);
    expect(about.lacking).toEqual(['a'.repeat(64), ref].toSorted());
    await lacking.close();
  });
});
