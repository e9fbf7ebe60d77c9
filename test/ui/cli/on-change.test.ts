import { describe, expect, test } from 'vitest';
import { onChangeOf, onChangeWords } from '#ui/cli/on-change.ts';

describe('--on-change', () => {
  test.each([
    ['yes', { settleMs: 30_000, minIntervalMs: 300_000 }],
    ['no', null],
    ['settle=10s', { settleMs: 10_000, minIntervalMs: 300_000 }],
    ['every=1h, settle=1m30s', { settleMs: 90_000, minIntervalMs: 3_600_000 }],
  ])('%s is understood', (text, expected) => {
    expect(onChangeOf(text)).toEqual(expected);
  });

  test.each(['', 'maybe', 'settle', 'settle=', 'often=1h', 'settle=10', 'settle=2h', 'every=1s', 'yes,every=1h'])(
    '%j is refused, with an example',
    (text) => {
      expect(() => onChangeOf(text)).toThrow(expect.objectContaining({ hint: expect.stringContaining('5m') }));
    },
  );

  test('is shown in words', () => {
    expect(onChangeWords({ settleMs: 30_000, minIntervalMs: 300_000 })).toBe('at most every 5 m, settled for 30 s');
  });
});
