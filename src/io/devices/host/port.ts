/** The machine itself: what it is (facts, which become events) and how it does (figures, which never do). */
import type { Call } from '../call.ts';

/** A disk as the kernel sees it. */
export interface BlockDevice {
  /** For example `sda`, `nvme0n1`, `mmcblk0`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Null when it does not say. */
  readonly model: string | null;
  readonly rotational: boolean;
}

/** A file system of another machine that is mounted here. */
export interface HostShare {
  /** Its mount point. */
  readonly path: string;
  /** For example `nas:/export/media`. */
  readonly source: string;
  /** As the kernel calls it: `nfs4`, `cifs`. */
  readonly type: string;
}

export interface HostFacts {
  readonly hostname: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly kernel: string;
  readonly addresses: readonly string[];
  /** Disks, in the order of their names; none that are made of files or memory. */
  readonly devices: readonly BlockDevice[];
  /** In the order of their mount points. */
  readonly shares: readonly HostShare[];
}

export interface HostUsage {
  /** Share of all cores in use, 0 to 1. */
  readonly cpu: number;
  readonly memoryUsedBytes: number;
  readonly load1: number;
  readonly uptimeMs: number;
}

export interface HostPort {
  facts(call: Call): Promise<HostFacts>;
  usage(call: Call): Promise<HostUsage>;
}
