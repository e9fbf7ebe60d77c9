/** Writes the file of a snapshot, under a name that does not count yet. */
import { createHash } from 'node:crypto';
import type { SnapshotMeta } from '#events/raft/entry.ts';
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { endBody, maxRowBytes, packMeta, RowBuffer, snapshotKind } from './format.ts';
import { contentKind, endKind, frameHeadBytes, makeFrame, makeHead, sealFrame } from './frame.ts';

export interface Written {
  readonly sizeBytes: number;
  /** Of the whole file, hexadecimal. */
  readonly sha256: string;
}

/**
 * Synced once resolved. When it rejects, nothing is under way any more.
 * @throws StoreError FAILED, also for a row that is too large; and whatever the rows throw
 */
export async function writeSnapshot(
  directory: Directory,
  name: string,
  meta: SnapshotMeta,
  rows: AsyncIterable<Uint8Array>,
  syncEveryBytes: number,
): Promise<Written> {
  const file = new SnapshotWriter(directory, name, meta, syncEveryBytes);
  try {
    for await (const row of rows) {
      const room = file.add(row);
      if (room) await room;
    }
    return await file.end();
  } finally {
    await file.settled();
  }
}

/** The disk writes one frame while the next one is filled. */
class SnapshotWriter {
  readonly #directory: Directory;
  readonly #name: string;
  readonly #syncEveryBytes: number;
  readonly #hash = createHash('sha256');
  readonly #seed: number;
  readonly #rows = new RowBuffer();
  #writing: Promise<void> = Promise.resolve();
  #sizeBytes = 0;
  #unsyncedBytes = 0;
  #frames = 0;
  #count = 0;

  constructor(directory: Directory, name: string, meta: SnapshotMeta, syncEveryBytes: number) {
    this.#directory = directory;
    this.#name = name;
    this.#syncEveryBytes = syncEveryBytes;
    const head = makeHead(snapshotKind, packMeta(meta));
    this.#seed = head.seed;
    void this.#next(head.bytes);
  }

  /** @returns a promise when the disk has to be waited for */
  add(row: Uint8Array): Promise<void> | undefined {
    if (row.length > maxRowBytes) throw tooLarge(row.length);
    this.#count++;
    if (this.#rows.add(row)) return undefined;
    const room = this.#flush();
    this.#rows.add(row);
    return room;
  }

  async end(): Promise<Written> {
    void this.#flush();
    await this.#writing;
    const body = endBody(this.#count, this.#hash.copy().digest('hex'));
    void this.#next(makeFrame(endKind, this.#frames + 1, body, this.#seed));
    await this.#writing;
    await this.#directory.sync(this.#name);
    return { sizeBytes: this.#sizeBytes, sha256: this.#hash.digest('hex') };
  }

  settled(): Promise<void> {
    return this.#writing.catch(() => undefined);
  }

  #flush(): Promise<void> {
    const frame = this.#rows.take();
    if (!frame) return this.#writing;
    const bodyBytes = frame.length - frameHeadBytes;
    sealFrame(frame, 0, { kind: contentKind, number: ++this.#frames, bodyBytes }, this.#seed);
    return this.#next(frame);
  }

  /** @returns when the frame before this one is written. Whoever waits for that, or for the end, hears of an error. */
  #next(bytes: Uint8Array): Promise<void> {
    const before = this.#writing;
    this.#writing = before.then(() => this.#put(bytes));
    this.#writing.catch(() => undefined);
    return before;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    const writing = this.#directory.writeAt(this.#name, this.#sizeBytes, bytes);
    this.#hash.update(bytes);
    await writing;
    this.#sizeBytes += bytes.length;
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes < this.#syncEveryBytes) return;
    await this.#directory.sync(this.#name);
    this.#unsyncedBytes = 0;
  }
}

const tooLarge = (bytes: number): StoreError =>
  new StoreError(
    'FAILED',
    `a row of ${bytes} bytes is too large for a snapshot, the most is ${maxRowBytes}`,
    'Split it into several rows.',
  );
