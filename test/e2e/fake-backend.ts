/**
 * Serves the built web app and a `FakeLab` behind the routes and the live protocol of the contract, as far as the web
 * app uses them. A test can sign people out, cut the line, fall behind, and look at what was asked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer, type WebSocket } from 'ws';
import { appMeant } from '#actors/app/deploy.ts';
import { unpackFiles } from '#actors/app/files.ts';
import { candidatesOf } from '#actors/retention/candidates.ts';
import { decideRetention } from '#actors/retention/decide.ts';
import { readCompose } from '#actors/compose/read.ts';
import type { StreamId } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { BackedUpFiles, BackupContentAnswer, BackupEntry } from '#io/contract/backups.ts';
import type { RetentionAnswer } from '#io/contract/retention.ts';
import type { AdoptableProject, AdoptionPlanAnswer, ProjectsAnswer } from '#io/contract/adoption.ts';
import type { ForeignSnapshot, ForeignSnapshotsAnswer } from '#io/contract/foreign-snapshots.ts';
import type { VolumeCandidateRow } from '#io/contract/volume-candidates.ts';
import type { RollbackAnswer } from '#io/contract/rollback.ts';
import { liveProtocol, pageKeyProtocol, type LiveLogLine, type ToClient, type ToServer } from '#io/contract/live.ts';
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { problemOf, problemOfRejection, type Problem, type ProblemCode } from '#io/contract/problem.ts';
import { pageKeyHeader, pathParams, routes, sessionCookie } from '#io/contract/routes.ts';
import type { JoinTokenAnswer, JoinTokenInput } from '#io/contract/routes/admission.ts';
import type { Route } from '#io/contract/routes/route.ts';
import { isViewName, type ViewName } from '#projections/registry.ts';
import type { OperationRow } from '#projections/operations.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import type { SnapshotRow } from '#projections/views/snapshots.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { fileContent, fileDiff, filesAnswer, isMissing } from './fake-files.ts';
import type { AnyView, FakeLab, ViewChange } from './fake-lab.ts';

const webRoot = join(import.meta.dirname, '../../dist/web');

/** As strict as the daemon's own: no script and no style but from files. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: http: https:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

class Refusal extends Error {
  readonly problem: Problem;
  constructor(code: ProblemCode, detail: string, hint?: string) {
    super(detail);
    this.problem = problemOf(code, detail, hint === undefined ? {} : { hint });
  }
}

type Params = Readonly<Record<string, string>>;

interface Session {
  readonly name: string;
  readonly key: string;
  readonly expiresAt: number;
}

/** Somebody who has signed in, for a browser that shall begin there. */
export interface SignedIn {
  readonly cookie: { readonly name: string; readonly value: string; readonly url: string };
  readonly key: string;
}

interface Subscription {
  readonly view: AnyView;
  readonly where: Params;
  readonly sent: Set<string>;
}

export class FakeBackend {
  readonly lab: FakeLab;
  readonly epoch = 'fake';
  password: string;
  initialPassword: boolean;
  /** Of a simulated lab: the power of its machines, by name. */
  power: Map<string, 'on' | 'off'> | undefined;
  /** What lies in every pool and could be adopted. */
  candidates: readonly VolumeCandidateRow[] = [];
  /** Snapshots that other tools took, of whichever volume. */
  foreign: readonly ForeignSnapshot[] = [];
  /** What runs beside the lab, on whichever node. */
  projects: AdoptableProject[] = [];
  adoptionPlan: AdoptionPlanAnswer | undefined;
  /** What is in every backup beside the volume. */
  backedUpFiles: BackedUpFiles = { compose: null, files: {} };
  /** Targets of other labs that somebody opened, as they were asked for. */
  readonly attached: unknown[] = [];
  /** What a look at a roll-back says; undefined: unknown. */
  writtenBytes: number | undefined;
  /** Commands as they arrived, dry runs included. */
  readonly asked: { readonly command: string; readonly input: unknown; readonly dryRun: boolean }[] = [];
  /** Commands that were run in containers, with all that was typed and every size of their windows. */
  readonly execs: FakeShell[] = [];
  /** The nodes as a group; undefined: made from the nodes of the lab, the first of which leads. */
  cluster: ClusterStatus | undefined;
  /** While it is behind, bookmarks say so. */
  stale = false;
  /** Archives that were sent, whole or cut off. */
  readonly archives: { readonly replace: boolean; readonly bytes: number; readonly isWhole: boolean }[] = [];
  /** What a new join token is shown in. */
  joinCommand = 'npm start -- --join flt1-abc';
  #isDown = false;
  readonly #server: Server;
  readonly #live = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has(liveProtocol) ? liveProtocol : false),
  });
  readonly #sessions = new Map<string, Session>();
  readonly #bookmarks: ReturnType<typeof setInterval>;
  #lastSession = 0;

  private constructor(lab: FakeLab, password: string, initialPassword: boolean) {
    this.lab = lab;
    this.password = password;
    this.initialPassword = initialPassword;
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      const offered = request.headers['sec-websocket-protocol']?.split(/, */) ?? [];
      const key = offered.find((one) => one.startsWith(pageKeyProtocol))?.slice(pageKeyProtocol.length);
      if (this.#isDown || this.#who(request, key) === undefined) socket.destroy();
      else this.#live.handleUpgrade(request, socket, head, (client) => this.#follow(client));
    });
    this.#bookmarks = setInterval(() => this.#bookmark(), 250);
  }

  static async start(lab: FakeLab, { password = 'correct horse', initialPassword = false } = {}): Promise<FakeBackend> {
    const backend = new FakeBackend(lab, password, initialPassword);
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  signedIn(): SignedIn {
    const value = `s${++this.#lastSession}`;
    const key = `key-of-${value}`;
    this.#sessions.set(value, { name: 'admin', key, expiresAt: Date.now() + 86_400_000 });
    return { cookie: { name: sessionCookie, value, url: this.url }, key };
  }

  signOutAll(): void {
    this.#sessions.clear();
    for (const client of this.#live.clients) client.close(4401, 'The session has ended.');
  }

  /** Nobody answers any more. */
  cut(): void {
    this.#isDown = true;
    for (const client of this.#live.clients) client.terminate();
  }

  mend(): void {
    this.#isDown = false;
  }

  async stop(): Promise<void> {
    clearInterval(this.#bookmarks);
    this.lab.stop();
    for (const client of this.#live.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  // ---- HTTP

  /** As the daemon does: the cookie opens nothing without the key of its page. */
  #who(request: IncomingMessage, key = request.headers[pageKeyHeader]): Session | undefined {
    const cookies = request.headers.cookie ?? '';
    const value = new RegExp(`${sessionCookie}=([^;]+)`).exec(cookies)?.[1];
    const session = value === undefined ? undefined : this.#sessions.get(value);
    return session?.key === key ? session : undefined;
  }

  /** Another session begins; its cookie goes with the answer. */
  #begin(response: ServerResponse): unknown {
    const { cookie, key } = this.signedIn();
    response.setHeader('set-cookie', `${cookie.name}=${cookie.value}; Path=/; HttpOnly; SameSite=Strict`);
    const session = this.#sessions.get(cookie.value);
    return { ...this.#session(session), key };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#isDown) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', this.url);
    if (!url.pathname.startsWith('/api/')) return this.#file(url.pathname, response);
    try {
      const route = routes.find(
        ({ method, path }) => method === request.method?.toLowerCase() && matcher(path).test(url.pathname),
      );
      if (!route) throw new Refusal('NO_SUCH_ROUTE', `There is no ${request.method} ${url.pathname}.`);
      const isOpen = 'special' in route.action && route.action.open === true;
      if (!isOpen && this.#who(request) === undefined)
        throw new Refusal('NOT_SIGNED_IN', 'Nobody is signed in.', 'Sign in.');
      const isArchive = 'special' in route.action && route.action.special === 'import-volume';
      const answer = isArchive
        ? await this.#import(route, url, request)
        : await this.#answer(route, url, await bodyOf(request), request, response);
      const isText = typeof answer === 'string';
      if (Buffer.isBuffer(answer)) {
        response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': answer.length });
        return void response.end(answer);
      }
      response.writeHead(200, {
        'content-type': isText ? 'text/yaml' : 'application/json',
        'cache-control': 'no-store',
      });
      response.end(isText ? answer : JSON.stringify(answer ?? {}));
    } catch (error) {
      const problem =
        error instanceof Refusal
          ? error.problem
          : isMissing(error)
            ? problemOf('NOT_FOUND', error.message, error.hint === undefined ? {} : { hint: error.hint })
            : problemOf('INTERNAL', error instanceof Error ? (error.stack ?? '') : String(error));
      response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify(problem));
    }
  }

  async #file(path: string, response: ServerResponse): Promise<void> {
    const name = extname(path) === '' ? '/index.html' : normalize(path);
    try {
      const bytes = await readFile(join(webRoot, name));
      response.writeHead(200, {
        'content-type': types[extname(name)] ?? 'application/octet-stream',
        'content-security-policy': policy,
      });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  }

  #answer(route: Route, url: URL, body: unknown, request: IncomingMessage, response: ServerResponse): unknown {
    const params = paramsOf(route.path, url.pathname);
    const query = Object.fromEntries(url.searchParams);
    const { action } = route;
    if ('command' in action) return this.#command(action.command, params, query, body);
    if ('view' in action)
      return action.one ? this.#one(action.view, params, query) : this.#list(action.view, params, query);
    switch (action.special) {
      case 'sign-in': {
        const { name, password, page } = body as { name: string; password: string; page?: boolean };
        if (page !== true) throw new Refusal('INVALID', 'This is for pages.');
        if (name !== 'admin' || password !== this.password)
          throw new Refusal(
            'WRONG_PASSWORD',
            'Name or password is wrong.',
            'The first start of floatlabd printed the first password.',
          );
        return this.#begin(response);
      }
      case 'whoami':
        return this.#session(this.#who(request));
      case 'sign-out':
        this.signOutAll();
        return {};
      case 'change-password': {
        const { current, next } = body as { current: string; next: string };
        if (current !== this.password) throw new Refusal('WRONG_PASSWORD', 'That is not the current password.');
        this.password = next;
        this.initialPassword = false;
        this.signOutAll();
        return this.#begin(response);
      }
      case 'compose-file': {
        const then = this.#moment(query['at']);
        const lab = then === undefined ? this.lab.view : this.lab.viewAt(then);
        const app = lab.byName('app', params['namespace'] ?? '', params['name'] ?? '');
        const bytes = app && this.lab.blob(app.context.compose);
        if (!bytes) throw new Refusal('NOT_FOUND', `There is no app ${params['name']}.`);
        return new TextDecoder().decode(bytes);
      }
      case 'validate-compose': {
        const input = {
          namespace: 'default',
          fileName: 'compose.yaml',
          ...(body as { compose: string; files?: never }),
        };
        const kept = appMeant(input, this.lab.view)?.context.files;
        const bytes = input.files || !kept ? undefined : this.lab.blob(kept);
        const files = bytes ? unpackFiles(bytes) : {};
        const read = readCompose({ fileName: input.fileName, text: input.compose, files: input.files ?? files });
        const named = bytes ? { files: Object.keys(files) } : {};
        if ('findings' in read) return { findings: read.findings, notes: [], ...named };
        return { findings: [], notes: read.app.notes, name: read.app.name, ...named };
      }
      case 'object-history':
        return this.#events(query, (row) => row.stream === params['stream']);
      case 'events':
        return this.#events(
          query,
          (row) => query['correlation'] === undefined || row.correlation === query['correlation'],
        );
      case 'list-files':
        return filesAnswer(query);
      case 'diff-files':
        return fileDiff(query);
      case 'read-file':
        return fileContent(query);
      case 'export-volume':
        return fileContent({ path: '', ...query });
      case 'preview-rollback':
        return this.#rollback(params, query['snapshot']);
      case 'list-foreign-snapshots':
        return { items: [...this.foreign], truncated: false } satisfies ForeignSnapshotsAnswer;
      case 'preview-retention':
        return this.#retention(params, query['keep']);
      case 'cluster-status':
        return this.cluster ?? this.#group();
      case 'transfer-leadership': {
        const { node } = body as { node: string };
        const members = (this.cluster ?? this.#group()).members.map((one) => ({ ...one, isLeader: one.name === node }));
        this.cluster = { ...this.#group(), members, leader: members.find(({ isLeader }) => isLeader)?.node };
        return { leader: node, unchanged: false };
      }
      case 'make-join-token': {
        const { validFor: _, ...input } = body as JoinTokenInput;
        const id = 'tok1';
        const issued = this.lab.try('issue-token', { tokenId: id, hash: 'ab'.repeat(32), ...input });
        if ('rejected' in issued) throw new Refusal('INVALID', issued.rejected.explain);
        const { expiresAt } = (issued.events[0]?.data ?? {}) as { expiresAt: number };
        return { token: 'flt1-abc', id, expiresAt, command: this.joinCommand } satisfies JoinTokenAnswer;
      }
      case 'backup-kit':
        return JSON.stringify({ floatlabBackupKit: 1, lab: 'home', targets: [] });
      case 'backup-files':
        return this.backedUpFiles;
      case 'list-backup-content':
        return this.#backupContent(query['path'] ?? '');
      case 'attach-backup-target': {
        this.attached.push(body);
        return { index: this.lab.index, unchanged: false, dryRun: false, events: [] };
      }
      case 'wait-operation':
        return this.#operation(params['id'] ?? '');
      case 'list-volume-candidates':
        return { items: this.candidates, truncated: false };
      case 'list-projects':
        return { items: this.projects } satisfies ProjectsAnswer;
      case 'plan-adoption': {
        const plan = this.adoptionPlan;
        if (!plan) throw new Refusal('NOT_FOUND', 'Nothing of that name runs there.');
        return plan;
      }
      case 'list-disks':
        return { items: fakeDisks };
      case 'simulated-machines':
        return { items: [...(this.power ?? [])].map(([name, power]) => ({ name, power })) };
      case 'set-power': {
        const { power } = body as { power: 'on' | 'off' };
        this.power?.set(params['name'] ?? '', power);
        return { name: params['name'], power };
      }
      default:
        throw new Refusal('NO_SUCH_ROUTE', `The fake does not know ${action.special}.`);
    }
  }

  /** Once it has ended. */
  /** The same folders in every backup. */
  #backupContent(path: string): BackupContentAnswer {
    const folders: Readonly<Record<string, readonly BackupEntry[]>> = {
      '': [inBackup('drafts', 2), inBackup('index.db', 0)],
      drafts: [inBackup('2025.txt', 0), inBackup('2026.txt', 0)],
    };
    const items = folders[path];
    if (!items) throw new Refusal('NOT_FOUND', `The backup has no ${path}.`);
    return { path, self: { bytes: 4096, entries: items.length }, items: [...items] };
  }

  async #operation(id: string): Promise<unknown> {
    for (;;) {
      const row = this.lab.rows('operations').find(([, one]) => fits(one, { id }))?.[1] as OperationRow | undefined;
      if (!row) throw new Refusal('NOT_FOUND', `There is no operation ${id}.`);
      if (row.state !== 'running') return row;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #rollback({ name = '' }: Params, wanted: string | undefined): RollbackAnswer {
    const row = this.lab.view.list('volume').find(({ context }) => context.metadata.name === name);
    const snapshot = this.lab.view
      .list('snapshot')
      .find(({ context }) => context.volume === row?.stream && context.metadata.name === wanted);
    const present = row?.context.lineages.at(-1)?.id ?? 1;
    const lineage = { of: snapshot?.context.lineage ?? 1, present, opens: present + 1 };
    const takenAt = snapshot?.context.takenAt ?? 0;
    const written = this.writtenBytes === undefined ? {} : { writtenBytes: this.writtenBytes };
    return { snapshot: wanted ?? '', takenAt, ...written, newer: [], lineage, app: null };
  }

  #retention({ name = '' }: Params, wanted: string | undefined): RetentionAnswer {
    const volume = this.lab.rows('volumes').find(([, row]) => fits(row, { name }))?.[1] as VolumeRow;
    const keep = wanted ?? volume.keep ?? '';
    const rules = parseKeep(keep);
    const rows = this.lab.rows('snapshots').map(([, row]) => row as SnapshotRow);
    const mine = rows.filter((row) => row.volume.id === volume.id);
    const verdicts = decideRetention(typeof rules === 'string' ? [] : rules, candidatesOf(mine), this.lab.now);
    const items = verdicts.map(({ id, keep: stays, reason: why }) => {
      const row = mine.find((one) => one.id === id);
      return { snapshot: row?.name ?? id, takenAt: row?.takenAt ?? row?.requestedAt ?? 0, keep: stays, why };
    });
    const kept = items.filter((item) => item.keep).length;
    return { keep: keep === '' ? null : keep, kept, dropped: items.length - kept, items };
  }

  /** As the daemon does: decided first, then read, then waited for. */
  async #import({ path }: Route, url: URL, request: IncomingMessage): Promise<unknown> {
    const replace = url.searchParams.get('replace') === 'true';
    const dryRun = url.searchParams.get('dryRun') ?? 'false';
    const begun = this.#command('import-volume', paramsOf(path, url.pathname), { dryRun, replace: `${replace}` }, {});
    if (dryRun === 'true') return begun;
    const { events, operation } = begun as CommandAnswer;
    const transfer = events.find(({ type }) => type === 'transfer.requested')?.stream as StreamId<'transfer'>;
    const gone = new Promise<'gone'>((resolve) => request.socket.once('close', () => resolve('gone')));
    let bytes = 0;
    const read = async (): Promise<'read'> => {
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      return 'read';
    };
    let isWhole = (await Promise.race([gone, read().catch(() => 'gone')])) === 'read';
    while (isWhole && this.lab.view.get(transfer)) {
      const pause = new Promise<'waits'>((resolve) => setTimeout(() => resolve('waits'), 50));
      if ((await Promise.race([gone, pause])) === 'gone') isWhole = false;
    }
    this.archives.push({ replace, bytes, isWhole });
    return { operation: `operation:${operation}`, files: 3, bytes };
  }

  #session(session: Session | undefined) {
    const { name, expiresAt } = session ?? { name: '', expiresAt: 0 };
    const simulated = this.power === undefined ? {} : { simulated: true };
    return { name, role: 'admin', expiresAt, initialPassword: this.initialPassword, ...simulated };
  }

  #group(): ClusterStatus {
    const nodes = this.lab.rows('nodes').map(([, row]) => row as NodeRow);
    const members = nodes
      .filter(({ state }) => state !== 'waiting')
      .map((row, n): ClusterMember => ({
        node: row.id.slice('node:'.length),
        name: row.name,
        incarnation: 'a1',
        votes: 'voter',
        isLeader: n === 0,
        isSelf: n === 0,
        isReachable: row.state === 'up',
        behind: 0,
        isFetching: false,
      }));
    return {
      lab: 'lab-1',
      generation: 1,
      term: 3,
      leader: members[0]?.node,
      hasQuorum: true,
      isChanging: false,
      isSuspect: false,
      committed: this.lab.index,
      index: this.lab.index,
      members,
      promises: [],
    };
  }

  #command(command: string, params: Params, { dryRun, ...query }: Params, body: unknown): unknown {
    const fields = Object.fromEntries(
      Object.entries(query).map(([key, value]) => [
        key,
        value === 'true' ? true : value === 'false' ? false : key.endsWith('Ms') ? Number(value) : value,
      ]),
    );
    const input = { ...fields, ...(body as object | undefined), ...params };
    this.asked.push({ command, input, dryRun: dryRun === 'true' });
    const result = this.lab.try(command, input, { dryRun: dryRun === 'true' });
    if (!('rejected' in result)) return result;
    const refusal = new Refusal('INVALID', result.rejected.explain);
    throw Object.assign(refusal, { problem: problemOfRejection(result.rejected) });
  }

  #moment(at: string | undefined): number | undefined {
    if (at === undefined) return undefined;
    const index = /^\d+$/.test(at) ? Number(at) : this.lab.indexAt(Date.parse(at));
    if (index > this.lab.index) throw new Refusal('PAST_HEAD', `The lab has only ${this.lab.index} events yet.`);
    return index;
  }

  #list(view: ViewName, params: Params, { at, limit = '200', cursor: _, ...filters }: Params): unknown {
    const index = this.#moment(at);
    const rows = index === undefined ? this.lab.rows(view) : this.lab.rowsAt(view, index);
    const where = view === 'snapshots' ? { ...filters, volume: params['name'] ?? '' } : filters;
    return {
      items: rows
        .map(([, row]) => row)
        .filter((row) => fits(row, where))
        .slice(0, Number(limit)),
      index: index ?? this.lab.index,
    };
  }

  #one(view: ViewName, params: Params, { at }: Params): unknown {
    const index = this.#moment(at);
    const rows = index === undefined ? this.lab.rows(view) : this.lab.rowsAt(view, index);
    const found = rows.map(([, row]) => row).find((row) => view === 'overview' || fits(row, params));
    if (!found) throw new Refusal('NOT_FOUND', `There is no such row in ${view}.`);
    return found;
  }

  #events({ before, limit = '100' }: Params, test: (row: ActivityRow) => boolean): unknown {
    const rows = this.lab
      .rows('activity')
      .map(([, row]) => row as ActivityRow)
      .filter((row) => row.index < Number(before ?? Infinity) && test(row));
    return { items: rows.toReversed().slice(0, Number(limit)), index: this.lab.index };
  }

  // ---- live

  #bookmark(): void {
    for (const client of this.#live.clients) send(client, this.#at());
  }

  #at(): ToClient {
    return { t: 'at', index: this.lab.index, time: this.lab.now, stale: this.stale };
  }

  #follow(client: WebSocket): void {
    const subscriptions = new Map<number, Subscription>();
    const shells = new Map<number, FakeShell>();
    const stops = new Map<number, () => void>();
    const unwatch = this.lab.onChange((changes, index) => {
      for (const [sub, subscription] of subscriptions) {
        for (const change of changes)
          if (change.view === subscription.view) push(client, sub, subscription, change, index);
      }
    });
    client.on('close', () => {
      unwatch();
      for (const stop of stops.values()) stop();
      for (const shell of shells.values()) shell.isClosed = true;
    });
    client.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as ToServer;
      switch (message.t) {
        case 'open':
          return this.#open(client, message, subscriptions);
        case 'logs':
          return void stops.set(message.sub, this.#logs(client, message));
        case 'exec': {
          const shell = new FakeShell(message, (frame) => send(client, frame));
          shells.set(message.sub, shell);
          return void this.execs.push(shell);
        }
        case 'input':
          return shells.get(message.sub)?.input(message.data);
        case 'resize':
          return void shells.get(message.sub)?.sizes.push([message.columns, message.rows]);
        case 'close':
          if (shells.has(message.sub)) Object.assign(shells.get(message.sub) ?? {}, { isClosed: true });
          subscriptions.delete(message.sub);
          stops.get(message.sub)?.();
          return void stops.delete(message.sub);
        default:
          return undefined;
      }
    });
    send(client, this.#at());
  }

  #open(client: WebSocket, message: Extract<ToServer, { t: 'open' }>, subscriptions: Map<number, Subscription>): void {
    const { sub, view, where = {}, at, limit } = message;
    if (!isViewName(view) && view !== 'usage' && view !== 'work') {
      return send(client, { t: 'end', sub, problem: problemOf('NOT_FOUND', `There is no view ${view}.`) });
    }
    if (at !== undefined && at > this.lab.index) {
      return send(client, {
        t: 'end',
        sub,
        problem: problemOf('PAST_HEAD', `The lab has only ${this.lab.index} events yet.`),
      });
    }
    const all = at === undefined ? this.lab.rows(view) : this.lab.rowsAt(view as ViewName, at);
    const rows = all.filter(([, row]) => fits(row, where));
    const shown = limit === undefined ? rows : rows.slice(-limit);
    // In two pieces, so that the client's putting together is exercised, too.
    const half = Math.ceil(shown.length / 2);
    const piece = { t: 'snap', sub, epoch: this.epoch, index: at ?? this.lab.index } as const;
    send(client, { ...piece, rows: shown.slice(0, half), more: true });
    send(client, { ...piece, rows: shown.slice(half), more: false });
    if (at === undefined) subscriptions.set(sub, { view, where, sent: new Set(shown.map(([key]) => key)) });
  }

  #logs(client: WebSocket, { sub, app, service, follow }: Extract<ToServer, { t: 'logs' }>): () => void {
    const wanted = (line: LiveLogLine): boolean => service === undefined || line.service === service;
    if (!this.lab.view.get(app as StreamId))
      send(client, { t: 'end', sub, problem: problemOf('NOT_FOUND', `There is no app ${app}.`) });
    const lines = this.lab.logLines(app).filter(wanted);
    if (lines.length > 0) send(client, { t: 'lines', sub, lines });
    if (!follow) return () => undefined;
    return this.lab.onLog((of, fresh) => {
      const matching = of === app ? fresh.filter(wanted) : [];
      if (matching.length > 0) send(client, { t: 'lines', sub, lines: matching });
    });
  }
}

/** A shell that shows what is typed, says hello in colours, and ends with a code. */
class FakeShell {
  readonly asked: Extract<ToServer, { t: 'exec' }>;
  readonly sizes: [number, number][] = [];
  typed = '';
  isClosed = false;
  readonly #say: (frame: ToClient) => void;
  #line = '';

  constructor(asked: Extract<ToServer, { t: 'exec' }>, say: (frame: ToClient) => void) {
    this.asked = asked;
    this.#say = say;
    if (asked.command[0] === 'missing') {
      say({ t: 'end', sub: asked.sub, problem: problemOf('NOT_FOUND', 'There is no missing in web.') });
      return;
    }
    say({ t: 'begun', sub: asked.sub });
    this.#print('$ ');
  }

  input(data: string | undefined): void {
    const bytes = Buffer.from(data ?? '', 'base64');
    this.#say({ t: 'took', sub: this.asked.sub, bytes: bytes.length });
    this.typed += bytes.toString();
    for (const char of bytes.toString()) {
      if (char !== '\r') {
        this.#line += char;
        this.#print(char);
        continue;
      }
      const [name = '', argument = ''] = this.#line.split(' ');
      this.#line = '';
      if (name === 'exit') return this.#say({ t: 'exit', sub: this.asked.sub, code: Number(argument) });
      if (name === 'colours')
        this.#print('\r\n\u001b[31mred\u001b[0m \u001b[38;2;10;200;90mgreen\u001b[0m \u001b[1mbold\u001b[0m');
      this.#print('\r\n$ ');
    }
  }

  #print(text: string): void {
    this.#say({ t: 'output', sub: this.asked.sub, stream: 'stdout', data: Buffer.from(text).toString('base64') });
  }
}

function push(
  client: WebSocket,
  sub: number,
  { where, sent }: Subscription,
  { put, del }: ViewChange,
  index: number,
): void {
  const visible = put.filter(([, row]) => fits(row as object, where));
  const gone = [...del, ...put.filter((entry) => !visible.includes(entry)).map(([key]) => key)].filter((key) =>
    sent.delete(key),
  );
  for (const [key] of visible) sent.add(key);
  if (visible.length + gone.length > 0) send(client, { t: 'rows', sub, index, put: visible, del: gone });
}

const send = (client: WebSocket, frame: ToClient): void => client.send(JSON.stringify(frame));

/** By fields; another object by its id or name, several values by comma. */
function fits(row: object, where: Params): boolean {
  return Object.entries(where).every(([field, wanted]) => {
    const value = (row as Record<string, unknown>)[field];
    const ref = value as { id?: string; name?: string } | null;
    return wanted
      .split(',')
      .some(
        (one) => String(value) === one || ref?.id === one || ref?.name === one || String(value) === `operation:${one}`,
      );
  });
}

const matcher = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);

function paramsOf(path: string, actual: string): Params {
  const values = matcher(path).exec(actual)?.slice(1) ?? [];
  return Object.fromEntries(pathParams(path).map((name, n) => [name, decodeURIComponent(values[n] ?? '')]));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

const fakeDisk = (path: string, state: string, why: readonly string[] = []) => ({
  ...{
    path,
    state,
    why,
    kind: 'disk',
    sizeBytes: 2 ** 41,
    model: null,
    serial: null,
    rotational: true,
    removable: false,
  },
});
const fakeDisks = [
  fakeDisk('/dev/nvme0n1', 'in-use', ['mounted at /']),
  fakeDisk('/dev/sdd', 'free'),
  fakeDisk('/dev/sde', 'holds-data', ['ext4 "old-backup"']),
];

const inBackup = (name: string, entries: number): BackupEntry => ({ name, bytes: 1024 * (1 + entries), entries });
