import { expect, test } from 'vitest';
import { judgeHistory, type Line } from './history.ts';

let clock = 0;
const line = (op: Line['op'], value: Line['value'], more: Partial<Line> = {}): Line => ({
  client: 'c',
  op,
  key: 'k',
  value,
  call_ns: ++clock,
  return_ns: ++clock,
  outcome: 'ok',
  ...more,
});

test('what one register could have answered is explained, whatever became of what nobody knows', () => {
  const lines = [
    line('get', ''),
    line('set', 'a'),
    line('set', 'b', { outcome: 'unknown' }),
    line('set', 'never', { outcome: 'fail' }),
    line('get', 'a'),
    line('get', 'b'),
    line('cas', ['a', 'c'], { outcome: 'fail', unequal: true }),
    line('cas', ['b', 'c']),
    line('get', 'c'),
  ];
  expect(judgeHistory(lines)).toBeUndefined();
});

test('a read of what was replaced before it was asked is found', () => {
  expect(judgeHistory([line('set', 'a'), line('set', 'b'), line('get', 'a')])).toContain('register k');
});

test('an acknowledged write that is gone is found, and so is one that was refused and happened', () => {
  expect(judgeHistory([line('set', 'a'), line('get', '')])).toContain('register k');
  expect(judgeHistory([line('set', 'a', { outcome: 'fail' }), line('get', 'a')])).toContain('register k');
});

test('a compare-and-set that answered wrongly is found', () => {
  expect(judgeHistory([line('set', 'a'), line('cas', ['a', 'b'], { outcome: 'fail', unequal: true })])).toContain('k');
  expect(judgeHistory([line('set', 'a'), line('cas', ['', 'b'])])).toContain('k');
});
