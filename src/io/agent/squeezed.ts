/** A flow of bytes, compressed on its way and made whole again at its end: gzip, which notices what was changed or cut. */
import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

/** A processor is faster than most networks at this level only. */
const level = 1;

export const squeezed = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  through(bytes, createGzip({ level }));

/** Rejects when it does not end as it began. */
export const unsqueezed = (bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> =>
  through(bytes, createGunzip());

/** Whoever leaves early ends the flow; what goes wrong at its beginning comes out at its end. */
async function* through(bytes: AsyncIterable<Uint8Array>, transform: Transform): AsyncGenerator<Uint8Array> {
  const fed = pipeline(Readable.from(bytes, { objectMode: false }), transform);
  fed.catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Uint8Array>;
    await fed;
  } finally {
    transform.destroy();
  }
}
