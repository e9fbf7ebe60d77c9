/**
 * What every driver of volumes promises, whatever is below it: one suite for the simulated twin and for every real
 * file system. Each says beforehand what its pool can, and is tested for that; what it cannot is refused as UNSUPPORTED.
 * One test proves that the pool says the same of itself. The parts are in `volumes/`, each about one concept.
 */
import { afterAll, beforeAll, expect } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import type { IoErrorCode } from '#io/devices/error.ts';
import { IoError } from '#io/devices/error.ts';
import type { OwnPlace } from '#io/devices/volumes/own-places.ts';
import type { Dataset, PoolAbilities, PoolInfo, VolumePort } from '#io/devices/volumes/port.ts';
import { adoptionContract } from './volumes/adoption.ts';
import { makeBench } from './volumes/bench.ts';
import { candidatesContract } from './volumes/candidates.ts';
import { changesContract } from './volumes/changes.ts';
import { clonesContract } from './volumes/clones.ts';
import { cutOffContract } from './volumes/cut-off.ts';
import { datasetsContract } from './volumes/datasets.ts';
import { foreignContract } from './volumes/foreign.ts';
import { modelContract } from './volumes/model.ts';
import { namesContract } from './volumes/names.ts';
import { poolsContract } from './volumes/pools.ts';
import { rollbackContract } from './volumes/rollback.ts';
import { snapshotsContract } from './volumes/snapshots.ts';

/** A driver on a pool of its own, of about 256 MiB, with the hands that a test needs around it. */
export interface VolumesUnderTest {
  readonly pool: string;
  readonly volumes: VolumePort;
  /** Another port on the same pool, as after a start of the daemon. */
  reopen(): VolumePort;

  /** Writes a file as an app would; `folder` is a path that the port has told. */
  writeAt(folder: string, file: string, text: string): Promise<void>;
  /** @returns undefined when the file, or the folder, is not there */
  readAt(folder: string, file: string): Promise<string | undefined>;
  /** Writes so many bytes that cannot be compressed, to the disk. @returns whether they fitted */
  fitsAt(folder: string, file: string, bytes: number): Promise<boolean>;
  /** Of a folder; `mode` is its permission bits. */
  ownerOf(folder: string): Promise<{ readonly uid: number; readonly gid: number; readonly mode: number }>;
  /** Has the folder mounted in a mount namespace of its own, as a container has, until the answer is called. */
  use(folder: string): Promise<() => Promise<void>>;

  /** Something of the pool, with a place for files, that FloatLab did not make: what `adopt` is for. */
  makeNative(): Promise<Native>;
  /** For `adopt`: well formed, and nothing is there. */
  readonly missingNative: string;
  /** For `adopt`: well formed, and there is something else (a plain folder, a zvol, a file). */
  makeNoNative(): Promise<string>;
  /** Takes a snapshot of a dataset as another tool would; absent where there is no such thing. */
  readonly foreignSnapshot?: (of: Dataset) => Promise<Foreign>;
  /** Another tool holds a snapshot of ours, until the answer is called; absent where there is no such thing. */
  readonly hold?: (of: Dataset, snapshot: string) => Promise<() => Promise<void>>;

  /** What the port is told to be FloatLab's own and not to be adopted; the tests fill and empty it. */
  readonly own: OwnPlace[];

  /** Waits until what was written can be seen by `changes`, and in what is used. */
  settle(): Promise<void>;
  /** Everything around the folder of FloatLab, as text: equal before and after, when nothing was touched. */
  surroundings(): Promise<string>;
  /** Waits for the n-th of twelve moments, spread over the time that a rollback takes. */
  moment(n: number): Promise<void>;
  unplug(): Promise<void>;
  plugIn(): Promise<void>;
  dispose(): Promise<void>;
}

export interface Native {
  /** What `adopt` is given. */
  readonly native: string;
  /** Where its files are; it stays there. */
  readonly path: string;
}

export interface Foreign {
  /** As `foreignSnapshots` shows it. */
  readonly name: string;
  exists(): Promise<boolean>;
  /** By the tool that took it. */
  remove(): Promise<void>;
}

/** What the pool under test must be able to. It decides which tests there are, before there is a pool. */
export interface Expected {
  /** As the pool must tell both. */
  readonly driver: PoolInfo['driver'];
  readonly can: PoolAbilities;
  /** What would be free without a snapshot is counted. */
  readonly countsSnapshots: boolean;
  /** What other tools do here: `foreignSnapshot`, `hold`. */
  readonly others: readonly ('snapshot' | 'hold')[];
}

export interface ContractOptions extends Expected {
  readonly setup: () => Promise<VolumesUnderTest>;
  /** How long a call may take there. */
  readonly timeoutMs?: number;
  /** Runs of the property test, and commands in each. */
  readonly runs: number;
  readonly commands: number;
}

export function volumesContract({ setup, timeoutMs, runs, commands, ...expected }: ContractOptions): void {
  const bench = makeBench({ patient: () => patient(timeoutMs), codeOf }, expected);
  beforeAll(async () => {
    bench.open(await setup());
  });
  afterAll(() => bench.dispose());
  datasetsContract(bench);
  snapshotsContract(bench);
  rollbackContract(bench);
  clonesContract(bench);
  changesContract(bench);
  foreignContract(bench);
  adoptionContract(bench);
  candidatesContract(bench);
  namesContract(bench);
  poolsContract(bench);
  cutOffContract(bench);
  modelContract(bench, { runs, commands });
}

/** For calls that may take their time. */
export const patient = (timeoutMs = 30_000): Call => ({
  signal: new AbortController().signal,
  timeoutMs,
  progress: () => undefined,
});

/** The code of the error that the promise rejects with; undefined when it resolves. Anything but an IoError fails. */
export async function codeOf(promise: Promise<unknown>): Promise<IoErrorCode | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(IoError);
    return (error as IoError).code;
  }
}
