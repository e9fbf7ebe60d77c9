/** One dataset during one call: where it is, and what works on it. */
import type { RunCommand } from '../../run.ts';
import type { Deadline } from '../deadline.ts';
import type { Locked } from '../lock.ts';
import type { Adopted } from './adopted.ts';
import type { Btrfs } from './commands.ts';
import type { DatasetPaths } from './layout.ts';
import type { OpenPool } from './pool.ts';

/** Told after each step; tests throw in it to see what a crash there leaves behind. */
export type StepHook = (step: string) => void | Promise<void>;

export interface Site {
  /** The method of the port, and `pool/dataset`: for messages. */
  readonly op: string;
  readonly target: string;
  readonly name: string;
  readonly pool: OpenPool;
  readonly paths: DatasetPaths;
  /** Of one that was adopted. */
  readonly adopted: Adopted | undefined;
  readonly btrfs: Btrfs;
  readonly run: RunCommand;
  readonly within: Deadline;
  readonly step: StepHook;
  readonly oneAtATime: Locked;
}
