/** Feeds a stream to the child that receives it, as fast as that takes it, and never lets it take half for whole. */
import { IoError } from '../error.ts';
import type { Ran } from '../run.ts';
import type { Writing } from './pipe.ts';

export interface Feeding {
  /** What was read already. */
  readonly first: readonly Uint8Array[];
  readonly rest: AsyncIterator<Uint8Array>;
  /** Bounds the silence of the sender. */
  readonly wait: <T>(promise: Promise<T>) => Promise<T>;
  readonly came: (bytes: number) => void;
  /** Whether the n-th piece can be part of the stream. */
  readonly check?: (piece: Uint8Array, n: number) => boolean;
  /** Whether what came is all of it, where that can be told from outside. */
  readonly isWhole?: () => boolean;
  readonly failed: (ran: Ran) => IoError;
  readonly target: string;
}

/** @throws IoError; then the child is gone */
export async function feed(child: Writing, how: Feeding): Promise<void> {
  const { first, rest, wait, came, check, isWhole, failed, target } = how;
  const broken = (what: string) =>
    new IoError('TRUNCATED', {
      op: 'receive',
      target,
      message: `the stream for ${target} ${what}`,
      hint: 'Send it again.',
    });
  let n = 0;
  let isRead = true;
  const put = async (piece: Uint8Array): Promise<void> => {
    if (check && !check(piece, n++)) throw broken('goes on behind its end');
    isRead = await child.write(piece);
    came(piece.length);
  };
  try {
    for (const piece of first) if (isRead) await put(piece);
    while (isRead) {
      const next = await wait(rest.next());
      if (next.done === true) break;
      await put(next.value);
    }
    // A child that does not read any more has something to say.
    if (isRead && isWhole && !isWhole()) throw broken('ends before its end');
    const ran = await child.finish();
    if (ran.exitCode !== 0) throw failed(ran);
    if (!isRead) throw broken('was not read to its end');
  } finally {
    await child.kill();
  }
}
