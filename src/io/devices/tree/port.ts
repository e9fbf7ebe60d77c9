/**
 * Files under a root: the folder in which a volume is, or one of its snapshots. Implemented on the real file system
 * (`real.ts`) and over the simulated pools (`sim.ts`); one contract suite, `test/contracts/tree.ts`, holds for both.
 *
 * Laws
 *
 *   - No path leads out of the root, whatever an app does to its folders while we are in them: every folder on the way
 *     is opened by itself, and no link is followed. A link is shown as one.
 *   - Nothing is opened that could make us wait or do something: pipes, sockets and devices are shown only.
 *   - Names are bytes. Their text is that of `#events/values/tree-path.ts`, and it comes back as the same bytes.
 *   - What lies there may change while it is read: whoever wants one moment reads a snapshot.
 *   - Rejects with IoError only. MISSING: the root, or the path in it, is not there (any more). INVALID: a part of the
 *     path is a link, or is no folder, or what is there cannot be read as was asked.
 */
import type { Difference, FileEntry, FileFacts } from '#io/contract/files.ts';
import type { Call } from '../call.ts';

export interface Listed {
  /** What is at the path itself. */
  readonly self: FileFacts;
  /** Of a folder, sorted by the bytes of their names; of anything else none. */
  readonly entries: readonly FileEntry[];
  /** There are more after the last one. */
  readonly more: boolean;
}

export interface Range {
  readonly from: number;
  /** The byte after the last one. */
  readonly to: number;
}

export interface DiffOptions {
  /** Only what is at this path and below it; empty: everything. */
  readonly path: string;
  /** Goes on behind this one, which was the last of the page before. */
  readonly after?: string;
  readonly limit: number;
  /** Reads files that look the same, too: of the same size and time. */
  readonly content: boolean;
}

export interface RestorePlan {
  /** The same for every attempt: what an earlier one has left is taken up. `[a-z0-9]+` */
  readonly id: string;
  /** Of the snapshot, for the names of what must not be overwritten: `name.restored-<snapshot>`. */
  readonly snapshot: string;
  readonly paths: readonly string[];
  /** Folder to put them into; undefined: where they were. */
  readonly into?: string;
  /** Files that are there are replaced, folders are added to; else what comes back gets another name. */
  readonly overwrite: boolean;
}

export interface Restored {
  readonly files: number;
  readonly bytes: number;
  /** Pipes, sockets and devices: an app makes them anew. */
  readonly skipped: number;
  /** Where each of the paths is now. */
  readonly written: readonly { readonly path: string; readonly as: string }[];
}

export interface TreePort {
  list(
    root: string,
    path: string,
    range: { readonly after?: string; readonly limit: number },
    call: Call,
  ): Promise<Listed>;
  /** The bytes of a file; holes are zeros. Ends early where the file got shorter. @throws IoError INVALID when it is no file */
  read(root: string, path: string, range: Range, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** What is different at `after` from `before`; a folder comes before what is in it. */
  diff(
    before: string,
    after: string,
    options: DiffOptions,
    call: Call,
  ): Promise<{ readonly items: readonly Difference[]; readonly more: boolean }>;
  /**
   * A folder with everything in it as a tar (POSIX, with extended attributes, ACLs, hard links and holes); sockets are
   * left out. Names in it begin with `./`. What changes meanwhile is packed as it was met.
   */
  pack(root: string, path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Brings paths of a snapshot back with owner, mode, times and extended attributes: all of them or, interrupted, what a
   * repetition finishes. Nothing that is there is lost unless `overwrite`.
   * @throws IoError MISSING when the snapshot does not have a path, NO_SPACE, READ_ONLY
   */
  restore(from: string, into: string, plan: RestorePlan, call: Call): Promise<Restored>;
  /**
   * Gives up a restore that was interrupted: nothing of it is left.
   * @returns false when all of it had been copied by then: only `restore`, which finishes it, ends it now
   */
  giveUp(into: string, id: string, call: Call): Promise<boolean>;
  /**
   * Unpacks a tar into an empty folder. Names that lead out are refused, and so is a tar that ends before its end. What
   * it had unpacked by then stays: the caller clears it away.
   * @throws IoError INVALID, NO_SPACE, READ_ONLY
   */
  unpack(
    root: string,
    tar: AsyncIterable<Uint8Array>,
    call: Call,
  ): Promise<{ readonly files: number; readonly bytes: number }>;
  /** Whether an app, or a person, has nothing in it. What FloatLab itself keeps in a volume does not count. */
  isEmpty(root: string, call: Call): Promise<boolean>;
  /** Removes everything in it. The folder must not be in use. */
  clear(root: string, call: Call): Promise<void>;
}
