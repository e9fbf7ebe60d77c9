import { describe, expect, test } from 'vitest';
import { placeOf } from '#io/http/auth/limiter.ts';

describe('attempts to sign in are counted', () => {
  test('by address, in whatever form it is written', () => {
    expect(placeOf('192.168.1.7')).toBe('192.168.1.7');
    expect(placeOf('::ffff:192.168.1.7')).toBe('192.168.1.7');
    expect(placeOf(undefined)).toBe('');
  });

  test('by network where one machine has as many addresses as it likes', () => {
    const place = placeOf('2001:db8:0:1::5');
    for (const same of ['2001:db8:0:1:ffff:ffff:ffff:ffff', '2001:0db8:0000:0001::', '2001:DB8::1:0:0:0:9']) {
      expect([same, placeOf(same)]).toEqual([same, place]);
    }
    for (const other of ['2001:db8:0:2::5', '2001:db8::5', '2001:db8:1:1::5']) expect(placeOf(other)).not.toBe(place);
    expect(placeOf('fe80::1%eth0')).toBe(placeOf('fe80::2'));
    expect(placeOf('::1')).toBe('0:0:0:0');
  });
});
