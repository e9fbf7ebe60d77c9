/** What would be lost with a replica, as every face says it. */
import { expect, test } from 'vitest';
import { lossInShort, lossWords } from '#ui/client/protection-words.ts';

test('says how much at most, or that nobody knows', () => {
  expect(lossWords({ seconds: 12, bytes: 4 * 2 ** 20, asOf: 0 })).toBe('at most the last 12 s, about 4 MiB');
  expect(lossWords({ seconds: 12, bytes: null, asOf: 0 })).toBe('at most the last 12 s');
  expect(lossWords({ seconds: null, bytes: null, asOf: 0 })).toBe('unknown, it may be everything since its snapshot');
  expect(lossWords(null)).toBe('nobody says: its node cannot be heard');
  expect([lossInShort({ seconds: 90 }), lossInShort({ seconds: null }), lossInShort(undefined)]).toEqual([
    '1 m 30 s',
    'unknown',
    '–',
  ]);
});
