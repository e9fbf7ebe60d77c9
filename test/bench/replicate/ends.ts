/** Two pools of one kind in files, what sends a snapshot from one to the other without FloatLab, and how that is undone. */

/** Where a volume is, and the snapshot of it that is sent. */
export interface Sent {
  readonly dataset: string;
  readonly snapshot: string;
  /** What it is based on, of an increment: the bare pipe has brought that before. */
  readonly from?: string;
}

export interface Peer {
  /** Name and version. */
  readonly name: string;
  /** Brings the content of the volume to the other pool, from nothing. Resolves once it is on the disk. */
  run(of: Sent): Promise<void>;
}

export interface Ends {
  readonly kind: string;
  /** What the daemon that sends is told by `--pool`, and the one that receives. */
  readonly pools: readonly [from: string, to: string];
  /** The process whose mounts all of it sees. */
  readonly mountsOf?: number;
  /** As a process here sees a path of theirs. */
  seen(path: string): string;
  /** What was written is on the disks. */
  sync(): Promise<void>;
  /** `send | receive` as a shell would connect them: one kernel pipe, and nothing in between. */
  readonly bare: Peer;
  readonly peer: Peer | undefined;
  /** Removes what these have made, and waits until the file system is done with it. */
  clean(): Promise<void>;
  dispose(): Promise<void>;
}
