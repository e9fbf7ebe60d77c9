/**
 * A small note outside the database: "this log, and at least up to here".
 *
 * A database that lost its newest file opens without complaint, only shorter. The watermark reveals that. It is
 * written about a second after the log grew and when the log is closed, never before the events themselves are
 * durable; so a log may be longer than its watermark, and never shorter.
 *
 * On disk two slots take turns, each in a block of its own with a checksum: a write that a power cut tears leaves the
 * other slot.
 *
 *   slot  crc32 u32 │ format u8 │ length u8 │ sequence u64 │ durable u64 │ incarnation (all big-endian)
 */
import { Buffer } from 'node:buffer';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { syncDir } from '../../stores/files.ts';
import { StoreError, type Store } from '../../stores/port.ts';

export interface Mark {
  /** Name of the log, drawn when it was made; up to 64 characters. */
  readonly incarnation: string;
  /** Index of an event that is durable, and with it all before. */
  readonly durable: number;
}

export interface Watermark {
  /** The newest intact mark; undefined when there is none. */
  read(): Promise<Mark | undefined>;
  /** Durable once resolved. One call at a time. An error means that the state of the disk is unknown. */
  write(mark: Mark): Promise<void>;
  close(): Promise<void>;
}

const slotBytes = 4096;
const headBytes = 22;
const format = 1;

/** @throws StoreError FAILED */
export async function openWatermark(path: string): Promise<Watermark> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if ((await file.stat()).size !== 2 * slotBytes) {
      await file.truncate(2 * slotBytes);
      await file.sync();
      await syncDir(dirname(path));
    }
    return new FileWatermark(path, file);
  } catch (error) {
    await file?.close();
    throw failed(`open the watermark ${path}`, error);
  }
}

class FileWatermark implements Watermark {
  readonly #path: string;
  readonly #file: FileHandle;
  #sequence = 0;
  #read = false;

  constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  async read(): Promise<Mark | undefined> {
    try {
      const bytes = Buffer.alloc(2 * slotBytes);
      await this.#file.read(bytes, 0, bytes.length, 0);
      const slots = [unpackSlot(bytes.subarray(0, slotBytes)), unpackSlot(bytes.subarray(slotBytes))];
      const newest = slots.reduce((a, b) => (b && b.sequence > (a?.sequence ?? 0) ? b : a), undefined);
      this.#sequence = newest?.sequence ?? 0;
      this.#read = true;
      return newest?.mark;
    } catch (error) {
      throw failed(`read the watermark ${this.#path}`, error);
    }
  }

  async write(mark: Mark): Promise<void> {
    // Which slot is the older one is known only after reading.
    if (!this.#read) await this.read();
    try {
      this.#sequence++;
      const slot = packSlot(mark, this.#sequence);
      await this.#file.write(slot, 0, slot.length, (this.#sequence % 2) * slotBytes);
      await this.#file.datasync();
    } catch (error) {
      throw failed(`write the watermark ${this.#path}`, error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** A watermark on any store that is not the log's own: for the simulation, a simulated disk. */
export function storeWatermark(store: Store): Watermark {
  const key = new TextEncoder().encode('watermark');
  let sequence = 0;
  return {
    read: async () => {
      const bytes = await store.get(key);
      const slot = bytes && unpackSlot(bytes);
      sequence = slot?.sequence ?? 0;
      return slot?.mark;
    },
    write: (mark) => store.batch([{ put: key, value: packSlot(mark, ++sequence) }], { sync: true }),
    close: () => store.close(),
  };
}

function packSlot(mark: Mark, sequence: number): Uint8Array {
  const incarnation = Buffer.from(mark.incarnation);
  if (incarnation.length > 64) throw new Error('the incarnation of a log has at most 64 bytes');
  const slot = Buffer.alloc(headBytes + incarnation.length);
  slot[4] = format;
  slot[5] = incarnation.length;
  slot.writeBigUInt64BE(BigInt(sequence), 6);
  slot.writeBigUInt64BE(BigInt(mark.durable), 14);
  slot.set(incarnation, headBytes);
  slot.writeUInt32BE(crc32(slot.subarray(4)), 0);
  return slot;
}

function unpackSlot(block: Uint8Array): { readonly sequence: number; readonly mark: Mark } | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const end = headBytes + (bytes[5] ?? 0);
  if (bytes[4] !== format || bytes.length < end) return undefined;
  if (crc32(bytes.subarray(4, end)) !== bytes.readUInt32BE(0)) return undefined;
  const durable = Number(bytes.readBigUInt64BE(14));
  return {
    sequence: Number(bytes.readBigUInt64BE(6)),
    mark: { incarnation: bytes.toString('utf8', headBytes, end), durable },
  };
}

const failed = (doing: string, error: unknown): StoreError =>
  new StoreError(
    'FAILED',
    `cannot ${doing}: ${error instanceof Error ? error.message : String(error)}`,
    'Look at the disk, its free space and the permissions of the directory, then start again.',
    error,
  );
