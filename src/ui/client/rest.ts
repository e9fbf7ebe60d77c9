/**
 * The lab over REST, for the web app and the command line alike: a typed client that calls by the route table.
 *
 * A command carries an `Idempotency-Key`, drawn once: when the connection is lost it is sent again with the same key,
 * and takes effect once. Whoever must know what became of a lost command passes a key of their own and asks again.
 */
import type { DiskCandidate, DisksAnswer } from '#io/contract/disks.ts';
import type { AdoptionPlanAnswer, ProjectsAnswer } from '#io/contract/adoption.ts';
import type { VolumeCandidatesAnswer } from '#io/contract/volume-candidates.ts';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { RollbackAnswer } from '#io/contract/rollback.ts';
import type { ForeignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { DiffAnswer, FilesAnswer, ImportAnswer } from '#io/contract/files.ts';
import type { AnsweredRows } from '#io/contract/replica-loss.ts';
import type { RetentionAnswer } from '#io/contract/retention.ts';
import type {
  Named,
  At,
  Abortable,
  RunOptions,
  ListOptions,
  WhyOf,
  EventRange,
  LogRange,
  ComposeText,
  ComposeVerdict,
} from './rest-input.ts';
import type { WhyAnswer } from '#io/contract/why.ts';
import type { LiveLogLine } from '#io/contract/live.ts';
import { pageKeyHeader, indexHeader, staleHeader, type CommandAnswer, type Page } from '#io/contract/routes.ts';
import type { JoinTokenAnswer, JoinTokenInput } from '#io/contract/routes/admission.ts';
import type { TransferAnswer } from '#io/contract/routes/cluster.ts';
import type { SessionAnswer } from '#io/contract/routes/session.ts';
import type { DiskHand, Power, SimulatedMachine } from '#io/contract/routes/simulation.ts';
import type { OperationRow } from '#projections/operations.ts';
import type { ViewRows } from '#projections/registry.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import { ApiError, json, problemFrom, unreachable, UnreachableError } from './errors.ts';
import { backupCalls, type BackupCalls } from './backups.ts';
import { commandRequest, specialRequest, viewRequest, type PlainRequest, type Query } from './request.ts';

export type ListedView =
  | 'alerts'
  | 'apps'
  | 'backup-targets'
  | 'backups'
  | 'config'
  | 'nodes'
  | 'pools'
  | 'operations'
  | 'registries'
  | 'replicas'
  | 'schedules'
  | 'snapshots'
  | 'tokens'
  | 'volumes';
export type ShownView =
  | 'apps'
  | 'backup-targets'
  | 'backups'
  | 'nodes'
  | 'operations'
  | 'overview'
  | 'replicas'
  | 'schedules'
  | 'volumes';

export interface RestClient extends BackupCalls {
  /** @throws ApiError when it is refused, UnreachableError when nobody answers */
  run<N extends CommandName>(command: N, input: CommandInputs[N], options?: RunOptions): Promise<CommandAnswer>;
  list<V extends ListedView>(view: V, options?: ListOptions): Promise<Page<AnsweredRows[V]>>;
  /** Every row, page after page. */
  listAll<V extends ListedView>(view: V, options?: ListOptions): AsyncIterable<AnsweredRows[V]>;
  show<V extends ShownView>(
    view: V,
    params: Readonly<Record<string, string | undefined>>,
    options?: At & Abortable,
  ): Promise<AnsweredRows[V]>;

  /** @param options.page in a page: the answer has a key instead of a token, and the browser gets a cookie */
  signIn(name: string, password: string, options?: { readonly page?: boolean }): Promise<SessionAnswer>;
  whoami(): Promise<SessionAnswer>;
  signOut(): Promise<void>;
  /** The session goes on under the token, or key, of the answer; all others end. */
  changePassword(current: string, next: string): Promise<SessionAnswer>;
  /** Byte for byte. */
  composeFile(app: Named, options?: At): Promise<string>;
  validateCompose(compose: ComposeText): Promise<ComposeVerdict>;
  logs(app: Named, range?: LogRange): Promise<readonly LiveLogLine[]>;
  events(range?: EventRange): Promise<Page<ActivityRow>>;
  /** Of one object, newest first. */
  history(stream: string, range?: Omit<EventRange, 'after' | 'correlation'>): Promise<Page<ActivityRow>>;
  /** @throws ApiError NOT_FOUND; INVALID when several are called so */
  why(of: WhyOf, options?: Abortable): Promise<WhyAnswer>;
  /** @param keep another policy than the one that it has */
  previewRetention(volume: Named, keep: string | undefined, options?: Abortable): Promise<RetentionAnswer>;
  /** @throws ApiError NOT_FOUND when there is no such snapshot to go back to */
  previewRollback(volume: Named, snapshot: string, options?: Abortable): Promise<RollbackAnswer>;
  /** Those that other tools took, as the node of the volume sees them now. */
  foreignSnapshots(volume: Named, options?: Abortable): Promise<ForeignSnapshotsAnswer>;
  clusterStatus(options?: Abortable): Promise<ClusterStatus>;
  /** @param node its name */
  transferLeadership(node: string, options?: Abortable): Promise<TransferAnswer>;
  /** Its secret is in this answer and nowhere else; when the answer is lost, so is the token. */
  makeJoinToken(input: JoinTokenInput, options?: { readonly idempotencyKey?: string }): Promise<JoinTokenAnswer>;
  /** A page of a folder of a volume. */
  files(volume: Named, options?: FilesOptions): Promise<FilesAnswer>;
  /** A page of what is different. @param between `to`: now when it is left out */
  diff(
    volume: Named,
    between: { readonly from: string; readonly to?: string | undefined; readonly content?: boolean | undefined },
    options?: Omit<FilesOptions, 'snapshot'>,
  ): Promise<DiffAnswer>;
  /** A file; a folder as a tar. What is not read to its end is not whole. */
  /** A tar of a path in a backup. */
  readBackup(backup: Named, options?: Abortable & { readonly path?: string }): Promise<SavedFile>;
  readFile(volume: Named, options?: Omit<FilesOptions, 'limit' | 'cursor'>): Promise<SavedFile>;
  exportVolume(volume: Named, options?: { readonly snapshot?: string | undefined } & Abortable): Promise<SavedFile>;
  /** What an import would do, and whether it may: nothing is sent. @throws ApiError when it would be refused */
  planImport(volume: Named, options?: { readonly replace?: boolean | undefined } & Abortable): Promise<CommandAnswer>;
  /** Resolves when it is in the volume. Not repeated: the bytes are read once. */
  importVolume(
    volume: Named,
    bytes: AsyncIterable<Uint8Array>,
    options?: { readonly replace?: boolean | undefined } & Abortable,
  ): Promise<ImportAnswer>;
  /** The whole lab as a file. What is not read to its end is none. */
  saveSnapshot(options?: Abortable): Promise<SavedFile>;
  /** Of a simulated lab. @throws ApiError NO_SUCH_ROUTE in a real one */
  simulatedMachines(): Promise<readonly SimulatedMachine[]>;
  setPower(machine: string, power: Power): Promise<SimulatedMachine>;
  /** @param disk `sda` */
  setDisk(machine: string, disk: string, hand: DiskHand): Promise<SimulatedMachine>;
  /** @param node its name */
  disks(node: string, options?: Abortable): Promise<readonly DiskCandidate[]>;
  /** What could be adopted. @param node its name */
  /** What runs on a node beside the lab. */
  projects(node: string, options?: Abortable): Promise<ProjectsAnswer>;
  /** What would become of one of them. */
  adoptionPlan(node: string, project: string, options?: Abortable): Promise<AdoptionPlanAnswer>;
  volumeCandidates(node: string, pool: string, options?: Abortable): Promise<VolumeCandidatesAnswer>;
  showPool(node: string, name: string, options?: At & Abortable): Promise<ViewRows['pools']>;
  /** Waits until it has ended, however long; `signal` gives up. @param id `operation:…` */
  waitOperation(id: string, options?: Abortable): Promise<OperationRow>;
}

/** Where to look in a volume. */
export interface FilesOptions extends Abortable {
  /** From the root of the volume; the root when it is left out. */
  readonly path?: string | undefined;
  /** Now when it is left out. */
  readonly snapshot?: string | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** A file on its way. */
export interface SavedFile {
  /** Of the whole; undefined where the server does not say. */
  readonly sizeBytes: number | undefined;
  /** Read once. @throws UnreachableError when the connection is lost before its end */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The little of a `fetch` that is used: the global one, undici's, a test's. */
export type Fetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    /** A body that comes bit by bit: known to those who send files. */
    readonly stream?: AsyncIterable<Uint8Array>;
    readonly signal: AbortSignal;
    readonly credentials: 'same-origin';
  },
) => Promise<{
  readonly ok: boolean;
  readonly status: number;
  readonly headers?: { get(name: string): string | null };
  readonly body?: {
    getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: unknown }>; cancel(): Promise<void> };
  } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}>;

export interface RestOptions {
  /** `https://atlas.lab:7400`; empty in a browser: where the page came from. */
  readonly baseUrl: string;
  readonly fetch?: Fetch;
  /** The bearer token; a function when it may change. */
  readonly token?: string | (() => string | undefined);
  /** In a page: the key that opens the session together with the browser's cookie. */
  readonly pageKey?: () => string | undefined;
  /** An answer is what the node knew last: the lab has no leader at the moment. */
  readonly onStale?: () => void;
  /** Of one request, 30 s when left out. */
  readonly timeoutMs?: number;
  /** How often a request is sent again after the connection was lost, 2 when left out. */
  readonly retries?: number;
  readonly newKey?: () => string;
  readonly pause?: (ms: number) => Promise<void>;
}

/** A server may be asked to wait this long for an operation, in seconds: proxies cut longer silences. */
const waitSeconds = 25;

/** Before a file begins the server reads all that goes into it. */
const beginsMs = 10 * 60_000;

/** What a command says that found everything so already: that answer has no body. */
function nothingDone(index: string | null | undefined): string {
  return JSON.stringify({
    index: Number(index ?? 0),
    unchanged: true,
    dryRun: false,
    events: [],
  } satisfies CommandAnswer);
}

export function createRestClient(options: RestOptions): RestClient {
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const newKey = options.newKey ?? (() => crypto.randomUUID());
  const pause = options.pause ?? ((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const timeoutMs = options.timeoutMs ?? 30_000;
  const retries = options.retries ?? 2;

  function headersFor(request: PlainRequest, key: string | undefined): Record<string, string> {
    const token = typeof options.token === 'function' ? options.token() : options.token;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const pageKey = options.pageKey?.();
    if (pageKey !== undefined) headers[pageKeyHeader] = pageKey;
    if (key !== undefined) headers['idempotency-key'] = key;
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    return headers;
  }

  async function once(
    request: PlainRequest,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const headers = headersFor(request, key);
    let answer: { ok: boolean; status: number; body: string };
    try {
      const response = await fetch(`${baseUrl}${request.target}`, {
        method: request.method,
        headers,
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: 'same-origin',
      });
      if (response.headers?.get(staleHeader) === 'true') options.onStale?.();
      if (response.status === 304) return nothingDone(response.headers?.get(indexHeader));
      answer = { ok: response.ok, status: response.status, body: asText(await response.arrayBuffer()) };
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (timeout.aborted) {
        throw new UnreachableError(baseUrl, `no answer within ${timeoutMs / 1000} s`, true, thrown);
      }
      throw unreachable(baseUrl, thrown);
    }
    if (!answer.ok) throw new ApiError(problemFrom(answer.status, answer.body, baseUrl));
    return answer.body;
  }

  /** A file: the server may take a while before it begins, and then never falls silent for long. */
  async function receive(request: PlainRequest, signal: AbortSignal | undefined): Promise<SavedFile> {
    const silence = new AbortController();
    const either = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
    const lost = (thrown: unknown): unknown => {
      if (signal?.aborted) return signal.reason;
      return silence.signal.aborted
        ? new UnreachableError(baseUrl, 'it sends nothing any more', true, thrown)
        : unreachable(baseUrl, thrown);
    };
    const heard = async <T>(ms: number, wait: Promise<T>): Promise<T> => {
      const timer = setTimeout(() => silence.abort(), ms);
      try {
        return await wait;
      } catch (thrown) {
        throw lost(thrown);
      } finally {
        clearTimeout(timer);
      }
    };
    const headers = headersFor(request, undefined);
    const response = await heard(
      beginsMs,
      fetch(`${baseUrl}${request.target}`, {
        method: request.method,
        headers,
        signal: either,
        credentials: 'same-origin',
      }),
    );
    if (!response.ok) {
      const said = asText(await heard(timeoutMs, response.arrayBuffer()));
      throw new ApiError(problemFrom(response.status, said, baseUrl));
    }
    const length = Number(response.headers?.get('content-length') ?? NaN);
    const reader = response.body?.getReader();
    async function* pieces(): AsyncGenerator<Uint8Array> {
      if (!reader) return;
      try {
        for (;;) {
          const { done, value } = await heard(timeoutMs, reader.read());
          if (done) return;
          yield value as Uint8Array;
        }
      } finally {
        await reader.cancel().catch(() => undefined);
      }
    }
    return { sizeBytes: Number.isSafeInteger(length) ? length : undefined, bytes: pieces() };
  }

  /** A file that is sent. How long it takes is up to who sends it, and the server looks after its silence. */
  async function upload(
    request: PlainRequest,
    bytes: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const headers = { ...headersFor(request, undefined), 'content-type': 'application/x-tar' };
    let answer: { ok: boolean; status: number; body: string };
    try {
      const response = await fetch(`${baseUrl}${request.target}`, {
        method: request.method,
        headers,
        stream: bytes,
        signal: signal ?? new AbortController().signal,
        credentials: 'same-origin',
      });
      answer = { ok: response.ok, status: response.status, body: asText(await response.arrayBuffer()) };
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(baseUrl, thrown).asMaybeSent();
    }
    if (!answer.ok) throw new ApiError(problemFrom(answer.status, answer.body, baseUrl));
    return answer.body;
  }

  /** @param repeatable whether it may be sent again when the connection was lost */
  async function send(
    request: PlainRequest,
    { key, signal, repeatable }: { key?: string; signal?: AbortSignal | undefined; repeatable: boolean },
  ): Promise<string> {
    let maybeSent = false;
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(request, key, signal);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        // One attempt that may have arrived is enough for the outcome to be unknown.
        maybeSent ||= error.maybeSent;
        if (!repeatable || attempt >= retries) throw maybeSent ? error.asMaybeSent() : error;
        await pause(200 * 3 ** attempt);
        signal?.throwIfAborted();
      }
    }
  }

  const get = async <T>(request: PlainRequest, signal?: AbortSignal): Promise<T> =>
    json<T>(await send(request, { signal, repeatable: true }), baseUrl);

  /** Without a majority nobody is sure: then what the server knows is asked for, and it marks that as stale. */
  async function look<T>(request: (stale: Query) => PlainRequest, at: At['at'], signal?: AbortSignal): Promise<T> {
    try {
      return await get<T>(request({}), signal);
    } catch (error) {
      if (at !== undefined || !(error instanceof ApiError) || error.code !== 'NO_LEADER') throw error;
      return get<T>(request({ stale: true }), signal);
    }
  }

  const client: RestClient = {
    run: async (command, input, { dryRun, idempotencyKey, signal } = {}) => {
      const request = commandRequest(command, input, dryRun ? { dryRun: true } : {});
      const key = idempotencyKey ?? newKey();
      return json<CommandAnswer>(await send(request, { key, signal, repeatable: true }), baseUrl);
    },
    list: (view, { params = {}, filters = {}, at, limit, cursor, signal } = {}) =>
      look((stale) => viewRequest(view, false, params, { ...filters, ...stale, at, limit, cursor }), at, signal),
    listAll: (view, options) => pages((cursor) => client.list(view, { ...options, cursor })),
    show: (view, params, { at, signal } = {}) =>
      look((stale) => viewRequest(view, true, params, { ...stale, at }), at, signal),

    signIn: async (name, password, { page = false } = {}) => {
      const body = { name, password, ...(page ? { page } : {}) };
      return json(await send(specialRequest('sign-in', {}, {}, body), { repeatable: true }), baseUrl);
    },
    whoami: () => get(specialRequest('whoami', {}, {})),
    signOut: async () => void (await send(specialRequest('sign-out', {}, {}), { repeatable: true })),
    // Not repeated: after a lost answer the old password may not be the password any more.
    changePassword: async (current, next) =>
      json(await send(specialRequest('change-password', {}, {}, { current, next }), { repeatable: false }), baseUrl),
    composeFile: (app, { at } = {}) => send(specialRequest('compose-file', app, { at }), { repeatable: true }),
    validateCompose: async (compose) =>
      json(await send(specialRequest('validate-compose', {}, {}, compose), { repeatable: true }), baseUrl),
    logs: async (app, { signal, ...range } = {}) =>
      (await get<Pick<Page<LiveLogLine>, 'items'>>(specialRequest('app-logs', app, range), signal)).items,
    events: ({ signal, ...range } = {}) => get(specialRequest('events', {}, range), signal),
    history: (stream, { signal, ...range } = {}) => get(specialRequest('object-history', { stream }, range), signal),
    why: (of, { signal } = {}) => get(specialRequest('why', {}, { ...of }), signal),
    previewRetention: (volume, keep, { signal } = {}) =>
      get(specialRequest('preview-retention', volume, { keep }), signal),
    previewRollback: (volume, snapshot, { signal } = {}) =>
      get(specialRequest('preview-rollback', volume, { snapshot }), signal),
    foreignSnapshots: (volume, { signal } = {}) => get(specialRequest('list-foreign-snapshots', volume, {}), signal),
    clusterStatus: ({ signal } = {}) => get(specialRequest('cluster-status', {}, {}), signal),
    transferLeadership: async (node, { signal } = {}) =>
      json(await send(specialRequest('transfer-leadership', {}, {}, { node }), { signal, repeatable: true }), baseUrl),
    // Not repeated: no second answer has the secret.
    makeJoinToken: async (input, { idempotencyKey } = {}) => {
      const key = idempotencyKey ?? newKey();
      return json(await send(specialRequest('make-join-token', {}, {}, input), { key, repeatable: false }), baseUrl);
    },
    files: (volume, { signal, ...where } = {}) => get(specialRequest('list-files', volume, where), signal),
    diff: (volume, between, { signal, ...where } = {}) =>
      get(specialRequest('diff-files', volume, { ...between, ...where }), signal),
    readBackup: (backup, { signal, ...where } = {}) =>
      receive(specialRequest('read-backup-content', backup, where), signal),
    readFile: (volume, { signal, ...where } = {}) => receive(specialRequest('read-file', volume, where), signal),
    exportVolume: (volume, { signal, ...query } = {}) =>
      receive(specialRequest('export-volume', volume, query), signal),
    planImport: async (volume, { signal, replace } = {}) => {
      const query = { dryRun: true, ...(replace === true ? { replace } : {}) };
      return json(await send(specialRequest('import-volume', volume, query), { signal, repeatable: true }), baseUrl);
    },
    importVolume: async (volume, bytes, { signal, replace } = {}) => {
      const request = specialRequest('import-volume', volume, replace === true ? { replace } : {});
      return json(await upload(request, bytes, signal), baseUrl);
    },
    ...backupCalls((request, options) => send(request, options), baseUrl),
    saveSnapshot: ({ signal } = {}) => receive(specialRequest('save-snapshot', {}, {}), signal),
    simulatedMachines: async () =>
      (await get<Pick<Page<SimulatedMachine>, 'items'>>(specialRequest('simulated-machines', {}, {}))).items,
    setPower: async (name, power) =>
      json(await send(specialRequest('set-power', { name }, {}, { power }), { repeatable: true }), baseUrl),
    setDisk: async (name, disk, hand) =>
      json(await send(specialRequest('set-disk', { name, disk }, {}, { disk: hand }), { repeatable: true }), baseUrl),
    disks: async (node, { signal } = {}) =>
      (await get<DisksAnswer>(specialRequest('list-disks', { node }, {}), signal)).items,
    projects: (node, { signal } = {}) => get(specialRequest('list-projects', { node }, {}), signal),
    adoptionPlan: (node, project, { signal } = {}) =>
      get(specialRequest('plan-adoption', { node, project }, {}), signal),
    volumeCandidates: (node, name, { signal } = {}) =>
      get(specialRequest('list-volume-candidates', { node, name }, {}), signal),
    showPool: (node, name, { at, signal } = {}) =>
      get(specialRequest('show-pool', { node, name }, at === undefined ? {} : { at }), signal),
    waitOperation: async (id, { signal } = {}) => {
      for (;;) {
        const request = specialRequest('wait-operation', { id }, { timeout: waitSeconds });
        const row = await get<OperationRow>(request, signal);
        if (row.state !== 'running') return row;
      }
    },
  };
  return client;
}

/** A mark at the start of a compose file is part of the file: it stays. */
const asText = (bytes: ArrayBuffer): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

async function* pages<R>(read: (cursor: string | undefined) => Promise<Page<R>>): AsyncIterable<R> {
  for (let cursor: string | undefined; ;) {
    const page = await read(cursor);
    yield* page.items;
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}
