/** The outside of btrfs streams, on heads that `btrfs send` of 6.2 wrote. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '#io/devices/replication/btrfs/crc32c.ts';
import { commandWalk, readHead, renamedHead } from '#io/devices/replication/btrfs/stream.ts';

const whole = Buffer.from(
  '62747266732d73747265616d000100000026000000010033 69ba400f000200733101001000 9cc37a2dd448804a96cc389975e058b5 020008000700000000000000'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);
const incremental = Buffer.from(
  '62747266732d73747265616d00010000004600000002001594 77650f000200733201001000 7e002dddcfd2164c9ccbe4519cce8215 020008000800000000000000 14001000 9cc37a2dd448804a96cc389975e058b5 150008000700000000000000'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);
const one = '9cc37a2d-d448-804a-96cc-389975e058b5';
const two = '7e002ddd-cfd2-164c-9ccb-e4519cce8215';

/** A command with this much content; its checksum is of no interest to the walk. */
const command = (type: number, payload: number): Buffer => {
  const bytes = Buffer.alloc(10 + payload, 7);
  bytes.writeUInt32LE(payload, 0);
  bytes.writeUInt16LE(type, 4);
  return bytes;
};
const end = command(21, 0);

test('a stream says what it makes of what', () => {
  expect(readHead(whole)).toEqual({ version: 1, guid: one, base: undefined, bytes: whole.length });
  expect(readHead(incremental)).toEqual({ version: 1, guid: two, base: one, bytes: incremental.length });
});

test('a beginning that is not enough asks for more, at any byte', () => {
  for (let at = 0; at < incremental.length; at++) expect(readHead(incremental.subarray(0, at))).toBe('more');
});

test('what was changed is no stream', () => {
  for (let at = 0; at < incremental.length; at++) {
    const copy = Buffer.from(incremental);
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    const head = readHead(copy);
    // The version has no checksum; what the tool does not know it refuses.
    const isVersion = at >= 13 && at < 17;
    expect(typeof head === 'object', `byte ${at}`).toBe(isVersion);
  }
});

test('another name in the head changes nothing else', () => {
  const renamed = renamedHead(incremental, '.incoming');
  expect(readHead(renamed)).toEqual({ version: 1, guid: two, base: one, bytes: renamed.length });
  expect(renamed.includes('.incoming')).toBe(true);
  expect(renamedHead(renamed, 's2')).toEqual(incremental);
});

test('a stream is whole with its end, however it is cut into pieces', () => {
  const commands = fc.array(fc.nat(300), { maxLength: 20 });
  fc.assert(
    fc.property(commands, fc.integer({ min: 1, max: 50 }), (payloads, size) => {
      const bytes = Buffer.concat([...payloads.map((payload) => command(15, payload)), end]);
      const walk = commandWalk();
      for (let at = 0; at < bytes.length; at += size) {
        expect(walk.isWhole).toBe(false);
        expect(walk.walk(bytes.subarray(at, at + size))).toBe(true);
      }
      expect(walk.isWhole).toBe(true);
      expect(walk.walk(Buffer.from([1]))).toBe(false);
    }),
  );
});

test('a stream that ends between two commands, or within one, is not whole', () => {
  const bytes = Buffer.concat([command(15, 100), command(15, 5), end]);
  for (let at = 0; at < bytes.length; at++) {
    const walk = commandWalk();
    walk.walk(bytes.subarray(0, at));
    expect(walk.isWhole).toBe(false);
  }
});

test('the checksum is that of Castagnoli, begun with 0', () => {
  // That of the field, which begins with all ones and inverts the end, is e3069283 for these digits.
  const digits = Buffer.from('123456789');
  const inverted = Buffer.concat([Buffer.alloc(4), digits]);
  for (let at = 0; at < 4; at++) inverted[at] = 0;
  expect(crc32c(digits)).not.toBe(0);
  expect(crc32c(Buffer.alloc(8))).toBe(0);
  expect(crc32c(inverted)).toBe(crc32c(digits));
});
