import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jwkOf, keySha256Of, loneSigner } from '#io/http/auth/signer.ts';
import { endedInFile, hasEnded, maxEnded, nothingEnded, withEnded } from '#io/http/auth/ended.ts';
import { LogError } from '#io/log/port.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { pageKeyHeader } from '#io/contract/routes.ts';
import { pageSessionOf, password, send, signInPage, startServer, until, type Sent } from './test-server.ts';

const session = '/api/v1/session';
const signIn = (name: string, secret: string, headers: Sent['headers'] = {}): Sent => ({
  method: 'POST',
  body: { name, password: secret },
  headers,
});

describe('signing in', () => {
  test('gives a program a token, and no cookie', async () => {
    const { url } = await startServer();
    const answer = await send(url + session, signIn('admin', password));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ name: 'admin', role: 'admin', initialPassword: true });
    expect(answer.json.key).toBeUndefined();
    expect(answer.headers['set-cookie']).toBeUndefined();
    const byToken = await send(url + session, { headers: { authorization: `Bearer ${answer.json.token}` } });
    expect(byToken.json).toEqual({
      name: 'admin',
      role: 'admin',
      initialPassword: true,
      expiresAt: answer.json.expiresAt,
    });
  });

  test('gives a page a cookie that scripts and other sites cannot use, and a key; the token is not told', async () => {
    const { url } = await startServer();
    const answer = await send(url + session, {
      method: 'POST',
      body: { name: 'admin', password, page: true },
      headers: { origin: url },
    });
    expect(answer.status).toBe(200);
    expect(answer.json.token).toBeUndefined();
    expect(answer.json.key).toMatch(/^[\w-]{43}$/);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^floatlab_session=[\w.-]+; /);
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200']) expect(cookie).toContain(part);
    expect(cookie).not.toContain('Secure');
    const { headers } = pageSessionOf(cookie, answer.json.key as string);
    expect((await send(url + session, { headers })).json).toMatchObject({ name: 'admin' });
    // The next page gets another one.
    expect((await signInPage(url)).key).not.toBe(answer.json.key);
  });

  test('by a page behind a proxy that speaks TLS gives a cookie that stays with TLS', async () => {
    const { url } = await startServer({ hostNames: ['lab.example.org'] });
    const answer = await send(url + session, {
      method: 'POST',
      body: { name: 'admin', password, page: true },
      headers: { origin: 'https://lab.example.org' },
    });
    expect(String(answer.headers['set-cookie'])).toContain('; Secure');
  });

  test('a wrong password and an unknown name get the same answer', async () => {
    const { url } = await startServer();
    const wrong = await send(url + session, signIn('admin', 'wrong'));
    const unknown = await send(url + session, signIn('root', password));
    expect(wrong.status).toBe(401);
    expect(wrong.json).toMatchObject({ code: 'WRONG_PASSWORD', status: 401 });
    expect(unknown.json).toEqual(wrong.json);
    expect(wrong.headers['set-cookie']).toBeUndefined();
  });

  test('the sixth attempt within a minute has to wait, however it would have ended', async () => {
    const { url } = await startServer({ limits: { signIn: { attempts: 5, withinSeconds: 60 } } });
    for (let attempt = 0; attempt < 5; attempt++) {
      expect((await send(url + session, signIn('admin', 'wrong'))).status).toBe(401);
    }
    const sixth = await send(url + session, signIn('admin', password));
    expect(sixth.status).toBe(429);
    expect(sixth.json).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(Number(sixth.headers['retry-after'])).toBeGreaterThan(50);
    expect(sixth.json.retryAfter).toBe(Number(sixth.headers['retry-after']));
  });

  test('after the time is over one may try again', async () => {
    const { url } = await startServer({ limits: { signIn: { attempts: 1, withinSeconds: 1 } } });
    await send(url + session, signIn('admin', 'wrong'));
    expect((await send(url + session, signIn('admin', password))).status).toBe(429);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    expect((await send(url + session, signIn('admin', password))).status).toBe(200);
  });

  test('the right password forgets the slips before it, and malformed requests do not count', async () => {
    const { url } = await startServer({ limits: { signIn: { attempts: 2, withinSeconds: 60 } } });
    for (let round = 0; round < 3; round++) {
      await send(url + session, { method: 'POST', body: { name: 'admin' } });
      await send(url + session, signIn('admin', 'wrong'));
      expect((await send(url + session, signIn('admin', password))).status).toBe(200);
    }
  });
});

describe('strangers who sign in', () => {
  /** A request whose body never ends. @returns what came back until the connection was closed */
  const unfinished = async (url: string, declared: string, sent = '') => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(url).port) });
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.on('error', () => undefined);
    socket.write(
      `POST ${session} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${declared}\r\n\r\n${sent}`,
    );
    return { socket, answer: () => answer, status: () => Number(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 0) };
  };

  test('may send no more than a name and a password need, and are told before they have sent it', async () => {
    const { url } = await startServer();
    const declared = await unfinished(url, `Content-Length: ${8 * 2 ** 20}`, '{');
    await until(() => declared.status() !== 0);
    expect(declared.answer()).toMatch(/400 Bad Request[^]*larger than 8 KiB[^]*TOO_LARGE/);
    const chunk = 'x'.repeat(9000);
    const chunked = await unfinished(url, 'Transfer-Encoding: chunked', `${chunk.length.toString(16)}\r\n${chunk}\r\n`);
    await until(() => chunked.status() !== 0);
    expect(chunked.answer()).toMatch(/TOO_LARGE/);
    for (const { socket } of [declared, chunked]) socket.destroy();
  });

  test('and do not finish are turned away before anything of theirs is taken, once they are too many', async () => {
    const { url } = await startServer();
    const many = await Promise.all(
      Array.from({ length: 60 }, () => unfinished(url, 'Content-Length: 8000', '{"name":'.padEnd(7000))),
    );
    await until(() => many.filter(({ status }) => status() === 429).length === 55, 'most are turned away');
    expect(many.filter(({ status }) => status() === 0)).toHaveLength(5);
    for (const { socket } of many) socket.destroy();
  });

  test('and take too long are told so', async () => {
    const clock = new VirtualClock(Date.now());
    const { url } = await startServer({ clock });
    const slow = await unfinished(url, 'Content-Length: 100', '{');
    // When the server has seen the request is its own affair.
    for (let second = 0; second < 200 && slow.status() === 0; second++) {
      await clock.run(1000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(slow.answer()).toMatch(/did not arrive within 10 s/);
    slow.socket.destroy();
  });
});

describe('a session', () => {
  test('is needed for everything that is not open', async () => {
    const { url } = await startServer();
    for (const path of ['/api/v1/apps', '/metrics', session, '/api/v1/events', '/api/v1/operations/1/wait']) {
      const answer = await send(url + path);
      expect([path, answer.status, answer.json.code]).toEqual([path, 401, 'NOT_SIGNED_IN']);
    }
    for (const path of ['/healthz', '/readyz', '/api/v1/openapi.json'])
      expect((await send(url + path)).status).toBe(200);
  });

  test('is not taken from the URL', async () => {
    const { url, token } = await startServer();
    const secret = await token();
    for (const name of ['token', 'access_token', 'floatlab_session']) {
      expect((await send(`${url}/api/v1/apps?${name}=${secret}`)).status).toBe(401);
    }
  });

  test('is refused when its token is not one that this server signed, whole, for this use and in time', async () => {
    const signer = loneSigner();
    const { url } = await startServer({ signer });
    const now = Math.floor(Date.now() / 1000);
    const key = createPrivateKey(signer.privateKey);
    const stranger = createPrivateKey(loneSigner().privateKey);
    const jwk = jwkOf(key);
    const pwv = await passwordVersion(url);
    const claims = { iss: 'floatlab', aud: 'floatlab-api', sub: 'admin', iat: now, exp: now + 60, jti: 'a', pwv };
    const header = { alg: 'ES256', typ: 'floatlab-session+jwt', jwk };
    const sign = (changed: object, with_: object = {}, by: KeyObject | Uint8Array = key): Promise<string> =>
      new SignJWT({ ...claims, ...changed }).setProtectedHeader({ ...header, ...with_ }).sign(by);
    const status = async (token: string): Promise<number> =>
      (await send(url + session, { headers: { authorization: `Bearer ${token}` } })).status;

    expect(await status(await sign({}))).toBe(200);
    expect(await status(await sign({ exp: now - 1 }))).toBe(401);
    expect(await status(await sign({ iss: 'other' }))).toBe(401);
    expect(await status(await sign({ aud: 'other' }))).toBe(401);
    expect(await status(await sign({ sub: 'root' }))).toBe(401);
    expect(await status(await sign({ pwv: 'old' }))).toBe(401);
    expect(await status(await sign({}, { typ: 'JWT' }))).toBe(401);
    expect(await status(await sign({}, { jwk: undefined }))).toBe(401);
    expect(await status(await sign({}, {}, stranger)), 'in the name of a node whose key it has not').toBe(401);
    expect(await status(await sign({}, { jwk: jwkOf(stranger) }, stranger))).toBe(401);
    const secret = new TextEncoder().encode(JSON.stringify(jwk));
    expect(await status(await sign({}, { alg: 'HS256' }, secret)), 'with what everybody knows').toBe(401);
    for (const missing of Object.keys(claims))
      expect([missing, await status(await sign({ [missing]: undefined }))]).toEqual([missing, 401]);
    expect(await status(new UnsecuredJWT(claims).encode())).toBe(401);
    expect(await status('nonsense')).toBe(401);
    expect((await send(url + session, { headers: { authorization: 'Basic YWRtaW46eA==' } })).status).toBe(401);
  });

  test('is good at the other nodes of the lab, and no longer once the node that signed it has gone', async () => {
    const known = new Set<string>();
    const [atlas, vega] = [0, 1].map(() => ({ ...loneSigner(), knows: (key: string) => known.has(key) }));
    if (!atlas || !vega) return;
    const [here, there] = [await startServer({ signer: atlas }), await startServer({ signer: vega })];
    const headers = { authorization: `Bearer ${await there.token()}` };
    const statusAt = async ({ url }: { readonly url: string }): Promise<number> =>
      (await send(url + session, { headers })).status;
    expect([await statusAt(here), await statusAt(there)]).toEqual([401, 200]);
    known.add(keySha256Of(createPublicKey(vega.privateKey)));
    expect([await statusAt(here), await statusAt(there)]).toEqual([200, 200]);
    known.clear();
    expect([await statusAt(here), await statusAt(there)]).toEqual([401, 200]);
    const own = { authorization: `Bearer ${await here.token()}` };
    expect((await send(here.url + session, { headers: own })).status).toBe(200);
  });

  test('ends after twelve hours', async () => {
    const clock = new VirtualClock(1_700_000_000_000);
    const { url, token } = await startServer({ clock });
    const headers = { authorization: `Bearer ${await token()}` };
    clock.jump(12 * 3_600_000 - 2000);
    expect((await send(url + session, { headers })).status).toBe(200);
    clock.jump(3000);
    expect((await send(url + session, { headers })).status).toBe(401);
  });

  test('ends with signing out, and only that one', async () => {
    const { url } = await startServer();
    const [one, other] = await Promise.all(
      [1, 2].map(async () => (await send(url + session, signIn('admin', password))).json.token),
    );
    const out = await send(url + session, { method: 'DELETE', headers: { authorization: `Bearer ${one}` } });
    expect(out.status).toBe(204);
    expect((await send(url + session, { headers: { authorization: `Bearer ${one}` } })).status).toBe(401);
    expect((await send(url + session, { headers: { authorization: `Bearer ${other}` } })).status).toBe(200);
  });
});

describe('a session of a page', () => {
  test('needs cookie and key together: neither alone, nor the key of another page, opens anything', async () => {
    const { url, lab } = await startServer();
    const { cookie, key, headers } = await signInPage(url);
    const other = await signInPage(url);
    expect((await send(`${url}/api/v1/apps`, { headers })).status).toBe(200);
    const attempts: Record<string, string>[] = [
      { cookie },
      { [pageKeyHeader]: key },
      { cookie, [pageKeyHeader]: other.key },
      { cookie, [pageKeyHeader]: '' },
      // Whoever has seen the cookie has the token: it is no bearer token, with the key or without.
      { authorization: `Bearer ${cookie.split('=')[1]}` },
      { authorization: `Bearer ${cookie.split('=')[1]}`, [pageKeyHeader]: key },
    ];
    for (const shown of attempts) {
      for (const path of ['/api/v1/apps', '/metrics', session]) {
        const answer = await send(url + path, { headers: shown });
        expect([shown, path, answer.status, answer.json.code]).toEqual([shown, path, 401, 'NOT_SIGNED_IN']);
      }
      for (const [method, path] of [
        ['POST', '/api/v1/apps/default/photos/stop'],
        ['DELETE', session],
      ] as const) {
        const answer = await send(url + path, { method, headers: { ...shown, origin: url } });
        expect([shown, method, answer.status]).toEqual([shown, method, 401]);
      }
    }
    expect(lab.requests).toEqual([]);
    expect((await send(`${url}/api/v1/apps`, { headers: { cookie } })).json).toMatchObject({
      detail: 'A cookie alone opens nothing: the key of the page that signed in is missing.',
      hint: 'Sign in: floatlab login, or the web app.',
    });
    expect((await send(`${url}/api/v1/apps`, { headers })).status).toBe(200);
  });

  test('cannot be made of the token of a program', async () => {
    const { url, token } = await startServer();
    const { key } = await signInPage(url);
    const headers = { cookie: `floatlab_session=${await token()}`, [pageKeyHeader]: key };
    expect((await send(url + session, { headers })).status).toBe(401);
  });

  test('ends with signing out, which takes the cookie away', async () => {
    const { url } = await startServer();
    const { headers } = await signInPage(url);
    const out = await send(url + session, { method: 'DELETE', headers: { ...headers, origin: url } });
    expect(out.status).toBe(204);
    expect(String(out.headers['set-cookie'])).toMatch(/^floatlab_session=; Max-Age=0; Path=\//);
    expect((await send(url + session, { headers })).status).toBe(401);
  });

  test('goes on under another cookie and key when its password is changed', async () => {
    const { url } = await startServer();
    const { headers, key } = await signInPage(url);
    const answer = await send(`${url}${session}/password`, {
      method: 'PUT',
      body: { current: password, next: 'a new secret' },
      headers: { ...headers, origin: url },
    });
    expect(answer.status).toBe(200);
    expect([answer.json.token, answer.json.key === key]).toEqual([undefined, false]);
    const next = pageSessionOf(answer.headers['set-cookie'], answer.json.key as string);
    expect((await send(url + session, { headers: next.headers })).status).toBe(200);
    expect((await send(url + session, { headers })).status).toBe(401);
    expect((await send(url + session, { headers: { ...next.headers, [pageKeyHeader]: key } })).status).toBe(401);
  });
});

describe('a token that was signed out', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'floatlab-sessions-'));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const warnings: string[] = [];
  const stored = (now = Date.now()) =>
    endedInFile(join(dir, 'sessions.json'), { now, longestMs: 12 * 3_600_000, warn: (text) => warnings.push(text) });
  const bearer = async (url: string): Promise<{ readonly authorization: string }> => ({
    authorization: `Bearer ${(await send(url + session, signIn('admin', password))).json.token}`,
  });
  const status = async (url: string, headers: Record<string, string>): Promise<number> =>
    (await send(url + session, { headers })).status;

  test('is not good after a restart of the server either, and the others are', async () => {
    const first = await startServer({ ended: await stored() });
    const [one, two, other] = [await bearer(first.url), await bearer(first.url), await bearer(first.url)];
    const page = await signInPage(first.url);
    await Promise.all([one, two].map((headers) => send(first.url + session, { method: 'DELETE', headers })));
    await send(first.url + session, { method: 'DELETE', headers: { ...page.headers, origin: first.url } });
    await first.server.close();
    const second = await startServer({ ended: await stored() });
    const all = [one, two, other, page.headers].map((headers) => status(second.url, headers));
    expect(await Promise.all(all)).toEqual([401, 401, 200, 401]);
    expect((await stat(join(dir, 'sessions.json'))).mode & 0o777).toBe(0o600);
  });

  test('is over before it is remembered, and who signs out learns when it cannot be', async () => {
    const { url } = await startServer({
      ended: { known: nothingEnded, save: () => Promise.reject(new Error('the disk is full')) },
    });
    const headers = await bearer(url);
    expect((await send(url + session, { method: 'DELETE', headers })).status).toBe(500);
    expect(await status(url, headers)).toBe(401);
  });

  test('is forgotten once it would have run out, so that the file stays small', async () => {
    const clock = new VirtualClock(1_700_000_000_000);
    const { url } = await startServer({ ended: await stored(), clock });
    for (let n = 0; n < 3; n++) {
      await send(url + session, { method: 'DELETE', headers: await bearer(url) });
      clock.jump(7 * 3_600_000);
    }
    expect((await stored()).known.ids.size).toBe(2);
  });

  test('stays out although more sign out than can be remembered: then older sessions end too', () => {
    let ended = nothingEnded;
    const of = (n: number) => ({ id: `s${n}`, expiresAt: 1000 + n });
    ended = { upTo: 0, ids: new Map(Array.from({ length: maxEnded }, (_, n) => [`s${n}`, 1000 + n] as const)) };
    ended = withEnded(withEnded(ended, of(maxEnded), 0), of(maxEnded + 1), 0);
    expect(ended.ids.size).toBe(maxEnded);
    expect([0, 1, 2, maxEnded, maxEnded + 1].map((n) => hasEnded(ended, of(n)))).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect(hasEnded(ended, { id: 'of somebody else', expiresAt: 1001 })).toBe(true);
    expect(hasEnded(ended, { id: 'of somebody else', expiresAt: 1002 })).toBe(false);
  });

  test('in a file that is damaged: nobody can tell, so all sessions of before are over', async () => {
    const first = await startServer({ ended: await stored() });
    const headers = await bearer(first.url);
    await writeFile(join(dir, 'sessions.json'), '{"upTo":');
    const second = await startServer({ ended: await stored() });
    expect(await status(second.url, headers)).toBe(401);
    expect(warnings.at(-1)).toContain('sessions.json is damaged');
  });
});

describe('changing the password', () => {
  const change = (token: string, current: string, next: string): Sent => ({
    method: 'PUT',
    body: { current, next },
    headers: { authorization: `Bearer ${token}` },
  });

  test('saves it, ends all other sessions and goes on under a new token', async () => {
    const { url, token, credentials } = await startServer();
    const other = (await send(url + session, signIn('admin', password))).json.token as string;
    const answer = await send(`${url}${session}/password`, change(await token(), password, 'a new secret'));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ name: 'admin', initialPassword: false });
    expect(credentials.saved[0]).toMatch(/^\$argon2id\$/);
    for (const old of [other, await token()]) {
      expect((await send(url + session, { headers: { authorization: `Bearer ${old}` } })).status).toBe(401);
    }
    expect((await send(url + session, { headers: { authorization: `Bearer ${answer.json.token}` } })).status).toBe(200);
    expect((await send(url + session, signIn('admin', password))).status).toBe(401);
    expect((await send(url + session, signIn('admin', 'a new secret'))).status).toBe(200);
  });

  test('needs the present one, and a new one that is long enough and another', async () => {
    const { url, token, credentials } = await startServer();
    const path = `${url}${session}/password`;
    expect((await send(path, change(await token(), 'wrong', 'a new secret'))).json).toMatchObject({
      code: 'WRONG_PASSWORD',
    });
    expect((await send(path, change(await token(), password, 'short'))).json).toMatchObject({
      code: 'INVALID',
      fields: [{ path: 'next', message: 'a password has at least 10 characters' }],
    });
    expect((await send(path, change(await token(), password, password))).json).toMatchObject({ code: 'INVALID' });
    expect(credentials.saved).toEqual([]);
  });
});

test('a password is not changed on a node that is cut off from the others, and says so', async () => {
  const { url, token, credentials, lab } = await startServer();
  lab.onReadIndex = () => Promise.reject(new LogError('NO_QUORUM', 'no majority answers', 'Wait.'));
  const headers = { authorization: `Bearer ${await token()}` };
  const body = { current: password, next: 'a new secret' };
  const refused = await send(`${url}${session}/password`, { method: 'PUT', body, headers });
  expect([refused.status, refused.json]).toMatchObject([
    503,
    { code: 'NO_LEADER', detail: expect.stringContaining('was not changed'), hint: expect.stringContaining('status') },
  ]);
  expect(credentials.saved).toEqual([]);
  expect((await send(url + session, { headers })).status).toBe(200);
});

describe('pages of other sites', () => {
  const start = async () => {
    const server = await startServer({ hostNames: ['lab.example.org'] });
    const page = await signInPage(server.url);
    const post = (headers: Record<string, string>) =>
      send(`${server.url}/api/v1/namespaces`, {
        method: 'POST',
        body: { name: 'team' },
        headers: { ...page.headers, ...headers },
      });
    return { ...server, post };
  };

  test('cannot change anything with the cookie, not even when they know the key', async () => {
    const { post, url, lab } = await start();
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: url, 'sec-fetch-site': 'cross-site' },
      { origin: url, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'http://lab.example.org:8080' },
      { origin: 'http://atlas.lab' },
      { origin: url.replace(/:\d+$/, ':1') },
      { origin: 'ftp://lab.example.org' },
      {},
    ]) {
      const answer = await post(headers as Record<string, string>);
      expect([headers, answer.status, answer.json.code]).toEqual([headers, 403, 'FORBIDDEN']);
    }
    expect(lab.requests).toEqual([]);
  });

  test('a page of this server can, and a program with a token need not say where it comes from', async () => {
    const { post, url, api } = await start();
    expect((await post({ origin: url })).status).toBe(201);
    expect((await post({ origin: url, 'sec-fetch-site': 'same-origin' })).status).toBe(201);
    // A proxy may hand on another Host: then the name counts that the settings give.
    expect((await post({ origin: 'https://lab.example.org' })).status).toBe(201);
    expect(
      (
        await api('/api/v1/namespaces', {
          method: 'POST',
          body: { name: 'x' },
          headers: { origin: 'https://else.example' },
        })
      ).status,
    ).toBe(201);
  });

  test('a header that is no token does not hide the cookie from the check', async () => {
    const { post, lab } = await start();
    expect((await post({ authorization: 'Bearer x y' })).status).toBe(401);
    expect((await post({ authorization: '' })).status).not.toBe(201);
    expect(lab.requests).toEqual([]);
  });

  test('cannot sign somebody in', async () => {
    const { url } = await startServer();
    expect((await send(url + session, signIn('admin', password, { origin: 'https://evil.example' }))).status).toBe(403);
    expect((await send(url + session, signIn('admin', password, { origin: url }))).status).toBe(200);
  });

  test('are not reached by a name of theirs that points here', async () => {
    const { url } = await startServer({ hostNames: ['lab.example.org', '2001:db8::7'] });
    const port = new URL(url).port;
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '192.168.1.7',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
    ]) {
      for (const path of ['/', '/healthz', session]) {
        const answer = await send(url + path, { headers: { host } });
        expect([host, path, answer.status]).toEqual([host, path, 403]);
      }
    }
    for (const host of [
      `localhost:${port}`,
      `127.0.0.1:${port}`,
      `[::1]:${port}`,
      'LOCALHOST',
      'atlas.lab',
      'lab.localhost',
      'lab.example.org',
      'LAB.example.org:443',
      '[2001:db8::7]:8443',
    ]) {
      expect([host, (await send(`${url}/healthz`, { headers: { host } })).status]).toEqual([host, 200]);
    }
  });
});

/** The claim that a good token has. */
async function passwordVersion(url: string): Promise<string> {
  const { token } = (await send(url + session, signIn('admin', password))).json as { token: string };
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).pwv as string;
}

describe('the token for metrics', () => {
  const metricsToken = 'm'.repeat(43);
  const headers = { authorization: `Bearer ${metricsToken}` };

  test('opens the metrics, and nothing else', async () => {
    const { url } = await startServer({ metricsToken });
    const answer = await send(`${url}/metrics`, { headers });
    expect([answer.status, answer.text]).toEqual([200, 'floatlab_info 1\n']);
    for (const path of ['/api/v1/apps', session, '/api/v1/events', '/api/v1/config']) {
      expect([path, (await send(url + path, { headers })).status]).toEqual([path, 401]);
    }
    expect((await send(`${url}/api/v1/apps`, { method: 'POST', headers, body: {} })).status).toBe(401);
    const live = { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
    expect((await send(`${url}/api/v1/live`, { headers: live })).status).toBe(401);
  });

  test('is another one than what is shown, and nothing where there is none', async () => {
    const { url } = await startServer({ metricsToken });
    for (const wrong of ['n'.repeat(43), 'm'.repeat(42), 'undefined']) {
      expect((await send(`${url}/metrics`, { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(401);
    }
    // Cookies go to every port of the host.
    expect((await send(`${url}/metrics`, { headers: { cookie: `floatlab_session=${metricsToken}` } })).status).toBe(
      401,
    );
    const without = await startServer();
    expect((await send(`${without.url}/metrics`, { headers })).status).toBe(401);
  });
});
