import type { Contexts } from '#ui/cli/contexts.ts';
import { defaultServer, parseServer, resolveSettings } from '#ui/cli/settings.ts';
import { describe, expect, test } from 'vitest';

const home = { server: 'https://atlas.lab:7400', token: 'of-home', ca: 'ca-of-home', namespace: 'media' };
const work = { server: 'https://work.example', token: 'of-work' };
const contexts: Contexts = { version: 1, current: 'home', contexts: { home, work } };
const none: Contexts = { version: 1, contexts: {} };

describe('settings', () => {
  test('are those of this machine when nothing is said', () => {
    expect(resolveSettings({}, {}, none)).toEqual({
      server: defaultServer,
      token: undefined,
      ca: undefined,
      context: undefined,
      namespace: undefined,
    });
  });

  test('come from the context in use', () => {
    expect(resolveSettings({}, {}, contexts)).toEqual({ ...home, context: 'home' });
  });

  test('come from the environment before the context in use', () => {
    expect(resolveSettings({}, { FLOATLAB_CONTEXT: 'work' }, contexts)).toMatchObject({ token: 'of-work' });
    expect(resolveSettings({}, { FLOATLAB_SERVER: 'https://work.example' }, contexts)).toMatchObject({
      context: 'work',
      token: 'of-work',
    });
    expect(resolveSettings({}, { FLOATLAB_NAMESPACE: 'x', FLOATLAB_TOKEN: 't' }, contexts)).toMatchObject({
      namespace: 'x',
      token: 't',
    });
  });

  test('come from options before the environment', () => {
    const env = { FLOATLAB_CONTEXT: 'work', FLOATLAB_SERVER: 'https://elsewhere.example' };
    expect(resolveSettings({ server: 'https://atlas.lab:7400', context: 'home' }, env, contexts)).toMatchObject({
      token: 'of-home',
    });
  });

  test('ignore variables that are set to nothing', () => {
    const env = { FLOATLAB_CONTEXT: '', FLOATLAB_SERVER: '', FLOATLAB_TOKEN: '', FLOATLAB_NAMESPACE: '' };
    expect(resolveSettings({}, env, contexts)).toEqual({ ...home, context: 'home' });
  });

  test('never take a token, a CA or a namespace to a server that they are not for', () => {
    for (const options of [
      { server: 'https://evil.example' },
      { server: 'http://atlas.lab:7400' },
      { server: 'https://work.example', context: 'home' },
    ]) {
      const { token, ca, namespace } = resolveSettings(options, {}, contexts);
      expect([token === 'of-home', ca, namespace]).toEqual([false, undefined, undefined]);
    }
  });

  test('of a context that does not exist are refused', () => {
    expect(() => resolveSettings({ context: 'nowhere' }, {}, contexts)).toThrow('There is no context nowhere.');
  });
});

describe('the address of a lab', () => {
  test.each([
    ['https://atlas.lab:7400', 'https://atlas.lab:7400'],
    ['https://Atlas.Lab:7400/', 'https://atlas.lab:7400'],
    ['https://lab.example', 'https://lab.example'],
    ['atlas.lab', 'https://atlas.lab:7400'],
    ['atlas.lab:8443', 'https://atlas.lab:8443'],
    ['atlas.lab:443', 'https://atlas.lab'],
    ['localhost', 'http://localhost:7400'],
    ['127.0.0.1:7411', 'http://127.0.0.1:7411'],
    ['[::1]', 'http://[::1]:7400'],
    ['[2001:db8::7]', 'https://[2001:db8::7]:7400'],
  ])('may be written %s', (text, server) => {
    expect(parseServer(text)).toBe(server);
  });

  test.each(['', 'ftp://lab', 'https://user:password@lab', 'https://lab/path', 'https://lab?x=1', 'a b'])(
    'is not %j',
    (text) => {
      expect(() => parseServer(text)).toThrow('is not the address of a lab');
    },
  );
});
