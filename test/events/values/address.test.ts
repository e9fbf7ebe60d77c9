/** Addresses and ranges, beside Node's own reading of them. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithin, parseAddress, parseRange } from '#events/values/address.ts';

const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
const v6 = fc.array(group, { minLength: 8, maxLength: 8 }).chain((groups) =>
  fc.tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 1, max: 8 })).map(([from, length]) => {
    const end = Math.min(8, from + length);
    return `${groups.slice(0, from).join(':')}::${groups.slice(end).join(':')}`;
  }),
);
const v4 = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => parts.join('.'));

describe('an address', () => {
  test('is what Node takes for one, and nothing else', () => {
    // Two colons stand for one group at least.
    const full = fc.constantFrom('1::2:3:4:5:6:7:8', '1:2:3:4:5:6:7::8', '::1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7::');
    const nearly = fc.string({ unit: fc.constantFrom('0', '1', '9', 'f', ':', '.', '::', '255', '256') });
    fc.assert(
      fc.property(fc.oneof(v4, v6, nearly, full), (text) => {
        expect(parseAddress(text) !== undefined).toBe(isIPv4(text) || isIPv6(text));
      }),
      { numRuns: 2000 },
    );
  });

  test('of IPv4 inside IPv6 is the IPv4 address, and the zone of a link does not count', () => {
    expect(parseAddress('::ffff:192.0.2.7')).toEqual(parseAddress('192.0.2.7'));
    expect(parseAddress('fe80::1%eth0')).toEqual(parseAddress('fe80::1'));
  });
});

describe('a range', () => {
  const ranges = fc.oneof(
    fc.record({ family: fc.constant('ipv4' as const), net: v4, prefix: fc.nat(32), address: fc.oneof(v4, v6) }),
    fc.record({ family: fc.constant('ipv6' as const), net: v6, prefix: fc.nat(128), address: fc.oneof(v4, v6) }),
  );

  test('holds the addresses that Node finds in it', () => {
    fc.assert(
      fc.property(ranges, fc.boolean(), ({ family, net, prefix, address: other }, isOwn) => {
        const address = isOwn ? net : other;
        const list = new BlockList();
        list.addSubnet(net, prefix, family);
        // Node counts the zeroes before an IPv4 address as part of it; here it is of a family of its own.
        const isMapped = (text: string): boolean => text.includes(':') && parseAddress(text)?.family === 4;
        fc.pre(!isMapped(net) && !isMapped(address) && !(family === 'ipv6' && isIPv4(address)));
        const [parsed, range] = [parseAddress(address), parseRange(`${net}/${prefix}`)];
        if (!parsed || !range) throw new Error('not parsed');
        expect(isWithin(parsed, range)).toBe(list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6'));
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '/8', 'fe80::1%eth0/64', '10.0.0.0/-1', 'home'])(
    '%s is none',
    (text) => expect(parseRange(text)).toBeUndefined(),
  );

  test('may be one address', () => {
    const range = parseRange('192.0.2.7');
    if (!range) throw new Error('not parsed');
    expect(['192.0.2.7', '192.0.2.8'].map((text) => isWithin(parseAddress(text) ?? range.address, range))).toEqual([
      true,
      false,
    ]);
  });

  test('of IPv4 inside IPv6 counts its length from the beginning of the longer address', () => {
    expect(parseRange('::ffff:10.0.0.0/104')).toEqual(parseRange('10.0.0.0/8'));
    expect(parseRange('::ffff:10.0.0.0/8')).toBeUndefined();
  });
});
