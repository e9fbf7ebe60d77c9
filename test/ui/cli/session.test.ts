import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueServer, type KeyPair } from '#io/pki/ca.ts';
import type { SessionAnswer } from '#io/contract/routes/session.ts';
import { FakeServer } from './fake-server.ts';
import { emptyHome } from './home.ts';
import { dayMs, lines, now, run, type Run, type Setting } from './test-world.ts';

const session: SessionAnswer = {
  name: 'admin',
  role: 'admin',
  expiresAt: now + dayMs,
  token: 'token-1',
  initialPassword: false,
};

let lab: FakeServer;
let home: string;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(async () => {
  lab.forget();
  home = await emptyHome();
  lab.on('POST /api/v1/session', { json: session });
  lab.on('GET /api/v1/session', { json: { ...session, token: undefined } });
  lab.on('DELETE /api/v1/session', { status: 204 });
});

const floatlab = (words: string, setting: Setting = {}): Promise<Run> => run(words.split(' '), { home, ...setting });
const file = (): string => join(home, '.config', 'floatlab', 'contexts.json');
const saved = async (): Promise<{ current?: string; contexts: Record<string, Record<string, string>> }> =>
  JSON.parse(await readFile(file(), 'utf8')) as never;

describe('floatlab login', () => {
  test('asks for name and password, and remembers the token', async () => {
    const { code, err, asked } = await floatlab(`login ${lab.url}`, { tty: true, answers: ['admin', 'correct horse'] });
    expect(asked).toEqual(['Name', `Password of admin at ${lab.url}`]);
    expect(err).toContain(`Signed in to ${lab.url} as admin`);
    expect(err).not.toContain('correct horse');
    expect(code).toBe(0);
    expect(lab.heard[0]?.body).toEqual({ name: 'admin', password: 'correct horse' });
    expect(await saved()).toMatchObject({
      current: `127.0.0.1-${new URL(lab.url).port}`,
      contexts: { [`127.0.0.1-${new URL(lab.url).port}`]: { server: lab.url, user: 'admin', token: 'token-1' } },
    });
  });

  test('takes the password from a pipe', async () => {
    const { code, asked } = await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'piped password\n' });
    expect(code).toBe(0);
    expect(asked).toEqual([]);
    expect(lab.heard[0]?.body).toEqual({ name: 'admin', password: 'piped password' });
  });

  test('signs admin in when a script says no name, and whoever signed in before when somebody did', async () => {
    expect((await floatlab(`login ${lab.url} --password-stdin`, { stdin: 'x' })).code).toBe(0);
    expect(lab.heard[0]?.body).toEqual({ name: 'admin', password: 'x' });
    lab.on('POST /api/v1/session', { json: { ...session, name: 'anna' } });
    await floatlab(`login ${lab.url} -u anna --password-stdin`, { stdin: 'x' });
    await floatlab(`login ${lab.url} --password-stdin`, { stdin: 'x' });
    expect(lab.heard.at(-1)?.body).toEqual({ name: 'anna', password: 'x' });
  });

  test('names two labs of one machine so that they can be told apart, and leaves what is there as it is', async () => {
    const second = await FakeServer.start();
    try {
      second.on('POST /api/v1/session', { json: { ...session, token: 'token-2' } });
      await mkdir(join(home, '.config', 'floatlab'), { recursive: true });
      const before = { '127.0.0.1': { server: 'http://127.0.0.1:7400', token: 'old' } };
      await writeFile(file(), JSON.stringify({ version: 1, current: '127.0.0.1', contexts: before }));
      await floatlab(`login ${lab.url} --password-stdin`, { stdin: 'x' });
      await floatlab(`login ${second.url} --password-stdin`, { stdin: 'x' });
      const { contexts } = await saved();
      const ports = [lab.url, second.url].map((url) => new URL(url).port);
      expect(Object.keys(contexts)).toEqual(['127.0.0.1', ...ports.map((port) => `127.0.0.1-${port}`)]);
      expect(contexts['127.0.0.1']).toEqual(before['127.0.0.1']);
    } finally {
      await second.stop();
    }
  });

  test('means the context in use where a lab has several, else the one that was used last', async () => {
    const lastBody = (): unknown => lab.heard.at(-1)?.body;
    const signIn = (name: string, more: string): Promise<Run> => {
      lab.on('POST /api/v1/session', { json: { ...session, name, token: `token-of-${name}` } });
      return floatlab(`login ${lab.url} --password-stdin ${more}`.trim(), { stdin: 'x' });
    };
    await signIn('anna', '-u anna --as first');
    await signIn('bert', '-u bert --as second');
    await signIn('bert', '');
    expect(lastBody()).toEqual({ name: 'bert', password: 'x' });
    expect((await saved()).contexts['first']).toMatchObject({ user: 'anna', token: 'token-of-anna' });

    const other = await FakeServer.start();
    try {
      other.on('POST /api/v1/session', { json: session });
      const goElsewhere = (): Promise<Run> =>
        floatlab(`login ${other.url} --password-stdin --as other`, { stdin: 'x' });
      await goElsewhere();
      await signIn('bert', '');
      expect(lastBody()).toEqual({ name: 'bert', password: 'x' });
      await floatlab('context use first');
      await goElsewhere();
      await floatlab(`whoami --server ${lab.url}`);
      expect(lab.heard.at(-1)?.headers.authorization).toBe('Bearer token-of-anna');
      await signIn('anna', '');
      expect(lastBody()).toEqual({ name: 'anna', password: 'x' });
      expect((await saved()).contexts['second']).toMatchObject({ user: 'bert', token: 'token-of-bert' });
      await signIn('bert', '--context second');
      expect(lastBody()).toEqual({ name: 'bert', password: 'x' });
    } finally {
      await other.stop();
    }
  });

  test('has no option that takes a password', async () => {
    const { out } = await floatlab('login --help');
    expect(out).toContain('--password-stdin');
    expect(out).not.toMatch(/--password[ =]/);
    expect(await floatlab(`login ${lab.url} --password secret`)).toMatchObject({ code: 2 });
  });

  test('asks nobody off a terminal: it ends and says how else', async () => {
    expect(await floatlab(`login ${lab.url}`)).toMatchObject({
      code: 2,
      asked: [],
      err: expect.stringContaining('--password-stdin') as string,
    });
    expect(await floatlab(`login ${lab.url} -u admin`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--password-stdin') as string,
    });
    expect(lab.heard).toEqual([]);
  });

  test('keeps the file to its owner, in a folder of its owner, and leaves nothing else behind', async () => {
    await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x' });
    await chmod(file(), 0o644);
    await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x' });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, '.config', 'floatlab'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(home, '.config', 'floatlab'))).toEqual(['contexts.json']);
  });

  test('follows XDG_CONFIG_HOME', async () => {
    const xdg = await emptyHome();
    await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x', env: { XDG_CONFIG_HOME: xdg } });
    expect(await readdir(join(xdg, 'floatlab'))).toEqual(['contexts.json']);
  });

  test('sends no password over plain HTTP to another machine', async () => {
    const { code, err } = await floatlab('login http://atlas.lab:7400 -u admin --password-stdin', { stdin: 'x' });
    expect(code).toBe(2);
    expect(err).toContain('would cross the network for everybody to read');
  });

  test('says that the first password should be changed', async () => {
    lab.on('POST /api/v1/session', { json: { ...session, initialPassword: true } });
    const { err } = await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x' });
    expect(err).toContain('Change it: floatlab passwd');
  });

  test('with a wrong password ends with 3 and remembers nothing', async () => {
    lab.problem('POST /api/v1/session', 'WRONG_PASSWORD', 'Name or password is wrong.');
    expect(await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x' })).toMatchObject({ code: 3 });
    await expect(readFile(file())).rejects.toThrow('ENOENT');
  });

  test('does not overwrite a file that it cannot read', async () => {
    await mkdir(join(home, '.config', 'floatlab'), { recursive: true });
    await writeFile(file(), 'not json');
    const { code, err } = await floatlab(`login ${lab.url} -u admin --password-stdin`, { stdin: 'x' });
    expect(code).toBe(1);
    expect(err).toContain('is not a file of contexts (CONTEXTS_UNREADABLE)');
    expect(await readFile(file(), 'utf8')).toBe('not json');
  });
});

describe('being signed in', () => {
  beforeEach(() => floatlab(`login ${lab.url} -u admin --password-stdin --as home`, { stdin: 'x' }));

  test('every command carries the token', async () => {
    const { out } = await floatlab('whoami');
    expect(lab.heard.at(-1)?.headers.authorization).toBe('Bearer token-1');
    expect(lines(out).slice(0, 4)).toEqual([
      'name     admin',
      'role     admin',
      `lab      ${lab.url}`,
      'context  home',
    ]);
  });

  test('the token goes to no other server', async () => {
    const other = await FakeServer.start();
    try {
      other.on('GET /api/v1/session', { json: session });
      await floatlab(`whoami --server ${other.url}`);
      expect(other.heard[0]?.headers.authorization).toBeUndefined();
    } finally {
      await other.stop();
    }
  });

  test('FLOATLAB_TOKEN wins over the token of the context', async () => {
    await floatlab('whoami', { env: { FLOATLAB_TOKEN: 'from-env' } });
    expect(lab.heard.at(-1)?.headers.authorization).toBe('Bearer from-env');
  });

  test('a hint names the context that was asked for, when it is not the one in use', async () => {
    await floatlab(`login ${lab.url} --password-stdin --as other`, { stdin: 'x' });
    lab.problem('GET /api/v1/apps/default/x', 'NOT_FOUND', 'There is no app x.', {
      hint: 'floatlab app ls shows more.',
    });
    expect((await floatlab('app show x --context home')).err).toContain('hint:  floatlab app ls --context home shows');
    expect((await floatlab('app show x --context other')).err).toContain('hint:  floatlab app ls shows');
  });

  test('contexts are listed without their tokens, in every format', async () => {
    for (const format of ['table', 'wide', 'json', 'yaml']) {
      const { out } = await floatlab(`context ls -o ${format}`);
      expect(out).toContain('home');
      expect(out).not.toContain('token-1');
    }
    expect(lines((await floatlab('context ls')).out)[1]).toBe(`* home   ${lab.url}  admin  yes        –`);
  });

  test('one context after the other can be used', async () => {
    await floatlab(`login ${lab.url} -u admin --password-stdin --as second`, { stdin: 'x' });
    expect((await saved()).current).toBe('second');
    await floatlab('context use home -n media');
    expect(await saved()).toMatchObject({ current: 'home', contexts: { home: { namespace: 'media' } } });
    expect(await floatlab('context use nowhere')).toMatchObject({ code: 4 });
    await floatlab('context rm home');
    expect(Object.keys((await saved()).contexts)).toEqual(['second']);
  });

  test('logout ends the session and forgets the token, whether the lab answers or not', async () => {
    const { code } = await floatlab('logout');
    expect(code).toBe(0);
    expect(lab.changes).toContain('DELETE /api/v1/session');
    expect((await saved()).contexts['home']).toEqual({ server: lab.url, user: 'admin' });
  });

  test('passwd changes the password and goes on under the new token', async () => {
    lab.on('PUT /api/v1/session/password', { json: { ...session, token: 'token-2' } });
    const answers = ['old password', 'new password', 'new password'];
    const { code } = await floatlab('passwd', { tty: true, answers });
    expect(code).toBe(0);
    expect(lab.heard.at(-1)?.body).toEqual({ current: 'old password', next: 'new password' });
    expect((await saved()).contexts['home']?.['token']).toBe('token-2');
  });

  test('passwd changes nothing when the two new passwords differ', async () => {
    const { code } = await floatlab('passwd', { tty: true, answers: ['old', 'new password', 'new passwort'] });
    expect(code).toBe(2);
    expect(lab.changes.filter((change) => change.startsWith('PUT'))).toEqual([]);
  });

  test('passwd takes both passwords from a pipe', async () => {
    lab.on('PUT /api/v1/session/password', { json: session });
    expect((await floatlab('passwd --password-stdin', { stdin: 'old\nnew password\n' })).code).toBe(0);
    expect((await floatlab('passwd --password-stdin', { stdin: 'old\n' })).code).toBe(2);
  });
});

describe('a lab with a certificate of its own', () => {
  let authority: KeyPair;
  let secure: FakeServer;
  let fingerprint: string;
  beforeAll(async () => {
    const moment = Date.now();
    authority = await createAuthority(moment);
    fingerprint = new X509Certificate(authority.cert).fingerprint256;
    const server = await issueServer(authority, ['127.0.0.1'], moment);
    secure = await FakeServer.start({ key: server.key, cert: `${server.cert}\n${authority.cert}` });
  });
  afterAll(() => secure.stop());
  beforeEach(() => secure.on('POST /api/v1/session', { json: session }).on('GET /api/v1/session', { json: session }));
  afterEach(() => secure.forget());

  const login = (more: string, setting: Setting = {}): Promise<Run> =>
    floatlab(`login ${secure.url} -u admin --password-stdin ${more}`.trim(), { stdin: 'x', ...setting });

  test('is trusted once its fingerprint was confirmed, and from then on without a question', async () => {
    const { code, err, asked } = await login('', { tty: true, answers: [true] });
    expect(asked).toEqual(['Trust it for this lab?']);
    expect(err).toContain(fingerprint);
    expect(code).toBe(0);
    expect(await floatlab('whoami -q')).toMatchObject({ code: 0, out: 'admin\n' });
    expect((await login('', { tty: true })).asked).toEqual([]);
  });

  test('gets no password when the person declines', async () => {
    expect(await login('', { tty: true, answers: [false] })).toMatchObject({ code: 1 });
    expect(secure.heard).toEqual([]);
  });

  test('is not trusted unasked off a terminal', async () => {
    const { code, err } = await login('');
    expect(code).toBe(2);
    expect(err).toContain('Say --ca FILE or --fingerprint SHA256.');
    expect(secure.heard).toEqual([]);
  });

  test('is trusted by its fingerprint, however it is written', async () => {
    expect(await login(`--fingerprint sha256:${fingerprint.replaceAll(':', '').toLowerCase()}`)).toMatchObject({
      code: 0,
    });
    const wrong = `${fingerprint.slice(0, -2)}${fingerprint.endsWith('00') ? '11' : '00'}`;
    expect(await login(`--fingerprint ${wrong}`)).toMatchObject({
      code: 3,
      err: expect.stringContaining('WRONG_FINGERPRINT') as string,
    });
  });

  test('is trusted by a file of its authority', async () => {
    await writeFile(join(home, 'ca.pem'), authority.cert);
    expect(await login('--ca ca.pem')).toMatchObject({ code: 0 });
    expect(await login('--ca missing.pem')).toMatchObject({ code: 2 });
  });

  test('that belongs to another authority is not spoken to', async () => {
    const other = await createAuthority(Date.now());
    await writeFile(join(home, 'other.pem'), other.cert);
    const { code, err } = await login('--ca other.pem');
    expect(code).toBe(8);
    expect(err).toContain('its certificate is of an authority that is not trusted');
    expect(secure.heard).toEqual([]);
  });

  test('with another authority than before is asked about again, with a warning', async () => {
    const other = await createAuthority(Date.now());
    await writeFile(join(home, 'ca.pem'), authority.cert);
    await login('--ca ca.pem');
    const contexts = await saved();
    (contexts.contexts[contexts.current ?? ''] ?? {})['ca'] = other.cert;
    await writeFile(file(), JSON.stringify(contexts));
    const { err, asked } = await login('', { tty: true, answers: [false] });
    expect(err).toContain('is not the one that you trusted before');
    expect(asked).toEqual(['Trust it for this lab?']);
  });

  test('is spoken to live under the same trust', async () => {
    await writeFile(join(home, 'ca.pem'), authority.cert);
    await login('--ca ca.pem');
    secure.on('GET /api/v1/apps/default/photos', { json: { id: 'app:photos', services: { web: {} } } });
    secure.live = (message, say) => {
      if (message.t === 'logs') say({ t: 'end', sub: message.sub });
    };
    expect(await floatlab('logs photos')).toMatchObject({ code: 0 });
    expect(secure.heardLive).toHaveLength(1);
  });
});
