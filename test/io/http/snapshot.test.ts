/** The whole lab as a file, over the API. */
import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import type { SnapshotPort } from '#io/lab/port.ts';
import { send, startServer, until } from './test-server.ts';

const path = '/api/v1/cluster/snapshot';
const piece = randomBytes(64 * 1024);
/** More than all buffers on the way hold. */
const pieces = 600;

/** @param failsAt the piece that cannot be read any more */
function snapshots(failsAt = Infinity): SnapshotPort & { saved: number; ended: number; given: number } {
  const port = {
    saved: 0,
    ended: 0,
    given: 0,
    save: async () => {
      port.saved += 1;
      async function* bytes(): AsyncGenerator<Uint8Array> {
        try {
          for (let n = 0; n < pieces; n++) {
            if (n === failsAt) throw new Error('a segment is gone');
            port.given += 1;
            yield piece;
          }
        } finally {
          port.ended += 1;
        }
      }
      return { name: 'lab-812.floatlab.tar', sizeBytes: pieces * piece.length, bytes: bytes() };
    },
  };
  return port;
}

describe('saving the lab', () => {
  test('answers with a file, whole and under a name', async () => {
    const { api } = await startServer({ snapshots: snapshots() });
    const { status, headers, bytes } = await api(path);
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'application/x-tar',
      'content-length': String(pieces * piece.length),
      'content-disposition': 'attachment; filename="lab-812.floatlab.tar"',
      'cache-control': 'no-store',
    });
    const sum = (all: Uint8Array): string => createHash('sha256').update(all).digest('hex');
    expect(sum(bytes)).toBe(sum(Buffer.concat(Array.from({ length: pieces }, () => piece))));
  });

  test('is for those who are signed in', async () => {
    const port = snapshots();
    const { url } = await startServer({ snapshots: port });
    expect((await send(`${url}${path}`)).status).toBe(401);
    expect(port.saved).toBe(0);
  });

  test('ends the connection when something cannot be read: no file is taken for whole', async () => {
    const port = snapshots(3);
    const { api } = await startServer({ snapshots: port });
    await expect(api(path)).rejects.toThrow();
    expect(port.ended).toBe(1);
    // And the next one may try.
    await expect(api(path)).rejects.toThrow();
    expect(port.saved).toBe(2);
  });

  test('goes no faster than it is read, one at a time, and ends with its reader', async () => {
    const port = snapshots();
    const { api, url, token } = await startServer({ snapshots: port });
    const headers = { authorization: `Bearer ${await token()}` };
    const slow = request(`${url}${path}`, { headers, agent: false });
    const response = new Promise<void>((resolve) => slow.on('response', (got) => resolve(void got.pause())));
    slow.on('error', () => {});
    slow.end();
    await response;
    expect((await api(path)).json).toMatchObject({ code: 'NOT_NOW', detail: expect.stringContaining('already') });
    expect(port.given).toBeLessThan(pieces);
    slow.destroy();
    await until(() => port.ended === 1, 'its end');
    expect((await api(path)).status).toBe(200);
  });

  test('is not held up by who asked for its size alone', async () => {
    const port = snapshots();
    const { api } = await startServer({ snapshots: port });
    const { status, headers } = await api(path, { method: 'HEAD' });
    expect([status, headers['content-length']]).toEqual([200, String(pieces * piece.length)]);
    expect((await api(path)).status).toBe(200);
  });

  test('that cannot be says why, and where else', async () => {
    const hint = 'Save it on another node (--server).';
    const broken: SnapshotPort = {
      save: () =>
        Promise.reject(new IoError('DAMAGED', { op: 'save', target: 'x', message: 'a segment is damaged', hint })),
    };
    const { api } = await startServer({ snapshots: broken });
    expect((await api(path)).json).toMatchObject({
      status: 409,
      detail: 'It cannot be saved here: a segment is damaged.',
      hint,
    });
    expect((await (await startServer()).api(path)).json).toMatchObject({
      code: 'NOT_NOW',
      detail: expect.stringContaining('nothing is kept'),
    });
  });
});
