/** What a person reads at the end of a start. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loginCommand, welcomeLines, type Welcome } from '#io/daemon/welcome.ts';

const welcome = (some: Partial<Welcome> = {}): string =>
  welcomeLines({
    urls: ['http://127.0.0.1:7461'],
    admin: 'admin',
    newPassword: 'abcd-efgh',
    recoveryKey: undefined,
    fingerprint: undefined,
    notes: [],
    isTerminal: true,
    folder: '/',
    ...some,
  }).join('\n');

test('the first start says how to sign in, at the address that it listens on', () => {
  const text = welcome();
  expect(text).toMatch(/^FloatLab \S+ is ready: http:\/\/127\.0\.0\.1:7461$/m);
  expect(text).toMatch(/^ {2}name {6}admin$/m);
  expect(text).toMatch(/^ {2}password {2}abcd-efgh$/m);
  expect(text).toMatch(/^ {2}sign in {3}node \/\S+\/bin\/floatlab\.js login http:\/\/127\.0\.0\.1:7461$/m);
  expect(text).toContain('shown once and kept nowhere');
});

test('a later start has no password to show, and says the rest', () => {
  const text = welcome({ newPassword: undefined, notes: ['The engine does not answer.'] });
  expect(text).not.toMatch(/password/i);
  expect(text).toContain('bin/floatlab.js login http://127.0.0.1:7461');
  expect(text).toContain('The engine does not answer.');
});

test('what is no terminal keeps the password, and the person hears of it', () => {
  const text = welcome({ isTerminal: false });
  expect(text).not.toContain('kept nowhere');
  expect(text).toMatch(/whatever keeps it keeps the password too/);
});

test('the command is short where the person stands in the folder of FloatLab', () => {
  // Here the sources stand where the built program would be in `dist`.
  const io = dirname(dirname(fileURLToPath(import.meta.resolve('#io/daemon/welcome.ts'))));
  expect(loginCommand('https://lab:7400', io)).toBe('node bin/floatlab.js login https://lab:7400');
  expect(loginCommand('https://lab:7400', '/')).toBe(`node ${io}/bin/floatlab.js login https://lab:7400`);
});
