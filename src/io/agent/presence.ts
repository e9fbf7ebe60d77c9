/**
 * The node as such: joins the lab, keeps its facts current, gives its heartbeat, and shows how it does. Facts become
 * events when they change; figures never do, and the dear ones are taken often only while somebody looks.
 */
import type { NodeFacts } from '#events/node.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import type { Leader } from '../lab/leader.ts';
import type { RunningLab } from '../lab/running.ts';
import type { PoolInfo } from '../devices/volumes/port.ts';
import { findContainers } from './containers/find.ts';
import { label } from './containers/labels.ts';
import type { Ports } from './worker.ts';

const heartbeatMs = 5000;
const factsMs = 60_000;
const watchedUsageMs = 5000;
const unwatchedUsageMs = 60_000;

export interface PresenceParts {
  readonly node: StreamId<'node'>;
  readonly name: string;
  readonly version: string;
  readonly lab: RunningLab;
  readonly leader: Leader;
  readonly ports: Ports;
  readonly random: Random;
  readonly log: Logger;
}

export class Presence {
  readonly #parts: PresenceParts;
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: PresenceParts) {
    this.#parts = parts;
  }

  /** Resolves when the node is part of the lab. */
  async start(): Promise<void> {
    const { node, name, lab, ports, random } = this.#parts;
    const facts = await this.#facts();
    const { addresses } = await ports.host.facts(this.#call());
    const by = node as `node:${string}`;
    const joined = await lab.run(
      { id: random.id(), name: 'join-node', input: { node, name, addresses: [...addresses], facts }, by },
      this.#stop.signal,
    );
    if ('rejected' in joined) throw new Error(`${joined.rejected.explain} ${joined.rejected.hint ?? ''}`);
    await this.#reportFacts(facts, addresses);
    this.#beat();
    this.#running = Promise.all([
      this.#every(heartbeatMs, () => this.#beat()),
      this.#every(factsMs, async () =>
        this.#reportFacts(await this.#facts(), (await ports.host.facts(this.#call())).addresses),
      ),
      this.#everyUsage(),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs: 15_000, progress: () => {} };
  }

  #beat(): void {
    this.#parts.leader.note('heartbeat', this.#parts.node, {});
  }

  async #facts(): Promise<NodeFacts> {
    const { ports, version } = this.#parts;
    const host = await ports.host.facts(this.#call());
    // What does not answer is left out: the node then takes no work that needs it.
    const engine = await ports.docker.info(this.#call()).catch(() => null);
    const pools = await ports.volumes.pools(this.#call()).catch((): readonly PoolInfo[] => []);
    return {
      architecture: host.architecture,
      cpus: host.cpus,
      memoryBytes: host.memoryBytes,
      os: host.os,
      kernel: host.kernel,
      engine: engine && { name: engine.name, version: engine.version },
      pools: pools
        .filter(({ state }) => state !== 'unavailable')
        .map(({ name, driver, sizeBytes }) => ({ name, driver, sizeBytes })),
      version,
    };
  }

  async #reportFacts(facts: NodeFacts, addresses: readonly string[]): Promise<void> {
    const { node, lab, random } = this.#parts;
    const input = { node, addresses: [...addresses], facts };
    await lab.run({ id: random.id(), name: 'report-node', input, by: node as `node:${string}` }, this.#stop.signal);
  }

  async #every(periodMs: number, act: () => unknown): Promise<void> {
    const { clock } = this.#parts.ports;
    for (;;) {
      await sleep(clock, periodMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      await this.#guarded(act);
    }
  }

  async #everyUsage(): Promise<void> {
    const { lab, ports } = this.#parts;
    let sampledAt = Number.NEGATIVE_INFINITY;
    await this.#every(watchedUsageMs, async () => {
      const dueMs = lab.observedRows.isWatched('usage') ? watchedUsageMs : unwatchedUsageMs;
      if (ports.clock.monotonicMs() - sampledAt < dueMs) return;
      sampledAt = ports.clock.monotonicMs();
      await this.#sample();
    });
  }

  async #sample(): Promise<void> {
    const { node, lab, ports } = this.#parts;
    const at = ports.clock.now();
    const show = (key: string, row: object): void => lab.observedRows.put('usage', key, { at, ...row });
    const usage = await ports.host.usage(this.#call());
    const { memoryBytes } = await ports.host.facts(this.#call());
    show(node, {
      cpu: usage.cpu,
      memoryBytes: usage.memoryUsedBytes,
      memoryTotalBytes: memoryBytes,
      load1: usage.load1,
    });
    for (const pool of await ports.volumes.pools(this.#call())) {
      show(`pool:${idOf(node)}/${pool.name}`, { usedBytes: pool.usedBytes, sizeBytes: pool.sizeBytes });
    }
    for (const { stream, context } of lab.view.referrers(node, 'volume')) {
      if (context.pool === null || context.dataset === null) continue;
      const info = await ports.volumes.inspect({ pool: context.pool, name: context.dataset }, this.#call());
      if (info)
        show(stream, {
          usedBytes: info.usedBytes,
          ...(info.sizeBytes === undefined ? {} : { sizeBytes: info.sizeBytes }),
        });
    }
    if (!lab.observedRows.isWatched('usage')) return;
    for (const instance of lab.view.referrers(node, 'instance')) {
      const containers = await findContainers(ports.docker, { [label.instance]: idOf(instance.stream) }, this.#call());
      for (const { id, labels, state } of containers) {
        if (state !== 'running') continue;
        const stats = await ports.docker.stats(id, this.#call());
        show(`service:${idOf(instance.context.app)}/${labels[label.service] ?? ''}`, {
          cpu: stats.cpuCores,
          memoryBytes: stats.memoryBytes,
          memoryTotalBytes: stats.memoryLimitBytes,
        });
      }
    }
  }

  /** A device that fails now is asked again next time; its failure shows where it matters. */
  async #guarded(act: () => unknown): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#parts.log.debug({ error: String(error) }, 'observation failed');
    }
  }
}
