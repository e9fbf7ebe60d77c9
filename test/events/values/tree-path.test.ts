import { compareNames, decodeName, encodeName, typedPath, waysOf } from '#events/values/tree-path.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const bytesOf = (...parts: readonly (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));

describe('a name of a file', () => {
  test('is itself where it is text', () => {
    for (const name of ['a.txt', 'café', '日本語', '100%', '50%/50', 'a b', '%', '%%4', '\u{1F600}'])
      expect(encodeName(Buffer.from(name))).toBe(name);
  });

  test('has %XX for each byte that is no UTF-8', () => {
    expect(encodeName(bytesOf(0xff, '.log'))).toBe('%FF.log');
    expect(encodeName(bytesOf('a', 0xc3, '(', 0xe2, 0x82))).toBe('a%C3(%E2%82');
    // Overlong, a surrogate, beyond the last character.
    expect(encodeName(bytesOf(0xc0, 0x80))).toBe('%C0%80');
    expect(encodeName(bytesOf(0xed, 0xa0, 0x80))).toBe('%ED%A0%80');
    expect(encodeName(bytesOf(0xf4, 0x90, 0x80, 0x80))).toBe('%F4%90%80%80');
  });

  test('has %25 for a percent sign that could be mistaken', () => {
    expect(encodeName(bytesOf('a%41'))).toBe('a%2541');
    expect(encodeName(bytesOf('%', 0xff))).toBe('%%FF');
  });

  const names = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 255 }),
    fc
      .array(fc.constantFrom(0x25, 0x34, 0x41, 0xff, 0xc3, 0xa9), { minLength: 1, maxLength: 12 })
      .map((all) => Uint8Array.from(all)),
  );

  test('comes back from its text as the same bytes, whatever they are', () => {
    fc.assert(
      fc.property(names, (bytes) => {
        expect([...decodeName(encodeName(bytes))]).toEqual([...bytes]);
      }),
      {
        numRuns: 2000,
      },
    );
  });

  test('shares its text with no other name', () => {
    fc.assert(
      fc.property(names, names, (one, other) => {
        expect(encodeName(one) === encodeName(other)).toBe(compareNames(one, other) === 0);
      }),
    );
  });
});

describe('a path in a volume', () => {
  test('is names with a slash between them; the root is empty', () => {
    expect(waysOf('')).toEqual([]);
    expect(waysOf('a/b c/%FF')?.map((name) => Buffer.from(name).toString('latin1'))).toEqual(['a', 'b c', '\u00ff']);
  });

  test.each([
    '/etc',
    'a//b',
    'a/',
    '.',
    'a/./b',
    '..',
    'a/../../b',
    '%2E%2E',
    'a%2Fb',
    'a%00',
    'a\u0000b',
    '%41',
    '\ud800',
  ])('is refused as %j: it leads out, or has another text already', (path) => expect(waysOf(path)).toBeUndefined());

  test('has names of up to 255 bytes and 4096 bytes in all', () => {
    expect(waysOf('é'.repeat(127))).toHaveLength(1);
    expect(waysOf('é'.repeat(128))).toBeUndefined();
    const long = Array.from({ length: 16 }, () => 'n'.repeat(255)).join('/');
    expect(long).toHaveLength(4095);
    expect(waysOf(long)).toHaveLength(16);
    expect(waysOf(`${long}/n`)).toBeUndefined();
  });

  test('never leads out, whatever somebody sends', () => {
    const nasty = fc.array(fc.constantFrom('..', '.', '/', '%2E', '%2F', 'a', '%', '\u0000', 'é'), { maxLength: 12 });
    fc.assert(
      fc.property(nasty, (parts) => {
        for (const name of waysOf(parts.join('')) ?? []) {
          expect(['.', '..', '']).not.toContain(Buffer.from(name).toString());
          expect(name.includes(0) || name.includes(0x2f)).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('may be typed with slashes in front and at the end', () => {
    expect(typedPath('/etc//nginx/')).toBe('etc/nginx');
    expect(typedPath('/')).toBe('');
  });
});
