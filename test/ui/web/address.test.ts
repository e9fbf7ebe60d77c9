import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppRow } from '#projections/views/apps.ts';
import { addressOf as addressInTerminal } from '#ui/cli/addresses.ts';
import { addressOf, bareAddressOf, isLink } from '#ui/web/format/address.ts';

const app = (more: object): AppRow =>
  ({ url: null, node: { id: 'node:1', name: 'atlas' }, services: {}, ...more }) as never;
const web = (...ports: object[]): AppRow => app({ services: { web: { ports } } });

describe('the address of an app', () => {
  it.each([
    [app({ url: 'https://photos.lab/' }), 'https://photos.lab/'],
    [web({ published: 8090, target: 80, protocol: 'tcp' }), 'http://vm:8090'],
    [web({ published: 443, target: 443, protocol: 'tcp' }), 'https://vm'],
    [web({ published: 53, protocol: 'udp' }, { published: 80, protocol: 'tcp' }), 'http://vm'],
    [web({ published: 53, target: 53, protocol: 'udp' }), 'vm:53/udp'],
    [web({ published: 8090, protocol: 'tcp', hostIp: 'fd00::1' }), 'http://[fd00::1]:8090'],
    [app({}), null],
    [{ ...web({ published: 8090, protocol: 'tcp' }), node: null }, null],
  ])('%# is whole', (row, expected) => {
    expect(addressOf(row, 'vm')).toBe(expected);
  });

  it('is a link when a browser can open it', () => {
    expect(isLink('HTTP://vm:8090')).toBe(true);
    expect(isLink('vm:53/udp')).toBe(false);
    expect(isLink('javascript:alert(1)')).toBe(false);
  });

  it('is the same in the terminal', () => {
    const port = fc.record(
      {
        published: fc.constantFrom(80, 443, 8090),
        protocol: fc.constantFrom('tcp', 'udp'),
        hostIp: fc.constantFrom('0.0.0.0', '::', '::1', '10.0.0.1'),
      },
      { requiredKeys: ['published', 'protocol'] },
    );
    const row = fc
      .record({
        url: fc.constantFrom(null, 'https://photos.lab/', 'http://vm:8090', 'ftp://x'),
        node: fc.constantFrom(null, { id: 'node:1', name: 'atlas' }),
        services: fc.dictionary(fc.constantFrom('web', 'db'), fc.record({ ports: fc.array(port, { maxLength: 3 }) })),
      })
      .map(app);
    fc.assert(
      fc.property(row, (one) => {
        expect(addressOf(one, 'vm')).toBe(addressInTerminal(one, { host: 'vm', simulated: false }));
        expect(bareAddressOf(one)).toBe(addressInTerminal(one, { host: 'vm', simulated: true }));
      }),
    );
  });
});
