/**
 * What the thread of a stream and its starter say to one another. Bytes are handed over, not copied; whoever makes them
 * is never more than a window ahead of whoever takes them, in both directions.
 */
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import type { ReceiveOptions, Received } from '../receive.ts';
import type { SendOptions } from '../send.ts';

/** One thread does one of them, and ends. */
export type TreeJob =
  | { readonly do: 'send'; readonly options: SendOptions }
  /** And reads it again: it is what was sent. */
  | { readonly do: 'receive'; readonly options: ReceiveOptions };

export type ToTree =
  | { readonly t: 'bytes'; readonly bytes: Uint8Array }
  | { readonly t: 'end' }
  | { readonly t: 'taken'; readonly bytes: number }
  | { readonly t: 'cancel' };

export type FromTree =
  | { readonly t: 'bytes'; readonly bytes: Uint8Array }
  | { readonly t: 'taken'; readonly bytes: number }
  /** It gets on, though there is nothing to hand over. */
  | { readonly t: 'beat' }
  | { readonly t: 'done'; readonly counted?: Counted }
  | { readonly t: 'failed'; readonly error: PlainError };

/** What was received. */
export type Counted = Pick<Received, 'records' | 'bytes'>;

/** Given and not yet taken. */
export const windowBytes = 4 * 1024 * 1024;

/** An IoError, as it crosses between threads. */
export interface PlainError {
  readonly code: IoErrorCode;
  readonly op: string;
  readonly target: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly cause: string | undefined;
}

export const plain = ({ code, op, target, message, hint, cause }: IoError): PlainError => ({
  ...{ code, op, target, message, hint },
  cause: cause instanceof Error ? (cause.stack ?? cause.message) : undefined,
});

export const revived = ({ code, op, target, message, hint, cause }: PlainError): IoError =>
  new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }), cause });
