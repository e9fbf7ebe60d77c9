/** The running lab as the faces (HTTP, live, tests) see it: run a command, read what is known, now or then, follow it. */
import type { Index, LabEvent, Principal, StreamId } from '#events/envelope.ts';
import type { Rejection } from '#actors/rejection.ts';
import type { LabView } from '#actors/actor.ts';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { AdoptionPlanAnswer, ProjectsAnswer } from '#io/contract/adoption.ts';
import type { DiskCandidate } from '#io/contract/disks.ts';
import type { ForeignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { VolumeCandidatesAnswer } from '#io/contract/volume-candidates.ts';
import type { LiveLogLine, ObservedView } from '#io/contract/live.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { ViewName, ViewRows } from '#projections/registry.ts';
import type { Call } from '../devices/call.ts';
import type { DiffOptions, Range, TreePort } from '../devices/tree/port.ts';
import type { ExecSession } from '../devices/docker/port.ts';

/** Views whose rows are held in memory; `activity` and `audit` are read from disk through `activity()`. */
export type TableView = Exclude<ViewName, 'activity' | 'audit'>;

export interface RunRequest {
  /** Id of the command; a retry carries the same one and gets the same answer. */
  readonly id: string;
  /**
   * Index of the lab when the id was drawn, for this command alone: nothing of it can be at or before that. A person's
   * command without it is looked for in all of the history. Any other one without it has an id that is calculated from
   * what it is about (an order's visit, a policy's occasion), and is refused by that when it is old.
   */
  readonly since?: Index;
  readonly name: string;
  readonly input: unknown;
  readonly by: Principal;
  /** The event or command that led here, and the operation behind it; for agents. */
  readonly cause?: string;
  readonly correlation?: string;
  readonly dryRun?: boolean;
}

export type RunResult =
  | { readonly rejected: Rejection }
  | {
      /** Index of the last event; of the lab when nothing changed. */
      readonly index: Index;
      readonly unchanged: boolean;
      readonly operation: StreamId<'operation'> | undefined;
      readonly events: readonly {
        readonly stream: StreamId;
        readonly type: LabEvent['type'];
        readonly data: unknown;
        readonly words: string;
      }[];
      /** What is different from before, where the events do not say it: sentences. */
      readonly changes?: readonly string[];
    };

export type RowList<R> = readonly (readonly [key: string, row: R])[];

export interface RowChanges {
  readonly index: Index;
  readonly put: RowList<unknown>;
  readonly del: readonly string[];
}

export interface ActivityRange {
  /** Only after this index, oldest first; else newest first. */
  readonly after?: number;
  readonly before?: number;
  readonly stream?: StreamId;
  readonly correlation?: string;
  readonly limit: number;
}

export interface LabPort {
  /** The committed lab; read it, never keep it. */
  readonly view: LabView;
  /** Index up to which everything is folded. */
  readonly index: Index;
  /** Changes with every start: row changes of another epoch cannot be resumed. */
  readonly epoch: string;
  /** Resolves when the command's events are durable and folded. Rejects with LogError when the log is closed or broken. */
  run(request: RunRequest, signal: AbortSignal): Promise<RunResult>;
  /** Rows as they are now, sorted by key; consistent with `watch` when called in the same turn. */
  rows<V extends TableView>(view: V): RowList<ViewRows[V]>;
  /** Rows as they were after the event `at`. @throws LogError PAST_HEAD, BELOW_FLOOR */
  rowsAt<V extends TableView>(view: V, at: Index): Promise<RowList<ViewRows[V]>>;
  activity(range: ActivityRange): Promise<readonly ActivityRow[]>;
  /** The last index at or before a time. */
  indexAt(timeMs: number): Promise<Index>;
  /** Calls back after every folded slice in which rows of the view changed (`activity` included). @returns the way out */
  watch(view: ViewName, listener: (changes: RowChanges) => void): () => void;
  /** Rows that no log keeps: what the nodes observe now. */
  observed(view: ObservedView): RowList<unknown>;
  watchObserved(view: ObservedView, listener: (changes: Omit<RowChanges, 'index'>) => void): () => void;
  /** Whether a reader of the views sees the present: false while history is still being folded. */
  readonly current: boolean;
  /** Whether somebody is known to lead. While nobody does, what is read here may be old, and nothing can be changed. */
  readonly hasLeader: boolean;
  /**
   * Resolves once everything that was acknowledged before the call is folded here: what is read then is not stale.
   * Undefined where there is nobody to ask. @throws LogError NO_QUORUM, NOT_LEADER
   */
  readIndex?(signal: AbortSignal): Promise<Index>;
}

/** The containers of apps, wherever they run. */
export interface AppContainers {
  /** Ends when `follow` is false and all is read, or the signal aborts. @throws IoError MISSING, ENGINE_UNREACHABLE */
  logs(
    app: StreamId<'app'>,
    options: { readonly service?: string; readonly tail?: number; readonly sinceMs?: number; readonly follow: boolean },
    signal: AbortSignal,
  ): AsyncIterable<LiveLogLine>;
  exec(
    app: StreamId<'app'>,
    service: string,
    options: { readonly command: readonly string[]; readonly tty: boolean },
    call: Call,
  ): Promise<ExecSession>;
}

/** What is meant: a path of a volume, as it is now (null) or in a snapshot. */
export interface FilesAt {
  readonly volume: StreamId<'volume'>;
  readonly snapshot: string | null;
  readonly path: string;
}

/**
 * Files of volumes, wherever they are. Whoever asks has been authorized.
 * @throws IoError MISSING, INVALID, ENGINE_UNREACHABLE when their node is away
 */
export interface VolumeFiles {
  list(of: FilesAt, range: Parameters<TreePort['list']>[2], signal: AbortSignal): ReturnType<TreePort['list']>;
  read(of: FilesAt, range: Range, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** As a tar. */
  pack(of: FilesAt, signal: AbortSignal): AsyncIterable<Uint8Array>;
  diff(
    volume: StreamId<'volume'>,
    between: { readonly from: string | null; readonly to: string | null },
    options: DiffOptions,
    signal: AbortSignal,
  ): ReturnType<TreePort['diff']>;
  /** Of what the volume holds now, bytes written since the snapshot; undefined: nobody can tell, and never zero. */
  written(volume: StreamId<'volume'>, snapshot: string, signal: AbortSignal): Promise<number | undefined>;
  /** Those of other tools, as they are now. */
  foreignSnapshots(volume: StreamId<'volume'>, signal: AbortSignal): Promise<ForeignSnapshotsAnswer>;
  /** The bytes of an export that was begun. What is not read to its end is none. @param transfer its id */
  fetch(transfer: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Resolves when the import has them on its disk. @param transfer its id */
  bring(transfer: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}

/** The disks of nodes, as they are now. */
export interface NodeDisks {
  /** @throws IoError when the node does not answer */
  candidates(node: StreamId<'node'>, call: Call): Promise<readonly DiskCandidate[]>;
}

/** What lies in the pools of nodes beside volumes, as it is now. */
export interface NodeVolumes {
  /** What could be adopted. @throws IoError when the node does not answer, or its pool is not there */
  candidates(node: StreamId<'node'>, pool: string, call: Call): Promise<VolumeCandidatesAnswer>;
}

/** What runs on nodes beside the lab, as it is now. Whoever asks has been authorized: plans hold environments. */
export interface NodeAdoption {
  /** @throws IoError when the node or its engine does not answer */
  projects(node: StreamId<'node'>, call: Call): Promise<ProjectsAnswer>;
  /** What would become of one. @throws IoError MISSING, and when the node or its engine does not answer */
  plan(node: StreamId<'node'>, project: string, call: Call): Promise<AdoptionPlanAnswer>;
}

/** The nodes of the lab as a group, seen from this one. */
export interface ClusterPort {
  status(): ClusterStatus;
  /** Asks another voter to lead. @param node its id. @throws LogError NOT_LEADER where this node does not lead and cannot pass it on */
  transfer(node: string, signal: AbortSignal): Promise<void>;
  /** What a join token says beside its secret; undefined where no other node could reach this one. */
  readonly door: { readonly addresses: readonly string[]; readonly caSha256: string } | undefined;
}

/** A whole lab in one file. */
export interface SnapshotPort {
  /**
   * As of a moment after the call: whatever was acknowledged before it is in it. Everything is found right before this
   * resolves. @throws LogError NO_QUORUM; IoError BUSY, DAMAGED, MISSING
   */
  save(signal: AbortSignal): Promise<{
    /** As a file would be called. */
    readonly name: string;
    readonly sizeBytes: number;
    /** Read once. */
    readonly bytes: AsyncIterable<Uint8Array>;
  }>;
}
