/** What a piece of work is given, and what it gives back. A missing worker does not compile. */
import type { Command } from '#actors/commands.ts';
import type { StreamId } from '#events/envelope.ts';
import type { PoolStatus } from '#events/pool.ts';
import type { WorkName, WorkOrder } from '#actors/work.ts';
import type { Call } from '../devices/call.ts';
import type { BackupTargets } from '../devices/backup/targets/port.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { ContentPort } from '../devices/content/port.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import type { FilesPort } from '../devices/files/port.ts';
import type { IoError } from '../devices/error.ts';
import type { NodePools } from '../devices/pools/node-pools.ts';
import type { PoolReport } from '../devices/pools/report.ts';
import type { HostPort } from '../devices/host/port.ts';
import type { MarksPort } from '../devices/marks/port.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import type { TreePort } from '../devices/tree/port.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import type { Handover } from './handover.ts';
import type { LoginOf } from './images/logins.ts';
import type { ImageSource } from './images/source.ts';
import type { ReplicaSource } from './replica-source.ts';
import type { Leftovers } from './leftovers.ts';

export interface Ports {
  readonly docker: DockerPort;
  readonly volumes: VolumePort;
  readonly files: FilesPort;
  readonly tree: TreePort;
  readonly host: HostPort;
  readonly pools: NodePools;
  readonly clock: Clock;
  readonly marks: MarksPort;
  readonly content: ContentPort;
  /** Guards `volumes`. */
  readonly replication: ReplicationPort;
  /** The nodes of the volumes whose replicas are here. */
  readonly sources: ReplicaSource;
  /** What other nodes have of images. */
  readonly images: ImageSource;
  /** What opens the registries of images. */
  readonly logins: LoginOf;
  /** Where what is exported and imported passes. */
  readonly handover: Handover;
  /** Where backups go. */
  readonly backups: BackupTargets;
  /** Bundles of apps. */
  readonly blobs: { get(ref: string): Promise<Uint8Array> };
}

export interface Run extends Call {
  /** @throws IoError FENCED once the order is no longer what the lab wants; called before every effect */
  fence(): void;
  /**
   * Resolves when this node knows everything that was decided until now, and the order still stands. Called before an
   * effect that would destroy what an outcome that was taken already speaks of: after a start without a leader a node
   * goes on from an old lab. @throws IoError FENCED; LogError while there is no majority
   */
  caughtUp(): Promise<void>;
  /** Says something before the end, for work that goes on. */
  report(command: Command): Promise<void>;
  /**
   * Done once the work has ended well, while its outcome is on its way: that does not wait for it, the next work on the
   * same subject does. What it throws is of no interest.
   */
  afterwards(tail: (signal: AbortSignal) => Promise<void>): void;
  /** What is wrong with a pool of this report, by what is known of it from before. */
  judge(pool: StreamId<'pool'>, report: PoolReport): PoolStatus;
  /** Whether what is in the way may be removed (see `leftovers.ts`); absent where nothing is made. */
  readonly leftovers?: Pick<Leftovers, 'isContainer' | 'isNetwork'>;
}

/** Runs the order to its end and gives the outcome; rejects with IoError. Whatever an earlier run left is taken up. */
export type Worker<W extends WorkName> = (order: WorkOrder<W>, ports: Ports, run: Run) => Promise<Command>;
export type Workers = { readonly [W in WorkName]: Worker<W> };

/** What is said when an order cannot be carried out; undefined or null: it is tried on, because giving up would be a lie. */
export type Failures = {
  readonly [W in WorkName]: ((order: WorkOrder<W>, error: IoError) => Command | undefined) | null;
};
