/**
 * Files of volumes: those that came with an app's compose file, the folders that its binds name, and what a new volume
 * begins with. The app itself writes there too, and may put anything in our way: a link, a pipe, another folder.
 *
 * Laws
 *
 *   - Nothing outside the root is ever read or written, whatever lies in it: no link is followed, nothing is opened
 *     that could make us wait, and every call ends with its signal or its time.
 *   - A file of the bundle is written only where nothing of the app is lost by it: it was never there, or what is there
 *     is what FloatLab wrote. Where the app and the bundle have both changed it, the new one is put in its place and the
 *     app's version stays beside it, as `<name>.floatlab-kept-<revision>`.
 *   - What the app changed or deleted, and the bundle has not changed since, stays as the app wants it. Only what a
 *     mount names is there again: without it no container could start.
 *   - What was written is noted in the volume itself (`.floatlab-files.json`), so that it goes with the data: a
 *     roll-back brings back what was noted then, and a replica knows what its primary knew. The app can spoil the note.
 *     A note that is gone or spoilt means that nothing is known; then every file that differs counts as the app's.
 */
import type { Call } from '../call.ts';

export interface FileToWrite {
  /** Normalized, relative to the root. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** A mount names this very file. */
  readonly isMounted: boolean;
}

export interface WantedFiles {
  readonly files: readonly FileToWrite[];
  readonly folders: readonly string[];
  /** Of the app; names what is kept aside. */
  readonly revision: number;
}

/** The app's version of a file that a revision changed too. */
export interface KeptFile {
  readonly path: string;
  readonly keptAs: string;
}

/** A path of the machine that a container is to be given. */
export interface HostPath {
  /** Absolute, normalized. */
  readonly path: string;
  /** A folder is made where nothing is. */
  readonly create: boolean;
  /** Of what the system has at a fixed place, which may lie behind links. */
  readonly mayBeLink: boolean;
}

export interface FilesPort {
  /**
   * Makes the folders that are missing and writes the files, as the laws say.
   * @returns what lies kept beside files of this revision, also when an earlier call put it there
   * @throws IoError INVALID, EXISTS, NO_SPACE, READ_ONLY, POOL_MISSING
   */
  ensure(root: string, wanted: WantedFiles, call: Call): Promise<readonly KeptFile[]>;
  /**
   * That a path in the root is really there, part by part, and no link leads elsewhere: before it is mounted.
   * @param path normalized, relative; `.` is the root itself
   * @throws IoError INVALID when a part is a link, MISSING when there is nothing, POOL_MISSING without the root
   */
  check(root: string, path: string, call: Call): Promise<void>;
  /**
   * That a path of the machine is really there, and nothing of FloatLab itself: before it is mounted.
   * @throws IoError MISSING when there is nothing, INVALID when a link is on the way or it is FloatLab's own
   */
  checkHost(path: HostPath, call: Call): Promise<void>;
  /**
   * Gives an empty folder the content of a tar, with owners and modes: all of it or, interrupted, nothing that counts;
   * the next call does it anew. Over anything that is there already nothing is written.
   * @param content asked only when it is needed: a tar whose first entry is the folder; undefined: there is none
   * @throws IoError NO_SPACE, READ_ONLY, POOL_MISSING, and whatever `content` rejects with
   */
  fill(root: string, content: () => Promise<AsyncIterable<Uint8Array> | undefined>, call: Call): Promise<void>;
}
