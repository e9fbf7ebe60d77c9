/**
 * Two real daemons joined over TLS on loopback, each with a pool of its own, and what a person asks of them. A third one
 * only votes with them: so each command, and each lease, takes heartbeats over links.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { startOwnEngine, stopOwnEngine } from '#io/daemon/engine.ts';
import type { Page } from '#io/contract/routes.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { OperationRow } from '#projections/operations.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import type { Api } from '#test/reality/api.ts';
import { LightNode } from '#test/reality/light.ts';
import { atEnd } from '../program.ts';
import type { Ends } from './ends.ts';

const hourMs = 3_600_000;

/** An engine that both nodes use: nothing runs on it. @returns its socket */
export async function benchEngine(): Promise<string> {
  const dataDir = await mkdtemp('/var/tmp/floatlab-bench-engine-');
  atEnd(async () => {
    await stopOwnEngine({ dataDir, remove: true });
    await rm(dataDir, { recursive: true, force: true });
  });
  return (await startOwnEngine({ dataDir, log: { info() {}, warn() {} }, isolated: true })).socketPath;
}

export class PairLab {
  readonly from: LightNode;
  readonly to: LightNode;
  readonly #witness: LightNode;
  readonly #ends: Ends;
  #api: Api | undefined;

  private constructor(ends: Ends, from: LightNode, to: LightNode, witness: LightNode) {
    this.#ends = ends;
    this.from = from;
    this.to = to;
    this.#witness = witness;
  }

  /** @param nodeArgs for both daemons, such as `--cpu-prof` */
  static async start(ends: Ends, engine: string, nodeArgs: readonly string[]): Promise<PairLab> {
    const node = (name: string): Promise<LightNode> => LightNode.make(name);
    const lab = new PairLab(ends, ...(await Promise.all([node('from'), node('to'), node('witness')])));
    atEnd(() => lab.stop());
    for (const [at, one] of [lab.from, lab.to].entries()) {
      one.mountsOf = ends.mountsOf;
      one.nodeArgs = nodeArgs;
      const socket = ends.mountsOf === undefined ? engine : `/proc/${process.pid}/root${engine}`;
      one.settings = ['--engine', socket, '--pool', `${one.name}=${ends.pools[at] ?? ''}`];
    }
    await lab.from.start();
    lab.#api = await lab.from.api();
    for (const one of [lab.to, lab.#witness]) await one.start(['--join', (await lab.#api.joinToken()).token]);
    await lab.#until('all vote', 90_000, async () => {
      const { members } = await lab.ask('GET', 'cluster/status');
      return (members as { votes: string }[]).filter(({ votes }) => votes === 'voter').length === 3;
    });
    return lab;
  }

  async stop(): Promise<void> {
    for (const node of [this.#witness, this.to, this.from]) {
      // In order, so that a profile is written.
      await node.end('SIGTERM');
      await node[Symbol.asyncDispose]();
    }
  }

  async ask<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    if (!this.#api) throw new Error('the lab has not started');
    return this.#api.ask<T>(`/api/v1/${path}`, { method, ...(body === undefined ? {} : { body }), withinMs: hourMs });
  }

  /** Asks for it, and waits until the operation has ended. @returns how long all of that took */
  async done(method: string, path: string, body: unknown = {}): Promise<number> {
    const began = performance.now();
    const { operation } = await this.ask<{ operation?: string | null }>(method, path, body);
    if (typeof operation !== 'string') throw new Error(`${path} is no operation`);
    for (;;) {
      const id = operation.replace('operation:', '');
      const row = await this.ask<OperationRow>('GET', `operations/${id}/wait?timeout=300`);
      if (row.state === 'succeeded') return performance.now() - began;
      if (row.state === 'failed') throw new Error(`${path}: ${JSON.stringify(row)}`);
    }
  }

  volume(name: string): Promise<VolumeRow> {
    return this.ask('GET', `volumes/default/${name}`);
  }

  /** Empty, on the node that sends. Its snapshots are taken and sent when they are asked for. @returns where a process here sees its files */
  async create(name: string, sizeBytes: number): Promise<string> {
    await this.done('POST', 'volumes', { name, spec: { sizeBytes, constraints: { pool: 'from' } } });
    return this.#ends.seen((await this.volume(name)).path ?? '');
  }

  /** Everything, to the other node. @returns ms from the request to the committed fact, by the lab's own time */
  async replicate(volume: string): Promise<number> {
    const after = await this.#index();
    await this.ask('POST', `volumes/default/${volume}/replicas`, { node: 'to' });
    await this.holds(volume);
    const events = await this.events(after);
    const at = (type: string): number => events.findLast((event) => event.type === type)?.at ?? Number.NaN;
    return at('replica.synced') - at('replica.requested');
  }

  /** Waits until the replica has what the volume has. */
  async holds(volume: string, everyMs = 250): Promise<void> {
    await this.#until(
      `${volume} is there`,
      hourMs,
      async () => {
        const row = await this.#replica(volume);
        if (row?.problem) throw new Error(`${row.problem.code}: ${row.problem.message}`);
        return row?.state === 'idle' && row.holds !== null;
      },
      everyMs,
    );
  }

  async #replica(volume: string): Promise<ReplicaRow | undefined> {
    const { items } = await this.ask<Page<ReplicaRow>>('GET', `replicas?volume=${volume}`);
    return items[0];
  }

  /** @returns ms until the committed fact */
  syncNow(volume: string): Promise<number> {
    return this.done('POST', `replicas/default/${volume}-on-to/sync`);
  }

  async drop(volume: string): Promise<void> {
    await this.done('DELETE', `replicas/default/${volume}-on-to`);
  }

  async snapshot(volume: string, as: string): Promise<void> {
    await this.done('POST', `volumes/default/${volume}/snapshots`, { as });
  }

  async events(after: number): Promise<readonly ActivityRow[]> {
    return (await this.ask<Page<ActivityRow>>('GET', `events?after=${after}&limit=1000`)).items;
  }

  async #index(): Promise<number> {
    return (await this.ask<{ index: number }>('GET', 'cluster/status')).index;
  }

  /** Of the last event. */
  get index(): Promise<number> {
    return this.#index();
  }

  async #until(what: string, withinMs: number, is: () => Promise<boolean>, everyMs = 100): Promise<void> {
    const end = performance.now() + withinMs;
    while (!(await is())) {
      if (performance.now() > end) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
      await delay(everyMs);
    }
  }
}
