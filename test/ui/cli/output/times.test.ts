import { withTimes } from '#ui/cli/output/times.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const ms = Date.UTC(2026, 10, 21, 14, 2, 11, 5);
const text = '2026-11-21T14:02:11.005Z';

test('a time is written in ISO 8601, wherever it stands', () => {
  const row = { since: ms, startedAt: ms, downSince: ms, events: [{ at: ms, data: { takenAt: ms } }] };
  expect(withTimes(row)).toEqual({
    since: text,
    startedAt: text,
    downSince: text,
    events: [{ at: text, data: { takenAt: text } }],
  });
});

test('what is no time stays as it is', () => {
  const row = { sizeBytes: ms, index: 812, at: 812, since: null, takenAt: '2026', timeoutMs: ms, format: ms, flat: ms };
  expect(withTimes(row)).toEqual(row);
});

test('nothing else changes, whatever the value is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const small = JSON.parse(JSON.stringify(value), (_, one: unknown) =>
        typeof one === 'number' ? 1 : one,
      ) as unknown;
      expect(withTimes(small)).toEqual(small);
    }),
  );
});
