/** Takes a sealed segment from other members, piece by piece, until it is the one that the manifest means. */
import type { Broken } from '../snapshots/broken.ts';
import type { PartFile } from '../snapshots/part-file.ts';
import { problemWith, sealedIn } from './check.ts';
import type { SegmentInfo, SegmentStart } from './segment.ts';

export class SegmentReceiver {
  readonly segment: SegmentInfo;
  readonly #start: SegmentStart;
  readonly #part: PartFile;
  readonly #arrived: () => Promise<void>;

  constructor(segment: SegmentInfo, start: SegmentStart, part: PartFile, arrived: () => Promise<void>) {
    this.segment = segment;
    this.#start = start;
    this.#part = part;
    this.#arrived = arrived;
  }

  /** Where the next piece belongs, in bytes. */
  get offset(): number {
    return this.#part.offset;
  }

  /**
   * The bytes at `offset`; one call at a time.
   * @returns why they are not taken, if they are not; then `offset` is behind the last intact entry
   * @throws StoreError FAILED, LogError TOO_NEW
   */
  async take(bytes: Uint8Array): Promise<Pick<Broken, 'offset' | 'explain'> | undefined> {
    const { offset } = this;
    if (offset + bytes.length > this.segment.sizeBytes)
      return { offset, explain: `more came than its ${this.segment.sizeBytes} bytes` };
    return this.#part.write(bytes);
  }

  /**
   * All bytes are here. Once resolved the segment is durable, and counts; unless something is wrong with it: then all of
   * it was thrown away. @throws StoreError FAILED
   */
  async finish(): Promise<Pick<Broken, 'offset' | 'explain'> | undefined> {
    const { name, reader } = this.#part;
    const problem = problemWith(sealedIn(reader, name, this.#start), this.segment, name);
    if (problem) await this.#part.discard();
    else await this.#arrived();
    return problem;
  }
}
