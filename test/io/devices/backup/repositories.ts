/** Small repositories over the simulated store: chunks of some hundred bytes, so that a few kilobytes are many. */
import { pack, type Header } from 'tar-stream';
import { backup, type BackupRequest } from '#io/devices/backup/backup.ts';
import type { ChunkSizes } from '#io/devices/backup/format/chunker.ts';
import type { Manifest } from '#io/devices/backup/format/manifest.ts';
import {
  initRepository,
  openRepository,
  type Repository,
  type RepositoryOptions,
} from '#io/devices/backup/repository.ts';
import { openBackup } from '#io/devices/backup/restore.ts';
import type { ObjectStore } from '#io/devices/backup/store/port.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { VirtualClock } from '../../stores/virtual-clock.ts';

export const { signal } = new AbortController();
export const labKey = new Uint8Array(32).fill(7);
export const smallChunks: ChunkSizes = { minBytes: 64, averageBytes: 256, maxBytes: 1024 };

let seeds = 1;

const optionsOf = (store: ObjectStore, more: Partial<RepositoryOptions> = {}): RepositoryOptions => ({
  store,
  key: labKey,
  clock: new VirtualClock(),
  random: seededRandom((seeds += 1)),
  by: 'a test',
  compression: 'none',
  packBytes: 4096,
  ...more,
});

export const begin = (store: ObjectStore, more: Partial<RepositoryOptions> = {}): Promise<Repository> =>
  initRepository(optionsOf(store, more), signal, smallChunks);

export const reopen = (store: ObjectStore, more: Partial<RepositoryOptions> = {}): Promise<Repository> =>
  openRepository(optionsOf(store, more), signal);

/** The same bytes for the same seed; with chance in every byte, so that nothing is stored once for two. */
export function bytesOf(seed: number, length: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random.below(256));
}

async function* inPieces(bytes: Uint8Array, pieceBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

export const requestOf = (id: string, bytes: Uint8Array, takenAt = 1_700_000_000_000): BackupRequest => ({
  id,
  subject: { lab: 'lab-1', volume: 'photos', snapshot: { guid: `guid-${id}`, takenAt } },
  startedAt: takenAt,
  content: inPieces(bytes),
});

export const backUp = (repository: Repository, id: string, bytes: Uint8Array, takenAt?: number): Promise<Manifest> =>
  backup(repository, requestOf(id, bytes, takenAt), signal);

export const restored = async (repository: Repository, id: string): Promise<Buffer> =>
  collect((await openBackup(repository, id, signal)).content());

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

export async function tarOf(
  entries: readonly (Partial<Header> & { readonly name: string; readonly bytes?: Uint8Array })[],
): Promise<Buffer> {
  const tar = pack();
  for (const { bytes, ...header } of entries) tar.entry({ mtime: new Date(0), ...header }, Buffer.from(bytes ?? []));
  tar.finalize();
  return collect(tar as AsyncIterable<Uint8Array>);
}
