/** Lists that end with many bytes: like those of msgpackr, without the memory that it keeps. */
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { packWithBytes } from '#io/log/raft/pack-with-bytes.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

test.each([0, 1, 255, 256, 65_535, 65_536, 300_000])(
  'a list with %i bytes is packed as msgpackr packs it',
  (length) => {
    const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
    for (const list of [[], [1, 'two', null, [3, true]], Array.from({ length: 14 }, (_, at) => at * 2 ** 40)])
      expect(packWithBytes(list, bytes).equals(packr.pack([...list, bytes]))).toBe(true);
  },
);

test('room is left in front', () => {
  const packed = packWithBytes([1], Uint8Array.of(2), 5);
  expect(packr.unpack(packed.subarray(5))).toEqual([1, Buffer.of(2)]);
});

test('a list that is too long is refused', () => {
  expect(() => packWithBytes(Array.from({ length: 15 }), new Uint8Array(1))).toThrow('16 items');
});

test('many bytes do not make what is packed later keep many', () => {
  const before = packr.pack([1]).buffer.byteLength;
  packWithBytes([1], new Uint8Array(before * 100));
  for (let packed = 0; packed < 3 * before; packed += 1000) packr.pack('x'.repeat(1000));
  expect(packr.pack([1]).buffer.byteLength).toBe(before);
});
