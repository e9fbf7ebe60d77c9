/**
 * Paths of the node that somebody else looks after: what lies there, read only. Of what people run beside the lab the
 * sources of mounts and the compose files are asked for.
 *
 * Laws: nothing is written or opened that could make us wait (pipes, devices); rejects with IoError only.
 */
import type { Call } from '../call.ts';

export interface Place {
  readonly what: 'folder' | 'file' | 'other';
  /** Without symbolic links. */
  readonly path: string;
  /** For example `ext4`, `nfs4`; empty where the kernel does not say. */
  readonly fileSystem: string;
  /** Other machines have it as well. */
  readonly isShared: boolean;
}

export interface PlaceFile {
  readonly bytes: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

export interface PlacesPort {
  /** @param path absolute @returns undefined when nothing is there */
  look(path: string, call: Call): Promise<Place | undefined>;
  /** What the files there take on the disk. @returns undefined when that could not be counted in the time of the call */
  size(path: string, call: Call): Promise<number | undefined>;
  /** @returns undefined when it is no plain file @throws INVALID when it is larger than `mostBytes` */
  read(path: string, mostBytes: number, call: Call): Promise<PlaceFile | undefined>;
  /** Names in a folder, sorted; undefined when it is none. */
  list(path: string, call: Call): Promise<readonly string[] | undefined>;
}
