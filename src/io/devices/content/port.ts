/**
 * What is in the folders of volumes, as a whole.
 *
 * One folder becomes what another one is, owners, modes, times, extended attributes, ACLs, hard links and holes
 * included, in two passes: nearly all of it while it is written to, and the rest when it is not. So whatever uses the
 * folder stands still only for what has changed meanwhile.
 *
 * Both folders are tops of datasets, and nobody else writes into the second one. Whatever a call that was cut off has
 * left there, its repetition makes good.
 */
import type { Call } from '../call.ts';

export interface ContentPort {
  /** Whether something is there, and whether its file system can be written to. */
  reach(path: string, call: Call): Promise<'writable' | 'read-only' | 'absent'>;
  /** Empties `to` and copies everything; what is written, renamed or removed meanwhile is left to `finish`. */
  copy(from: string, to: string, call: Call): Promise<void>;
  /**
   * Makes `to` equal to `from`, to which nobody writes any more, and looks through both once more. It is on the disk by
   * then. @throws IoError DAMAGED when they are not equal all the same
   */
  finish(from: string, to: string, call: Call): Promise<Finished>;
}

export interface Finished {
  /** Files, folders and whatever else there is. */
  readonly entries: number;
  /** Of those, what had to be copied anew. */
  readonly copied: number;
}
