/** Reads the file of a snapshot, and finds out whether it is the one that a pointer means. */
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import type { SnapshotPointer } from '../storage.ts';
import { damaged, explainRead, type Broken } from './broken.ts';
import { endBody, packMeta, rowsOf, snapshotKind } from './format.ts';
import { FrameReader } from './frame-reader.ts';

export const damagedHint =
  'Take the snapshot from another member, or make a new one; look at the disk (dmesg, SMART) of this one.';

/** @param file what it is called while it is read */
export const snapshotReader = ({ meta, sizeBytes }: SnapshotPointer, file: string): FrameReader =>
  new FrameReader({
    file,
    kind: snapshotKind,
    sizeBytes,
    accept: (head) => (Buffer.compare(head, packMeta(meta)) === 0 ? 1 : 'it is a snapshot of something else'),
  });

/** The whole file was given to the reader. @returns what is wrong with it */
export function endProblem(reader: FrameReader, pointer: SnapshotPointer): Broken | undefined {
  const broken = reader.finish();
  if (broken || !reader.end) return broken;
  const { frame, sha256 } = reader.end;
  const problem = (explain: string): Broken => ({ file: pointer.file, offset: frame.offset, explain });
  const isOwn = Buffer.compare(frame.body.subarray(6), Buffer.from(sha256, 'hex')) === 0;
  if (!isOwn) return problem('the SHA-256 that stands there is not that of the file');
  if (reader.offset !== pointer.sizeBytes || reader.sha256 !== pointer.sha256)
    return problem('it is whole, but another file than the one that is meant');
  return undefined;
}

/**
 * Rows in slices, checked frame by frame. The last slice is held back until the whole file is known to be right: so who
 * comes to the end has read the snapshot and nothing else, and who is stopped by an error has not read its last rows.
 * @throws StoreError MISSING, DAMAGED; LogError TOO_NEW
 */
export async function* readRows(
  directory: Directory,
  pointer: SnapshotPointer,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const reader = snapshotReader(pointer, pointer.file);
  let held: readonly Uint8Array[] | undefined;
  let count = 0;
  for await (const piece of directory.stream(pointer.file)) {
    for (const frame of reader.take(piece)) {
      const rows = rowsOf(frame.body);
      if (!rows) throw fail(pointer, frame.offset, 'what stands there are no rows');
      count += rows.length;
      if (held) yield held;
      held = rows;
    }
    if (reader.broken) break;
  }
  const broken = endProblem(reader, pointer);
  if (broken) throw damaged(broken, damagedHint);
  const end = reader.end;
  if (end && Buffer.compare(end.frame.body, endBody(count, end.sha256)) !== 0)
    throw fail(pointer, end.frame.offset, `it has ${count} rows, and says otherwise`);
  if (held) yield held;
}

/** Reads every byte. @returns the first place that is not right. @throws StoreError MISSING, LogError TOO_NEW */
export async function verifySnapshot(directory: Directory, pointer: SnapshotPointer): Promise<Broken | undefined> {
  const reader = snapshotReader(pointer, pointer.file);
  try {
    for await (const piece of directory.stream(pointer.file)) {
      reader.check(piece);
      if (reader.broken) break;
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'MISSING') throw error;
    return { file: pointer.file, offset: reader.offset, explain: explainRead(error) };
  }
  return endProblem(reader, pointer);
}

const fail = ({ file }: SnapshotPointer, offset: number, explain: string) =>
  damaged({ file, offset, explain }, damagedHint);
