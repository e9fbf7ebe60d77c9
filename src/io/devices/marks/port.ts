/**
 * What tells whether files have changed where the file system does not: a mark of everything below a folder, made by
 * walking through it. Kinds, sizes, times, owners and modes count, contents are not read. Equal for a volume and for a
 * snapshot of it, because both are walked alike, so that nothing has to be remembered over a restart.
 */
import type { Call } from '../call.ts';

export interface Walked {
  /** Short; another one when something is different. */
  readonly mark: string;
  /** Those met, the top first; empty when there are more than can be watched. */
  readonly folders: readonly string[];
}

export interface MarksPort {
  /** @throws IoError MISSING when there is no such folder, ABORTED, TIMED_OUT */
  walk(path: string, call: Call): Promise<Walked>;
  /**
   * Calls when something is done to one of these folders or to what is in it. Only to look sooner: it may miss things
   * (what is written through mapped memory, new folders), and may not work at all.
   * @returns ends it
   */
  watch(folders: readonly string[], onChange: () => void): () => void;
}
