/**
 * Files of an app's own folder (a volume): those that came with its compose file, and the folders that its binds name.
 *
 * Laws: nothing outside the root is ever touched, whatever links lie in it; a file is written only when the bundle's
 * content differs from what was written last, so that what an app changed itself stays until a person deploys anew.
 */
import type { Call } from '../call.ts';

export interface FileToWrite {
  /** Normalized, relative to the root. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
}

export interface FilesPort {
  /** Makes the folders that are missing and writes the files that are new. @throws IoError INVALID, NO_SPACE, READ_ONLY */
  ensure(
    root: string,
    wanted: { readonly files: readonly FileToWrite[]; readonly folders: readonly string[] },
    call: Call,
  ): Promise<void>;
}
