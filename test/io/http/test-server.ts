/** The server under test on a free port of loopback, and a plain client that sends what it is told, headers included. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { hash } from '@node-rs/argon2';
import { pino } from 'pino';
import { afterEach } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { loneSigner } from '#io/http/auth/signer.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '#io/http/server.ts';
import { pageKeyHeader } from '#io/contract/routes.ts';
import type { Credentials } from '#io/http/auth/account.ts';
import { FakeContainers, FakeLab } from './fake-lab.ts';

export const password = 'correct horse battery';
/** Cheap, so that tests do not wait for it. */
const passwordHash = await hash(password, { memoryCost: 256, timeCost: 1 });

/** One and the same, also after a restart. */
const signer = loneSigner();

export class FakeCredentials implements Credentials {
  readonly adminName = 'admin';
  readonly passwordHash = passwordHash;
  readonly initialPassword = true;
  readonly saved: string[] = [];
  save(changed: string): Promise<void> {
    this.saved.push(changed);
    return Promise.resolve();
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON. */
  readonly json: any; // oxlint-disable-line typescript/no-explicit-any -- tests look into it
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** Text is sent as it is, everything else as JSON. */
  readonly body?: unknown;
  readonly ca?: string;
  /** Sent as it is, instead of the path of the URL. */
  readonly path?: string;
}

export function send(url: string, { method = 'GET', headers = {}, body, ca, path }: Sent = {}): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const payload = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
  const sent = body === undefined || isRaw ? headers : { 'content-type': 'application/json', ...headers };
  return new Promise((resolve, reject) => {
    const request = (url.startsWith('https') ? httpsRequest : httpRequest)(
      url,
      {
        method,
        headers: sent,
        agent: false,
        ...(ca === undefined ? {} : { ca }),
        ...(path === undefined ? {} : { path }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes,
            text,
            get json() {
              return JSON.parse(text);
            },
          });
        });
      },
    );
    request.on('error', reject);
    if (payload !== undefined && !request.hasHeader('transfer-encoding')) {
      request.setHeader('content-length', Buffer.byteLength(payload));
    }
    request.end(payload);
  });
}

export interface TestServer {
  readonly url: string;
  readonly lab: FakeLab;
  readonly containers: FakeContainers;
  readonly credentials: FakeCredentials;
  readonly server: HttpServer;
  readonly logged: Record<string, unknown>[];
  readonly blobs: Map<string, Uint8Array>;
  /** As somebody who is signed in with a token. */
  api(path: string, sent?: Sent): Promise<Answer>;
  token(): Promise<string>;
}

/** What a page has once somebody has signed in there. */
export interface PageSession {
  /** `floatlab_session=…`, for the header `Cookie`. */
  readonly cookie: string;
  readonly key: string;
  /** Both, as a page sends them. */
  readonly headers: Readonly<Record<string, string>>;
}

export async function signInPage(url: string): Promise<PageSession> {
  const { status, json, headers } = await send(`${url}/api/v1/session`, {
    method: 'POST',
    body: { name: 'admin', password, page: true },
    headers: { origin: url },
  });
  if (status !== 200) throw new Error(`signing in: ${status}`);
  return pageSessionOf(headers['set-cookie'], json.key as string);
}

export function pageSessionOf(setCookie: unknown, key: string): PageSession {
  const cookie = String(setCookie).split(';')[0] ?? '';
  return { cookie, key, headers: { cookie, [pageKeyHeader]: key } };
}

const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

export async function startServer(options: Partial<HttpServerOptions> = {}): Promise<TestServer> {
  const lab = (options.lab as FakeLab | undefined) ?? new FakeLab();
  const containers = new FakeContainers();
  const credentials = new FakeCredentials();
  const blobs = new Map<string, Uint8Array>();
  const logged: Record<string, unknown>[] = [];
  const server = await createHttpServer({
    lab,
    containers,
    credentials,
    signer,
    blobs: {
      get: (ref) => {
        const found = blobs.get(ref);
        return found ? Promise.resolve(found) : Promise.reject(new Error(`no blob ${ref}`));
      },
    },
    clock: realClock,
    random: realRandom,
    listen: [{ host: '127.0.0.1', port: 0 }],
    names: ['atlas.lab'],
    webRoot: '/nowhere',
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line) as never) }),
    ready: () => Promise.resolve([{ name: 'engine', ok: true }]),
    metrics: () => Promise.resolve('floatlab_info 1\n'),
    ...options,
  });
  open.push(server);
  const url = server.urls[0] ?? '';
  let token: Promise<string> | undefined;
  const signIn = async (): Promise<string> =>
    (await send(`${url}/api/v1/session`, { method: 'POST', body: { name: 'admin', password } })).json.token as string;
  return {
    url,
    lab,
    containers,
    credentials,
    server,
    logged,
    blobs,
    token: () => (token ??= signIn()),
    api: async (path, sent = {}) =>
      send(`${url}${path}`, {
        ...sent,
        headers: { authorization: `Bearer ${await (token ??= signIn())}`, ...sent.headers },
      }),
  };
}

/** Until the condition holds; fails when it does not within two seconds. */
export async function until(condition: () => boolean, what = 'the condition'): Promise<void> {
  const end = Date.now() + 2000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not come to hold`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
