/**
 * A tree of files, or what changed in it since an older one, as a stream of bytes: for file systems that cannot send to
 * each other, and for moves. `receive.ts` is the other end.
 *
 *   snapshot ─┐
 *             ├▶ sendTree ─▶ bytes (caller: compress, encrypt, carry) ─▶ receiveTree ─▶ a folder that holds the base
 *   base ─────┘
 *
 * The folders must not change meanwhile: snapshots. A file that changed is told by its changed blocks, which are found by
 * reading it beside its base; a renamed one is told anew. Nothing is compressed.
 */
import type { Call } from '../call.ts';
import { Handover } from './handover.ts';
import type { Covered, DigestDepth, TreeIds } from './records.ts';
import { RecordWriter } from './record-writer.ts';
import { treeError } from './refusals.ts';
import { closeSide, openSide } from './side.ts';
import { slices } from './slices.ts';
import { Teller } from './teller.ts';

export interface Snapshot {
  /** Absolute. */
  readonly path: string;
  /** By which both ends know it: a guid. 1 to 1000 letters. */
  readonly id: string;
}

export interface SendOptions {
  readonly target: Snapshot;
  /** What the receiver has. Without it the whole tree is sent. */
  readonly base?: Snapshot & {
    /**
     * When it was taken, milliseconds since 1970, where base and target are snapshots of one dataset by its file system:
     * then a file that was not touched since is known by its inode and the time of its last change, and is not read.
     * Copies have other inodes: without it every file is read on both sides.
     */
    readonly takenAtMs?: number;
  };
  /**
   * What the digest in the stream covers: by default contents where the whole tree is sent, because they are read anyway,
   * and the shape where only changes are.
   */
  readonly digest?: DigestDepth;
  /** For a receiver whose file system keeps whole seconds only: the digest covers no fractions. */
  readonly wholeSeconds?: boolean;
}

/** Of times that files have: within one tick of the kernel's clock they are the same, and clocks are set. */
const doubtMs = 2000;
const nanosecondsPerMs = 1_000_000n;
const maxChunkBytes = 1024 * 1024;
const chunksAhead = 2;

/**
 * @returns chunks of at most 1 MiB
 * @throws IoError MISSING, DAMAGED (the disk), UNSUPPORTED, PERMISSION, FAILED, ABORTED, TIMED_OUT: then the stream is cut off
 */
export async function* sendTree(options: SendOptions, call: Call): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = new Handover<Uint8Array>(chunksAhead);
  const sending = tell(options, chunks, call).then(
    () => chunks.end(),
    (error: unknown) => chunks.end(treeError('send tree', options.target.path, error)),
  );
  try {
    yield* chunks.taken();
  } finally {
    chunks.stop();
    await sending;
  }
}

async function tell(options: SendOptions, chunks: Handover<Uint8Array>, call: Call): Promise<void> {
  const { target, base, digest, wholeSeconds = false } = options;
  const rest = slices(call, 'send tree', target.path);
  const ids: TreeIds = { base: base?.id, target: target.id };
  const covered: Covered = { depth: digest ?? (base ? 'shape' : 'content'), wholeSeconds };
  const writer = new RecordWriter(ids);
  const handOver = async (): Promise<void> => {
    for (const frame of writer.frames.splice(0)) {
      // Whoever takes a chunk may give its memory away: no two of them share it.
      if (frame.length <= maxChunkBytes) await chunks.put(frame);
      else
        for (let at = 0; at < frame.length; at += maxChunkBytes) await chunks.put(frame.slice(at, at + maxChunkBytes));
    }
    await rest();
  };
  const drain = (): Promise<void> | undefined => (writer.frames.length > 0 ? handOver() : rest());
  const side = openSide(target.path);
  try {
    const baseSide = base && openSide(base.path);
    try {
      const takenAtMs = base?.takenAtMs;
      const sameBefore =
        takenAtMs === undefined ? undefined : BigInt(Math.floor(takenAtMs) - doubtMs) * nanosecondsPerMs;
      const teller = new Teller({ target: side, base: baseSide, sameBefore, covered, writer, drain });
      writer.finish({ ...covered, digest: await teller.tell() });
      await handOver();
    } finally {
      if (baseSide) await closeSide(baseSide);
    }
  } finally {
    await closeSide(side);
  }
}
