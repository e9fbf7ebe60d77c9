/** Snapshots and segments of the history, from and to other nodes: streams of bytes, checked by whoever receives them. */
import { Packr } from 'msgpackr';
import * as z from 'zod';
import type { PeerId } from '#events/raft/entry.ts';
import type { Mesh } from '../../links/mesh.ts';
import { StreamError } from '../../links/channel.ts';
import { LinkError } from '../../links/errors.ts';
import { StoreError } from '../../stores/port.ts';
import type { History } from './history/history.ts';
import type { SegmentSource } from './history/source.ts';
import { makeChunk } from './snapshots/chunk.ts';
import type { SnapshotFiles } from './snapshots/snapshot-files.ts';
import type { SnapshotPointer } from './storage.ts';
import { nodeOf } from './engine/peer.ts';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const index = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const segment = z.object({ first: index, last: index, sha256, sizeBytes: index });
const segments = z.array(segment);
const snapshotName = z.object({ file: z.string().regex(/^[0-9A-Za-z.-]{1,128}$/), sizeBytes: index, sha256 });

const nothing = new Uint8Array(0);
const askMs = 10_000;
/** What a piece of a snapshot may have; several chunks of a stream. */
const pieceBytes = 256 * 1024;
/** A transfer that breaks goes on where it was, so often. */
const tries = 5;

/** What this node gives to others. */
export function offerHistory(mesh: Mesh, history: () => History, snapshots: () => SnapshotFiles): void {
  const own = (): SegmentSource => history().source('self');
  mesh.methods.handle('history/segments', async () => packr.pack(await own().list()));
  mesh.streams.offer('history/segment', async ({ params }) => {
    const wanted = segment.parse(params);
    const read = (from: number): AsyncIterable<Uint8Array> => own().read(wanted, from);
    return { totalBytes: wanted.sizeBytes, version: wanted.sha256, read, ...mesh.bulk };
  });
  mesh.streams.offer('history/snapshot', async ({ params }) => {
    const { file, sizeBytes, sha256: sum } = snapshotName.parse(params);
    const pointer = { meta: undefined as never, file, sizeBytes, sha256: sum };
    const read = (from: number): AsyncIterable<Uint8Array> => bytesOf(snapshots().sendFrom(pointer, from));
    return { totalBytes: sizeBytes, version: sum, read, ...mesh.bulk };
  });
}

/** What a node has of the history. */
export const segmentSource = (mesh: Mesh, node: string): SegmentSource => ({
  name: node,
  list: async () => {
    const listed = await mesh.call(node, 'history/segments', nothing, AbortSignal.timeout(askMs));
    return segments.parse(packr.unpack(listed));
  },
  read: (wanted, from) => read(mesh, node, 'history/segment', { ...wanted }, from),
});

/** @returns false when it does not come from there */
export async function fetchSnapshot(
  mesh: Mesh,
  from: PeerId,
  pointer: SnapshotPointer,
  files: SnapshotFiles,
): Promise<boolean> {
  const { file, sizeBytes, sha256: sum } = pointer;
  for (let tried = 0; tried < tries; tried++) {
    const receiver = await files.receive(pointer);
    if ('refused' in receiver) return false;
    try {
      const bytes = read(mesh, nodeOf(from), 'history/snapshot', { file, sizeBytes, sha256: sum }, receiver.offset);
      for await (const piece of bytes) {
        const refusal = await receiver.take(makeChunk(sum, receiver.offset, piece));
        if (refusal) break;
      }
    } catch (error) {
      if (!(error instanceof StreamError || error instanceof LinkError || isGone(error))) throw error;
    }
    if (receiver.offset < sizeBytes) continue;
    return !('refused' in (await receiver.finish()));
  }
  return false;
}

const isGone = (error: unknown): boolean => error instanceof StoreError && error.code === 'MISSING';

async function* read(mesh: Mesh, node: string, name: string, params: object, from: number): AsyncGenerator<Uint8Array> {
  const end = new AbortController();
  try {
    const { chunks } = await mesh.stream(node, name, params, { from, signal: end.signal });
    yield* inPieces(chunks);
  } finally {
    end.abort();
  }
}

/** Larger pieces than those of a stream, since each is checked and written by itself; in memory of their own. */
async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(pieceBytes);
  let end = 0;
  for await (const chunk of chunks) {
    if (end + chunk.length > pieceBytes) {
      yield piece.subarray(0, end);
      piece = new Uint8Array(pieceBytes);
      end = 0;
    }
    piece.set(chunk, end);
    end += chunk.length;
  }
  if (end > 0) yield piece.subarray(0, end);
}

async function* bytesOf(chunks: AsyncIterable<{ readonly bytes: Uint8Array }>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of chunks) yield bytes;
}
