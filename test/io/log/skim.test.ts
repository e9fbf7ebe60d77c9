import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { expect, test } from 'vitest';
import { Skim } from '#io/log/skim.ts';

const packr = new Packr({ useRecords: false });
/** Of every kind and of every way to write a length. */
const item = fc.oneof(
  { depthSize: 'small' },
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.nat(70_000).map((length) => 'ä'.repeat(length)),
  fc.nat(70_000).map((length) => new Uint8Array(length)),
  fc.nat(70_000).map((length) => Array.from({ length }, () => 1)),
  fc.nat(70_000).map((length) => Object.fromEntries(Array.from({ length: length % 300 }, (_, at) => [`k${at}`, at]))),
  fc.date({ noInvalidDate: true }),
  fc.constant(undefined),
);

test('what is passed over is one whole item, whatever it holds', () => {
  fc.assert(
    fc.property(item, fc.string({ unit: 'binary' }), (some, text) => {
      const list = [some, text, some];
      const packed = packr.pack(list).slice();
      const skim = new Skim(packed);
      expect(skim.enter()).toBe(3);
      skim.skip(1);
      // Halves of surrogate pairs are no text.
      expect(skim.text()).toBe(Buffer.from(text).toString());
      skim.skip(1);
      expect(skim.at).toBe(packed.length);
    }),
    { numRuns: 50 },
  );
});

test('a long list is entered as a short one is', () => {
  for (const length of [0, 15, 16, 0xffff, 0x1_0000]) {
    const skim = new Skim(packr.pack(Array.from({ length }, () => 'x')).slice());
    expect(skim.enter()).toBe(length);
  }
});

test.each([
  ['nothing', []],
  ['what msgpack never says', [0x91, 0xc1]],
  ['a text that is longer than what is there', [0x91, 0xa5, 0x61]],
  ['a list with less in it than it says', [0x92, 0x01]],
])('%s is refused', (_, bytes) => {
  const skim = new Skim(Uint8Array.from(bytes));
  expect(() => skim.skip(skim.enter())).toThrow('msgpack');
});
