import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseUptime } from '#io/devices/boot-time/parse.ts';
import { realBootTime } from '#io/devices/boot-time/real.ts';

test('what the kernel says is read as milliseconds', () => {
  expect(parseUptime('47619.08 31527.79\n')).toBe(47_619_080);
  expect(parseUptime('0.00 0.00\n')).toBe(0);
});

test('something else is not taken for a time', () => {
  for (const text of ['', '47619', '47619.8 1.0\n', '-1.00 0.00\n', 'up 3 days\n'])
    expect(parseUptime(text), text).toBeUndefined();
});

test('this machine goes on while one looks, in steps of ten milliseconds', async () => {
  const before = Math.floor(Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1000);
  const first = realBootTime.nowMs();
  expect(first).toBeGreaterThanOrEqual(before);
  expect(first % 10).toBe(0);
  while (realBootTime.nowMs() === first);
  expect(realBootTime.nowMs()).toBeGreaterThan(first);
});
