/** Against a real server that speaks S3 (s3rver), on loopback; what it never does is done by a server in between. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forget } from '#io/devices/backup/keep.ts';
import { prune } from '#io/devices/backup/prune.ts';
import { initRepository, openRepository } from '#io/devices/backup/repository.ts';
import type { ObjectStore } from '#io/devices/backup/store/port.ts';
import type { S3Settings } from '#io/devices/backup/store/s3/settings.ts';
import { openS3Store } from '#io/devices/backup/store/s3/store.ts';
import { check } from '#io/devices/backup/verify.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { objectStoreContract } from '#test/contracts/object-store.ts';
import { backUp, bytesOf, labKey, restored, signal } from './repositories.ts';

let folder: string;
let server: S3rver;
let port: number;
const keys = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
const fast = { clock: realClock, random: realRandom, pauseMs: 5, partBytes: 5 * 2 ** 20 };

const settings = (more: Partial<S3Settings> = {}): S3Settings => ({
  endpoint: `http://127.0.0.1:${port}`,
  region: 'us-east-1',
  bucket: 'backups',
  prefix: '',
  style: 'path',
  ...keys,
  ...more,
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-s3-'));
  server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory: folder,
    serviceEndpoint: 'test',
    configureBuckets: [{ name: 'backups' }],
  });
  ({ port } = await server.run());
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

let prefixes = 0;
const freshPrefix = (): string => `lab/p${(prefixes += 1)}`;

objectStoreContract('a bucket', async () => ({
  store: openS3Store(settings({ prefix: freshPrefix() }), fast),
  dispose: async () => undefined,
}));

describe('a bucket', () => {
  test('is reached by its own name as well', async () => {
    // Every name is this machine: `backups.s3.test` is nowhere else.
    const lookup: LookupFunction = (_, { all }, done) =>
      all === true ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
    const dispatcher = new Agent({ connect: { lookup } });
    const virtual = settings({ endpoint: `http://s3.test:${port}`, style: 'virtual', prefix: freshPrefix() });
    const store = openS3Store(virtual, { ...fast, dispatcher });
    await store.put('a/b', bytesOf(1, 100), signal);
    expect(Buffer.from(await store.get('a/b', signal)).equals(bytesOf(1, 100))).toBe(true);
    const byPath = openS3Store(settings({ prefix: virtual.prefix }), fast);
    expect(await byPath.head('a/b', signal)).toMatchObject({ sizeBytes: 100 });
    await dispatcher.close();
  });

  test('holds backups: kept, forgotten, pruned, whole', { timeout: 60_000 }, async () => {
    const store = openS3Store(settings({ prefix: freshPrefix() }), fast);
    const options = { store, key: labKey, clock: realClock, random: realRandom, by: 'a test', packBytes: 2 ** 18 };
    const repository = await initRepository(options, signal);
    const [one, two] = [bytesOf(1, 700_000), bytesOf(2, 700_000)];
    await backUp(repository, 'one', one);
    await backUp(repository, 'two', Buffer.concat([one, two]));
    await forget(repository, ['one'], signal);
    await prune(repository, { graceMs: 0 }, signal);
    expect((await restored(repository, 'two')).equals(Buffer.concat([one, two]))).toBe(true);
    expect(await check(repository, { data: 'all' }, signal)).toMatchObject({ isWhole: true });
  });

  test('that is not there, and keys that are wrong, are said so', async () => {
    const noBucket = openS3Store(settings({ bucket: 'nothing-here' }), fast);
    const missing = { code: 'MISSING', hint: expect.stringContaining('bucket') };
    await expect(noBucket.put('a', bytesOf(1, 1), signal)).rejects.toMatchObject(missing);
    await expect(noBucket.get('a', signal)).rejects.toMatchObject(missing);
    await expect(each(noBucket)).rejects.toMatchObject(missing);
    const wrongKey = openS3Store(settings({ accessKeyId: 'NOBODY' }), fast);
    await expect(each(wrongKey)).rejects.toMatchObject({ code: 'PERMISSION', hint: expect.stringContaining('key') });
    expect(() => openS3Store(settings({ endpoint: 'http://x/y' }), fast)).toThrow(/endpoint/);
  });

  test('that nobody answers for is asked again, and then said to be out of reach', async () => {
    const store = openS3Store(settings({ endpoint: 'http://127.0.0.1:9' }), { ...fast, attempts: 2 });
    await expect(store.head('a', signal)).rejects.toMatchObject({
      code: 'FAILED',
      hint: expect.stringContaining('network'),
    });
  });
});

describe('a store that misbehaves', () => {
  type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => boolean;

  /** A server in between: `answer` says whether it took the request itself. */
  async function between(answer: Answer, work: (store: ObjectStore) => Promise<void>, timeoutMs = 2000): Promise<void> {
    let nth = 0;
    const serve = server.callback();
    const front: Server = createServer((request, response) => {
      if (!answer(request, response, nth++)) serve(request, response);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const dispatcher = new Agent();
    try {
      await work(openS3Store(settings({ endpoint, prefix: freshPrefix() }), { ...fast, timeoutMs, dispatcher }));
    } finally {
      await dispatcher.destroy();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    }
  }
  const says = (response: ServerResponse, status: number, code: string): true => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>so it is</Message></Error>`);
    return true;
  };
  const isPut = ({ method }: IncomingMessage): boolean => method === 'PUT';

  test('is asked again when it is busy', () =>
    between(
      (_, response, nth) => nth % 3 !== 2 && says(response, 503, 'SlowDown'),
      async (store) => {
        expect(await store.put('a', bytesOf(1, 100), signal)).toBe('stored');
        expect(Buffer.from(await store.get('a', signal)).equals(bytesOf(1, 100))).toBe(true);
      },
    ));

  test.each([
    [400, 'QuotaExceeded', 'NO_SPACE', 'quota'],
    [507, 'XMinioStorageFull', 'NO_SPACE', 'space'],
    [403, 'RequestTimeTooSkewed', 'FAILED', 'clock'],
    [403, 'AccessDenied', 'PERMISSION', 'write'],
    [403, 'SignatureDoesNotMatch', 'PERMISSION', 'secret'],
  ])('and says %s %s, has said why', (status, said, code, hint) =>
    between(
      (request, response) => isPut(request) && says(response, status, said),
      async (store) => {
        const refused = { code, hint: expect.stringContaining(hint) };
        await expect(store.put('a', bytesOf(1, 100), signal)).rejects.toMatchObject(refused);
      },
    ),
  );

  test('and says that it stored what it did not, is found out', () =>
    between(
      (request, response) => {
        if (!isPut(request)) return false;
        request.resume();
        response.writeHead(200, { etag: '"00000000000000000000000000000000"' }).end();
        return true;
      },
      async (store) => {
        await expect(store.put('a', bytesOf(1, 100), signal)).rejects.toMatchObject({ code: 'DAMAGED' });
      },
    ));

  /** Of each request that stores one is lost; asked for it the server says that it is there, as large as it was. */
  test.each([0, 1, 2, 3, 4, 5, 6])(
    'and loses what it says it has, lets no backup count that cannot be restored: request %i',
    { timeout: 60_000 },
    async (lost) => {
      const bytes = bytesOf(4, 400_000);
      const sizes = new Map<string, number>();
      let puts = 0;
      const lies: Answer = (request, response) => {
        const { pathname } = new URL(request.url ?? '', 'http://s3');
        if (isPut(request) && puts++ === lost) {
          sizes.set(pathname, Number(request.headers['content-length'] ?? 0));
          request.resume();
          response.writeHead(200, { etag: '"00000000000000000000000000000000"' }).end();
          return true;
        }
        const size = sizes.get(pathname);
        if (request.method !== 'HEAD' || size === undefined) return false;
        response.writeHead(200, { 'content-length': size, 'last-modified': new Date().toUTCString() }).end();
        return true;
      };
      await between(lies, async (store) => {
        const options = { store, key: labKey, clock: realClock, random: realRandom, by: 'a test', packBytes: 2 ** 17 };
        let isKept = false;
        try {
          await backUp(await initRepository(options, signal), 'one', bytes);
          isKept = true;
        } catch (error) {
          expect(error).toMatchObject({ name: 'IoError' });
        }
        if (isKept) expect((await restored(await openRepository(options, signal), 'one')).equals(bytes)).toBe(true);
        expect(isKept && sizes.size > 0 ? 'kept although it lied' : 'well').toBe('well');
      });
    },
  );

  test('and does not answer in time, has not kept us', () =>
    between(
      () => true,
      async (store) => {
        await expect(store.head('a', signal)).rejects.toMatchObject({ code: 'TIMED_OUT' });
      },
      50,
    ));

  test('and answers with too much, or with something else, is not believed', () =>
    between(
      (request, response) => {
        if (request.method === 'HEAD') return false;
        response.end(request.url?.includes('list-type') ? '<html>welcome</html>' : Buffer.alloc(9 * 2 ** 20));
        return true;
      },
      async (store) => {
        await expect(each(store)).rejects.toMatchObject({ code: 'FAILED', hint: expect.stringContaining('S3') });
        await expect(store.get('a', signal, { from: 0, to: 100 })).rejects.toMatchObject({ code: 'INVALID' });
      },
    ));
});

async function each(store: ObjectStore): Promise<void> {
  for await (const _ of store.list('', signal));
}
