/**
 * The live protocol: JSON text frames over one WebSocket at `/api/v1/live`, any number of subscriptions in it.
 *
 * A view begins with `snap` (in chunks while `more`), then `rows` with what changed and its index. `at` comes each
 * second and drives the banner. The client acknowledges every `snap` and `rows` by an `ack` with its index: that is its
 * credit; one that falls behind is not sent every change but what came of them, or a new `snap`, once it has caught up.
 * Many changes of one index come in several `rows`; all but the last carry the index before, so that who loses the
 * connection in between resumes from there. After a reconnect, `after` with the `epoch` of the last `snap` resumes where
 * the server still can; else it starts again with a `snap`. `at` in `open` is one `snap` of the past, and nothing after.
 *
 * An exec says `begun` once its command runs, and `exit` once it has ended. Of its input at most `execWindowBytes` may
 * be on their way: `took` says how many of them the command has taken, and that many more may follow.
 */
import type { Problem } from './problem.ts';

/** Views of what the nodes observe now: never in the log, gone with a restart, no past. */
export const observedViews = ['usage', 'work', 'following', 'pool-figures', 'replica-lag'] as const;
export type ObservedView = (typeof observedViews)[number];

/** Row of `usage`: figures of a node, a pool, a volume or a service, by key `node:…`, `pool:<node>/<pool>`, `volume:…`, `service:<app>/<service>`. */
export interface UsageRow {
  readonly at: number;
  /** Nodes: share of all cores, 0 to 1. Services: cores. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  readonly memoryTotalBytes?: number;
  readonly load1?: number;
  readonly usedBytes?: number;
  readonly sizeBytes?: number;
}

/** Row of `work`: what an agent is doing, by key of its subject. */
export interface WorkRow {
  readonly work: string;
  readonly subject: string;
  readonly node: string;
  /** For an instance: its app. */
  readonly app: string | null;
  readonly correlation: string;
  readonly state: 'working' | 'waiting' | 'reporting';
  readonly attempt: number;
  readonly since: number;
  /** `pulling postgres:16`, or why it waits. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
}

/** Row of `following`: of a node that is no peer of the consensus group, by key `node:…`. */
export interface FollowingRow {
  /** Id of the node that it follows; null while there is none. */
  readonly source: string | null;
  /** Entries that it is behind that one. */
  readonly behind: number;
  /** It fetches segments of the history, being too far behind for entries. */
  readonly isFetching: boolean;
}

/** Row of `replica-lag`: what would be lost if a replica took the place of its volume at this moment, by key `replica:…`. */
export interface ReplicaLagRow {
  /** By the clock of the replica's node. */
  readonly at: number;
  /** Guid of the snapshot that it holds; null: it holds none. */
  readonly snapshot: string | null;
  /** At most what was written in so many milliseconds before `at`; absent: unknown, so it may be everything. */
  readonly lossMs?: number;
  /** About so much was written since that snapshot; absent: unknown. */
  readonly bytes?: number;
}

/** Row of `pool-figures`: how a pool is at this moment, by key `pool:<node>/<pool>`. */
export interface PoolFiguresRow {
  readonly at: number;
  readonly state: string;
  readonly usedBytes?: number;
  readonly sizeBytes?: number;
  /** A walk over everything in it that goes on, or is paused: a scrub, or the filling of a new device. */
  readonly scan?: {
    readonly kind: 'scrub' | 'error-scrub' | 'resilver';
    readonly state: string;
    readonly startedAt?: number;
    /** 0 to 1. */
    readonly done?: number;
    readonly leftMs?: number;
  };
  /** Disks and groups, with their errors since those were last cleared. */
  readonly devices: readonly {
    readonly name: string;
    readonly state: string;
    readonly errors?: { readonly reads: number; readonly writes: number; readonly checksums: number };
    readonly note?: string;
    /** What the disk says of itself. */
    readonly temperature?: number;
    readonly powerOnHours?: number;
    readonly wear?: number;
  }[];
}

export type ToServer =
  | {
      readonly t: 'open';
      readonly sub: number;
      readonly view: string;
      readonly where?: Readonly<Record<string, string>>;
      readonly at?: number;
      readonly after?: number;
      readonly epoch?: string;
      readonly limit?: number;
    }
  /** Log lines of an app: all its services, or one. */
  | {
      readonly t: 'logs';
      readonly sub: number;
      readonly app: string;
      readonly service?: string;
      readonly tail?: number;
      readonly since?: number;
      readonly follow: boolean;
    }
  | {
      readonly t: 'exec';
      readonly sub: number;
      readonly app: string;
      readonly service: string;
      readonly command: readonly string[];
      readonly tty: boolean;
      readonly columns?: number;
      readonly rows?: number;
    }
  /** Input of an exec, base64; without data: end of input. What comes before `begun` waits for the command. */
  | { readonly t: 'input'; readonly sub: number; readonly data?: string }
  | { readonly t: 'resize'; readonly sub: number; readonly columns: number; readonly rows: number }
  | { readonly t: 'close'; readonly sub: number }
  | { readonly t: 'ack'; readonly index: number };

export interface LiveLogLine {
  readonly service: string;
  readonly at: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export type ToClient =
  | {
      readonly t: 'snap';
      readonly sub: number;
      readonly epoch: string;
      readonly index: number;
      readonly rows: readonly (readonly [string, unknown])[];
      readonly more: boolean;
    }
  | {
      readonly t: 'rows';
      readonly sub: number;
      readonly index: number;
      readonly put: readonly (readonly [string, unknown])[];
      readonly del: readonly string[];
    }
  | { readonly t: 'at'; readonly index: number; readonly time: number; readonly stale: boolean }
  | {
      readonly t: 'lines';
      readonly sub: number;
      readonly lines: readonly LiveLogLine[];
      /** Lines that were dropped because the reader was slow. */ readonly dropped?: number;
    }
  | { readonly t: 'begun'; readonly sub: number }
  | { readonly t: 'took'; readonly sub: number; readonly bytes: number }
  | { readonly t: 'output'; readonly sub: number; readonly stream: 'stdout' | 'stderr'; readonly data: string }
  | { readonly t: 'exit'; readonly sub: number; readonly code: number }
  | { readonly t: 'end'; readonly sub: number; readonly problem?: Problem };

/** Largest frame that either side takes. */
export const maxFrameBytes = 1024 * 1024;

/** Input of one exec that may be on its way, or wait for its command. */
export const execWindowBytes = 256 * 1024;

/** The subprotocol that the server speaks with whoever offers any. */
export const liveProtocol = 'floatlab';
/** A page cannot send headers here: it offers its key as a second subprotocol, with this before it. */
export const pageKeyProtocol = 'floatlab-page-key.';
