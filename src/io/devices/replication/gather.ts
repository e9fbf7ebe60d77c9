/**
 * Reads what a program writes in pieces that are worth their way. `btrfs send` writes a command at a time, some of a few
 * bytes, and each piece costs a frame, a record of TLS and a dozen turns of the event loop at both ends. So whoever finds
 * only little waits for a moment, in which the program goes on writing into the pipe: nothing is slower for it.
 */
import type { Readable } from 'node:stream';

/** Less than this is little. */
const worthBytes = 32 * 1024;
/** As large as a piece gets, but for one that came so. */
const pieceBytes = 64 * 1024;
/** What waits here at most, and a read beyond: then the program waits. */
const mostBytes = 256 * 1024;
const momentMs = 1;

export interface Gathered {
  /** One at a time. @returns undefined at the end @throws what the stream ends with */
  next(): Promise<Uint8Array | undefined>;
}

/** @param stream is read from now on, and by nobody else */
export function gather(stream: Readable): Gathered {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let hasEnded = false;
  let failure: Error | undefined;
  let wake = (): void => undefined;
  stream.on('data', (piece: Uint8Array) => {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes >= mostBytes) stream.pause();
    wake();
  });
  stream.on('error', (error: Error) => {
    failure = error;
    wake();
  });
  // One that is destroyed closes without an end.
  stream.on('close', () => {
    hasEnded = true;
    wake();
  });

  const take = (): Uint8Array => {
    const taken: Uint8Array[] = [];
    let length = 0;
    for (let first = waiting[0]; first && (length === 0 || length + first.length <= pieceBytes); first = waiting[0]) {
      taken.push(first);
      length += first.length;
      waiting.shift();
    }
    bytes -= length;
    if (bytes < mostBytes && stream.isPaused()) stream.resume();
    return taken.length === 1 && taken[0] ? taken[0] : Buffer.concat(taken, length);
  };

  return {
    async next() {
      while (waiting.length === 0 && !hasEnded && !failure)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (bytes > 0 && bytes < worthBytes && !hasEnded) await new Promise((resolve) => setTimeout(resolve, momentMs));
      if (waiting.length > 0) return take();
      if (failure) throw failure;
      return undefined;
    },
  };
}
