/** What replicas of files are made with: real ones here, simulated ones in `sim.ts`. */
import { randomUUID } from 'node:crypto';
import { lstat, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock/port.ts';
import { receiveOnThread, sendOnThread, type Waiting } from '../../tree-stream/thread/streams.ts';
import { refuseInUse } from '../../volumes/in-use.ts';
import { mountOf, parseMountinfo, pathInFilesystem } from '../../volumes/mounts.ts';
import type { Deadline } from '../../volumes/deadline.ts';
import type { DatasetSpec, VolumePort } from '../../volumes/port.ts';
import { readTreeHead } from '../../tree-stream/head.ts';
import type { Snapshot } from '../../tree-stream/send.ts';
import type { Announced } from '../head.ts';
import { recordsInPools, type Records } from './records.ts';

export interface SendTree {
  readonly target: Snapshot;
  readonly base?: Snapshot & { readonly takenAtMs?: number };
  readonly wholeSeconds: boolean;
}

export interface ReceiveTree {
  readonly into: string;
  readonly ids: { readonly base: string | undefined; readonly target: string };
}

export interface TreeMeans {
  /** Not guarded: replicas are among them. */
  readonly volumes: VolumePort;
  readonly records: Records;
  /** Of the simulated world; the real one where absent. */
  readonly clock?: Clock;
  /** @throws IoError. Ends when the reader leaves. */
  send(options: SendTree, how: Waiting): AsyncIterable<Uint8Array>;
  /** What the beginning of a stream says of it. */
  readHead(start: Buffer): Announced | 'more' | 'none';
  /** Resolves once the folder is what was sent, on the disk and compared. @throws IoError */
  receive(stream: AsyncIterable<Uint8Array>, options: ReceiveTree, how: Waiting): Promise<unknown>;
  /** @throws IoError BUSY */
  refuseInUse(op: string, path: string, within: Deadline): Promise<void>;
  /** Owner and mode of a folder. */
  topOf(path: string): Promise<Pick<DatasetSpec, 'owner' | 'mode'>>;
  /** Whether times of files in this folder, which is ours, keep their fractions of seconds. */
  keepsFractions(folder: string): Promise<boolean>;
  /** 32 letters of `[0-9a-f]`, never the same again. */
  id(): string;
}

export const realMeans = (volumes: VolumePort): TreeMeans => ({
  volumes,
  records: recordsInPools(volumes),
  send: sendOnThread,
  readHead: readTreeHead,
  receive: receiveOnThread,
  async refuseInUse(op, path, within) {
    const mount = mountOf(parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')), path);
    if (!mount) return;
    // Of a file system that is mounted there as a whole, its own mount is no use of it.
    const own = mount.point === path ? { own: path } : {};
    await refuseInUse(mount, pathInFilesystem(mount, path), { op, path, within, ...own });
  },
  async topOf(path) {
    const { uid, gid, mode } = await lstat(path);
    return { owner: { uid, gid }, mode: mode & 0o7777 };
  },
  async keepsFractions(folder) {
    const probe = join(folder, '.times');
    await writeFile(probe, '');
    const fraction = 0.25;
    await utimes(probe, fraction, fraction);
    const { mtimeMs } = await lstat(probe);
    await rm(probe);
    return mtimeMs > 0;
  },
  id: () => randomUUID().replaceAll('-', ''),
});
