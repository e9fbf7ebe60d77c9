/**
 * A lab in memory for the browser tests: the real events, decisions, policies and projections of the pure rooms, with
 * agents that pretend. Their work takes as long as a test says, shows progress, waits while it is held, and fails on
 * demand. Time is the test's: history can be lived through in a moment.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ActorState, Step } from '#actors/actor.ts';
import type { CommandInputs, CommandName } from '#actors/commands.ts';
import { dispatch } from '#actors/dispatch.ts';
import { Lab } from '#actors/lab.ts';
import { Overlay } from '#actors/overlay.ts';
import { policies } from '#actors/policies/registry.ts';
import { PolicyRunner } from '#actors/policies/runner.ts';
import { workOf } from '#actors/registry.ts';
import type { Rejection } from '#actors/rejection.ts';
import { canceled } from '#actors/transfer/under-way.ts';
import type { WorkName, WorkOrder } from '#actors/work.ts';
import type { LabEvent, Principal } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { LiveLogLine, UsageRow, WorkRow } from '#io/contract/live.ts';
import type { CommandAnswer } from '#io/contract/routes.ts';
import { projections, viewNames, type ViewName } from '#projections/registry.ts';
import type { Projection } from '#projections/projection.ts';
import { LogRows, Table, type Changes } from '#projections/rows.ts';
import { forecastFor, wordsFor } from '#projections/words.ts';

export type AnyView = ViewName | 'usage' | 'work';
export interface ViewChange {
  readonly view: AnyView;
  readonly put: readonly (readonly [string, unknown])[];
  readonly del: readonly string[];
}

/** The lab and its rows at one moment. */
class Folded {
  readonly lab = new Lab();
  readonly #tables = new Map<ViewName, Table<object> | LogRows<object>>();
  readonly #logs = new Map<ViewName, Map<string, object>>();

  constructor() {
    for (const view of viewNames) {
      this.#tables.set(view, projections[view].keeps === 'table' ? new Table() : new LogRows());
      if (projections[view].keeps === 'log') this.#logs.set(view, new Map());
    }
  }

  fold(event: LabEvent): Step {
    const step = this.lab.fold(event);
    for (const [view, rows] of this.#tables)
      (projections[view] as unknown as Projection<object>).apply(rows, step, this.lab);
    return step;
  }

  takeChanges(): ReadonlyMap<ViewName, Changes<object>> {
    const changes = new Map<ViewName, Changes<object>>();
    for (const [view, rows] of this.#tables) {
      const taken = rows.take();
      if (!taken) continue;
      changes.set(view, taken);
      const log = this.#logs.get(view);
      if (log) for (const [key, row] of taken.put) log.set(key, row);
    }
    return changes;
  }

  rows(view: ViewName): readonly (readonly [string, object])[] {
    const log = this.#logs.get(view);
    if (log) return [...log];
    return (this.#tables.get(view) as Table<object>).entries();
  }
}

interface Doing {
  readonly order: WorkOrder;
  timer: ReturnType<typeof setTimeout> | undefined;
  done: number;
}

const parts = 5;

export class FakeLab {
  readonly #folded = new Folded();
  readonly #events: LabEvent[] = [];
  readonly #listeners = new Set<(changes: readonly ViewChange[], index: number) => void>();
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #doing = new Map<string, Doing>();
  readonly #usage = new Map<string, UsageRow>();
  readonly #work = new Map<string, WorkRow>();
  readonly #failures = new Map<WorkName, Problem>();
  readonly #runner: PolicyRunner;
  readonly #logs = new Map<string, LiveLogLine[]>();
  readonly #logListeners = new Set<(app: string, lines: readonly LiveLogLine[]) => void>();
  #clock: (() => number) | undefined;
  #deadlines: ReturnType<typeof setInterval> | undefined;
  #commands = 0;
  #held = false;
  /** How long a piece of work takes; 0 while history is made. */
  workMs = 0;

  constructor(startAt: number) {
    let at = startAt;
    this.#clock = () => at;
    this.sleep = (ms) => {
      at += ms;
      this.#pump();
    };
    this.#runner = new PolicyRunner(policies, this.#folded.lab, { get: () => undefined });
  }

  /** Lets time pass while history is made; after `goLive` time is the machine's. */
  sleep: (ms: number) => void;

  goLive(workMs: number): void {
    this.workMs = workMs;
    this.#clock = undefined;
    this.#deadlines = setInterval(() => this.#pump(), 500);
    this.sleep = () => {
      throw new Error('time is the machine’s now');
    };
  }

  get now(): number {
    return this.#clock?.() ?? Date.now();
  }
  get index(): number {
    return this.#folded.lab.index;
  }
  get at(): number {
    return this.#folded.lab.at;
  }
  get view(): Lab {
    return this.#folded.lab;
  }

  /** Gives a command; throws when it is refused, for tests that do not mean that. */
  run<N extends CommandName>(name: N, input: CommandInputs[N], by: Principal = 'user:admin'): CommandAnswer {
    const result = this.try(name, input, { by });
    if ('rejected' in result)
      throw new Error(`${name}: ${result.rejected.explain} ${JSON.stringify(result.rejected.findings ?? '')}`);
    return result;
  }

  try(
    name: string,
    input: unknown,
    {
      by = 'user:admin',
      id,
      dryRun = false,
      ...led
    }: { by?: Principal; id?: string; dryRun?: boolean; cause?: string; correlation?: string } = {},
  ): CommandAnswer | { readonly rejected: Rejection } {
    const request = { id: id ?? `cmd-${++this.#commands}`, name, input, by, ...led };
    const trial = new Overlay(this.view);
    const outcome = dispatch(request, trial, this.#tools());
    if ('rejected' in outcome) return outcome;
    if ('unchanged' in outcome) return { index: this.index, unchanged: true, dryRun, events: [] };
    const { entry, steps, blobs, changes } = outcome.prepared;
    const say = dryRun ? forecastFor : wordsFor;
    const events = steps.map((step) => ({ ...shown(step.event), words: say(step, trial) }));
    const changed = changes.length === 0 ? {} : { changes: [...changes] };
    if (dryRun) return { index: this.index, unchanged: false, dryRun: true, events, ...changed };
    for (const blob of blobs) this.#blobs.set(address(blob), blob);
    this.#append(steps.map(({ event }) => event));
    const { index } = this;
    this.#pump();
    const operation = entry.drafts.find(({ type }) => type === 'operation.started')?.stream;
    return { index, unchanged: false, dryRun: false, ...(operation === undefined ? {} : { operation }), events };
  }

  #tools() {
    return { now: this.now, head: this.index, address, content: (ref: string) => this.blob(ref) };
  }

  #append(events: readonly LabEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      const step = this.#folded.fold(event);
      this.#runner.observe(step);
      if (step.after) this.#look(step.after);
    }
    const changes: ViewChange[] = [];
    for (const [view, { put, deleted }] of this.#folded.takeChanges())
      changes.push({ view, put: [...put], del: [...deleted] });
    this.#tell(changes);
  }

  #tell(changes: readonly ViewChange[]): void {
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes, this.index);
  }

  /** Policies act until nothing follows any more. */
  #pump(): void {
    for (let round = 0; round < 100; round++) {
      let asked = 0;
      // One by one: each is proposed on the lab as the one before has left it.
      for (const request of this.#runner.requests(this.now)) {
        asked++;
        const outcome = dispatch(request, new Overlay(this.view), this.#tools());
        if ('prepared' in outcome) this.#append(outcome.prepared.steps.map(({ event }) => event));
      }
      if (asked === 0) return;
    }
    throw new Error('the policies never came to rest');
  }

  // ---- agents

  /** Nothing that nodes do comes to an end until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    for (const doing of this.#doing.values()) this.#go(doing);
  }

  /** The next work of this name ends badly. */
  failNext(work: WorkName, problem: Problem): void {
    this.#failures.set(work, problem);
  }

  #look(actor: ActorState): void {
    const before = this.#doing.get(actor.stream);
    const order = workOf(actor, this.view);
    if (before && before.order.visit !== order?.visit) {
      clearTimeout(before.timer);
      this.#doing.delete(actor.stream);
      this.#setWork(actor.stream, undefined);
    }
    if (!order || order.work === 'watch-instance' || this.#doing.has(actor.stream)) return;
    const doing: Doing = { order, timer: undefined, done: 0 };
    this.#doing.set(actor.stream, doing);
    if (this.workMs === 0) queueOrRun(() => this.#finish(doing));
    else this.#go(doing);
  }

  #go(doing: Doing): void {
    const { order } = doing;
    this.#setWork(order.subject, {
      work: order.work,
      subject: order.subject,
      node: order.node,
      app: 'app' in order.input ? order.input.app : null,
      correlation: order.correlation,
      state: 'working',
      attempt: 1,
      since: this.now,
      text: textOf(order),
      done: doing.done,
      total: parts,
    });
    if (this.#held) return;
    clearTimeout(doing.timer);
    doing.timer = setTimeout(() => {
      doing.done++;
      if (doing.done >= parts) this.#finish(doing);
      else this.#go(doing);
    }, this.workMs / parts);
  }

  #finish({ order: given }: Doing): void {
    const subject = this.view.get(given.subject);
    // As the lab has it by now: a set of snapshots has grown since its first one was asked for.
    const order = (subject && workOf(subject, this.view)) ?? given;
    this.#doing.delete(order.subject);
    this.#setWork(order.subject, undefined);
    const problem = this.#failures.get(order.work);
    if (problem) this.#failures.delete(order.work);
    const [name, input] = problem ? failure(order, problem) : success(order, this.view, this.now);
    this.try(name, input, { by: order.node as Principal, cause: order.cause, correlation: order.correlation });
  }

  #setWork(subject: string, row: WorkRow | undefined): void {
    if (row) this.#work.set(subject, row);
    else if (!this.#work.delete(subject)) return;
    this.#tell([{ view: 'work', put: row ? [[subject, row]] : [], del: row ? [] : [subject] }]);
  }

  /** Rows of apps that no history explains, to see a list of any length. */
  flood(count: number): void {
    const [, like] = this.rows('apps')[0] ?? [];
    const put = Array.from({ length: count }, (_, n) => {
      const id = `app:flood-${n}`;
      return [id, { ...like, id, name: `flood-${n}`, state: 'stopped', node: null }] as const;
    });
    this.#tell([{ view: 'apps', put, del: [] }]);
  }

  // ---- what is observed

  setUsage(key: string, row: Omit<UsageRow, 'at'>): void {
    const full = { at: this.now, ...row };
    this.#usage.set(key, full);
    this.#tell([{ view: 'usage', put: [[key, full]], del: [] }]);
  }

  log(app: string, ...lines: readonly LiveLogLine[]): void {
    this.#logs.set(app, [...(this.#logs.get(app) ?? []), ...lines]);
    for (const listener of this.#logListeners) listener(app, lines);
  }

  logLines(app: string): readonly LiveLogLine[] {
    return this.#logs.get(app) ?? [];
  }

  onLog(listener: (app: string, lines: readonly LiveLogLine[]) => void): () => void {
    this.#logListeners.add(listener);
    return () => this.#logListeners.delete(listener);
  }

  // ---- what is known

  rows(view: AnyView): readonly (readonly [string, object])[] {
    if (view === 'usage') return [...this.#usage];
    return view === 'work' ? [...this.#work] : this.#folded.rows(view);
  }

  rowsAt(view: ViewName, index: number): readonly (readonly [string, object])[] {
    return this.#foldedAt(index).rows(view);
  }

  /** The lab as it was. */
  viewAt(index: number): Lab {
    return this.#foldedAt(index).lab;
  }

  #foldedAt(index: number): Folded {
    const past = new Folded();
    for (const event of this.#events.slice(0, index)) {
      past.fold(event);
      past.takeChanges();
    }
    return past;
  }

  indexAt(time: number): number {
    return this.#events.findLast(({ at }) => at <= time)?.index ?? 0;
  }

  blob(ref: string): Uint8Array | undefined {
    return this.#blobs.get(ref);
  }

  onChange(listener: (changes: readonly ViewChange[], index: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  app(name: string): ActorState<'app'> {
    const app = this.view.byName('app', 'default', name);
    if (!app) throw new Error(`there is no app ${name}`);
    return app;
  }

  stop(): void {
    clearInterval(this.#deadlines);
    for (const { timer } of this.#doing.values()) clearTimeout(timer);
    this.#doing.clear();
  }
}

const address = (bytes: Uint8Array): string => bytesToHex(sha256(bytes));
const shown = ({ stream, type, data }: LabEvent) => ({ stream, type, data });

/** Outcomes must not come in the middle of the entry that asked for them. */
const pending: (() => void)[] = [];
let isDraining = false;
function queueOrRun(task: () => void): void {
  pending.push(task);
  if (isDraining) return;
  isDraining = true;
  queueMicrotask(drain);
}
function drain(): void {
  for (let task = pending.shift(); task; task = pending.shift()) task();
  isDraining = false;
}
/** While history is made nothing is asynchronous: call after every command. */
export const settle = drain;

function textOf(order: WorkOrder): string {
  switch (order.work) {
    case 'start-instance': {
      const [first] = Object.values(order.input.spec.services);
      return `pulling ${first?.image ?? 'images'}`;
    }
    case 'stop-instance':
      return 'stopping the containers';
    case 'create-dataset':
      return `making a dataset in pool ${order.input.pool}`;
    case 'take-snapshot':
      return 'snapshotting';
    case 'rollback-dataset':
      return `going back to ${order.input.to}`;
    default:
      return order.work.replaceAll('-', ' ');
  }
}

function success(order: WorkOrder, lab: Lab, now: number): [CommandName, unknown] {
  const { subject, visit } = order;
  const guid = address(new TextEncoder().encode(`${subject}${visit}`)).slice(0, 16);
  switch (order.work) {
    case 'adopt-dataset':
      return [
        'report-volume-provisioned',
        { volume: subject, visit, dataset: order.input.dataset, path: `/${order.input.native}` },
      ];
    case 'release-dataset':
      return ['report-volume-released', { volume: subject, visit }];
    case 'copy-dataset':
      return ['report-volume-copied', { volume: subject, visit }];
    case 'move-dataset':
      return ['report-volume-moved', { volume: subject, visit, path: `/pool/${order.input.to.dataset}/data` }];
    case 'demote-dataset':
      return [
        'report-volume-demoted',
        { volume: subject, visit, final: { name: order.input.final, guid, takenAt: now } },
      ];
    case 'seal-replica': {
      const final = lab.get(subject as `volume:${string}`)?.context.handover?.snapshot ?? 'snapshot:';
      return ['report-volume-sealed', { volume: subject, visit, newest: lab.get(final)?.context.guid ?? null }];
    }
    case 'promote-replica':
      return [
        'report-volume-handed-over',
        { volume: subject, visit, path: `/pool/${order.input.dataset}/data`, lacks: [] },
      ];
    case 'take-back-dataset':
      return ['report-volume-taken-back', { volume: subject, visit, path: `/pool/${order.input.dataset}/data` }];
    case 'create-dataset':
    case 'clone-dataset':
      return [
        'report-volume-provisioned',
        { volume: subject, visit, dataset: order.input.dataset, path: `/pool/${order.input.dataset}/data` },
      ];
    case 'rollback-dataset': {
      const problem = { code: 'CANCELED', message: 'The roll-back was canceled.' };
      if (order.input.isCanceled)
        return ['report-volume-rollback-failed', { volume: subject, visit, problem, isGone: false }];
      return [
        'report-volume-rolled-back',
        { volume: subject, visit, stash: { name: order.input.stash, guid, takenAt: now } },
      ];
    }
    case 'destroy-dataset':
      return ['report-volume-deleted', { volume: subject, visit }];
    case 'sync-replica':
      return ['report-replica-synced', { replica: subject, visit, bytes: 4096 }];
    case 'resync-replica':
      return ['report-replica-resynced', { replica: subject, visit, newest: null }];
    case 'remove-replica':
      return ['report-replica-removed', { replica: subject, visit }];
    case 'check-backup-target':
      return ['report-backup-target-checked', { target: subject, visit, repository: guid.repeat(2), backups: 0 }];
    case 'prune-backup-target':
      return [
        'report-backup-target-pruned',
        { target: subject, visit, deletedBytes: 0, rewrittenBytes: 0, waitingPacks: 0 },
      ];
    case 'write-backup': {
      const held = order.input.about.spec.sizeBytes;
      return [
        'report-backup-written',
        {
          ...{ backup: subject, visit, takenAt: order.input.snapshot.takenAt },
          ...{ sizeBytes: Math.round(held * 0.6), addedBytes: Math.round(held * 0.1) },
        },
      ];
    }
    case 'verify-backup':
      return ['report-backup-verified', { backup: subject, visit, readBytes: 4096 }];
    case 'test-restore':
      return [
        'report-restore-tested',
        { backup: subject, visit, files: 12, folders: 3, bytes: 4096, digest: guid.repeat(4) },
      ];
    case 'remove-backup':
      return ['report-backup-removed', { backup: subject, visit }];
    case 'take-snapshot': {
      const { snapshots, isSet } = order.input;
      const together = isSet ? { together: false } : {};
      return [
        'report-snapshots-taken',
        {
          node: order.node,
          snapshots: snapshots.map((one) => ({
            snapshot: one.snapshot,
            visit: one.visit,
            guid: address(new TextEncoder().encode(one.snapshot)).slice(0, 16),
            takenAt: now,
            ...together,
          })),
        },
      ];
    }
    case 'remove-snapshot':
      return ['report-snapshot-removed', { snapshot: subject, visit }];
    case 'start-instance': {
      const services = Object.fromEntries(
        Object.entries(order.input.spec.services).map(([name, { hasHealthcheck }]) => [
          name,
          {
            state: hasHealthcheck ? 'healthy' : 'running',
            container: address(new TextEncoder().encode(subject + name)),
            restarts: 0,
          },
        ]),
      );
      return ['report-instance-started', { instance: subject, visit, services }];
    }
    case 'halt-instance':
      return ['report-instance-halted', { instance: subject, visit }];
    case 'stop-instance':
      return ['report-instance-stopped', { instance: subject, visit }];
    case 'create-pool':
    case 'adopt-pool': {
      const names = order.work === 'create-pool' && 'devices' in order.input.on ? order.input.on.devices : [];
      return [
        'report-pool-opened',
        { pool: subject, visit, where: `/pool/${order.input.pool}`, status: wellPool(names) },
      ];
    }
    case 'release-pool':
      return ['report-pool-released', { pool: subject, visit }];
    case 'grow-pool':
    case 'add-pool-devices':
    case 'replace-pool-device':
    case 'clear-pool':
    case 'scrub-pool': {
      const { status, scrub } = lab.get(subject as `pool:${string}`)?.context ?? {};
      const now = order.work === 'clear-pool' && status ? { ...status, problems: [] } : status;
      return ['report-pool-changed', { pool: subject, visit, status: now, scrub }];
    }
    case 'restore-files':
      return [
        'report-transfer-finished',
        {
          transfer: subject,
          visit,
          files: 1,
          bytes: 10,
          written: order.input.paths.map((path) => ({ path, as: path })),
        },
      ];
    case 'export-files':
    case 'import-files':
      return ['report-transfer-finished', { transfer: subject, visit, bytes: 10 }];
    case 'cancel-transfer':
      return ['report-transfer-failed', { transfer: subject, visit, problem: canceled }];
    case 'watch-instance':
      throw new Error(`${lab.index}: watching never ends`);
  }
}

const wellPool = (devices: readonly string[]) => ({
  state: 'online',
  layout: 'mirror',
  sizeBytes: 400 * 2 ** 30,
  devices: devices.map((name) => ({ name, role: 'data', state: 'online' })),
  problems: [],
});

function failure(order: WorkOrder, problem: Problem): [CommandName, unknown] {
  const { subject, visit } = order;
  if (order.work.endsWith('-instance')) return ['report-instance-failed', { instance: subject, visit, problem }];
  if (order.work === 'resync-replica') return ['report-replica-resync-failed', { replica: subject, visit, problem }];
  if (order.work === 'sync-replica') return ['report-replica-sync-failed', { replica: subject, visit, problem }];
  if (order.work.includes('pool')) return ['report-pool-failed', { pool: subject, visit, problem }];
  if (order.work.endsWith('-snapshot')) return ['report-snapshot-failed', { snapshot: subject, visit, problem }];
  if (order.work === 'check-backup-target')
    return ['report-backup-target-check-failed', { target: subject, visit, problem }];
  if (order.work === 'prune-backup-target')
    return ['report-backup-target-prune-failed', { target: subject, visit, problem }];
  if (order.work === 'write-backup') return ['report-backup-failed', { backup: subject, visit, problem }];
  if (order.work === 'verify-backup')
    return problem.code === 'DAMAGED'
      ? ['report-backup-damaged', { backup: subject, visit, problem }]
      : ['report-backup-verify-failed', { backup: subject, visit, problem }];
  if (order.work.endsWith('-files')) return ['report-transfer-failed', { transfer: subject, visit, problem }];
  return ['report-volume-failed', { volume: subject, visit, problem }];
}
