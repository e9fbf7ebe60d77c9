/**
 * A flat directory of files that must survive: watermarks, snapshots, sealed segments. Real (`directory-real.ts`) or on
 * the simulated disk (`directory-sim.ts`).
 *
 * Laws, held by `test/contracts/directory.ts`: what resolved as durable survives a power cut; `replace` and `rename` are
 * atomic, also across a crash; names are plain (`[A-Za-z0-9._-]{1,128}`, never `.` or `..`). An error of a write means
 * that the state of the disk is unknown: the caller ends the process. Nothing else writes into the directory.
 */
export interface Directory {
  list(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]>;
  /** The whole file; undefined when there is none. For small files. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** From an offset to the end, in pieces of up to 256 KiB. @throws StoreError MISSING */
  stream(name: string, from?: number): AsyncIterable<Uint8Array>;
  /** Puts a whole file in the place of what was there. Durable. */
  replace(name: string, bytes: Uint8Array): Promise<void>;
  /** In place, within or right after what is there; makes the file. Not durable before `sync`. */
  writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void>;
  /** Makes a file's bytes, and its name, durable. @throws StoreError MISSING */
  sync(name: string): Promise<void>;
  /** Durable. The file must have been synced. @throws StoreError MISSING */
  rename(from: string, to: string): Promise<void>;
  /** Durable; without effect when there is none. */
  delete(name: string): Promise<void>;
  close(): Promise<void>;
}
