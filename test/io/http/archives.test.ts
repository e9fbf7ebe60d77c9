/** Archives over the API: exports whose readers leave, imports whose bodies are slow, large, or stop half way. */
import { request, type ClientRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { realClock } from '#io/devices/clock/real.ts';
import { endOperation, fakeFiles, labWithVolume } from './fake-files.ts';
import { startServer, until } from './test-server.ts';

const volume = '/api/v1/volumes/default/data';
const piece = Buffer.alloc(64 * 1024, 'x');
/** More than all buffers on the way hold. */
const pieces = 600;

const started = async (clock = realClock) => {
  const [files, lab] = [fakeFiles(), labWithVolume()];
  return { files, ...(await startServer({ lab, files, clock })) };
};
type Started = Awaited<ReturnType<typeof started>>;

/** Of archives and silence: what takes a minute takes a moment. */
const hastyClock = {
  ...realClock,
  setTimeout: (fn: () => void, delayMs: number) => realClock.setTimeout(fn, delayMs === 60_000 ? 300 : delayMs),
};

/** A body that is sent piece by piece. @returns what is answered: its status, or that the connection ended */
async function uploading({ url, token }: Started, query = '') {
  const authorization = `Bearer ${await token()}`;
  const sent: ClientRequest = request(`${url}${volume}/import${query}`, {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/x-tar' },
  });
  const answer = new Promise<{ status: number; text: string }>((resolve) => {
    const broken = (): void => resolve({ status: 0, text: '' });
    sent.on('error', broken);
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('error', broken);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
  });
  return { sent, answer };
}

describe('an export', () => {
  test('is an archive under the name of the volume, which cannot be asked for in parts', async () => {
    const { api, lab } = await started();
    const { status, headers, bytes } = await api(`${volume}/export`, { headers: { range: 'bytes=0-3' } });
    expect([status, headers['content-type'], headers['accept-ranges']]).toEqual([200, 'application/x-tar', undefined]);
    expect(headers['content-disposition']).toMatch(/filename="data\.tar"/);
    expect(bytes.length % 512).toBe(0);
    expect(lab.requests.map(({ name, input }) => [name, input])).toEqual([
      ['export-volume', { namespace: 'default', name: 'data' }],
    ]);
  });

  test('of a snapshot is named after it; of one that is not there is 404, and begins nothing', async () => {
    const { api, lab } = await started();
    const { headers } = await api(`${volume}/export?snapshot=monday`);
    expect(headers['content-disposition']).toMatch(/filename="data@monday\.tar"/);
    expect((await api(`${volume}/export?snapshot=sunday`)).status).toBe(404);
    expect(lab.requests.length).toBe(1);
  });

  test('asked for with HEAD begins nothing', async () => {
    const { api, lab } = await started();
    expect(await api(`${volume}/export`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    expect(lab.requests).toEqual([]);
  });

  test('whose reader leaves half way is read no further, and is closed', async () => {
    const { url, token, files } = await started();
    files.source = async function* () {
      for (let n = 0; n < pieces; n++) yield piece;
    };
    const authorization = `Bearer ${await token()}`;
    await new Promise<void>((resolve, reject) => {
      const reader = request(`${url}${volume}/export`, { headers: { authorization } }, (response) => {
        response.once('data', () => {
          response.destroy();
          resolve();
        });
      });
      reader.on('error', reject);
      reader.end();
    });
    await until(() => files.streams.ended === 1, 'the end of the stream');
    expect(files.streams.given).toBeLessThan(pieces);
  });

  test('whose reader is slow waits for it, and holds no more than is on its way', async () => {
    const { url, token, files } = await started();
    files.source = async function* () {
      for (let n = 0; n < pieces; n++) yield piece;
    };
    const authorization = `Bearer ${await token()}`;
    let bytes = 0;
    await new Promise<void>((resolve, reject) => {
      const reader = request(`${url}${volume}/export`, { headers: { authorization } }, (response) => {
        // It looks away until everything on the way is full.
        let [seen, looks] = [-1, 0];
        const look = (): void => {
          looks = files.streams.given === seen ? looks + 1 : 0;
          seen = files.streams.given;
          if (looks < 10) return void setTimeout(look, 20);
          response.on('data', (chunk: Buffer) => (bytes += chunk.length));
          response.on('end', resolve);
        };
        look();
      });
      reader.on('error', reject);
      reader.end();
    });
    expect(bytes).toBe(pieces * piece.length);
  });

  test('that breaks off ends the connection: nobody takes it for all', async () => {
    const { api, files, logged } = await started();
    files.source = async function* () {
      for (let n = 0; n < 3; n++) {
        yield piece;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('the node went away');
    };
    await expect(api(`${volume}/export`).then(({ status }) => status)).rejects.toThrow(/aborted|hang up|socket/);
    expect(logged).toContainEqual(expect.objectContaining({ msg: 'an export broke off' }));
  });

  test('that fails before its first byte says why', async () => {
    const { api, files, lab } = await started();
    files.source = () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) });
    const answered = api(`${volume}/export`);
    await until(() => files.streams.opened === 1, 'the export');
    endOperation(lab, 'failed', { code: 'NO_SPACE', message: 'the pool is full', hint: 'Make room.' });
    const { status, json } = await answered;
    expect([status, json.detail, json.hint]).toEqual([
      expect.any(Number),
      'The export failed: the pool is full.',
      'Make room.',
    ]);
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe('an import', () => {
  test('takes as much as comes, whatever commands may have as their body', async () => {
    const server = await started();
    const { sent, answer } = await uploading(server, '?replace=true');
    for (let n = 0; n < 200; n++)
      if (!sent.write(piece)) await new Promise<void>((go) => sent.once('drain', () => go()));
    sent.end();
    await until(() => server.files.brought.isWhole, 'the end of the body');
    endOperation(server.lab, 'succeeded');
    expect((await answer).status).toBe(200);
    expect(server.files.brought.bytes).toBe(200 * piece.length);
    expect(server.lab.requests[0]?.input).toEqual({ namespace: 'default', name: 'data', replace: true });
  });

  test('without a body is refused before it begins', async () => {
    const { api, lab } = await started();
    const { status, json } = await api(`${volume}/import`, { method: 'PUT' });
    expect([status, json.hint]).toEqual([400, 'Send a tar as the body of the request.']);
    expect(lab.requests).toEqual([]);
  });

  test('whose body stops half way is not taken for a whole one', async () => {
    const server = await started();
    const { sent } = await uploading(server);
    sent.write(piece);
    await until(() => server.files.brought.bytes > 0, 'the first bytes');
    sent.destroy();
    await until(() => server.files.brought.error !== undefined, 'the end of the body');
    expect(server.files.brought).toMatchObject({ isWhole: false, error: { code: 'ABORTED' } });
  });

  test('whose sender falls silent is ended, and says so', async () => {
    const server = await started(hastyClock);
    const { sent, answer } = await uploading(server);
    sent.write(piece);
    await until(() => server.files.brought.error !== undefined, 'the end of the wait');
    expect(server.files.brought).toMatchObject({ isWhole: false, error: { code: 'TIMED_OUT' } });
    endOperation(server.lab, 'failed', { code: 'TIMED_OUT', message: 'nothing more came' });
    const { status, text } = await answer;
    expect(status).not.toBe(200);
    if (status !== 0) expect(text).toContain('nothing more came');
    sent.destroy();
  });

  test('whose sender is slow may take longer than any other request', async () => {
    const server = await started(hastyClock);
    const { sent, answer } = await uploading(server);
    // In all longer than a request may take to arrive; between two pieces less.
    for (let n = 0; n < 8; n++) {
      sent.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    sent.end();
    await until(() => server.files.brought.isWhole, 'the end of the body');
    endOperation(server.lab, 'succeeded');
    expect((await answer).status).toBe(200);
  });

  test('that the lab gives up while its body still comes is answered with the reason', async () => {
    const server = await started();
    const { sent, answer } = await uploading(server);
    sent.write(piece);
    await until(() => server.files.brought.bytes > 0, 'the first bytes');
    endOperation(server.lab, 'failed', { code: 'NO_SPACE', message: 'the volume is full' });
    sent.end();
    expect((await answer).text).toContain('The import failed: the volume is full.');
  });
});

describe('a body of a command about files', () => {
  test.each([`${volume}/restore`, '/api/v1/nodes/atlas/pools'])('that is too large is refused (%s)', async (path) => {
    const { api, lab } = await started();
    const { status, json } = await api(path, { method: 'POST', body: { paths: ['x'.repeat(9 * 2 ** 20)] } });
    expect([status, json.code]).toEqual([400, 'TOO_LARGE']);
    expect(lab.requests).toEqual([]);
  });

  test('that stops half way is carried out by nobody', async () => {
    const { url, token, lab } = await started();
    const authorization = `Bearer ${await token()}`;
    const sent = request(`${url}${volume}/restore`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-length': '1000' },
    });
    const ended = new Promise<void>((resolve) => sent.on('error', () => resolve()));
    sent.write('{"snapshot":"monday","paths":["a"]}');
    await new Promise((resolve) => setTimeout(resolve, 50));
    sent.destroy(new Error('gone'));
    await ended;
    // Another request goes through: the server has not stopped.
    const { status } = await new Promise<{ status: number }>((resolve, reject) => {
      request(`${url}/healthz`, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0 });
      })
        .on('error', reject)
        .end();
    });
    expect([status, lab.requests]).toEqual([200, []]);
  });
});
