/** Files of volumes over the API: whole, in parts, and what becomes of readers that leave. */
import { request } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { fakeFiles, labWithVolume, letters } from './fake-files.ts';
import { startServer, until } from './test-server.ts';

const content = '/api/v1/volumes/default/data/files/content';
const letter = `${content}?path=letters.txt`;

const started = async () => {
  const files = fakeFiles();
  return { files, ...(await startServer({ lab: labWithVolume(), files })) };
};

describe('a file', () => {
  test('is given whole, under its name, and says that parts of it can be asked for', async () => {
    const { api } = await started();
    const { status, headers, text } = await api(letter);
    expect([status, text]).toEqual([200, letters]);
    expect(headers).toMatchObject({
      'content-length': '26',
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-disposition']).toMatch(/^attachment; filename="letters.txt"/);
  });

  test.each([
    ['a file', letter],
    ['a folder', `${content}?path=`],
  ])('that fails before its first byte is answered with what is wrong: %s', async (_, path) => {
    const { api, files } = await started();
    const lost = async function* (): AsyncGenerator<Uint8Array> {
      if (path !== '')
        throw new IoError('ENGINE_UNREACHABLE', { op: 'read', target: 'data', message: 'Vega is down.' });
      yield new Uint8Array();
    };
    Object.assign(files, { read: lost, pack: lost });
    const { status, headers, json } = await api(path);
    expect([status, headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(json).toMatchObject({ code: 'ENGINE_UNREACHABLE', detail: 'Vega is down.' });
  });

  test('has a name of any letters, of which none leads out of the header', async () => {
    const { api } = await started();
    const { headers } = await api(`${content}?path=${encodeURIComponent('folder/ä "quoted" 1.txt')}`);
    expect(headers['content-disposition']).toBe(
      `attachment; filename="_ _quoted_ 1.txt"; filename*=UTF-8''%C3%A4%20%22quoted%22%201.txt`,
    );
  });

  test('as in a snapshot is that of the snapshot', async () => {
    const { api } = await started();
    expect((await api(`${letter}&snapshot=monday`)).text).toBe('older');
    expect((await api(`${letter}&snapshot=sunday`)).status).toBe(404);
  });

  test.each([
    ['bytes=0-0', 'a', '0-0'],
    ['bytes=2-4', 'cde', '2-4'],
    ['bytes=20-', 'uvwxyz', '20-25'],
    ['bytes=20-99', 'uvwxyz', '20-25'],
    ['bytes=-3', 'xyz', '23-25'],
    ['bytes=-99', letters, '0-25'],
  ])('in the part %s is given in that part', async (range, part, where) => {
    const { api } = await started();
    const { status, headers, text } = await api(letter, { headers: { range } });
    expect([status, text]).toEqual([206, part]);
    expect(headers).toMatchObject({ 'content-range': `bytes ${where}/26`, 'content-length': String(part.length) });
  });

  test.each(['bytes=26-', 'bytes=99-100', 'bytes=-0', 'bytes=5-2'])(
    'in the part %s, which it has not, is 416 with its length',
    async (range) => {
      const { api } = await started();
      const { status, headers, text } = await api(letter, { headers: { range } });
      expect([status, headers['content-range'], text]).toEqual([416, 'bytes */26', '']);
    },
  );

  test('that is empty has no part', async () => {
    const { api } = await started();
    const empty = `${content}?path=empty`;
    expect(await api(empty)).toMatchObject({ status: 200, text: '', headers: { 'content-length': '0' } });
    for (const range of ['bytes=0-', 'bytes=-1']) expect((await api(empty, { headers: { range } })).status).toBe(416);
  });

  test.each([
    'bytes=0-1,4-5',
    'bytes=-',
    'bytes=a-b',
    'letters=0-1',
    'bytes=0-1 ',
    'bytes 0-1',
    `bytes=0-${'9'.repeat(20)}`,
  ])('asked for in parts that it does not give (%s) is given whole', async (range) => {
    const { api } = await started();
    const { status, text, headers } = await api(letter, { headers: { range } });
    // A client's white space is cut off on the way.
    if (range.trim() === 'bytes=0-1') return expect([status, text]).toEqual([206, 'ab']);
    expect([status, text, headers['content-range']]).toEqual([200, letters, undefined]);
  });

  test('in any part is what that part of its bytes is, or says that there is none', async () => {
    const { api } = await started();
    const bound = fc.option(fc.nat(40), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(bound, bound, async (first, last) => {
        fc.pre(first !== undefined || last !== undefined);
        const { status, text } = await api(letter, { headers: { range: `bytes=${first ?? ''}-${last ?? ''}` } });
        const part = first === undefined ? letters.slice(-(last ?? 0) || 26) : letters.slice(first, (last ?? 25) + 1);
        expect([status, text]).toEqual(part === '' ? [416, ''] : [206, part]);
      }),
      { numRuns: 40 },
    );
  });

  test('that has changed since is given whole to whoever goes on with what it was', async () => {
    const { api } = await started();
    const { etag } = (await api(letter)).headers;
    const going = { range: 'bytes=20-', 'if-range': String(etag) };
    expect((await api(letter, { headers: going })).status).toBe(206);
    expect(await api(letter, { headers: { ...going, 'if-range': '"another"' } })).toMatchObject({
      status: 200,
      text: letters,
    });
  });

  test('is told of without its content to who asks with HEAD', async () => {
    const { api, files } = await started();
    const whole = await api(letter, { method: 'HEAD' });
    expect([whole.status, whole.text, whole.headers['content-length']]).toEqual([200, '', '26']);
    const part = await api(letter, { method: 'HEAD', headers: { range: 'bytes=0-3' } });
    expect([part.status, part.text, part.headers['content-length']]).toEqual([206, '', '4']);
    expect((await api(letter, { method: 'HEAD', headers: { range: 'bytes=99-' } })).status).toBe(416);
    const folder = await api(`${content}?path=folder`, { method: 'HEAD' });
    expect([folder.status, folder.headers['content-type']]).toEqual([200, 'application/x-tar']);
    expect(files.streams.opened).toBe(0);
  });

  test.each([
    ['link', /symbolic link/, /leads to letters\.txt/],
    ['pipe', /pipe/, /Choose a file/],
  ])('that is none (%s) is refused with what it is', async (path, detail, hint) => {
    const { api } = await started();
    const { status, json } = await api(`${content}?path=${path}`);
    expect([status, json]).toMatchObject([
      400,
      { detail: expect.stringMatching(detail), hint: expect.stringMatching(hint) },
    ]);
  });

  test.each(['../etc/passwd', '/etc/passwd', 'a/../../b', 'a//b', 'a%00b'])(
    'at a path that leads elsewhere (%s) is refused before anything is opened',
    async (path) => {
      const { api, files } = await started();
      expect((await api(`${content}?path=${path}`)).status).toBe(400);
      expect(files.streams.opened).toBe(0);
    },
  );

  test('that gets shorter while it is read ends the connection: nobody takes it for all', async () => {
    const { api, files } = await started();
    const piece = Buffer.alloc(64 * 1024, 'x');
    files.now.set('large', 'x'.repeat(100 * piece.length));
    files.source = async function* () {
      for (let n = 0; n < 3; n++) {
        yield piece;
        // What was said so far is on its way.
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await expect(api(`${content}?path=large`).then(({ status }) => status)).rejects.toThrow(/aborted|hang up|socket/);
  });

  test('whose reader leaves half way is read no further, and is closed', async () => {
    const { url, token, files } = await started();
    const piece = Buffer.alloc(64 * 1024, 'x');
    // More than all buffers on the way hold.
    const pieces = 600;
    files.now.set('large', 'x'.repeat(pieces * piece.length));
    files.source = async function* () {
      for (let n = 0; n < pieces; n++) yield piece;
    };
    const authorization = `Bearer ${await token()}`;
    await new Promise<void>((resolve, reject) => {
      const reader = request(`${url}${content}?path=large`, { headers: { authorization } }, (response) => {
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
});
