/**
 * The other end of `send.ts`: brings a folder that holds the base (or is empty) to what was sent.
 *
 * It resolves only for a stream that was whole, in order, for this base and target, and applied completely; then all of
 * it is on the disk. What went wrong before leaves a folder that is neither the one nor the other: the caller works on
 * a copy that nobody else sees, and throws it away. Nothing is ever applied of a frame that did not arrive as it was sent.
 */
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import { FrameReader } from '../../log/raft/snapshots/frame-reader.ts';
import type { Frame } from '../../log/raft/snapshots/frame.ts';
import { Applier, isMisfit } from './applier.ts';
import { laterVersion } from './head.ts';
import type { Covered, TreeIds } from './records.ts';
import { readRecords, treeKind, unpackEnd, unpackIds } from './records.ts';
import { brokenStream, damagedStream, treeError } from './refusals.ts';
import type { Side } from './side.ts';
import { closeSide, openSide } from './side.ts';
import { slices } from './slices.ts';

export interface ReceiveOptions {
  /** Absolute; a folder that only the receiver writes to, and that holds the base, or nothing without one. */
  readonly into: string;
  /** What the stream must be. */
  readonly ids: TreeIds;
}

/** With what the digest covers. */
export interface Received extends Covered {
  readonly records: number;
  readonly bytes: number;
  /** Of the tree that was sent: `digestTree` of the folder must say the same. */
  readonly digest: Buffer;
}

/**
 * @throws IoError TRUNCATED (cut off, changed on its way), DAMAGED (in the wrong order, does not fit), INVALID (another base
 * or target), UNSUPPORTED (of a later version; what the file system cannot keep), MISSING, NO_SPACE, READ_ONLY, PERMISSION, FAILED, ABORTED, TIMED_OUT
 */
export async function receiveTree(
  stream: AsyncIterable<Uint8Array>,
  { into, ids }: ReceiveOptions,
  call: Call,
): Promise<Received> {
  let side: Side | undefined;
  try {
    const rest = slices(call, 'receive tree', into);
    side = openSide(into);
    if (ids.base === undefined && side.top.names().length > 0) throw notEmpty(into);
    return await receive(stream, side, ids, into, rest);
  } catch (error) {
    throw isMisfit(error)
      ? damagedStream(into, error instanceof Error ? error.message : String(error), error)
      : treeError('receive tree', into, error);
  } finally {
    if (side) await closeSide(side);
  }
}

async function receive(
  stream: AsyncIterable<Uint8Array>,
  side: Side,
  ids: TreeIds,
  into: string,
  rest: () => Promise<void> | undefined,
): Promise<Received> {
  let refused: IoError | undefined;
  const reader = new FrameReader({
    file: into,
    kind: treeKind,
    accept: (head) => {
      refused = refusalOf(head, ids, into);
      return refused ? refused.message : 1;
    },
  });
  const applier = new Applier(side, rest);
  let [records, bytes] = [0, 0];
  try {
    for await (const chunk of stream) {
      bytes += chunk.length;
      for (const frame of take(reader, chunk, into)) {
        for (const record of recordsOf(frame, into)) {
          records++;
          const waiting = applier.apply(record);
          if (waiting) await waiting;
          const turn = rest();
          if (turn) await turn;
        }
        await side.calls.ready();
      }
      if (refused) throw refused;
      if (reader.broken) throw broken(reader, into);
    }
    if (reader.finish()) throw broken(reader, into);
    const end = reader.end && unpackEnd(reader.end.frame.body);
    if (!end) throw brokenStream(into, 'has no end');
    if (end.sha256 !== reader.end?.sha256) throw brokenStream(into, 'is not what was sent: its SHA-256 does not match');
    if (end.records !== records || !applier.isDone) throw damagedStream(into, 'lacks a part of what was sent');
    // Carried out, and on the disk.
    await side.calls.flushed();
    const { digest, depth, wholeSeconds } = end;
    return { records, bytes, digest, depth, wholeSeconds };
  } finally {
    applier.close();
  }
}

function take(reader: FrameReader, chunk: Uint8Array, into: string): readonly Frame[] {
  try {
    return reader.take(chunk);
  } catch (error) {
    throw laterVersion(error, into);
  }
}

function* recordsOf(frame: Frame, into: string): ReturnType<typeof readRecords> {
  const records = readRecords(frame.body);
  for (;;) {
    let next;
    try {
      next = records.next();
    } catch (error) {
      throw damagedStream(into, error instanceof Error ? error.message : String(error), error);
    }
    if (next.done) return;
    yield next.value;
  }
}

function refusalOf(head: Uint8Array, ids: TreeIds, into: string): IoError | undefined {
  const found = unpackIds(head);
  if (!found) return damagedStream(into, 'does not say what it is of');
  if (found.base === ids.base && found.target === ids.target) return undefined;
  const name = ({ base, target }: TreeIds) => `${target} ${base === undefined ? 'as a whole' : `since ${base}`}`;
  return new IoError('INVALID', {
    op: 'receive tree',
    target: into,
    message: `the stream for ${into} is ${name(found)}, and ${name(ids)} was expected`,
    hint: 'Send from the newest snapshot that both ends have.',
  });
}

function broken({ broken: at }: FrameReader, into: string): IoError {
  return brokenStream(into, `is damaged at byte ${at?.offset ?? 0}: ${at?.explain ?? 'it is cut off there'}`);
}

const notEmpty = (into: string): IoError =>
  new IoError('EXISTS', {
    op: 'receive tree',
    target: into,
    message: `${into} holds files already, and a whole tree is received into an empty folder only`,
    hint: 'Give it a new dataset.',
  });
