/**
 * Takes a snapshot from another member, chunk by chunk, over as many connections and lives of this process as it takes.
 *
 *   receive(pointer) ─▶ offset ─▶ take(chunk) … ─▶ finish() ─▶ pointer: whole, checked, durable
 *                          ▲            │
 *                          └─ refused ──┘
 *
 * A refusal changes nothing that was taken before; the sender goes on at `offset`, which may have gone back.
 */
import { pieceBytes } from '../../../stores/directory.ts';
import type { SnapshotPointer } from '../storage.ts';
import { isIntact, type Chunk } from './chunk.ts';
import type { PartFile } from './part-file.ts';
import { endProblem } from './read.ts';

export interface Refusal {
  readonly refused:
    | 'wrong-pointer'
    | 'wrong-offset'
    | 'wrong-length'
    /** On its way, or at the sender: a frame or a checksum is not right. */
    | 'damaged'
    /** It came to its end, and is not what the pointer means. All of it was thrown away. */
    | 'wrong-content'
    /** Another transfer began, or a newer snapshot is here. */
    | 'ended';
  /** What and where, as a sentence. */
  readonly explain: string;
}

export class SnapshotReceiver {
  readonly pointer: SnapshotPointer;
  /** Undefined when the file is here already. */
  readonly #part: PartFile | undefined;
  readonly #finished: (pointer: SnapshotPointer) => Promise<void>;
  #turn: Promise<unknown> = Promise.resolve();
  #hasEnded = false;

  /** @param finished the file has its name */
  constructor(
    pointer: SnapshotPointer,
    part: PartFile | undefined,
    finished: (pointer: SnapshotPointer) => Promise<void>,
  ) {
    this.pointer = pointer;
    this.#part = part;
    this.#finished = finished;
  }

  /** Where the next chunk has to begin, in bytes; the size of the file when all is here. */
  get offset(): number {
    return this.#part?.offset ?? this.pointer.sizeBytes;
  }

  /**
   * The chunk at `offset`, whose bytes must not be changed any more. @returns why it is not taken, if it is not
   * @throws StoreError FAILED, LogError TOO_NEW
   */
  take(chunk: Chunk): Promise<Refusal | undefined> {
    return this.#inTurn(async () => {
      if (this.#hasEnded || !this.#part) return hasEnded;
      const refusal = this.#refusalOf(chunk);
      if (refusal) return refusal;
      const broken = await this.#part.write(chunk.bytes);
      return broken && refused('damaged', `At byte ${broken.offset} of the snapshot: ${broken.explain}.`);
    });
  }

  /**
   * All is here: checks the whole and gives it its name.
   * @returns the pointer once the file is durable
   * @throws StoreError FAILED
   */
  finish(): Promise<SnapshotPointer | Refusal> {
    return this.#inTurn(async () => {
      const { pointer } = this;
      if (this.#hasEnded) return hasEnded;
      if (this.offset !== pointer.sizeBytes)
        return refused('wrong-length', `${this.offset} of ${pointer.sizeBytes} bytes have arrived.`);
      this.#hasEnded = true;
      const part = this.#part;
      if (part) {
        const broken = endProblem(part.reader, pointer);
        if (broken) {
          await part.discard();
          return refused('wrong-content', `At byte ${broken.offset} of the snapshot: ${broken.explain}.`);
        }
        await part.complete(pointer.file);
      }
      await this.#finished(pointer);
      return pointer;
    });
  }

  /**
   * Takes nothing more; what has arrived stays. @returns what the next receiver of the same snapshot can go on with,
   * unless this one had ended before
   */
  end(): Promise<PartFile | undefined> {
    return this.#inTurn(async () => {
      const part = this.#hasEnded ? undefined : this.#part;
      this.#hasEnded = true;
      return part;
    });
  }

  #refusalOf({ offset, bytes, crc32 }: Chunk): Refusal | undefined {
    const { sha256, sizeBytes } = this.pointer;
    if (offset !== this.offset)
      return refused('wrong-offset', `The chunk begins at byte ${offset}, wanted is byte ${this.offset}.`);
    if (bytes.length === 0 || bytes.length > pieceBytes || offset + bytes.length > sizeBytes)
      return refused('wrong-length', `A chunk of ${bytes.length} bytes at byte ${offset} of ${sizeBytes} cannot be.`);
    if (!isIntact(sha256, { offset, bytes, crc32 }))
      return refused('damaged', `The chunk at byte ${offset} is damaged, or of another snapshot.`);
    return undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {
      this.#hasEnded = true;
    });
    return turn;
  }
}

export const refused = (reason: Refusal['refused'], explain: string): Refusal => ({ refused: reason, explain });

const hasEnded = refused('ended', 'This transfer has ended.');
