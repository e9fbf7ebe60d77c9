import { expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { keyOf, makeRecord, packEntry } from '#io/log/codec.ts';
import { Recent } from '#io/log/recent.ts';
import { entryFor } from '#test/io/log/entries.ts';

/** A record of two events that begins at `first`. */
const pair = (first: number, text = '') => {
  const key = keyOf(first);
  const streams: StreamId[] = ['volume:a', 'volume:b'];
  return { first, last: first + 1, key, record: makeRecord(key, [1, 1], packEntry(entryFor(streams, { text }))) };
};
const indices = (recent: Recent, after: number) => recent.after(after)?.map(({ index }) => index);

test('the newest events are at hand from any place within them', () => {
  const recent = new Recent();
  recent.add([pair(11), pair(13)]);
  recent.add([pair(15)]);
  expect(indices(recent, 10)).toEqual([11, 12, 13, 14, 15, 16]);
  expect(indices(recent, 11)).toEqual([12, 13, 14, 15, 16]);
  expect(indices(recent, 14)).toEqual([15, 16]);
});

test('whoever needs an older event is sent to the store', () => {
  const recent = new Recent();
  expect(indices(recent, 0)).toBeUndefined();
  recent.add([pair(11)]);
  expect(indices(recent, 9)).toBeUndefined();
});

test('slices end with an entry, and each entry is unpacked once', () => {
  const recent = new Recent();
  recent.add(Array.from({ length: 1000 }, (_, i) => pair(1 + 2 * i)));
  expect(indices(recent, 0)).toHaveLength(500);
  expect(indices(recent, 1)).toHaveLength(501);
  expect(recent.after(0)?.[0]).toBe(recent.after(0)?.[0]);
});

test('what is kept is bounded in number and in bytes', () => {
  const many = new Recent();
  for (let i = 0; i < 10_000; i++) many.add([pair(1 + 2 * i)]);
  expect(indices(many, 19_998)).toEqual([19_999, 20_000]);
  expect(indices(many, 20_000 - 2 * 4096)).toHaveLength(500);
  expect(indices(many, 20_000 - 2 * 4096 - 1)).toBeUndefined();
  const large = new Recent();
  for (let i = 0; i < 20; i++) large.add([pair(1 + 2 * i, 'x'.repeat(300_000))]);
  expect(indices(large, 38)).toEqual([39, 40]);
  expect(indices(large, 20)).toBeUndefined();
});
