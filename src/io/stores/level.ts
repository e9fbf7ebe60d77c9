/**
 * The store on LevelDB.
 *
 * LevelDB keeps batches whole and in order, but it is not a judge of its own files: after damage it may open with
 * entries missing or changed. Whoever needs to know keeps checksums in the values, as the event log does.
 * After a failed write LevelDB goes on at an offset that may be wrong; this store therefore refuses every later write.
 */
import { Level } from 'level';
import { StoreError, type Op, type Range, type Store } from './port.ts';

/** Memory for what is not yet in a table; larger means fewer, larger flushes. */
const writeBufferBytes = 32 * 1024 * 1024;
/** A slice of a scan ends at this many entries or bytes, whichever comes first. LevelDB's own default is 16 KiB. */
const sliceEntries = 1000;
const sliceBytes = 1024 * 1024;

/** @throws StoreError LOCKED, DAMAGED, FAILED */
export async function openLevel(dir: string): Promise<Store> {
  const db = new Level<Uint8Array, Uint8Array>(dir, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: writeBufferBytes,
  });
  try {
    await db.open();
  } catch (error) {
    throw storeError(error, `open the database ${dir}`, dir);
  }
  return new LevelStore(db, dir);
}

type Db = Level<Uint8Array, Uint8Array>;

class LevelStore implements Store {
  readonly #db: Db;
  readonly #dir: string;
  #failed: StoreError | undefined;

  constructor(db: Db, dir: string) {
    this.#db = db;
    this.#dir = dir;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#db.get(key);
    } catch (error) {
      throw storeError(error, `read from the database ${this.#dir}`, this.#dir);
    }
  }

  async *range(range: Range): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    try {
      yield* this.#slices(range);
    } catch (error) {
      throw storeError(error, `read from the database ${this.#dir}`, this.#dir);
    }
  }

  async *#slices(range: Range): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    const iterator = this.#db.iterator({ ...range, highWaterMarkBytes: sliceBytes });
    try {
      let reading = iterator.nextv(sliceEntries);
      for (;;) {
        const slice = await reading;
        if (slice.length === 0) return;
        // The next slice is read by another thread while the caller works on this one.
        reading = iterator.nextv(sliceEntries);
        reading.catch(() => undefined); // judged when it is awaited, if ever
        yield slice;
      }
    } finally {
      await iterator.close();
    }
  }

  async batch(ops: readonly Op[], options: { readonly sync: boolean }): Promise<void> {
    await this.#write(() => {
      // Ten times cheaper than an array of operations, of which every one is cloned and looked through.
      const batch = this.#db.batch();
      for (const op of ops) {
        if ('put' in op) batch.put(op.put, op.value);
        else batch.del(op.del);
      }
      return batch.write({ sync: options.sync });
    });
  }

  async clear(range: Range): Promise<void> {
    await this.#write(() => this.#db.clear(range));
  }

  async close(): Promise<void> {
    await this.#db.close();
  }

  async #write(write: () => Promise<void>): Promise<void> {
    if (this.#failed) throw this.#failed;
    try {
      await write();
    } catch (error) {
      this.#failed ??= storeError(error, `write to the database ${this.#dir}`, this.#dir);
      throw this.#failed;
    }
  }
}

/** What LevelDB says, by its codes; the code of the operating system is only in its text. */
function storeError(error: unknown, doing: string, dir: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  const reason = reasonOf(error);
  if (code === 'LEVEL_LOCKED') {
    return new StoreError(
      'LOCKED',
      `cannot ${doing}: another process has it open`,
      `Stop the other FloatLab that uses ${dir} (\`fuser ${dir}/LOCK\` shows its process), then start again.`,
      error,
    );
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new StoreError(
      'DAMAGED',
      `cannot ${doing}: ${reason}`,
      `Keep a copy of ${dir}, check the disk (dmesg, SMART), then restore the directory from a backup or let this node join its lab anew.`,
      error,
    );
  }
  const hint = /no space left/i.test(reason)
    ? `Free some space on the file system of ${dir}, then start again.`
    : `Look at the disk and at the permissions of ${dir}, then start again.`;
  return new StoreError('FAILED', `cannot ${doing}: ${reason}`, hint, error);
}

function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string' && code !== 'LEVEL_DATABASE_NOT_OPEN') return code;
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  let reason = String(error);
  for (let at = error; at instanceof Error; at = at.cause) reason = at.message;
  return reason;
}
