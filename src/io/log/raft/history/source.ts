/** Whoever can give sealed segments: another member, over whatever connects the two. */
import type { SegmentInfo } from './segment.ts';

export interface SegmentSource {
  /** For messages. */
  readonly name: string;
  /** The segments that it has. */
  list(): Promise<readonly SegmentInfo[]>;
  /**
   * The file of a segment from this byte on, in pieces of up to 256 KiB that nobody changes any more. What comes is
   * checked by whoever asked; it may end early. Returning the iterator early ends the transfer.
   */
  read(segment: SegmentInfo, from: number): AsyncIterable<Uint8Array>;
}
