/**
 * The store on LevelDB.
 *
 * LevelDB keeps batches whole and in order, but it is not a judge of its own files: after damage it may open with
 * entries missing or changed. Whoever needs to know keeps checksums in the values, as the event log does.
 * After a failed write LevelDB goes on at an offset that may be wrong; this store therefore refuses every later write.
 */
import { Level } from 'level';
import { StoreError, type Op, type Range, type Store } from './port.ts';

export interface LevelOptions {
  /** Memory for what is not yet in a table, twice while a table is written; larger means fewer, larger flushes. */
  readonly writeBufferBytes?: number;
}

const standardWriteBufferBytes = 32 * 1024 * 1024;
/** A slice of a scan ends at this many entries or bytes, whichever comes first. LevelDB's own default is 16 KiB. */
const sliceEntries = 1000;
const sliceBytes = 1024 * 1024;

/** @throws StoreError LOCKED, DAMAGED, FAILED */
export async function openLevel(dir: string, options: LevelOptions = {}): Promise<Store> {
  const db = new Level<Uint8Array, Uint8Array>(dir, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    writeBufferSize: options.writeBufferBytes ?? standardWriteBufferBytes,
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
  /** The write before is done: LevelDB's threads overtake each other, and batches take effect in the order of the calls. */
  #turn: Promise<unknown> = Promise.resolve();

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
    const batch = this.#batchOf(ops);
    await this.#write(() => batch.write({ sync: options.sync }));
  }

  /** Ten times cheaper than an array of operations, of which every one is cloned and looked through. */
  #batchOf(ops: readonly Op[]): ReturnType<Db['batch']> {
    try {
      const batch = this.#db.batch();
      for (const op of ops) {
        if ('put' in op) batch.put(op.put, op.value);
        else batch.del(op.del);
      }
      return batch;
    } catch (error) {
      throw this.#broken(error);
    }
  }

  clear(range: Range): Promise<void> {
    return this.#write(() => this.#db.clear(range));
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#db.close();
  }

  #write(write: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#failed) throw this.#failed;
      try {
        await write();
      } catch (error) {
        throw this.#broken(error);
      }
    });
    this.#turn = done.catch(() => undefined); // judged by whoever wrote
    return done;
  }

  #broken(error: unknown): StoreError {
    this.#failed ??= storeError(error, `write to the database ${this.#dir}`, this.#dir);
    return this.#failed;
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
