/**
 * A lab that does what a test says: rows that the test commits, commands whose outcome the test decides, and the past
 * of both. Like the real one it tells its watchers after everything of a commit is in place, in one turn.
 */
import { asIndex, type Index, type Kind, type Principal, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '#actors/actor.ts';
import type { LiveLogLine, ObservedView } from '#io/contract/live.ts';
import type { Call } from '#io/devices/call.ts';
import type { ExecSession } from '#io/devices/docker/port.ts';
import type {
  ActivityRange,
  AppContainers,
  LabPort,
  RowChanges,
  RowList,
  RunRequest,
  RunResult,
  TableView,
} from '#io/lab/port.ts';
import { LogError } from '#io/log/port.ts';
import type { ViewName } from '#projections/registry.ts';
import { indexKey, type ActivityRow } from '#projections/views/activity.ts';

export type Commit = Partial<
  Record<TableView, { readonly put?: Record<string, object>; readonly del?: readonly string[] }>
>;

type Listener = (changes: RowChanges) => void;

export class FakeLab implements LabPort {
  epoch = 'epoch-1';
  current = true;
  hasLeader = true;
  /** How reads are made sure of; by default at once. */
  onReadIndex: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  index: Index = asIndex(0);
  /** Time of the last commit; each takes a second. */
  at = 1_700_000_000_000;
  readonly requests: RunRequest[] = [];
  readonly signals: AbortSignal[] = [];
  /** What commands do; by default each appends one event. */
  onRun: (request: RunRequest, signal: AbortSignal) => RunResult | Promise<RunResult> = () => this.#plain();
  readonly #done = new Map<string, RunResult>();
  readonly #tables = new Map<string, Map<string, object>>();
  readonly #past: { readonly index: number; readonly at: number; readonly commit: Commit }[] = [];
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #activity: ActivityRow[] = [];
  readonly #actors = new Map<string, ActorState>();
  /** Activity is read from disk: each read waits for this. */
  readActivity: () => Promise<void> = () => Promise.resolve();

  readonly view: LabView = {
    index: asIndex(0),
    at: 0,
    get: <K extends Kind>(stream: StreamId<K>) => this.#actors.get(stream) as ActorState<K> | undefined,
    list: () => [],
    byName: <K extends Kind>(kind: K, namespace: string, name: string) =>
      [...this.#actors.values()].find(
        (actor) =>
          actor.kind === kind && actor.context.metadata.namespace === namespace && actor.context.metadata.name === name,
      ) as ActorState<K> | undefined,
    referrers: () => [],
  };

  /** An object that commands and logs can find by name. */
  addActor(stream: StreamId, name: string, namespace = 'default', context: object = {}): void {
    const kind = stream.slice(0, stream.indexOf(':'));
    this.#actors.set(stream, {
      stream,
      kind,
      final: false,
      context: { metadata: { name, namespace }, ...context },
    } as never);
  }

  commit(commit: Commit, activity: Partial<ActivityRow> = {}): Index {
    this.index = asIndex(this.index + 1);
    this.at += 1000;
    this.#past.push({ index: this.index, at: this.at, commit });
    for (const [view, { put = {}, del = [] }] of Object.entries(commit)) {
      const table = this.#table(view);
      for (const [key, row] of Object.entries(put)) table.set(key, row);
      for (const key of del) table.delete(key);
    }
    const row = activityRow({ index: this.index, at: this.at, ...activity });
    this.#activity.push(row);
    for (const [view, { put = {}, del = [] }] of Object.entries(commit)) {
      this.#tell(view, { index: this.index, put: Object.entries(put), del });
    }
    this.#tell('activity', { index: this.index, put: [[indexKey(this.index), row]], del: [] });
    return this.index;
  }

  observe(view: ObservedView, put: Record<string, object>, del: readonly string[] = []): void {
    const table = this.#table(view);
    for (const [key, row] of Object.entries(put)) table.set(key, row);
    for (const key of del) table.delete(key);
    this.#tell(view, { index: this.index, put: Object.entries(put), del });
  }

  listeners(view: string): number {
    return this.#listeners.get(view)?.size ?? 0;
  }

  async run(request: RunRequest, signal: AbortSignal): Promise<RunResult> {
    this.requests.push(request);
    this.signals.push(signal);
    const known = this.#done.get(request.id);
    if (known) return known;
    const result = await this.onRun(request, signal);
    if (!('rejected' in result) && !request.dryRun) this.#done.set(request.id, result);
    return result;
  }

  async readIndex(signal: AbortSignal): Promise<Index> {
    await this.onReadIndex(signal);
    return this.index;
  }

  #plain(): RunResult {
    return { index: asIndex(this.index + 1), unchanged: false, operation: undefined, events: [] };
  }

  rows(view: TableView): RowList<never> {
    return sorted(this.#table(view));
  }

  async rowsAt(view: TableView, at: Index): Promise<RowList<never>> {
    if (at > this.index)
      throw new LogError('PAST_HEAD', `the lab is at index ${this.index}, not yet at ${at}`, 'Wait.');
    await Promise.resolve();
    const table = new Map<string, object>();
    for (const { index, commit } of this.#past) {
      if (index > at) break;
      for (const [key, row] of Object.entries(commit[view]?.put ?? {})) table.set(key, row);
      for (const key of commit[view]?.del ?? []) table.delete(key);
    }
    return sorted(table);
  }

  async activity({ after, before, stream, correlation, limit }: ActivityRange): Promise<readonly ActivityRow[]> {
    const found = this.#activity.filter(
      (row) =>
        (after === undefined || row.index > after) &&
        (before === undefined || row.index < before) &&
        (stream === undefined || row.stream === stream) &&
        (correlation === undefined || row.correlation === correlation),
    );
    await this.readActivity();
    return (after === undefined ? found.toReversed() : found).slice(0, limit);
  }

  indexAt(timeMs: number): Promise<Index> {
    return Promise.resolve(asIndex(this.#past.findLast(({ at }) => at <= timeMs)?.index ?? 0));
  }

  watch(view: ViewName, listener: Listener): () => void {
    return this.#listen(view, listener);
  }

  observed(view: ObservedView): RowList<unknown> {
    return sorted(this.#table(view));
  }

  watchObserved(view: ObservedView, listener: (changes: Omit<RowChanges, 'index'>) => void): () => void {
    return this.#listen(view, ({ put, del }) => listener({ put, del }));
  }

  #listen(view: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(view) ?? new Set();
    this.#listeners.set(view, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  #table(view: string): Map<string, object> {
    const table = this.#tables.get(view) ?? new Map<string, object>();
    this.#tables.set(view, table);
    return table;
  }

  #tell(view: string, changes: RowChanges): void {
    for (const listener of this.#listeners.get(view) ?? []) listener(changes);
  }
}

const sorted = (table: ReadonlyMap<string, object>): RowList<never> =>
  [...table].toSorted(([a], [b]) => (a < b ? -1 : 1)) as unknown as RowList<never>;

const activityRow = (fields: Partial<ActivityRow>): ActivityRow =>
  ({
    index: 0,
    at: 0,
    id: `c${fields.index}/0`,
    type: 'app.started',
    stream: 'app:photos',
    kind: 'app',
    namespace: 'default',
    name: 'photos',
    version: 1,
    words: 'App photos started.',
    by: 'user:admin',
    command: `c${fields.index}`,
    cause: `c${fields.index}`,
    correlation: 'operation:1',
    because: null,
    data: {},
    ...fields,
  }) as ActivityRow;

/** Rows with what filters and scopes look at. */
export const appRow = (name: string, fields: object = {}): object => ({
  id: `app:${name}`,
  namespace: 'default',
  name,
  labels: {},
  state: 'running',
  ...fields,
});

export const operationRow = (id: string, fields: object = {}): object => ({
  id: `operation:${id}`,
  namespace: 'default',
  name: `op-${id}`,
  command: 'start-app',
  target: 'app:photos',
  targetName: 'photos',
  by: 'user:admin' satisfies Principal,
  state: 'running',
  startedAt: 1,
  endedAt: null,
  problem: null,
  ...fields,
});

/** Containers whose output the test writes. */
export class FakeContainers implements AppContainers {
  readonly logCalls: { readonly app: string; readonly options: object; readonly signal: AbortSignal }[] = [];
  readonly sessions: FakeExec[] = [];
  readonly execCalls: { readonly app: string; readonly service: string; readonly options: object }[] = [];
  /** What `logs` gives. */
  onLogs: (signal: AbortSignal) => AsyncIterable<LiveLogLine> = async function* () {};
  onExec: (call: Call) => Promise<void> = () => Promise.resolve();

  logs(app: StreamId<'app'>, options: object, signal: AbortSignal): AsyncIterable<LiveLogLine> {
    this.logCalls.push({ app, options, signal });
    return this.onLogs(signal);
  }

  async exec(app: StreamId<'app'>, service: string, options: object, call: Call): Promise<ExecSession> {
    this.execCalls.push({ app, service, options });
    await this.onExec(call);
    const session = new FakeExec();
    this.sessions.push(session);
    return session;
  }
}

/** Values that come when the test says so; ends when it says so. */
export class Pushed<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #isEnded = false;
  #failure: unknown;
  #wake = (): void => undefined;
  /** Values that nobody has taken yet. */
  get waiting(): number {
    return this.#values.length;
  }

  push(...values: T[]): void {
    this.#values.push(...values);
    this.#wake();
  }
  end(failure?: unknown): void {
    this.#failure = failure;
    this.#isEnded = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift() as T;
      if (this.#isEnded) {
        if (this.#failure !== undefined) throw this.#failure as Error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class FakeExec implements ExecSession {
  readonly output = new Pushed<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>();
  readonly written: string[] = [];
  readonly sizes: [number, number][] = [];
  hasInputEnded = false;
  isClosed = false;
  exit: (code: number) => void = () => undefined;
  readonly exitCode = new Promise<number>((resolve) => {
    this.exit = (code) => {
      this.output.end();
      resolve(code);
    };
  });

  /** Resolves when the command has taken what was written. */
  onWrite: () => Promise<void> = () => Promise.resolve();

  write(bytes: Uint8Array): Promise<void> {
    this.written.push(Buffer.from(bytes).toString());
    return this.onWrite();
  }
  endInput(): void {
    this.hasInputEnded = true;
  }
  resize(columns: number, rows: number): Promise<void> {
    this.sizes.push([columns, rows]);
    return Promise.resolve();
  }
  close(): void {
    this.isClosed = true;
    this.output.end();
  }
}
