import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { requestJoin, type JoinError, type JoinRequest } from '#io/links/join.ts';
import type { PlainRequest, PlainResponse } from '#io/links/plain.ts';
import { createAuthority, issueServer } from '#io/pki/ca.ts';
import { createNodeKey, makeRequest } from '#io/pki/node-certificate.ts';
import { SmallLab, until, type TestNode } from './small-lab.ts';

let lab: SmallLab;
let atlas: TestNode;
let asked: PlainRequest[];
let answer: PlainResponse;
let csr: string;
beforeEach(async () => {
  lab = await SmallLab.create();
  atlas = await lab.node('atlas');
  csr = await makeRequest(createNodeKey(), 'new');
  asked = [];
  answer = { status: 200, body: { certificate: 'PEM' } };
});
afterEach(() => lab.close());

const serve = () =>
  lab.serve(atlas, {
    onRequest: (request) => {
      asked.push(request);
      return Promise.resolve(answer);
    },
  });
const sha256Of = (pem: string): string => new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
const ask = (addresses: string[], more: Partial<JoinRequest> = {}) =>
  requestJoin({
    token: { addresses, caSha256: sha256Of(lab.authority.cert), id: 't1', secret: new Uint8Array(32).fill(9) },
    csr,
    body: { name: 'new' },
    clock: realClock,
    signal: new AbortController().signal,
    ...more,
  });
const failure = (joining: Promise<unknown>): Promise<JoinError> =>
  joining.then(
    () => {
      throw new Error('it was let in');
    },
    (error: JoinError) => error,
  );
/** Of a port at which nobody listens. */
const nobody = '127.0.0.1:1';

describe('a machine with a token', () => {
  test('asks the lab, and gets its answer', async () => {
    const { port } = await serve();
    expect(await ask([`127.0.0.1:${port}`])).toEqual({ certificate: 'PEM' });
    const secret = Buffer.alloc(32, 9).toString('base64url');
    expect(asked[0]).toMatchObject({ path: '/join', body: { name: 'new', token: { id: 't1', secret }, csr } });
    expect(asked[0]?.remoteAddress).toBe('127.0.0.1');
  });

  test('tries the next address when nobody answers, or somebody who cannot decide', async () => {
    const busy = await lab.serve(atlas, {
      onRequest: () => Promise.resolve({ status: 503, body: { code: 'NO_LEADER', explain: 'no leader', hint: '' } }),
    });
    const { port } = await serve();
    expect(await ask([nobody, `127.0.0.1:${busy.port}`, `127.0.0.1:${port}`])).toEqual({ certificate: 'PEM' });
    expect(await failure(ask([nobody, `127.0.0.1:${busy.port}`]))).toMatchObject({
      code: 'NO_LEADER',
      isRefusal: false,
    });
  });

  test('is told by the lab why it was refused, and asks nobody else then', async () => {
    const { port } = await serve();
    answer = { status: 409, body: { code: 'TOKEN_USED', explain: 'the token was used', hint: 'Make another one.' } };
    const error = await failure(ask([`127.0.0.1:${port}`, `127.0.0.1:${port}`]));
    expect(error).toMatchObject({ code: 'TOKEN_USED', message: 'the token was used', hint: 'Make another one.' });
    expect([error.isRefusal, asked.length]).toEqual([true, 1]);
  });

  test('learns that nobody answers', async () => {
    const error = await failure(ask([nobody, '127.0.0.1:2']));
    expect([error.code, error.message.includes(nobody)]).toEqual(['UNREACHABLE', true]);
    const control = new AbortController();
    control.abort();
    expect((await failure(ask([nobody], { signal: control.signal }))).code).toBe('ABORTED');
  });

  test('tells its secret to no other lab on the network', async () => {
    const other = await SmallLab.create();
    const theirs = await other.serve(await other.node('atlas'), {
      onRequest: (request) => {
        asked.push(request);
        return Promise.resolve(answer);
      },
    });
    const error = await failure(ask([`127.0.0.1:${theirs.port}`]));
    expect([error.code, asked.length]).toEqual(['WRONG_CA', 0]);
    // The right one is behind it.
    const { port } = await serve();
    expect(await ask([`127.0.0.1:${theirs.port}`, `127.0.0.1:${port}`])).toEqual({ certificate: 'PEM' });
    await other.close();
  });

  test('is told that it knocks at the wrong port, whatever listens there', async () => {
    const consensus = await lab.serve(atlas);
    const plain = createPlain((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const own = await issueServer(lab.authority, ['127.0.0.1'], Date.now());
    const people = createServer({ cert: `${own.cert}\n${lab.authority.cert}`, key: own.key }, (_, response) => {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ code: 'NO_SUCH_ROUTE', detail: 'There is nothing at /join.' }));
    });
    await new Promise<void>((resolve) => people.listen(0, '127.0.0.1', resolve));
    for (const port of [consensus.port, ...[plain, people].map((server) => (server.address() as AddressInfo).port)]) {
      const error = await failure(ask([`127.0.0.1:${port}`]));
      expect([error.code, error.message]).toEqual([
        'WRONG_PORT',
        `127.0.0.1:${port} answers, and is not a port at which machines join`,
      ]);
      expect(error.hint).toContain('7401');
    }
    for (const server of [plain, people]) await new Promise((resolve) => server.close(resolve));
  });

  test('hears which fingerprint it has seen, and which one it was given', async () => {
    const { port } = await serve();
    const [address, other] = [`127.0.0.1:${port}`, 'ab'.repeat(32)];
    const byHand = await failure(ask([address], { token: { addresses: [address], caSha256: other } }));
    expect([byHand.code, asked.length]).toEqual(['WRONG_CA', 0]);
    expect(byHand.message).toContain(
      `the fingerprint ${sha256Of(lab.authority.cert)}, and --fingerprint says ${other}`,
    );
    expect(byHand.hint).toContain('floatlab cluster status');
  });

  test('is not deceived by one who shows the authority of the lab beside a certificate of his own', async () => {
    const other = await createAuthority(Date.now());
    // Once signed by an authority of his own, once by his own key in the name of the lab's authority.
    for (const signer of [other, { cert: lab.authority.cert, key: other.key }]) {
      const own = await issueServer(signer, ['127.0.0.1'], Date.now());
      const liar = createServer({ cert: `${own.cert}\n${lab.authority.cert}`, key: own.key, minVersion: 'TLSv1.3' });
      const posts: unknown[] = [];
      liar.on('request', (request) => posts.push(request));
      await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
      const { port } = liar.address() as AddressInfo;
      const error = await failure(ask([`127.0.0.1:${port}`], { timeoutMs: 1000 }));
      expect([error.code, posts.length]).toEqual(['WRONG_CA', 0]);
      liar.closeAllConnections();
      await new Promise((resolve) => liar.close(resolve));
    }
  });

  test('knows that it may have been let in when the answer is lost', async () => {
    const server = await lab.serve(atlas, { onRequest: () => new Promise(() => undefined) });
    const error = await failure(ask([`127.0.0.1:${server.port}`], { timeoutMs: 200 }));
    expect([error.code, error.isRefusal]).toEqual(['LOST', false]);
  });
});

describe('plain requests at the node port', () => {
  const post = async (port: number, body: string | Buffer, method = 'POST', path = '/join') => {
    const { request } = await import('node:https');
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const asking = request({ host: '127.0.0.1', port, method, path, rejectUnauthorized: false }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asking.on('error', reject);
      asking.end(body);
    });
  };

  test('are bounded, must be JSON, and disturb nobody when they are not', async () => {
    const server = await serve();
    const good = await lab.dial(await lab.node('bolt'), atlas, server);
    expect((await post(server.port, '{')).status).toBe(400);
    expect((await post(server.port, '', 'GET')).status).toBe(404);
    expect((await post(server.port, Buffer.alloc(70_000, 0x20))).status).toBe(413);
    expect((await post(server.port, '{}')).status).toBe(200);
    expect(asked.map(({ body }) => body)).toEqual([{}]);
    // Four of a kind from one stranger are told once.
    await until(() => lab.lines.some(({ code }) => code === 'BAD_REQUEST'));
    expect(lab.lines).toHaveLength(1);
    expect(good.isOpen).toBe(true);
  });

  test('that fail say so, without what is inside', async () => {
    const server = await lab.serve(atlas, { onRequest: () => Promise.reject(new Error('no disk')) });
    const { status, text } = await post(server.port, '{}');
    expect([status, JSON.parse(text)]).toMatchObject([500, { code: 'FAILED', explain: 'no disk' }]);
    expect((await post((await lab.serve(atlas)).port, '{}')).status).toBe(404);
  });
});
