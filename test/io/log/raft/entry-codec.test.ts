import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChangeStep } from '#events/raft/configuration.ts';
import { asPeer, noBytes, type Entry } from '#events/raft/entry.ts';
import {
  entryRecord,
  packEntry,
  readEntryRecord,
  sizeOf,
  unpackEntries,
  unpackEntry,
  writeEntries,
} from '#io/log/raft/entry-codec.ts';
import { entryKey, indexOfKey } from '#io/log/raft/keys.ts';

const anyNumber = fc.oneof(
  fc.nat(1000),
  fc.maxSafeNat().map((n) => n % (2 ** 48 - 1)),
);
const anyPlace = fc.record({ index: anyNumber.map((n) => n + 1), term: anyNumber }, { noNullPrototype: true });
const anyStep: fc.Arbitrary<ChangeStep> = fc.record(
  {
    do: fc.constantFrom('add-voter' as const, 'add-learner' as const, 'remove' as const),
    peer: fc.string({ unit: 'grapheme' }).map(asPeer),
  },
  { noNullPrototype: true },
);
const anyEntry: fc.Arbitrary<Entry> = fc
  .tuple(
    fc.constantFrom('data' as const, 'empty' as const, 'change' as const),
    anyPlace,
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(3000).map((length) => new Uint8Array(length).fill(7)),
    ),
    fc.array(anyStep, { maxLength: 4 }),
    fc.constantFrom('auto' as const, 'implicit' as const, 'explicit' as const),
  )
  .map(([type, place, data, steps, transition]) =>
    type === 'change'
      ? { type, ...place, data, change: { steps, transition } }
      : type === 'data'
        ? { type, ...place, data }
        : { type, ...place, data: noBytes },
  );

const plain = (entry: Entry) => ({ ...entry, data: Buffer.from(entry.data).toString('hex') });
const copyOf = (bytes: Uint8Array) => Uint8Array.from(bytes);

test('an entry comes back as it was packed', () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      expect(plain(unpackEntry(copyOf(packEntry(entry))))).toEqual(plain(entry));
    }),
  );
});

test('a large entry that came packed keeps its bytes', () => {
  const entry: Entry = { type: 'data', index: 7, term: 3, data: new Uint8Array(5000).fill(1) };
  const bytes = copyOf(packEntry(entry));
  const again = packEntry(unpackEntry(bytes));
  expect(again.buffer).toBe(bytes.buffer);
  expect([again.byteOffset, again.length]).toEqual([0, bytes.length]);
});

test('entries are packed one after another, as each alone', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 4 }), fc.boolean(), (entries, haveCome) => {
      const ours = haveCome ? entries.map((entry) => unpackEntry(copyOf(packEntry(entry)))) : entries;
      const bytes = Buffer.alloc(sizeOf(ours));
      writeEntries(ours, bytes);
      expect(bytes).toEqual(Buffer.concat(entries.map(packEntry)));
      expect(unpackEntries(bytes).map(plain)).toEqual(entries.map(plain));
    }),
  );
});

test('a stored entry comes back with the term of the one before, and with the bytes that peers get', () => {
  fc.assert(
    fc.property(anyEntry, anyNumber, (entry, termBefore) => {
      const key = entryKey(entry.index);
      const stored = readEntryRecord(key, copyOf(entryRecord(key, termBefore, entry)));
      if (typeof stored === 'string') throw new Error(stored);
      expect(stored.termBefore).toBe(termBefore);
      expect(plain(stored.entry)).toEqual(plain(entry));
      expect(Buffer.compare(packEntry(stored.entry), packEntry(entry))).toBe(0);
    }),
  );
});

test('no flipped bit and no other place goes unnoticed, in a stored entry or in one that arrives', () => {
  fc.assert(
    fc.property(anyEntry, fc.nat(), fc.nat(), (entry, at, other) => {
      const flip = (bytes: Uint8Array) => {
        const bit = at % (bytes.length * 8);
        const flipped = copyOf(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
        return flipped;
      };
      expect(() => unpackEntry(flip(packEntry(entry)))).toThrow(expect.objectContaining({ code: 'DAMAGED' }));
      const key = entryKey(entry.index);
      const record = entryRecord(key, 1, entry);
      expect(typeof readEntryRecord(key, flip(record))).toBe('string');
      if (other !== entry.index) expect(readEntryRecord(entryKey(other), record)).toBe('damaged');
    }),
  );
});

test('an entry that ends too early is told from one that has rotted', () => {
  const entry: Entry = { type: 'data', index: 7, term: 3, data: new Uint8Array(100) };
  const key = entryKey(7);
  const record = entryRecord(key, 3, entry);
  for (let length = 0; length < record.length; length++) {
    expect(readEntryRecord(key, record.subarray(0, length))).toBe('cut-off');
    if (length < 122) expect(() => unpackEntry(record.subarray(0, length))).toThrow(/damaged/);
  }
  const rotten = copyOf(record);
  rotten[rotten.length - 1] = 1;
  expect(readEntryRecord(key, rotten)).toBe('damaged');
  expect(readEntryRecord(key, Buffer.concat([record, Uint8Array.of(0)]))).toBe('damaged');
});

test('what version 0.1 wrote is read for ever', () => {
  const packed =
    'b520a4ca0102010000000100050000000000260000001f00000092a8696d706c696369749192a96164642d766f746572a863656c6c61722d32776879';
  const change: Entry = {
    type: 'change',
    index: 4_294_967_297,
    term: 5,
    data: new TextEncoder().encode('why'),
    change: { transition: 'implicit', steps: [{ do: 'add-voter', peer: asPeer('cellar-2') }] },
  };
  expect(plain(unpackEntry(Buffer.from(packed, 'hex')))).toEqual(plain(change));
  const key = Buffer.from('010000000100000001', 'hex');
  const stored = readEntryRecord(key, Buffer.from(`ac5f55fa01050000000000${packed}`, 'hex'));
  expect(stored).toMatchObject({ termBefore: 5, entry: { index: 4_294_967_297, term: 5 } });
});

test('keys are in the order of the log, and foreign keys have no index', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (one, other) => {
      expect(Math.sign(Buffer.compare(entryKey(one), entryKey(other)))).toBe(Math.sign(one - other));
      if (one > 0) expect(indexOfKey(entryKey(one))).toBe(one);
    }),
  );
  for (const key of ['', '01', '0100000000000001', '020000000000000001', '01ffffffffffffffff', '010000000000000000'])
    expect(indexOfKey(Buffer.from(key, 'hex'))).toBeUndefined();
});
