/**
 * Two simulated machines of a lab, each with a daemon of its own, of which one dies while the other lives on: the real
 * decisions, workers and ports, over links that end with the daemon at their other end. The lab itself outlives both, as
 * it does where the voters are elsewhere.
 *
 * After each millisecond the oracle looks at simulated bytes: the volume has all that was written and each snapshot of
 * it, and the replica is one snapshot of its volume, whole.
 */
import { expect } from 'vitest';
import { workOf } from '#actors/registry.ts';
import type { WorkOrder } from '#actors/work.ts';
import { idOf, type Principal } from '#events/envelope.ts';
import { replicaSource } from '#io/agent/replica-source.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { failureOf, workerOf } from '#io/agent/workers.ts';
import { asIoError } from '#io/devices/error.ts';
import type { Epoch, ReplicationPort } from '#io/devices/replication/port.ts';
import { seededRandom, type SeededRandom } from '#io/devices/random/sim.ts';
import { simVolumes, type SimVolumes } from '#io/devices/volumes/sim.ts';
import { remoteStreams } from '#io/lab/remote-streams.ts';
import { Gate } from '#io/world/gate.ts';
import { worldReplication } from '#io/world/replication.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { TestLab } from '#test/actors/test-lab.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

export type Driver = 'btrfs' | 'zfs' | 'dir';
type EndName = 'source' | 'target';

const MiB = 2 ** 20;
const quiet = { timeoutMs: 120_000, progress: () => {}, fence: () => {}, caughtUp: async () => {} };
const text = (files: ReadonlyMap<string, string>): string =>
  JSON.stringify([...files].toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** A machine whose disks outlive its daemon. */
class End {
  readonly volumes: SimVolumes;
  ports: Ports | undefined;
  replication: ReplicationPort | undefined;
  #gate = new Gate();
  #others: MemoryOthers | undefined;
  #life = new AbortController();
  /** Visits at which somebody is at work. */
  readonly #busy = new Set<string>();
  /** When the last attempt for a subject has ended, with all that came after its outcome. */
  readonly #ended = new Map<string, Promise<void>>();
  readonly name: EndName;
  readonly #it: Pair;
  readonly #random: SeededRandom;

  constructor(it: Pair, name: EndName, driver: Driver, seed: number) {
    this.#it = it;
    this.name = name;
    this.#random = seededRandom(seed);
    const pools = [{ name, sizeBytes: 256 * MiB, driver }];
    this.volumes = simVolumes({ clock: it.clock, random: this.#random, pools });
  }

  start(): void {
    const { lab, network, cuts } = this.#it;
    const gate = new Gate();
    const clock = gate.clock(this.#it.clock);
    const seen = { clock, random: this.#random, volumes: gate.through(this.volumes) };
    const own = worldReplication(seen);
    const replication = gate.through(own);
    const others = new MemoryOthers(this.name, network, (from, to) => cuts.has(`${from}>${to}`));
    const local = replicaSource(lab.lab, (node) => (idOf(node) === this.name ? replication : undefined), clock);
    const sources = remoteStreams({ local, lab: lab.lab, others, clock });
    const volumes = gate.through(own.guard(this.volumes));
    this.#gate = gate;
    this.#others = others;
    this.#life = new AbortController();
    this.#busy.clear();
    this.#ended.clear();
    this.replication = replication;
    this.ports = { volumes, replication, sources, clock } as unknown as Ports;
  }

  /** It is killed: nothing that it has in hand goes on, and its links end. */
  die(): void {
    this.ports = undefined;
    this.#gate.close();
    this.#others?.goes();
  }

  /** Begins what the lab asks of it and is not under way yet. */
  work(): void {
    const { lab } = this.#it;
    const { ports } = this;
    if (!ports) return;
    const life = this.#life;
    const actors = (['volume', 'snapshot', 'replica'] as const).flatMap((kind) => lab.lab.list(kind));
    for (const order of actors.flatMap((actor) => workOf(actor, lab.lab) ?? [])) {
      const visit = `${order.subject} ${order.visit}`;
      if (idOf(order.node) !== this.name || this.#busy.has(visit)) continue;
      this.#busy.add(visit);
      const ended = (this.#ended.get(order.subject) ?? Promise.resolve()).then(() =>
        this.#attempt(order, ports, life.signal),
      );
      this.#ended.set(order.subject, ended);
    }
  }

  async #attempt(order: WorkOrder, ports: Ports, signal: AbortSignal): Promise<void> {
    const { lab } = this.#it;
    const tails: ((signal: AbortSignal) => Promise<void>)[] = [];
    const run = { ...quiet, signal, afterwards: (tail: (typeof tails)[number]) => tails.push(tail) };
    let outcome;
    try {
      outcome = await workerOf(order)(ports, run as unknown as Run);
    } catch (thrown) {
      outcome = failureOf(order, asIoError(thrown, order.work, order.subject));
    }
    // What a dead daemon has to say nobody hears.
    if (this.ports === ports && outcome) lab.must(outcome.name, outcome.input as never, order.node as Principal);
    await Promise.allSettled(tails.map((tail) => tail(signal)));
  }
}

export class Pair {
  readonly clock = new VirtualClock(Date.UTC(2026, 0, 1));
  readonly lab = new TestLab('pair');
  readonly network = new Map<string, MemoryOthers>();
  readonly cuts = new Set<string>();
  readonly ends: Readonly<Record<EndName, End>>;
  /** Content of each snapshot that the volume ever had, by its guid there. */
  readonly #taken = new Map<string, string>();
  #kept = 0;

  constructor(seed: number, from: Driver, to: Driver) {
    this.ends = { source: new End(this, 'source', from, seed), target: new End(this, 'target', to, seed + 1000) };
    this.lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    for (const [name, driver] of [
      ['source', from],
      ['target', to],
    ] as const) {
      this.lab.join(name, 0, [{ name, driver, sizeBytes: 2 ** 40 }]);
      this.ends[name].start();
    }
  }

  get volume() {
    return this.lab.lab.get(this.lab.volume('data'));
  }
  get replica() {
    return this.lab.lab.list('replica')[0];
  }
  get files(): Map<string, string> {
    return this.ends.source.volumes.filesAt(this.volume?.context.path ?? '') ?? new Map<string, string>();
  }
  /** What the lab was told of failures, the oldest first. */
  get problems(): readonly { readonly code: string; readonly message: string }[] {
    return this.lab.events.flatMap((event) => (event.type === 'replica.sync-failed' ? [event.data.problem] : []));
  }

  async tick(ms = 1): Promise<void> {
    for (let n = 0; n < ms; n++) {
      for (const end of Object.values(this.ends)) end.work();
      await this.clock.run(1);
      this.lab.now = Math.max(this.lab.now, this.clock.now());
      this.check();
    }
  }

  async until(what: string, is: () => boolean): Promise<void> {
    for (let n = 0; n < 20_000 && !is(); n++) await this.tick();
    expect(is(), `${what}; ${this.replica?.state} ${JSON.stringify(this.problems)}`).toBe(true);
  }

  /** A volume, and its replica. */
  async begin(): Promise<void> {
    this.lab.must('create-volume', { name: 'data', spec: { sizeBytes: 64 * MiB } });
    const place = { volume: this.lab.volume('data'), node: 'node:source', pool: 'source' } as const;
    this.lab.must('place-volume', place, 'policy:placement');
    await this.until('the volume is ready', () => this.volume?.state === 'ready');
  }

  async snapshot(name: string): Promise<void> {
    this.files.set('page', name).set(`only in ${name}`, name.repeat(100));
    this.lab.now += 60_000;
    this.lab.must('take-snapshot', { name: 'data', as: name });
    const isTaken = () => this.lab.lab.get(this.lab.snapshot('data', name))?.state === 'available';
    await this.until(`${name} is taken`, isTaken);
  }

  /** As the policy does: on to the newest one, again after a failure that may pass. */
  ask(): void {
    const { replica } = this;
    if (replica?.state !== 'idle') return;
    this.lab.must('sync-replica', { name: replica.context.metadata.name });
  }

  async holds(name: string): Promise<void> {
    const is = () => this.replica?.state === 'idle' && this.replica.context.cursor?.name === name;
    for (let n = 0; n < 50 && !is(); n++) {
      this.ask();
      await this.until('the attempt has ended', () => this.replica?.state !== 'syncing');
    }
    expect(is(), `${name}; ${this.replica?.state} ${JSON.stringify(this.problems)}`).toBe(true);
  }

  /** What the target has of the replica: natively, or file by file. */
  get held() {
    const { pool, dataset } = this.replica?.context ?? { pool: '', dataset: '' };
    const inside = this.ends.target.volumes.inside.get(pool);
    const native = inside?.replicas.get(dataset);
    return native ? { tree: native.tree, snapshots: native.snapshots } : inside?.datasets.get(dataset);
  }

  /** Names of those that the replica has, the oldest first. */
  get heldNames(): readonly string[] {
    return this.#counted.map(({ info }) => info.name);
  }

  /** Where files were left half changed there is one of these as well, which counts for nothing. */
  get #counted() {
    return (this.held?.snapshots ?? []).filter(({ info }) => !info.name.startsWith('given-up-'));
  }

  check(): void {
    const { pool = '', dataset = '' } = this.volume?.context ?? {};
    const original = this.ends.source.volumes.inside.get(pool ?? '')?.datasets.get(dataset ?? '');
    for (const { info, files } of original?.snapshots ?? []) {
      // A snapshot never changes.
      expect(this.#taken.get(info.name) ?? text(files)).toBe(text(files));
      this.#taken.set(info.name, text(files));
    }
    for (const { info, files } of this.#counted)
      expect([info.name, text(files)]).toEqual([info.name, this.#taken.get(info.name)]);
    // What it has once stays, whoever dies.
    const kept = this.#counted.length;
    expect(kept).toBeGreaterThanOrEqual(this.#kept);
    this.#kept = kept;
  }

  async seal(epoch: Epoch): Promise<void> {
    const { pool, dataset } = this.replica?.context ?? { pool: '', dataset: '' };
    const call = { signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} };
    let isDone = false;
    void this.ends.target.replication?.seal({ pool, name: dataset }, epoch, call).finally(() => (isDone = true));
    await this.until('it is sealed', () => isDone);
  }

  /** Guids that the source keeps for somebody. */
  async kept(): Promise<readonly string[]> {
    const { pool = '', dataset = '' } = this.volume?.context ?? {};
    const call = { signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} };
    let names: readonly string[] | undefined;
    const of = { pool: pool ?? '', name: dataset ?? '' };
    void this.ends.source.replication?.bases(of, call).then((bases) => {
      names = (bases?.all ?? []).flatMap(({ kind, name, peers }) =>
        kind === 'snapshot' && peers.length > 0 ? [name] : [],
      );
    });
    await this.until('it answers', () => names !== undefined);
    return names ?? [];
  }
}
