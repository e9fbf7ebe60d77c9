import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostPort, parseHostPort } from '#io/links/address.ts';
import { formatToken, parseToken, tokenHash, type JoinToken, type TokenError } from '#io/links/token.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const address = fc.oneof(
  fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `[${host}]:${port}`),
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`),
);
const token: fc.Arbitrary<JoinToken> = fc.record({
  addresses: fc.array(
    address.filter((it) => it.length < 256),
    { minLength: 1, maxLength: 16 },
  ),
  caSha256: bytes32.map((it) => Buffer.from(it).toString('hex')),
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  secret: bytes32,
});
const codeOf = (text: string): string => {
  try {
    parseToken(text);
    return 'none';
  } catch (error) {
    expect((error as TokenError).hint.length).toBeGreaterThan(10);
    return (error as TokenError).code;
  }
};
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

describe('a join token', () => {
  test('is one line, and reads as it was written', () => {
    fc.assert(
      fc.property(token, (made) => {
        const line = formatToken(made);
        expect(line).toMatch(/^flt1-[A-Za-z0-9_-]+$/);
        expect(parseToken(line)).toEqual({ ...made, secret: Uint8Array.from(made.secret) });
        // A terminal broke the line, and there is a space behind it.
        expect(parseToken(`  ${line.slice(0, 40)}\n  ${line.slice(40)} \n`)).toEqual(parseToken(line));
      }),
    );
  });

  test('that was cut short anywhere is told as such', () => {
    fc.assert(
      fc.property(token, fc.nat(), (made, where) => {
        const line = formatToken(made);
        expect(codeOf(line.slice(0, 1 + (where % (line.length - 1))))).toBe('CUT_SHORT');
      }),
    );
  });

  test('with any letter wrong is told as mistyped', () => {
    fc.assert(
      fc.property(token, fc.nat(), fc.nat(), (made, where, which) => {
        const line = formatToken(made);
        const at = 5 + (where % (line.length - 5));
        const others = letters.replace(line[at] ?? '', '');
        expect(codeOf(line.slice(0, at) + others[which % others.length] + line.slice(at + 1))).toBe('MISTYPED');
      }),
      { numRuns: 500 },
    );
  });

  test('with something behind it, or two letters swapped, is told as mistyped', () => {
    fc.assert(
      fc.property(token, fc.nat(), (made, where) => {
        const line = formatToken(made);
        expect(codeOf(`${line}A`)).toBe('MISTYPED');
        expect(codeOf(`${line}é`)).toBe('MISTYPED');
        const at = 5 + (where % (line.length - 6));
        const swapped = line.slice(0, at) + line[at + 1] + line[at] + line.slice(at + 2);
        if (swapped !== line) expect(codeOf(swapped)).toBe('MISTYPED');
      }),
    );
  });

  test('of a newer version, and what is none at all, are told apart', () => {
    const line = formatToken({
      addresses: ['atlas:7401'],
      caSha256: 'ab'.repeat(32),
      id: 't1',
      secret: new Uint8Array(32),
    });
    expect(codeOf(line.replace('flt1', 'flt2'))).toBe('TOO_NEW');
    expect(codeOf(line.replace('flt1', 'flt41'))).toBe('TOO_NEW');
    const none = ['', 'hello', 'K1069ab::server:123', line.replace('flt1', 'FLT1'), line.slice(1), 'flt0-AAAA', '{}'];
    for (const text of none) expect(codeOf(text), text).toBe('NOT_A_TOKEN');
  });

  test('is no door for garbage', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 200 }), (text, bytes) => {
        expect(codeOf(text)).not.toBe('none');
        expect(codeOf(`flt1-${Buffer.from(bytes).toString('base64url')}`)).not.toBe('none');
      }),
    );
  });

  test('is stored as a hash of its secret only', () => {
    const secret = new Uint8Array(32).fill(7);
    expect(tokenHash(secret)).toBe(createHash('sha256').update(secret).digest('hex'));
  });
});

test('an address with a port reads as it was written, and nothing else is one', () => {
  expect(parseHostPort('atlas.lan:7401')).toEqual({ host: 'atlas.lan', port: 7401 });
  expect(parseHostPort('[fe80::1%eth0]:7401')).toEqual({ host: 'fe80::1%eth0', port: 7401 });
  for (const text of ['[::1]:7401', '10.0.0.1:1', 'a-b.c:65535']) expect(hostPort(parseHostPort(text)!)).toBe(text);
  for (const text of [
    'atlas',
    'atlas:',
    ':7401',
    'atlas:0',
    'atlas:65536',
    '::1:7401',
    '[atlas]:7401',
    'a b:1',
    'a:1x',
  ])
    expect(parseHostPort(text), text).toBeUndefined();
});
