/**
 * Output of a container without a terminal arrives in frames: one byte for the stream (0 or 1 stdout, 2 stderr),
 * three of zero, four of length (big endian), then that many bytes. Each message of the engine is one frame, while
 * the chunks in which they arrive begin and end anywhere.
 */
export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

const headerBytes = 8;
/** No engine writes more than a few dozen KiB at once: more means that this is no framed stream. */
const maxFrameBytes = 16 * 2 ** 20;

/** @throws Error when the bytes are not framed. A frame that the end cuts off is dropped. */
export async function* frames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk]);
    let start = 0;
    while (pending.length - start >= headerBytes) {
      const kind = pending.readUInt8(start);
      const length = pending.readUInt32BE(start + 4);
      if (kind > 2 || length > maxFrameBytes) throw new Error('the engine sent output without frames');
      const end = start + headerBytes + length;
      if (pending.length < end) break;
      yield { stream: kind === 2 ? 'stderr' : 'stdout', bytes: pending.subarray(start + headerBytes, end) };
      start = end;
    }
    pending = pending.subarray(start);
  }
}

/** Output of a container with a terminal has no frames: all of it is stdout. */
export async function* unframed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void> {
  for await (const bytes of chunks) yield { stream: 'stdout', bytes };
}
