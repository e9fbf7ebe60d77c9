/** One dataset during one call: where it is, with what to work on it, and for how long. */
import { IoError } from '../../error.ts';
import { inUse, stillUsed } from '../in-use.ts';
import { pathInFilesystem } from '../mounts.ts';
import type { RunCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import { refuseOpen } from '../open-below.ts';
import type { Dataset } from '../port.ts';
import type { DatasetPaths } from './layout.ts';
import type { OpenDirPool } from './pool.ts';
import type { Tools } from './tools.ts';

/** Told after each step; tests throw in it to see what a crash there leaves behind. */
export type StepHook = (step: string) => void | Promise<void>;

export interface Site {
  readonly op: string;
  readonly of: Dataset;
  /** `pool/dataset`, for messages. */
  readonly target: string;
  readonly pool: OpenDirPool;
  readonly paths: DatasetPaths;
  readonly tools: Tools;
  readonly run: RunCommand;
  readonly within: Deadline;
  readonly step: StepHook;
}

/** @param paths on the file system of the pool @throws IoError BUSY when a container has one of them mounted */
export async function refuseUsed({ pool, op, within }: Site, ...paths: readonly string[]): Promise<void> {
  const places = new Map(paths.map((path) => [pathInFilesystem(pool.mount, path), path]));
  const [first] = await stillUsed(pool.mount, [...places.keys()], within);
  if (first) throw inUse(op, places.get(first[0]) ?? first[0], first[1]);
}

/** Files that are exchanged or removed below a program: what it writes from then on would be lost. @throws IoError BUSY */
export const refuseOpened = ({ run, op, within }: Site, path: string): Promise<void> =>
  refuseOpen(run, { op, path, within });

export const refusal = (
  { op, target }: Pick<Site, 'op' | 'target'>,
  code: 'INVALID' | 'EXISTS' | 'MISSING' | 'UNSUPPORTED' | 'DAMAGED' | 'NO_SPACE',
  message: string,
  hint?: string,
): IoError => new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }) });
