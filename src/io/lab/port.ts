/** The running lab as the faces (HTTP, live, tests) see it: run a command, read what is known, now or then, follow it. */
import type { Index, LabEvent, Principal, StreamId } from '#events/envelope.ts';
import type { Rejection } from '#actors/rejection.ts';
import type { LabView } from '#actors/actor.ts';
import type { LiveLogLine, ObservedView } from '#io/contract/live.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { ViewName, ViewRows } from '#projections/registry.ts';
import type { Call } from '../devices/call.ts';
import type { ExecSession } from '../devices/docker/port.ts';

/** Views whose rows are held in memory; `activity` and `audit` are read from disk through `activity()`. */
export type TableView = Exclude<ViewName, 'activity' | 'audit'>;

export interface RunRequest {
  /** Id of the command; a retry carries the same one and gets the same answer. */
  readonly id: string;
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
