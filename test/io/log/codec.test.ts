import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry, StreamId } from '#events/envelope.ts';
import {
  countOf,
  eventsOf,
  indexOf,
  isIntact,
  isKnownFormat,
  keyOf,
  makeRecord,
  maxEntryBytes,
  openEntry,
  packEntry,
  positionsOf,
} from '#io/log/codec.ts';
import { entryFor } from './entries.ts';

/** What JSON can say; `__proto__` is no name for a field of an event. */
const json = fc
  .jsonValue({ stringUnit: 'binary' })
  .filter((value) => !JSON.stringify(value).includes('__proto__'))
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const words = fc.string({ unit: 'grapheme', maxLength: 40 });
const anyStream = words.map((id): StreamId => `volume:${id}`);
const anyDraft = fc.record({ stream: anyStream, data: json }, { noNullPrototype: true });
const anyEntry = fc
  .record(
    {
      command: words,
      by: words.map((name): Entry['by'] => `user:${name}`),
      cause: words,
      correlation: words,
      at: fc.nat(Number.MAX_SAFE_INTEGER),
      expect: fc.array(fc.tuple(anyStream, fc.nat())),
      ends: fc.array(anyStream, { minLength: 1 }),
      because: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), json, { noNullPrototype: true }),
      drafts: fc.array(anyDraft, { minLength: 1, maxLength: 8 }),
    },
    { requiredKeys: ['command', 'by', 'cause', 'correlation', 'at', 'expect', 'drafts'], noNullPrototype: true },
  )
  .map(
    (entry) =>
      ({
        ...entry,
        drafts: entry.drafts.map((draft) => ({ ...draft, type: 'volume.deleted', schema: 1 })),
      }) as unknown as Entry,
  );
const anyIndex = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 100 });
const anyVersions = fc.array(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 8, maxLength: 8 });

describe('An entry in the log', () => {
  test('says what it expects and which streams it is about, whatever else it holds', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        const { expect: expected, drafts, ends = [] } = entry;
        const streams = drafts.map(({ stream }) => stream);
        expect(openEntry(packEntry(entry))).toEqual({ expect: expected, streams, ends });
      }),
    );
  });

  test('that is cut off, or is something else, is not read beyond its end', () => {
    fc.assert(
      fc.property(anyEntry, fc.nat(), (entry, at) => {
        const packed = packEntry({ ...entry, ends: ['volume:a'] });
        expect(() => openEntry(packed.subarray(0, at % packed.length))).toThrow();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          openEntry(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });

  test('comes back as the events that were put in, whatever they hold', () => {
    fc.assert(
      fc.property(anyEntry, anyIndex, anyVersions, (entry, first, many) => {
        const versions = many.slice(0, entry.drafts.length);
        const key = keyOf(first);
        const record = makeRecord(key, versions, packEntry(entry));
        expect(isIntact(key, record)).toBe(true);
        expect(isKnownFormat(record)).toBe(true);
        expect(countOf(record)).toBe(versions.length);
        expect(positionsOf(record)).toEqual({
          positions: entry.drafts.map(({ stream }, i) => [stream, versions[i]]),
          ends: entry.ends ?? [],
        });
        expect(eventsOf(first, record)).toEqual(
          entry.drafts.map((draft, i) => ({
            ...draft,
            id: `${entry.command}/${i}`,
            version: versions[i],
            index: first + i,
            by: entry.by,
            cause: entry.cause,
            correlation: entry.correlation,
            command: entry.command,
            at: entry.at,
            ...(entry.because && { because: entry.because }),
          })),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('is recognized as damaged when any bit of key or record has flipped', () => {
    const entry = entryFor(['volume:a', 'volume:b'], { because: { free: 17 } });
    const key = keyOf(0x12_3456_789a);
    const record = makeRecord(key, [1, 7], packEntry(entry));
    for (const bytes of [key, record]) {
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(isIntact(key, record)).toBe(false);
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      }
    }
    expect(isIntact(key, record)).toBe(true);
  });

  test('is recognized as damaged when it was cut short, or stands at another place', () => {
    const record = makeRecord(keyOf(5), [1], packEntry(entryFor(['volume:a'])));
    for (let length = 0; length < record.length; length++) {
      expect(isIntact(keyOf(5), record.subarray(0, length))).toBe(false);
    }
    expect(isIntact(keyOf(6), record)).toBe(false);
  });

  test('is refused when it is larger than the bound, or has no events', () => {
    const size = packEntry(entryFor(['volume:a'], { text: '' })).length;
    // Longer texts need a length field of five bytes instead of one.
    const fits = 'x'.repeat(maxEntryBytes - size - 4);
    expect(packEntry(entryFor(['volume:a'], { text: fits, command: 'command-1' })).length).toBeLessThanOrEqual(
      maxEntryBytes,
    );
    expect(() => packEntry(entryFor(['volume:a'], { text: `${fits}${'x'.repeat(20)}` }))).toThrow(
      expect.objectContaining({ code: 'REFUSED', message: expect.stringContaining(String(maxEntryBytes)) }),
    );
    expect(() => packEntry(entryFor([]))).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    const many = Array.from({ length: 0x1_0000 }, (): StreamId => 'volume:a');
    expect(() => packEntry(entryFor(many))).toThrow(expect.objectContaining({ code: 'REFUSED' }));
  });

  test('of a later version of FloatLab is not misread: the error names the upgrade', () => {
    const unknown = (change: object) => {
      const entry = entryFor(['volume:a']);
      const drafts = entry.drafts.map((draft) => ({ ...draft, ...change })) as Entry['drafts'];
      return makeRecord(keyOf(1), [1], packEntry({ ...entry, drafts }));
    };
    for (const change of [{ type: 'volume.teleported' }, { schema: 1000 }]) {
      expect(() => eventsOf(1, unknown(change))).toThrow(
        expect.objectContaining({ code: 'TOO_NEW', hint: expect.stringContaining('Install') }),
      );
    }
  });
});

test('A record that version 0.1 wrote is read for ever', () => {
  const record = Buffer.from(
    '2f4ee174010200030000000100000098a26331aa757365723a61646d696ea26330a26f31cb4278bcfe568000009192a8766f6c756d653a61' +
      '029294a8766f6c756d653a61ad766f6c756d652e6661696c656401de0001a770726f626c656dde0003a4636f6465a446554c4ca76d657373' +
      '616765a86e6f207370616365a468696e74a96672656520736f6d6594ac6f7065726174696f6e3a6f31b06f7065726174696f6e2e6661696c' +
      '656401de0001a770726f626c656dde0002a4636f6465a446554c4ca76d657373616765a2c3a4de0001a46672656511',
    'hex',
  );
  expect(isIntact(keyOf(41), record)).toBe(true);
  const shared = {
    by: 'user:admin',
    cause: 'c0',
    correlation: 'o1',
    command: 'c1',
    at: 1_700_000_000_000,
    because: { free: 17 },
  };
  expect(eventsOf(41, record)).toMatchObject([
    { ...shared, id: 'c1/0', index: 41, stream: 'volume:a', type: 'volume.failed', version: 3 },
    { ...shared, id: 'c1/1', index: 42, stream: 'operation:o1', type: 'operation.failed', version: 1 },
  ]);
  expect(eventsOf(41, record).map(({ data }) => data)).toMatchObject([
    { problem: { code: 'FULL', message: 'no space', hint: 'free some' } },
    { problem: { code: 'FULL', message: 'ä' } },
  ]);
});

describe('Keys', () => {
  test('sort bytewise as their indices do, and come back', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), fc.nat(Number.MAX_SAFE_INTEGER), (a, b) => {
        expect(Math.sign(Buffer.compare(keyOf(a), keyOf(b)))).toBe(Math.sign(a - b));
        expect(indexOf(keyOf(a))).toBe(a);
      }),
    );
  });

  test('of another shape are none', () => {
    expect(indexOf(new Uint8Array(7))).toBeUndefined();
    expect(indexOf(new Uint8Array(9))).toBeUndefined();
    expect(indexOf(new Uint8Array(8).fill(255))).toBeUndefined();
  });
});
