/**
 * The node as such: joins the lab, keeps its facts current, gives its heartbeat, and shows how it does. Facts become
 * events when they change; figures never do, and the dear ones are taken often only while somebody looks.
 */
import { isAway } from '#actors/node/known.ts';
import type { NodeFacts } from '#events/node.ts';
import type { NodeRole } from '#events/values/peer.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import type { RunningLab } from '../lab/running.ts';
import { LogError } from '../log/port.ts';
import { factsOf } from './facts.ts';
import { findContainers } from './containers/find.ts';
import { label } from './containers/labels.ts';
import type { Ports } from './worker.ts';

const heartbeatMs = 5000;
const factsMs = 60_000;
const arriveAgainMs = 1000;
const watchedUsageMs = 5000;
const unwatchedUsageMs = 60_000;

export interface PresenceParts {
  readonly node: StreamId<'node'>;
  readonly name: string;
  readonly version: string;
  readonly lab: Pick<RunningLab, 'view' | 'run' | 'note' | 'observedRows'>;
  readonly ports: Pick<Ports, 'host' | 'docker' | 'volumes' | 'clock'>;
  readonly random: Random;
  readonly log: Logger;
  /** How other nodes know and reach it; undefined where there are none. */
  readonly link?: NodeLink;
}

export interface NodeLink {
  /** SHA-256 of its public key, hex. */
  readonly keySha256: string;
  readonly incarnation: string;
  readonly port: number;
  /** Instead of those of the machine. */
  readonly addresses: readonly string[];
  readonly role: NodeRole;
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
    const { ports } = this.#parts;
    let isReported = await this.#arrive();
    this.#beat();
    let reportedAt = ports.clock.monotonicMs();
    let reportedPools = this.#pools();
    this.#running = Promise.all([
      this.#every(heartbeatMs, async () => {
        this.#beat();
        // Whoever is taken for dead and is not says so at once.
        const known = this.#parts.lab.view.get(this.#parts.node);
        const isTakenForDead = known !== undefined && isAway(known);
        // What became of its pools is what volumes wait for.
        const pools = this.#pools();
        const isDue = ports.clock.monotonicMs() - reportedAt >= factsMs || pools !== reportedPools;
        if (isReported && !isTakenForDead && !isDue) return;
        reportedAt = ports.clock.monotonicMs();
        reportedPools = pools;
        await this.#report();
        isReported = true;
      }),
      this.#everyUsage(),
    ]);
  }

  /** @returns whether the lab knows it as it is, and not only that it is there */
  async #arrive(): Promise<boolean> {
    const { node, lab, ports, log } = this.#parts;
    for (;;) {
      try {
        return await this.#introduce();
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        // A lab that has no leader at the moment knows this node all the same: it says that it is there when it can.
        if (lab.view.get(node)) return false;
        if (!isPassing(error)) throw error;
        // It was let in a moment ago, and what the lab is comes to it as soon as a majority is there.
        log.warn({ error: String(error) }, 'waiting for the other nodes of the lab');
        await sleep(ports.clock, arriveAgainMs, this.#stop.signal);
        this.#stop.signal.throwIfAborted();
      }
    }
  }

  /** @returns true: the lab knows it as it is. @throws LogError when the lab cannot decide now */
  async #introduce(): Promise<true> {
    const { node, name, lab, random, link } = this.#parts;
    const facts = await this.#facts();
    const identity = link && {
      keySha256: link.keySha256,
      incarnation: link.incarnation,
      port: link.port,
      role: link.role,
    };
    const input = { node, name, addresses: await this.#addresses(), facts, ...identity };
    const by = node as `node:${string}`;
    // Without `since`: a node that has just come, or was away for long, knows an old lab. What it says of itself is true
    // whenever it is said, and twice is as good as once.
    const joined = await lab.run({ id: random.id(), name: 'join-node', input, by }, this.#stop.signal);
    if ('rejected' in joined) throw new Error(`${joined.rejected.explain} ${joined.rejected.hint ?? ''}`);
    await this.#report();
    return true;
  }

  async #addresses(): Promise<string[]> {
    const { link, ports } = this.#parts;
    if (link && link.addresses.length > 0) return [...link.addresses];
    return [...(await ports.host.facts(this.#call())).addresses];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #call(): Call {
    return { signal: this.#stop.signal, timeoutMs: 15_000, progress: () => {} };
  }

  /** Which it has, and how they are, by what the lab knows; one that was forgotten and is back is another one. */
  #pools(): string {
    const pools = this.#parts.lab.view.referrers(this.#parts.node, 'pool');
    return pools.map(({ stream, state, context }) => `${stream} ${context.epoch} ${state}`).join();
  }

  #beat(): void {
    this.#parts.lab.note('heartbeat', this.#parts.node, {});
  }

  #facts(): Promise<NodeFacts> {
    return factsOf(this.#parts.ports, this.#parts.version, this.#call());
  }

  async #report(): Promise<void> {
    const { node, lab, random, link } = this.#parts;
    const port = link && { port: link.port };
    const input = { node, addresses: await this.#addresses(), facts: await this.#facts(), ...port };
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

const isPassing = ({ code }: LogError): boolean => ['NO_QUORUM', 'NOT_LEADER', 'UNKNOWN'].includes(code);
