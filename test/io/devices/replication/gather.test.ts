/** What a program writes in small pieces comes in larger ones, whole and in order. */
import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gather } from '#io/devices/replication/gather.ts';

async function all(stream: Readable): Promise<readonly Uint8Array[]> {
  const gathered = gather(stream);
  const pieces: Uint8Array[] = [];
  for (let piece = await gathered.next(); piece !== undefined; piece = await gathered.next()) pieces.push(piece);
  return pieces;
}

test('whatever the sizes of pieces, all bytes come in order', async () => {
  const piece = fc.oneof(fc.nat(200), fc.nat(100_000)).map((length) => Buffer.alloc(length + 1, length));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
      const came = await all(Readable.from(pieces, { objectMode: false }));
      expect(Buffer.concat(came).equals(Buffer.concat(pieces))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('many small pieces come as few', async () => {
  const pipe = new PassThrough({ highWaterMark: 2 ** 20 });
  const came = all(pipe);
  for (let n = 0; n < 1000; n++) pipe.write(Buffer.alloc(100, n));
  pipe.end();
  expect((await came).length).toBeLessThan(10);
});

test('a program that is not read waits', async () => {
  let made = 0;
  const gathered = gather(
    Readable.from(
      (function* () {
        for (; made < 1000; made++) yield Buffer.alloc(16 * 1024);
      })(),
      { objectMode: false },
    ),
  );
  await gathered.next();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(made).toBeLessThan(50);
});

test('what came before an error comes before it', async () => {
  const pipe = new PassThrough();
  const gathered = gather(pipe);
  pipe.write('some');
  const first = await gathered.next();
  expect(Buffer.from(first ?? []).toString()).toBe('some');
  pipe.destroy(new Error('broken'));
  await expect(gathered.next()).rejects.toThrow('broken');
});
