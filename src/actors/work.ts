/**
 * Work: what a state that waits for the outside world asks of its node's agent. The agent runs the order while the
 * committed state asks for it; the outcome counts only for the visit (the version that entered the state).
 */
import type { AppSpec } from '#events/app.ts';
import type { BackedUpApp, BackupSet } from '#events/backup.ts';
import type { TargetSpec } from '#events/backup-target.ts';
import type { Index, StreamId } from '#events/envelope.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { PoolStorageSpec } from '#events/pool.ts';
import type { ImagePin } from '#events/values/image.ts';
import type { PoolDriver, PoolLayout } from '#events/values/pool.ts';
import type { SnapshotHooks } from '#events/values/snapshotting.ts';
import type { VolumeSpec } from '#events/volume.ts';

export interface DatasetInput {
  readonly pool: string;
  readonly dataset: string;
}

/** What a dataset is made like: as the specification of its volume says it. */
export interface DatasetSpecInput {
  readonly sizeBytes: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly mode?: number;
  readonly recordSizeBytes?: number;
  readonly compression?: NonNullable<VolumeSpec['compression']>;
}

export interface InstanceInput {
  readonly app: StreamId<'app'>;
  readonly namespace: string;
  readonly appName: string;
  readonly revision: number;
  readonly spec: AppSpec;
  readonly bundle: string;
  /** What the images of its services are, as far as that was found out. */
  readonly images: Readonly<Record<string, ImagePin>>;
  /** Where each volume of the specification is on the node, */
  readonly paths: Readonly<Record<string, string>>;
  /** and what it is there. */
  readonly datasets: Readonly<Record<string, DatasetInput>>;
  /** What the lab knows of each service. */
  readonly services: Readonly<Record<string, ServiceStatus>>;
}

/** A snapshot that is to be taken. */
export interface SnapshotInput extends DatasetInput {
  readonly snapshot: StreamId<'snapshot'>;
  readonly visit: number;
  readonly name: string;
}

/** What runs around taking a snapshot. */
export interface HooksInput extends SnapshotHooks {
  /** Of the app that has the volume, on this node; null: it does not run here, and there is nobody to tell. */
  readonly instance: StreamId<'instance'> | null;
}

/** Files that come back from a snapshot. */
export interface RestoreInput {
  /** The same for every attempt. */
  readonly id: string;
  readonly snapshot: string;
  readonly paths: readonly string[];
  readonly to?: string;
  readonly overwrite: boolean;
}

/** `before`: the snapshot to which a canceled import goes back. */
export type CanceledTask =
  | ({ readonly do: 'restore' } & RestoreInput)
  | { readonly do: 'import'; readonly before: string };

/** A pool of the node, by its name. */
export interface PoolInput {
  readonly pool: string;
}

/** Who may write a dataset: a higher one fences all lower ones. */
export interface EpochInput {
  readonly generation: number;
  readonly index: number;
}

/** A replica, as its own node works on it. */
export interface ReplicaInput extends DatasetInput {
  /** What the file system of the volume calls it. */
  readonly peer: string;
  /** Of the volume's placement. */
  readonly epoch: EpochInput;
  readonly lineage: string;
  /** All that the lab has of the volume, and whether its present stands on each. */
  readonly snapshots: readonly { readonly guid: string; readonly isOnLine: boolean }[];
}

/** A target of backups, as whoever opens it needs it. */
export interface TargetInput {
  readonly name: string;
  readonly spec: TargetSpec;
  /** Address of the keys that open it. */
  readonly secrets?: string;
  /** Id of the repository that was there, hex; absent before the first look. */
  readonly repository?: string;
  /** It was there once: nothing is made in its place. */
  readonly isThere?: true;
}

/** A backup as it lies in its target. */
export interface StoredBackupInput {
  readonly object: string;
  readonly target: TargetInput;
}

/** What is backed up, and what is told of it in the target. */
export interface BackedUpInput extends DatasetInput {
  readonly snapshot: { readonly name: string; readonly guid: string; readonly takenAt: number };
  readonly lab: string;
  readonly startedAt: number;
  readonly about: AboutBackup;
  /** Addresses of the compose file of its app, and of the files that came with it. */
  readonly compose?: string;
  readonly files?: string;
}

/** Beside the content of a backup: what a restore needs when nobody knows the volume any more. */
export interface AboutBackup {
  readonly namespace: string;
  readonly volumeName: string;
  readonly spec: VolumeSpec;
  readonly app?: BackedUpApp;
  readonly set?: BackupSet;
}

/** Guids that replicas of a volume still stand on, by what its file system calls each of them. */
export type NeededInput = Readonly<Record<string, readonly string[]>>;

export interface WorkInput {
  /** `isThere`: it was made before, and must be found; an empty one in its place would be a lie. */
  'create-dataset': DatasetInput & { readonly spec: DatasetSpecInput; readonly isThere?: true };
  'clone-dataset': DatasetInput & {
    readonly spec: DatasetSpecInput;
    readonly from: DatasetInput;
    readonly snapshot: string;
  };
  'adopt-dataset': DatasetInput & { readonly spec: DatasetSpecInput; readonly native: string };
  'release-dataset': DatasetInput & { readonly needed?: NeededInput };
  /** Into a new one while it is in use; then, when nobody uses it, what is different by then. */
  'copy-dataset': DatasetInput & { readonly spec: DatasetSpecInput; readonly to: DatasetInput };
  'move-dataset': DatasetInput & { readonly spec: DatasetSpecInput; readonly to: DatasetInput };
  /** `isCanceled`: what was begun is brought to its end, and nothing is begun. */
  'rollback-dataset': DatasetInput & { readonly to: string; readonly stash: string; readonly isCanceled: boolean };
  /** The volume becomes a replica, with what was written until then as the snapshot `final`. */
  'demote-dataset': DatasetInput & {
    readonly epoch: EpochInput;
    readonly lineage: string;
    readonly final: string;
    /** It is sent file by file from now on, as it was to the replica that takes its place. */
    readonly byFiles: boolean;
  };
  'seal-replica': DatasetInput & { readonly epoch: EpochInput };
  /** `snapshots`: guids of those that the lab has of the volume. */
  'promote-replica': DatasetInput & {
    readonly epoch: EpochInput;
    readonly spec: DatasetSpecInput;
    readonly snapshots: readonly string[];
  };
  'take-back-dataset': DatasetInput & { readonly epoch: EpochInput; readonly spec: DatasetSpecInput };
  'destroy-dataset': DatasetInput & { readonly scrub: boolean; readonly needed?: NeededInput };
  'take-snapshot': {
    /** The order's own first; of a set all that are on its node. */
    readonly snapshots: readonly SnapshotInput[];
    readonly isSet: boolean;
    readonly hooks: readonly HooksInput[];
  };
  'remove-snapshot': DatasetInput & { readonly name: string; readonly needed?: NeededInput };
  'sync-replica': ReplicaInput & {
    readonly to: { readonly name: string; readonly guid: string };
    readonly compress: boolean;
    /** As its streams have been so far; absent before the first. */
    readonly compressed?: boolean;
  };
  'resync-replica': ReplicaInput & {
    readonly keep: boolean;
    /** Name of the dataset for what is put aside. */
    readonly aside: string;
    readonly spec: DatasetSpecInput;
  };
  'remove-replica': DatasetInput & Pick<ReplicaInput, 'peer' | 'epoch'>;
  'create-pool': PoolInput & {
    readonly driver: 'btrfs' | 'zfs';
    readonly layout: PoolLayout;
    readonly on: PoolStorageSpec;
    readonly erase: boolean;
  };
  'adopt-pool': PoolInput & { readonly driver: PoolDriver; readonly where: string };
  'release-pool': PoolInput;
  'grow-pool': PoolInput & { readonly sizeBytes?: number };
  'add-pool-devices': PoolInput & {
    readonly devices: readonly string[];
    readonly layout?: PoolLayout;
    readonly erase: boolean;
  };
  'replace-pool-device': PoolInput & { readonly old: string; readonly by: string; readonly erase: boolean };
  'clear-pool': PoolInput;
  'scrub-pool': PoolInput & { readonly action: 'start' | 'pause' | 'cancel' };
  'restore-files': DatasetInput & RestoreInput;
  /** To whoever comes for it. */
  'export-files': DatasetInput & { readonly snapshot: string };
  /** Of whoever brings it. `before`: the snapshot to which a failed import goes back. */
  'import-files': DatasetInput & {
    readonly replace: boolean;
    readonly before: string;
    /** What it brings comes out of this backup. */
    readonly backup?: StoredBackupInput & { readonly path?: string };
  };
  /** `known`: names of the backups in it that the lab knows of. */
  'check-backup-target': { readonly target: TargetInput; readonly known: readonly string[] };
  'prune-backup-target': { readonly target: TargetInput };
  'write-backup': StoredBackupInput & BackedUpInput;
  'verify-backup': StoredBackupInput;
  /** Into a dataset that is made for it, and is gone when it is over. */
  'test-restore': StoredBackupInput & DatasetInput & { readonly spec: DatasetSpecInput };
  'remove-backup': StoredBackupInput;
  /** What it has written is undone. */
  'cancel-transfer': DatasetInput & { readonly task: CanceledTask };
  'start-instance': InstanceInput;
  'watch-instance': InstanceInput;
  'halt-instance': InstanceInput;
  'stop-instance': InstanceInput;
}
export type WorkName = keyof WorkInput;

export type WorkOrder<W extends WorkName = WorkName> = {
  [N in W]: {
    readonly work: N;
    readonly subject: StreamId;
    readonly visit: number;
    readonly node: StreamId<'node'>;
    /** The index of the assignment that this work serves; whoever holds an older one is refused. */
    readonly epoch: Index;
    /** The event that asked for it, and the operation behind that. */
    readonly cause: string;
    readonly correlation: string;
    readonly input: WorkInput[N];
  };
}[W];
