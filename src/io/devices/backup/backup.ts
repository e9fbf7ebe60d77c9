/** Takes a backup: chunks, index, manifest, in this order. What an earlier attempt stored is found and used. */
import { asIoError, IoError } from '../error.ts';
import { TarFollower, writeEntry } from './format/catalog.ts';
import {
  idOfManifest,
  manifest as manifestSchema,
  manifestKey,
  streamsOf,
  subject as subjectSchema,
  writeManifest,
} from './format/manifest.ts';
import type { Manifest, Subject } from './format/manifest.ts';
import type { ChunkTable } from './chunk-table.ts';
import { Lock } from './locks.ts';
import { readMarks } from './marks.ts';
import { ChunkReader } from './read.ts';
import { lockOptions, manifestOf, readContents, unlessGone, type Repository } from './repository.ts';
import { storeError, type ObjectStore } from './store/port.ts';
import { ChunkWriter, StreamWriter } from './write.ts';

export interface BackupRequest {
  /** The same for every attempt at this backup. `[a-z0-9][a-z0-9-]{0,63}` */
  readonly id: string;
  readonly subject: Subject;
  /** By the clock of the lab. */
  readonly startedAt: number;
  /** A tar of the volume's snapshot. Read once; where it fails, so does the backup. */
  readonly content: AsyncIterable<Uint8Array>;
  /** Small files beside it: `compose.yaml`, `.env`. */
  readonly files?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export interface BackupProgress {
  /** Of the content, read by now. */
  readonly readBytes: number;
  /** In the store, of what is new. */
  readonly storedBytes: number;
}

/**
 * Several may run at once in one repository.
 * @returns the manifest of a backup that is whole in the store: everything that it needs was found there after it was
 *   written. When there is one of this id already, and whole, that one; the content is not read then.
 * @throws IoError FENCED when a prune gave it up, DAMAGED when the store does not keep what it said it stored; after any
 *   error the same request may be made again. INVALID for a request that cannot be one.
 */
export async function backup(
  repository: Repository,
  request: BackupRequest,
  signal: AbortSignal,
  progress: (now: BackupProgress) => void = () => undefined,
): Promise<Manifest> {
  checkRequest(request);
  const { store } = repository.options;
  const lock = await Lock.take(lockOptions(repository), 'write', signal);
  try {
    const { marks } = await readMarks(store, repository.keys, signal);
    await lock.avoid(
      marks.map(({ id }) => id),
      signal,
    );
    const contents = await readContents(repository, marks, signal);
    const before = await wholeBefore(repository, contents.table, request.id, signal);
    if (before) {
      await lock.checkUnbroken(signal);
      return before;
    }
    const writer = new ChunkWriter(repository, contents.table, contents.unindexed, signal);
    try {
      const written = await write(repository, writer, request, signal, progress);
      return await commit(repository, lock, written, contents.table, signal);
    } finally {
      await writer.settle();
    }
  } catch (error) {
    throw asIoError(error, 'backup', request.id);
  } finally {
    // Whatever ended it, the others should not have to wait for it.
    await lock.release(new AbortController().signal).catch(() => undefined);
  }
}

async function write(
  repository: Repository,
  writer: ChunkWriter,
  { id, subject, startedAt, content, files = [] }: BackupRequest,
  signal: AbortSignal,
  progress: (now: BackupProgress) => void,
): Promise<Manifest> {
  const data = new StreamWriter(repository, writer, 'data');
  const catalog = new StreamWriter(repository, writer, 'catalog');
  let lines = '';
  const follower = new TarFollower((entry) => {
    lines += writeEntry(entry);
  });
  let readBytes = 0;
  for await (const piece of content) {
    if (signal.aborted) throw cancelled(id);
    await data.write(piece);
    follower.push(piece);
    if (lines.length > 0 && !follower.isLost) await catalog.write(Buffer.from(lines));
    lines = '';
    readBytes += piece.length;
    progress({ readBytes, storedBytes: writer.added.storedBytes });
  }
  if (signal.aborted) throw cancelled(id);
  const contentRef = await data.end();
  const catalogRef = await catalog.end();
  const stored = [];
  for (const { name, bytes } of files) {
    const file = new StreamWriter(repository, writer, 'file');
    await file.write(bytes);
    stored.push({ name, content: await file.end() });
  }
  await writer.finish();
  progress({ readBytes, storedBytes: writer.added.storedBytes });
  return {
    format: 1,
    id,
    subject,
    startedAt,
    content: contentRef,
    ...(follower.isWhole ? { catalog: catalogRef } : {}),
    files: stored,
    added: { ...writer.added },
  };
}

/**
 * From the manifest on it is a backup; it is said to be one once all that it needs was seen after that.
 * @returns the manifest that counts: another attempt may have been faster
 */
async function commit(
  repository: Repository,
  lock: Lock,
  manifest: Manifest,
  table: ChunkTable,
  signal: AbortSignal,
): Promise<Manifest> {
  const { store } = repository.options;
  const key = manifestKey(manifest.id);
  const object = writeManifest(repository.keys, manifest);
  await lock.checkUnbroken(signal);
  if ((await store.put(key, object, signal)) === 'exists') {
    const other = await otherAttempt(repository, manifest.id, table, signal);
    if (other) return other;
    await store.delete(key, signal);
    await store.put(key, object, signal);
  }
  try {
    const back = await unlessGone(store.get(key, signal));
    if (!back || !object.equals(back)) throw lost(store.where, key);
    await checkThere(repository, manifest, table, signal);
    await lock.checkUnbroken(signal);
    return manifest;
  } catch (error) {
    await takeBack(store, key, object).catch(() => undefined);
    throw error;
  }
}

/**
 * What another attempt at the same backup has put there. It needs what this one has stored, or what it stored itself.
 * @returns undefined when it is not whole
 */
async function otherAttempt(
  repository: Repository,
  id: string,
  table: ChunkTable,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const { marks } = await readMarks(repository.options.store, repository.keys, signal);
  const now = await readContents(repository, marks, signal);
  for (const known of [table, now.table]) {
    const found = await wholeBefore(repository, known, id, signal);
    if (!found) continue;
    await checkThere(repository, found, known, signal);
    return found;
  }
  return undefined;
}

/** It may be damaged, so it is no backup. If this fails too, a check will tell. What another attempt put there stays. */
async function takeBack(store: ObjectStore, key: string, object: Buffer): Promise<void> {
  const { signal } = new AbortController();
  const there = await store.get(key, signal);
  if (object.equals(there)) await store.delete(key, signal);
}

/** Every chunk lies in a pack that is in the store, with its size. */
async function checkThere(
  repository: Repository,
  manifest: Manifest,
  table: ChunkTable,
  signal: AbortSignal,
): Promise<void> {
  const { store } = repository.options;
  const there = new Set<string>();
  const sizes = new Map(table.packs().map(({ name, sizeBytes }) => [name, sizeBytes]));
  for await (const { key, sizeBytes } of store.list('packs/', signal)) {
    const name = key.slice(key.lastIndexOf('/') + 1);
    if (sizes.get(name) === sizeBytes) there.add(name);
  }
  const missing = await firstMissing(repository, manifest, table, signal, (pack) => there.has(pack));
  if (missing !== undefined) throw lost(store.where, missing);
}

/** @returns what is wrong with it, for a person; undefined when every chunk has a place that counts */
async function firstMissing(
  repository: Repository,
  manifest: Manifest,
  table: ChunkTable,
  signal: AbortSignal,
  counts: (pack: string) => boolean,
): Promise<string | undefined> {
  const isThere = (id: Uint8Array): boolean => {
    const place = table.get(id);
    return place !== undefined && !place.isAside && counts(place.pack);
  };
  const reader = new ChunkReader(repository, table, signal);
  for (const ref of streamsOf(manifest)) {
    for (const id of ref.list) if (!isThere(Buffer.from(id, 'hex'))) return `a list of ${manifest.id}`;
    for await (const { id } of reader.listed(ref, manifest.id))
      if (!isThere(id)) return `chunk ${Buffer.from(id).toString('hex').slice(0, 12)} of ${manifest.id}`;
  }
  return undefined;
}

/** Of an attempt that got that far, and did not hear of it. */
async function wholeBefore(
  repository: Repository,
  table: ChunkTable,
  id: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  try {
    const before = await manifestOf(repository, id, signal);
    const missing = before && (await firstMissing(repository, before, table, signal, () => true));
    return missing === undefined ? before : undefined;
  } catch (error) {
    if (error instanceof IoError && error.code === 'DAMAGED') return undefined;
    throw error;
  }
}

function checkRequest({ id, subject, startedAt, files = [] }: BackupRequest): void {
  const parsed = subjectSchema.safeParse(subject);
  const empty = { sizeBytes: 0, sha256: '0'.repeat(64), chunks: 0, list: [] };
  const rest = manifestSchema.safeParse({
    format: 1,
    id,
    subject,
    startedAt,
    content: empty,
    files: files.map(({ name }) => ({ name, content: empty })),
    added: { chunks: 0, plainBytes: 0, storedBytes: 0 },
  });
  const issue = parsed.error?.issues[0] ?? rest.error?.issues[0];
  const hasTwice = new Set(files.map(({ name }) => name)).size !== files.length;
  if (!issue && !hasTwice && idOfManifest(manifestKey(id)) === id) return;
  const where = issue?.path.join('.') ?? 'files';
  const message = `this cannot be backed up: ${where}: ${issue?.message ?? 'two files have the same name'}`;
  throw storeError('INVALID', 'backup', id, message, 'Correct what it is of.');
}

const cancelled = (id: string): IoError => storeError('ABORTED', 'backup', id, `the backup ${id} was cancelled`);

const lost = (where: string, what: string): IoError =>
  storeError(
    'DAMAGED',
    'backup',
    what,
    `${where} said that it stored everything, and lost ${what}`,
    'Try again: what is missing is stored anew. If that happens twice, take another store.',
  );
