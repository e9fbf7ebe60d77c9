/** Reads as much of a stream as is needed to know what it is, and gives the whole of it on. */
import { IoError } from '../error.ts';
import type { Hands } from './backend.ts';
import type { Wanted } from './port.ts';

/** What the head of a stream says of it. */
export interface Announced {
  readonly guid: string;
  readonly base?: string | undefined;
}

export interface Begun<Head> {
  readonly head: Head;
  /** What was read until now. */
  readonly start: Buffer;
  readonly rest: AsyncIterator<Uint8Array>;
}

/** @throws IoError TRUNCATED when it ends before, or is something else; whatever the stream rejects with */
export async function beginStream<Head>(
  bytes: AsyncIterable<Uint8Array>,
  read: (start: Buffer) => Head | 'more' | 'none',
  next: <T>(promise: Promise<T>) => Promise<T>,
  { op, target }: Pick<Hands, 'op' | 'target'>,
): Promise<Begun<Head>> {
  const rest = bytes[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  for (;;) {
    const head = read(start);
    if (head !== 'more' && head !== 'none') return { head, start, rest };
    const piece = head === 'none' ? undefined : await next(rest.next());
    if (piece === undefined || piece.done === true)
      throw new IoError('TRUNCATED', {
        op,
        target,
        message: `what came for ${target} is ${head === 'none' ? 'no stream of this file system' : 'only the beginning of a stream'}`,
        hint: 'Send it again.',
      });
    start = Buffer.concat([start, piece.value]);
  }
}

/** A stream that makes something else than was announced is none that anybody may want. @throws IoError DIVERGED */
export function checkAnnounced(
  { guid, base }: Announced,
  { from, to }: Wanted,
  { op, target }: Pick<Hands, 'op' | 'target'>,
): void {
  if (guid === to.guid && base === from) return;
  throw new IoError('DIVERGED', {
    op,
    target,
    message: `the stream for ${target} makes ${guid} of ${base ?? 'nothing'}, and not ${to.guid} of ${from ?? 'nothing'}`,
    hint: 'It was sent for something else, or before something changed: send it again.',
  });
}
