/** Snapshots to test with. */
import { createHash } from 'node:crypto';
import { configurationOf } from '#events/raft/configuration.ts';
import { asPeer, type SnapshotMeta } from '#events/raft/entry.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { Chunk } from '#io/log/raft/snapshots/chunk.ts';
import type { Refusal, SnapshotReceiver } from '#io/log/raft/snapshots/receiver.ts';
import type { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '#io/log/raft/storage.ts';

export const metaAt = (index: number, term = 3): SnapshotMeta => ({
  index,
  term,
  configuration: configurationOf([asPeer('attic'), asPeer('cellar')], [asPeer('shed')]),
});

/** Rows of unlike sizes that come to about this many bytes. */
export function someRows(seed: number, bytes: number): readonly Uint8Array[] {
  const random = seededRandom(seed);
  const rows: Uint8Array[] = [];
  for (let left = bytes; left > 0;) {
    const size = random.below(random.chance(0.05) ? 60_000 : 400);
    const row = new Uint8Array(Math.min(size, left)).fill(random.below(256));
    if (row.length > 0) row[random.below(row.length)] = random.below(256);
    rows.push(row);
    left -= size + 4;
  }
  return rows;
}

export async function* each(rows: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* rows;
}

/** Rows in few letters, to be compared. */
export function digestOf(rows: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${row.length} `).update(row);
  return `${rows.length} rows, ${hash.digest('hex')}`;
}

/** The digest of all rows of a snapshot. */
export async function readAll(files: SnapshotFiles, pointer: SnapshotPointer): Promise<string> {
  const rows: Uint8Array[] = [];
  for await (const slice of files.read(pointer)) rows.push(...slice);
  return digestOf(rows);
}

export async function chunksOf(files: SnapshotFiles, pointer: SnapshotPointer, offset = 0): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of files.sendFrom(pointer, offset)) chunks.push(chunk);
  return chunks;
}

export async function receiverOf(files: SnapshotFiles, pointer: SnapshotPointer): Promise<SnapshotReceiver> {
  const receiver = await files.receive(pointer);
  if ('refused' in receiver) throw new Error(receiver.explain);
  return receiver;
}

/** Sends what is missing, until a chunk is refused. @returns what `finish` says, or the refusal */
export async function transfer(
  from: SnapshotFiles,
  to: SnapshotFiles,
  pointer: SnapshotPointer,
): Promise<SnapshotPointer | Refusal> {
  const receiver = await receiverOf(to, pointer);
  for await (const chunk of from.sendFrom(pointer, receiver.offset)) {
    const refusal = await receiver.take(chunk);
    if (refusal) return refusal;
  }
  return receiver.finish();
}
