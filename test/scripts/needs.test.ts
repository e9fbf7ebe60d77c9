/** What a start needs of a machine follows from the pools that a person names, as floatlabd itself reads them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePools } from '#io/daemon/pool-setting.ts';

/** As scripts/setup/needs.mjs exports it, which runs before anything can be compiled. */
interface Needs {
  driverOf(pool: string): string;
}

test('the set-up takes the same file system out of --pool as floatlabd', async () => {
  const { driverOf } = (await import(new URL('../../scripts/setup/needs.mjs', import.meta.url).href)) as Needs;
  const piece = fc.constantFrom(
    'fast',
    'main',
    '=',
    ':',
    '/',
    'zfs',
    'dir',
    'btrfs',
    'zfs:',
    'dir:',
    '/mnt/x',
    'a=b',
    '',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('');
      const pools = parsePools([text]);
      fc.pre(typeof pools !== 'string');
      expect(driverOf(text)).toBe(pools[0]?.driver);
    }),
  );
});
