/**
 * What replication promises, by streams of the file system or of files: one suite for the simulated twins and for the
 * real ones, on two pools, of one kind where the streams are its own. The parts are in `replication/`, each about one
 * concept.
 */
import { afterAll, beforeAll } from 'vitest';
import type { ReplicationPort, StreamAbilities } from '#io/devices/replication/port.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';
import { makeReplicationBench } from './replication/bench.ts';
import { divergenceContract } from './replication/divergence.ts';
import { historiesContract } from './replication/histories.ts';
import { interruptedContract } from './replication/interrupted.ts';
import { bookmarkContract, protectionContract } from './replication/protection.ts';
import { refusalsContract } from './replication/refusals.ts';
import { resumeContract } from './replication/resume.ts';
import { rolesContract } from './replication/roles.ts';
import { storyContract } from './replication/story.ts';
import { streamsContract } from './replication/streams.ts';

/** Both ports on one pool, as a daemon has them. */
export interface Ports {
  /** As the port of replication guards them. */
  readonly volumes: VolumePort;
  readonly replication: ReplicationPort;
}

export interface SideUnderTest extends Ports {
  readonly pool: string;
  /** Other ports on the same pool, as after a start of the daemon; `step` is told after each step. */
  reopen(step?: (step: string) => void | Promise<void>): Ports;
  /** Writes a file as an app would; `folder` is a path that the port of volumes has told. */
  writeAt(folder: string, file: string, text: string): Promise<void>;
  /** So many bytes that cannot be compressed. */
  fillAt(folder: string, file: string, bytes: number): Promise<void>;
  /** @returns undefined when the file, or the folder, is not there */
  readAt(folder: string, file: string): Promise<string | undefined>;
  /** Has the folder mounted as a container has, until the answer is called. */
  use(folder: string): Promise<() => Promise<void>>;
  /** Where no size holds, and none is told. */
  readonly hasNoSizes?: true;
  /** Something that `adopt` can take. */
  makeNative(): Promise<string>;
  /** Lets go of the hold of a peer by hand, and of the snapshot; where there are bookmarks. */
  readonly removeByForce?: (of: Dataset, guid: string, peer: string) => Promise<void>;
}

export interface ReplicationUnderTest {
  readonly here: SideUnderTest;
  readonly there: SideUnderTest;
  dispose(): Promise<void>;
}

export interface ReplicationContractOptions {
  readonly can: StreamAbilities;
  readonly setup: () => Promise<ReplicationUnderTest>;
  /** A short one leaves out what costs much time on real file systems and is proven on the twin. */
  readonly length: 'whole' | 'short';
}

/** The main roads of the contract: on every day, and where each step takes long. */
export function replicationStory({ setup, can }: Pick<ReplicationContractOptions, 'setup' | 'can'>): void {
  const bench = makeReplicationBench(can);
  beforeAll(async () => {
    bench.open(await setup());
  });
  afterAll(() => bench.dispose());
  storyContract(bench);
  resumeContract(bench);
  bookmarkContract(bench);
}

export function replicationContract({ setup, can, length }: ReplicationContractOptions): void {
  const bench = makeReplicationBench(can);
  beforeAll(async () => {
    bench.open(await setup());
  });
  afterAll(() => bench.dispose());
  streamsContract(bench, length);
  refusalsContract(bench);
  protectionContract(bench);
  rolesContract(bench);
  divergenceContract(bench);
  historiesContract(bench);
  interruptedContract(bench, length);
}
