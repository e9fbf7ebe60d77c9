import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { password, send, startServer, type Sent } from './test-server.ts';

const session = '/api/v1/session';
const signIn = (name: string, secret: string, headers: Sent['headers'] = {}): Sent => ({
  method: 'POST',
  body: { name, password: secret },
  headers,
});

describe('signing in', () => {
  test('gives a token and a cookie that scripts and other sites cannot use', async () => {
    const { url } = await startServer();
    const answer = await send(url + session, signIn('admin', password));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ name: 'admin', role: 'admin', initialPassword: true });
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^floatlab_session=[\w.-]+; /);
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200']) expect(cookie).toContain(part);
    expect(cookie).not.toContain('Secure');

    const byToken = await send(url + session, { headers: { authorization: `Bearer ${answer.json.token}` } });
    expect(byToken.json).toEqual({
      name: 'admin',
      role: 'admin',
      initialPassword: true,
      expiresAt: answer.json.expiresAt,
    });
    const byCookie = await send(url + session, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(byCookie.json).toEqual(byToken.json);
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
    const { url } = await startServer();
    const now = Math.floor(Date.now() / 1000);
    const key = new Uint8Array(32).fill(7);
    const pwv = await passwordVersion(url);
    const claims = { iss: 'floatlab', aud: 'floatlab-api', sub: 'admin', iat: now, exp: now + 60, jti: 'a', pwv };
    const header = { alg: 'HS256', typ: 'floatlab-session+jwt' };
    const sign = (changed: object, with_: object = {}, by = key): Promise<string> =>
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
    expect(await status(await sign({}, { alg: 'HS512' }))).toBe(401);
    expect(await status(await sign({}, {}, new Uint8Array(32).fill(8)))).toBe(401);
    for (const missing of Object.keys(claims))
      expect([missing, await status(await sign({ [missing]: undefined }))]).toEqual([missing, 401]);
    expect(await status(new UnsecuredJWT(claims).encode())).toBe(401);
    expect(await status('nonsense')).toBe(401);
    expect((await send(url + session, { headers: { authorization: 'Basic YWRtaW46eA==' } })).status).toBe(401);
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
    expect(String(out.headers['set-cookie'])).toMatch(/^floatlab_session=; Max-Age=0; Path=\//);
    expect((await send(url + session, { headers: { authorization: `Bearer ${one}` } })).status).toBe(401);
    expect((await send(url + session, { headers: { authorization: `Bearer ${other}` } })).status).toBe(200);
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

describe('pages of other sites', () => {
  const start = async () => {
    const server = await startServer();
    const cookie = `floatlab_session=${await server.token()}`;
    const post = (headers: Record<string, string>) =>
      send(`${server.url}/api/v1/namespaces`, {
        method: 'POST',
        body: { name: 'team' },
        headers: { cookie, ...headers },
      });
    return { ...server, cookie, post };
  };

  test('cannot change anything with the cookie', async () => {
    const { post, url, lab } = await start();
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: url, 'sec-fetch-site': 'cross-site' },
      { origin: url, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
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
    const { url } = await startServer();
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
