/**
 * A repository of backups: what is in it and how it is found. `docs/formats.md` has its layout.
 *
 *   config, config.copy        which repository this is            manifests/<id>   one backup each, written last
 *   packs/<ab>/<sha256>        chunks                              locks/…          who is at work
 *   index/<sha256>             which chunk lies in which pack      marks/…          packs that are set aside
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock/port.ts';
import { IoError } from '../error.ts';
import type { Random } from '../random/port.ts';
import { ChunkTable } from './chunk-table.ts';
import type { Compression } from './format/chunk-box.ts';
import type { ChunkSizes } from './format/chunker.ts';
import { configKeys, defaultSizes, maxConfigBytes, readConfig, writeConfig, type Config } from './format/config.ts';
import { indexTargetBytes, indexedBytes, maxIndexBytes, readIndex, writeIndex } from './format/index-object.ts';
import type { IndexedPack } from './format/index-object.ts';
import { keyBytes, repositoryIdBytes, repositoryKeys } from './format/keys.ts';
import { idOfManifest, manifestKey, maxManifestBytes, readManifest, type Manifest } from './format/manifest.ts';
import { packKey, packOfKey, readDirectory } from './format/pack.ts';
import { damagedObject } from './format/seal.ts';
import type { LockOptions } from './locks.ts';
import { findMarks, type Mark } from './marks.ts';
import { storeError, type ObjectStore, type StoredObject } from './store/port.ts';

export interface RepositoryOptions {
  readonly store: ObjectStore;
  /** The backup key of the lab, 32 bytes (`backupKeyOf`). */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  /** Who works here, for the people who find a lock: the name of the node. */
  readonly by: string;
  /** Default `gzip`. */
  readonly compression?: Compression;
  /** A pack is finished once it has so much. Two of them are in memory. Default 32 MiB. */
  readonly packBytes?: number;
  /** How much of the new packs is read back before a backup counts, 0 to 1. Default 1. */
  readonly readBackShare?: number;
  /** A lock that was not renewed for so long may be given up. Default 30 minutes. */
  readonly leaseMs?: number;
}

export interface Repository extends Config {
  readonly options: Required<RepositoryOptions>;
}

/**
 * Makes a repository, or opens the one that is there. Safe for several at once, and after a crash.
 * @param sizes of chunks, of a new one
 * @throws IoError PERMISSION when it belongs to another key, DAMAGED, and what the store rejects with
 */
export async function initRepository(
  options: RepositoryOptions,
  signal: AbortSignal,
  sizes: ChunkSizes = defaultSizes,
): Promise<Repository> {
  checkKeyLength(options.key);
  const { store } = options;
  if (!(await someConfig(store, signal))) {
    for await (const { key } of store.list('', signal)) {
      if (/^(packs|index|manifests)\//.test(key)) throw headless(store);
    }
    const config = writeConfig({ keys: repositoryKeys(options.key, randomBytes(repositoryIdBytes)), sizes });
    await store.put(configKeys[0], config, signal);
  }
  const repository = await openRepository(options, signal);
  // Whoever was first, the copy is that of what is there now.
  const config = writeConfig(repository);
  for (const name of configKeys) {
    const there = await configBytes(store, name, signal);
    if (there && Buffer.from(there).equals(config)) continue;
    if (there) await store.delete(name, signal);
    await store.put(name, config, signal);
  }
  return repository;
}

/** @throws IoError MISSING when there is none, PERMISSION when it belongs to another key, DAMAGED, UNSUPPORTED */
export async function openRepository(options: RepositoryOptions, signal: AbortSignal): Promise<Repository> {
  checkKeyLength(options.key);
  const { store } = options;
  let refusal: unknown;
  for (const name of configKeys) {
    const bytes = await configBytes(store, name, signal);
    if (!bytes) continue;
    try {
      return { ...readConfig(name, store.where, options.key, bytes), options: withDefaults(options) };
    } catch (error) {
      // Of two copies one may be damaged; what the other one says, is right.
      refusal ??= error;
    }
  }
  if (refusal instanceof Error) throw refusal;
  const hint = 'Begin backups there first; or is another disk mounted, or the folder or prefix another one?';
  throw storeError('MISSING', 'open', store.where, `there are no backups of FloatLab in ${store.where}`, hint);
}

/** Which of the two copies of its own file are not as they should be; beginning it anew (`initRepository`) mends them. */
export async function damagedConfigs(repository: Repository, signal: AbortSignal): Promise<readonly string[]> {
  const right = writeConfig(repository);
  const wrong: string[] = [];
  for (const name of configKeys) {
    const there = await configBytes(repository.options.store, name, signal);
    if (!there || !right.equals(there)) wrong.push(`${name} is ${there ? 'damaged' : 'missing'}`);
  }
  return wrong;
}

/** What is in it: chunks by id, of packs that are really there. */
export interface Contents {
  readonly table: ChunkTable;
  /** All packs that are there, by name. */
  readonly packs: ReadonlyMap<string, StoredObject>;
  readonly indexes: readonly string[];
  /** Packs that are there, with their chunks. */
  readonly indexed: ReadonlyMap<string, IndexedPack>;
  /** Packs that no index knows: of a writer at work, or of one that ended early. */
  readonly unindexed: readonly IndexedPack[];
  /** Objects that cannot be read, and why. */
  readonly damaged: readonly IoError[];
}

/**
 * Packs are listed after the index objects, so that what was deleted meanwhile does not count; and one that has not its
 * size is not whole, so its chunks count as missing.
 * @param marks packs that are set aside come second; and where one of the marks is `own`, those of others come third
 */
export async function readContents(
  { keys, options: { store } }: Repository,
  marks: readonly Mark[],
  signal: AbortSignal,
  own?: string,
): Promise<Contents> {
  const ranks = new Map<string, number>();
  for (const { id, packs } of marks)
    for (const name of packs) ranks.set(name, Math.max(ranks.get(name) ?? 0, own === undefined || id === own ? 1 : 2));
  const [indexes, damaged, indexed]: [string[], IoError[], Map<string, IndexedPack>] = [[], [], new Map()];
  for await (const { key, sizeBytes } of store.list('index/', signal)) {
    indexes.push(key);
    await collecting(damaged, async () => {
      if (sizeBytes > maxIndexBytes) throw damagedObject(key, 'it is too large');
      const object = await unlessGone(store.get(key, signal));
      if (object) for (const pack of readIndex(keys, key, object)) indexed.set(pack.name, pack);
    });
  }
  const packs = new Map<string, StoredObject>();
  const table = new ChunkTable();
  const unindexed: IndexedPack[] = [];
  for await (const object of store.list('packs/', signal)) {
    const { key, sizeBytes } = object;
    const name = packOfKey(key);
    if (name === undefined) continue;
    packs.set(name, object);
    const known = indexed.get(name);
    if (known?.sizeBytes === sizeBytes) table.add(known, ranks.get(name) ?? 0);
    else {
      await collecting(damaged, async () => {
        const read = (from: number, to: number) => store.get(key, signal, { from, to });
        const directory = await unlessGone(readDirectory(keys, name, sizeBytes, read));
        if (!directory) return;
        unindexed.push({ name, sizeBytes, directory });
        table.add({ name, sizeBytes, directory }, ranks.get(name) ?? 0);
      });
    }
  }
  for (const name of indexed.keys()) if (!packs.has(name)) indexed.delete(name);
  return { table, packs, indexes, indexed, unindexed, damaged };
}

/** For whoever only reads: what is set aside may be read, where there is nothing better. */
export async function readAll(repository: Repository, signal: AbortSignal): Promise<Contents> {
  const { marks } = await findMarks(repository.options.store, repository.keys, signal);
  return readContents(repository, marks, signal);
}

/** Puts them into as few index objects as their sizes allow. @returns the keys of those */
export async function putIndexes(
  { keys, options: { store } }: Repository,
  packs: Iterable<IndexedPack>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const written: string[] = [];
  let [batch, bytes]: [IndexedPack[], number] = [[], 0];
  const put = async (): Promise<void> => {
    if (batch.length === 0) return;
    const { key, object } = writeIndex(keys, batch);
    await store.put(key, object, signal);
    written.push(key);
    [batch, bytes] = [[], 0];
  };
  for (const pack of packs) {
    if (bytes + indexedBytes(pack) > indexTargetBytes) await put();
    batch.push(pack);
    bytes += indexedBytes(pack);
  }
  await put();
  return written;
}

/** @returns undefined when there is none. @throws IoError DAMAGED, UNSUPPORTED */
export async function manifestOf(
  { keys, options: { store } }: Repository,
  id: string,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const key = manifestKey(id);
  const found = await store.head(key, signal);
  if (!found) return undefined;
  if (found.sizeBytes > maxManifestBytes) throw damagedObject(key, 'it is too large');
  const object = await unlessGone(store.get(key, signal));
  return object && readManifest(keys, id, object);
}

export interface Listed {
  /** By id. */
  readonly manifests: readonly Manifest[];
  /** Backups whose manifest cannot be read, and why: of what they need nothing is known. */
  readonly damaged: readonly { readonly id: string; readonly error: IoError }[];
}

export async function listBackups(repository: Repository, signal: AbortSignal): Promise<Listed> {
  const [manifests, damaged]: [Manifest[], { id: string; error: IoError }[]] = [[], []];
  for await (const { key } of repository.options.store.list('manifests/', signal)) {
    const id = idOfManifest(key);
    if (id === undefined) continue;
    const errors: IoError[] = [];
    await collecting(errors, async () => {
      const found = await manifestOf(repository, id, signal);
      if (found) manifests.push(found);
    });
    for (const error of errors) damaged.push({ id, error });
  }
  return { manifests, damaged };
}

/** What is damaged is noted; anything else ends it. */
async function collecting(damaged: IoError[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof IoError && (error.code === 'DAMAGED' || error.code === 'INVALID'))) throw error;
    damaged.push(error);
  }
}

/** Objects may go between two looks. */
export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof IoError && error.code === 'MISSING') return undefined;
    throw error;
  }
}

export const lockOptions = ({ keys, options }: Repository): LockOptions => ({ ...options, keys });

export const packBytesOf = ({ options }: Repository, name: string, signal: AbortSignal): Promise<Uint8Array> =>
  options.store.get(packKey(name), signal);

const configBytes = (store: ObjectStore, name: string, signal: AbortSignal): Promise<Uint8Array | undefined> =>
  unlessGone(store.get(name, signal, { from: 0, to: maxConfigBytes }));

async function someConfig(store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  for (const name of configKeys) if (await store.head(name, signal)) return true;
  return false;
}

function checkKeyLength(key: Uint8Array): void {
  if (key.length === keyBytes) return;
  const message = `a backup key has ${keyBytes} bytes, this one ${key.length}`;
  throw storeError(
    'INVALID',
    'open',
    'the backup key',
    message,
    'Take the one that the recovery kit of the lab holds.',
  );
}

const headless = ({ where }: ObjectStore): IoError =>
  storeError(
    'DAMAGED',
    'open',
    where,
    `there are backups in ${where}, but the files "config" and "config.copy" are both gone`,
    'Bring one of them back, or choose another folder or prefix: a new repository is not begun over an old one.',
  );

const withDefaults = (options: RepositoryOptions): Required<RepositoryOptions> => ({
  compression: 'gzip',
  packBytes: 32 * 1024 * 1024,
  readBackShare: 1,
  leaseMs: 30 * 60_000,
  ...options,
});
