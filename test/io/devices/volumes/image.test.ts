import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imageSize } from '#io/devices/volumes/btrfs/image.ts';

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
