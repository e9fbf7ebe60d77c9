import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRecoveryKey, makeRecoveryKey, parseRecoveryKey, type RecoveryError } from '#io/pki/recovery-key.ts';
import { unwrapSecrets, wrapSecrets } from '#io/pki/sealed-secrets.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const codeOf = (doing: () => unknown): string => {
  try {
    doing();
    return 'none';
  } catch (error) {
    expect((error as RecoveryError).hint.length).toBeGreaterThan(10);
    return (error as RecoveryError).code;
  }
};

describe('a recovery key', () => {
  test('is 14 groups of four that nobody can mistake for others, and another one each time', () => {
    const made = makeRecoveryKey();
    expect(made).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){13}$/);
    expect(makeRecoveryKey()).not.toBe(made);
  });

  test('reads as it was written, however it is typed', () => {
    fc.assert(
      fc.property(key, (bytes) => {
        const written = formatRecoveryKey(bytes);
        expect(parseRecoveryKey(written)).toEqual(Uint8Array.from(bytes));
        const sloppy = ` ${written.toLowerCase().replaceAll('-', '  ').replaceAll('0', 'o').replaceAll('1', 'l')}\n`;
        expect(parseRecoveryKey(sloppy)).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  test('with any letter wrong is told as mistyped', () => {
    const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    fc.assert(
      fc.property(key, fc.nat(55), fc.nat(30), (bytes, where, which) => {
        const written = formatRecoveryKey(bytes).replaceAll('-', '');
        const others = letters.replace(written[where] ?? '', '');
        const wrong = written.slice(0, where) + others[which] + written.slice(where + 1);
        expect(codeOf(() => parseRecoveryKey(wrong))).toBe('MISTYPED');
      }),
      { numRuns: 500 },
    );
    expect(codeOf(() => parseRecoveryKey(`${makeRecoveryKey()}0`))).toBe('MISTYPED');
    expect(codeOf(() => parseRecoveryKey(makeRecoveryKey().replace(/.$/, 'U')))).toBe('MISTYPED');
  });

  test('that lacks its end is told as such', () => {
    fc.assert(
      fc.property(key, fc.nat(55), (bytes, length) => {
        const written = formatRecoveryKey(bytes).replaceAll('-', '');
        expect(codeOf(() => parseRecoveryKey(written.slice(0, length)))).toBe('CUT_SHORT');
      }),
    );
  });
});

describe('sealed secrets', () => {
  const secrets = { 'ca.key': '-----BEGIN PRIVATE KEY-----\nx\n', dataKey: 'äöü' };
  const recovery = makeRecoveryKey();

  test('are opened by their recovery key, and show nothing without it', () => {
    const file = wrapSecrets(recovery, secrets);
    expect(unwrapSecrets(recovery.toLowerCase(), file)).toEqual(secrets);
    expect(Buffer.from(file).toString()).not.toContain('PRIVATE');
    // Two files of the same secrets have nothing in common that could be compared.
    expect(Buffer.from(wrapSecrets(recovery, secrets)).equals(Buffer.from(file))).toBe(false);
  });

  test('tell a wrong key from a key with a slip, and from a damaged or newer file', () => {
    const file = wrapSecrets(recovery, secrets);
    expect(codeOf(() => unwrapSecrets(makeRecoveryKey(), file))).toBe('WRONG_KEY');
    expect(codeOf(() => unwrapSecrets(recovery.slice(0, 20), file))).toBe('CUT_SHORT');
    const json = JSON.parse(Buffer.from(file).toString()) as Record<string, string>;
    const with_ = (changed: object) => Buffer.from(JSON.stringify({ ...json, ...changed }));
    expect(codeOf(() => unwrapSecrets(recovery, with_({ format: 2 })))).toBe('TOO_NEW');
    for (const changed of [
      { sealed: `AAAA${json['sealed']?.slice(4)}` },
      { nonce: 'AAAA' },
      { sealed: '' },
      { salt: 1 },
    ])
      expect(
        codeOf(() => unwrapSecrets(recovery, with_(changed))),
        JSON.stringify(changed),
      ).toBe('DAMAGED');
    expect(codeOf(() => unwrapSecrets(recovery, Buffer.from('{')))).toBe('DAMAGED');
  });
});
