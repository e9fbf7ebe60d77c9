import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Chunker, gearBytes, gearTable } from '#io/devices/backup/format/chunker.ts';
import { bytesOf, smallChunks } from './repositories.ts';

const gear = gearTable(bytesOf(99, gearBytes));

function cut(bytes: Uint8Array, pieces: readonly number[] = []): readonly Buffer[] {
  const chunker = new Chunker(gear, smallChunks);
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const length of pieces) {
    chunks.push(...chunker.push(bytes.subarray(at, at + length)));
    at += length;
  }
  chunks.push(...chunker.push(bytes.subarray(at)), ...chunker.end());
  return chunks.map((chunk) => Buffer.from(chunk));
}

const sizesOf = (chunks: readonly Buffer[]): readonly number[] => chunks.map(({ length }) => length);

const content = fc.oneof(
  fc.uint8Array({ maxLength: 2000, size: 'max' }),
  fc.tuple(fc.nat(), fc.integer({ min: 0, max: 20_000 })).map(([seed, length]) => bytesOf(seed, length)),
);

describe('chunks', () => {
  test('are the stream again, within their sizes, however it came in pieces', () => {
    fc.assert(
      fc.property(content, fc.array(fc.integer({ min: 0, max: 3000 })), (bytes, pieces) => {
        const chunks = cut(bytes, pieces);
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
        expect(sizesOf(chunks)).toEqual(sizesOf(cut(bytes)));
        const sizes = sizesOf(chunks);
        expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(smallChunks.maxBytes);
        expect(Math.min(smallChunks.minBytes, ...sizes.slice(0, -1))).toBe(smallChunks.minBytes);
      }),
    );
  });

  test('are the same again after something was put in, taken out or changed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(300),
        fc.nat(300),
        (seed, where, out, put) => {
          const before = bytesOf(seed, 60_000);
          const at = Math.floor(where * (before.length - out));
          const after = Buffer.concat([before.subarray(0, at), bytesOf(seed + 1, put), before.subarray(at + out)]);
          const known = new Set(cut(before).map((chunk) => chunk.toString('hex')));
          const fresh = cut(after).filter((chunk) => !known.has(chunk.toString('hex')));
          // The one or two that were touched, and the few until the cuts fall together again.
          expect(Buffer.concat(fresh).length).toBeLessThan(12_000);
        },
      ),
    );
  });

  test('have about the size that was asked for', () => {
    const chunks = cut(bytesOf(5, 400_000));
    const average = 400_000 / chunks.length;
    expect(average).toBeGreaterThan(smallChunks.averageBytes / 2);
    expect(average).toBeLessThan(smallChunks.averageBytes * 2);
  });

  test('are cut elsewhere with another key', () => {
    const bytes = bytesOf(5, 20_000);
    const other = new Chunker(gearTable(bytesOf(100, gearBytes)), smallChunks);
    const sizes = [...other.push(bytes), ...other.end()].map(({ length }) => length);
    expect(sizes).not.toEqual(cut(bytes).map(({ length }) => length));
  });
});
