import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ImageTools } from '#io/devices/volumes/btrfs/image.ts';
import { imageSize, makeImage } from '#io/devices/volumes/btrfs/image.ts';

const [MiB, GiB] = [2 ** 20, 2 ** 30];
const size = (freeBytes: number, wantedBytes?: number) => imageSize(freeBytes, wantedBytes, '/data/pool');

describe('the size of a new pool', () => {
  test.each([
    ['a quarter of a middling disk', 20 * GiB, 5 * GiB],
    ['10 GiB of a large disk', 1000 * GiB, 10 * GiB],
    ['1 GiB of a small disk', 2 * GiB, GiB],
  ])('is %s', (_, free, expected) => {
    expect(size(free)).toBe(expected);
  });

  test('is what was asked for, if it fits', () => {
    expect(size(100 * GiB, 60 * GiB)).toBe(60 * GiB);
  });

  test('leaves the host some space, and says how much is free when it cannot', () => {
    expect(() => size(1.2 * GiB)).toThrow(/\/data\/pool has 1\.2 GiB free: a pool of 1 GiB does not fit/);
    expect(() => size(10 * GiB, 10 * GiB)).toThrow(expect.objectContaining({ code: 'NO_SPACE' }));
  });

  test('is at least 1 GiB', () => {
    expect(() => size(100 * GiB, 100 * MiB)).toThrow(/a pool of 100 MiB is too small: it needs at least 1 GiB/);
    for (const nonsense of [0, -GiB, 1.5 * GiB + 0.5, Number.NaN])
      expect(() => size(100 * GiB, nonsense)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  test('never takes more than there is, whatever the disk', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), (freeMiB) => {
        try {
          const bytes = size(freeMiB * MiB);
          expect(bytes).toBeLessThan(freeMiB * MiB);
          expect(bytes).toBeGreaterThanOrEqual(GiB);
          expect(bytes % MiB).toBe(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'NO_SPACE' });
          expect(freeMiB).toBeLessThan(1536);
        }
      }),
    );
  });
});

describe('making the file of a pool', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'floatlab-image-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const tools = (fatal?: string): ImageTools => ({
    run: async () => ({ exitCode: 0, stdout: '', stderr: '' }),
    signal: new AbortController().signal,
    step: (step) => {
      if (step === fatal) throw new Error('crash');
    },
  });
  const make = (fatal?: string) => makeImage(tools(fatal), join(folder, 'pool.img'), GiB);

  test('what an attempt that died has left goes with the next one, and what somebody else has put there stays', async () => {
    const theirs = [
      ...['pool.img.new', '.pool.img.floatlab-making', '.pool.img.mine.floatlab-making'],
      '.other.img.00000000-0000-4000-8000-000000000000.floatlab-making',
    ];
    for (const name of theirs) await writeFile(join(folder, name), 'theirs');
    for (const step of ['reserved', 'formatted', 'reserved']) {
      await expect(make(step)).rejects.toThrow('crash');
      const left = (await readdir(folder)).filter((name) => !theirs.includes(name));
      expect(left).toEqual([expect.stringMatching(/^\.pool\.img\.[0-9a-f-]{36}\.floatlab-making$/)]);
    }
    await make();
    expect((await readdir(folder)).toSorted()).toEqual([...theirs, 'pool.img'].toSorted());
  });
});
