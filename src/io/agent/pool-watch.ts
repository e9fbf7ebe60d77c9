/**
 * Looks at the pools of the node again and again, and says what is new: figures to whoever looks at them, changes of
 * their health to the lab. A disk that hangs holds up the look at its own pool and nothing else.
 */
import { isNews, isScrubNews } from '#actors/pool/news.ts';
import { poolStream } from '#actors/pool/stream.ts';
import type { Command } from '#actors/commands.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { PoolStatus } from '#events/pool.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import { asIoError, type IoError } from '../devices/error.ts';
import type { KnownPool } from '../devices/pools/node-pools.ts';
import type { PoolReport } from '../devices/pools/report.ts';
import { figuresOf, scrubOf, silentStatus } from '../devices/pools/status.ts';
import type { Random } from '../devices/random/port.ts';
import type { RunningLab } from '../lab/running.ts';
import type { PoolHealth } from './pool-health.ts';
import type { Ports } from './worker.ts';

const tickMs = 5000;
/** Between two looks at a pool of which nothing is expected; while something goes on, or somebody watches, it is less. */
const calmMs = 30_000;
const busyMs = 10_000;
/** How long one look may take. */
const lookMs = 20_000;
/** Disks are asked about themselves more rarely: that may cost them something. */
const smartMs = 1_800_000;
/** A pool that gave no answer once may be busy; one that gave none twice is in trouble. */
const silentLooks = 2;

export interface PoolWatchParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run' | 'observedRows'>;
  readonly ports: Pick<Ports, 'pools' | 'clock'>;
  readonly health: PoolHealth;
  readonly random: Random;
  readonly log: Logger;
}

interface Sight {
  isLooking: boolean;
  lookedAt: number;
  isBusy: boolean;
  failures: number;
  smartAt: number;
}

export class PoolWatch {
  readonly #parts: PoolWatchParts;
  readonly #sights = new Map<string, Sight>();
  readonly #stop = new AbortController();

  constructor(parts: PoolWatchParts) {
    this.#parts = parts;
  }

  /** Resolves when it was stopped. What a disk still owes an answer to is not waited for. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      this.#tick();
      await sleep(this.#parts.ports.clock, tickMs, signal);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  #tick(): void {
    const { node, lab, ports } = this.#parts;
    const pools = ports.pools.list();
    const now = ports.clock.monotonicMs();
    const isWatched = lab.observedRows.isWatched('pool-figures');
    for (const pool of pools) {
      const sight = this.#sightOf(pool.name);
      const dueMs = sight.isBusy || isWatched ? busyMs : calmMs;
      if (!sight.isLooking && now - sight.lookedAt >= dueMs) void this.#guarded(sight, () => this.#look(pool, sight));
    }
    const names = new Set(pools.map(({ name }) => name));
    for (const name of this.#sights.keys()) if (!names.has(name)) this.#forget(name);
    const absent = lab.view.referrers(node, 'pool').filter(({ context }) => !names.has(context.metadata.name));
    for (const { stream, context } of absent) {
      const isTold = context.status?.problems.some(({ code }) => code === 'pool-missing') ?? true;
      if (!isTold) void this.#say({ name: 'report-pool-absent', input: { pool: stream } });
    }
  }

  #sightOf(name: string): Sight {
    const known = this.#sights.get(name);
    if (known) return known;
    const never = Number.NEGATIVE_INFINITY;
    const sight = { isLooking: false, lookedAt: never, isBusy: false, failures: 0, smartAt: never };
    this.#sights.set(name, sight);
    return sight;
  }

  #forget(name: string): void {
    this.#sights.delete(name);
    this.#parts.health.forget(name);
    this.#parts.lab.observedRows.delete('pool-figures', this.#keyOf(name));
  }

  #keyOf(name: string): string {
    return `pool:${idOf(this.#parts.node)}/${name}`;
  }

  async #look(pool: KnownPool, sight: Sight): Promise<void> {
    const { ports, lab, node, health } = this.#parts;
    let report: PoolReport;
    try {
      report = await ports.pools.report(pool.name, this.#call());
      sight.failures = 0;
    } catch (thrown) {
      if (this.#stop.signal.aborted) return;
      return this.#miss(pool, sight, asIoError(thrown, 'look at the pool', pool.name));
    }
    const scan = report.scans.find(({ state }) => state === 'running');
    sight.isBusy = scan !== undefined;
    if (ports.clock.monotonicMs() - sight.smartAt >= smartMs) await this.#askDisks(report, sight);
    const at = ports.clock.now();
    const smart = health.smartOf(report.name);
    const figures = figuresOf(report, at);
    const devices = figures.devices.map((device) => {
      const { temperature, powerOnHours, wear } = smart.get(device.name)?.now ?? {};
      return {
        ...device,
        ...(temperature === undefined ? {} : { temperature }),
        ...(powerOnHours === undefined ? {} : { powerOnHours }),
        ...(wear === undefined ? {} : { wear }),
      };
    });
    lab.observedRows.put('pool-figures', this.#keyOf(pool.name), { ...figures, devices });
    const stream = poolStream(node, pool.name);
    const status = health.judge(report, lab.view.get(stream), at);
    await this.#tell(pool, status, report);
  }

  /** One that is not there is told at once; one that gives no answer gets another chance. */
  async #miss(pool: KnownPool, sight: Sight, error: IoError): Promise<void> {
    sight.failures++;
    if (error.code !== 'POOL_MISSING' && sight.failures < silentLooks) return;
    const last = this.#parts.lab.view.get(poolStream(this.#parts.node, pool.name))?.context.status ?? null;
    this.#parts.lab.observedRows.delete('pool-figures', this.#keyOf(pool.name));
    await this.#tell(pool, silentStatus(last, error, pool.name), undefined);
  }

  async #askDisks(report: PoolReport, sight: Sight): Promise<void> {
    const { ports, health, lab, node } = this.#parts;
    sight.smartAt = ports.clock.monotonicMs();
    // It has to be known before anything is noted of its disks.
    health.judge(report, lab.view.get(poolStream(node, report.name)), ports.clock.now());
    try {
      health.noteSmart(report.name, await ports.pools.smart(report, this.#call()));
    } catch (error) {
      this.#parts.log.debug({ error: String(error), pool: report.name }, 'asking disks about themselves failed');
    }
  }

  async #tell(pool: KnownPool, status: PoolStatus, report: PoolReport | undefined): Promise<void> {
    const { lab, node, ports } = this.#parts;
    // It was let go while it was looked at: the lab has forgotten it, and must not find it again.
    if (!ports.pools.list().some(({ name }) => name === pool.name)) return;
    const stream = poolStream(node, pool.name);
    const known = lab.view.get(stream);
    const scrub = report ? scrubOf(report) : null;
    const { driver, origin, where } = pool;
    const isNew =
      known === undefined ||
      known.context.where !== where ||
      isNews(known.context.status, status) ||
      isScrubNews(known.context.scrub, scrub);
    if (isNew) await this.#say({ name: 'report-pool', input: { pool: stream, driver, origin, where, status, scrub } });
  }

  async #say({ name, input }: Command): Promise<void> {
    const { lab, node, random, log } = this.#parts;
    try {
      const by = node as `node:${string}`;
      const result = await lab.run({ id: random.id(), name, input, by }, this.#stop.signal);
      if ('rejected' in result) log.debug({ explain: result.rejected.explain, name }, 'a look at a pool was not taken');
    } catch (error) {
      // A lab that cannot decide now hears it at the next look.
      if (!this.#stop.signal.aborted) log.debug({ error: String(error), name }, 'a look at a pool was not told');
    }
  }

  async #guarded(sight: Sight, look: () => Promise<void>): Promise<void> {
    sight.isLooking = true;
    try {
      await look();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#parts.log.warn({ error: String(error) }, 'looking at a pool failed');
    } finally {
      sight.isLooking = false;
      sight.lookedAt = this.#parts.ports.clock.monotonicMs();
    }
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs: lookMs, progress: () => {} };
  }
}
