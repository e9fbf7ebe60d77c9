/**
 * Wires a lab together from its parts: the same for a real node, for a simulated lab that a person looks at, and for
 * the simulation in the tests. What it is given decides what is real.
 */
import type { Logger } from 'pino';
import { streamOf, type StreamId } from '#events/envelope.ts';
import { Agent } from '../agent/agent.ts';
import { appContainers } from '../agent/app-containers.ts';
import { Presence } from '../agent/presence.ts';
import type { Ports } from '../agent/worker.ts';
import type { Random } from '../devices/random/port.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { AppContainers } from '../lab/port.ts';
import type { Leader } from '../lab/leader.ts';
import { RunningLab } from '../lab/running.ts';
import { StateDatabase } from '../lab/state.ts';
import { openSingleLog } from '../log/single/open.ts';
import type { Watermark } from '../log/single/watermark.ts';
import type { BlobStore } from '../stores/blobs.ts';
import type { Store } from '../stores/port.ts';

export interface NodeParts {
  readonly id: string;
  readonly name: string;
  readonly ports: Omit<Ports, 'blobs' | 'clock'>;
}

/** What a lab is read from. */
export interface LabStores {
  readonly logStore: Store;
  readonly watermark: Watermark;
  readonly stateStore: Store;
  /** Changes whenever the machine starts. */
  readonly bootId: string;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Nothing can be trusted any more: end the process. */
  onBroken(error: unknown): void;
}

export interface LabWiring extends LabStores {
  readonly version: string;
  /** Name and time zone of the lab, for its first start. */
  readonly labName: string;
  readonly timeZone: string;
  readonly nodes: readonly NodeParts[];
}

/** What of a node runs here: its presence and its agent. */
export interface NodeRun {
  /** As its daemon does when its machine starts. */
  start(): Promise<void>;
  /** It falls silent; its apps go on. Of one that is stopped: done. */
  stop(): Promise<void>;
}

export interface WiredLab {
  readonly lab: RunningLab;
  readonly containers: AppContainers;
  /** By name. */
  readonly nodes: ReadonlyMap<string, NodeRun>;
  /** Whether this start created the lab. */
  readonly isNew: boolean;
  /** Stops in order; apps go on. */
  stop(): Promise<void>;
}

export async function wireLab(wiring: LabWiring): Promise<WiredLab> {
  const { log } = wiring;
  const [first] = wiring.nodes;
  const { lab, stops } = await opened({ ...wiring, ...(first ? { node: first.id } : {}) });
  const isNew = lab.index === 0;
  try {
    if (isNew) await createLab(lab, wiring);
    const leader = lab.lead();
    const dockers = new Map<StreamId<'node'>, Ports['docker']>();
    const nodes = new Map<string, NodeRun>();
    for (const parts of wiring.nodes) {
      dockers.set(streamOf('node', parts.id), parts.ports.docker);
      const node = nodeRun(parts, lab, leader, wiring);
      nodes.set(parts.name, node);
      stops.push(() => node.stop());
      await node.start();
    }
    return {
      lab,
      containers: appContainers(lab.view, (node) => dockers.get(node)),
      nodes,
      isNew,
      stop: () => stopAll(stops, log),
    };
  } catch (error) {
    await stopAll(stops, log);
    throw error;
  }
}

/** The lab as it is in its stores: it decides nothing, and no node runs. */
export async function openLab(
  stores: LabStores & { readonly node: string },
): Promise<{ readonly lab: RunningLab; stop(): Promise<void> }> {
  const { lab, stops } = await opened(stores);
  return { lab, stop: () => stopAll(stops, stores.log) };
}

async function opened(stores: LabStores & { readonly node?: string }) {
  const { clock, random, log } = stores;
  const state = new StateDatabase(stores.stateStore, stores.bootId);
  const folded = await state.load();
  const eventLog = await openSingleLog({
    store: stores.logStore,
    watermark: stores.watermark,
    heads: folded.lab.versions(),
    headsAt: folded.lab.index,
    clock,
    random,
    ...(stores.node === undefined ? {} : { node: stores.node }),
    onBroken: (error) => stores.onBroken(error),
  });
  const lab = await RunningLab.open({
    eventLog,
    state,
    folded,
    blobs: stores.blobs,
    clock,
    random,
    log,
    onBroken: stores.onBroken,
  });
  const stops: (() => Promise<void>)[] = [() => state.close(), () => eventLog.close(), () => lab.close()];
  return { lab, stops };
}

function nodeRun({ id, name, ports }: NodeParts, lab: RunningLab, leader: Leader, wiring: LabWiring): NodeRun {
  const { random, log, version, clock, blobs } = wiring;
  const node = streamOf('node', id);
  const full: Ports = { ...ports, clock, blobs };
  let running: (() => Promise<void>)[] = [];
  return {
    start: async () => {
      const presence = new Presence({ node, name, version, lab, leader, ports: full, random, log });
      running = [() => presence.stop()];
      await presence.start();
      const agent = new Agent({ node, lab, ports: full, random, log: log.child({ node: name }) });
      agent.start();
      running.push(() => agent.stop());
    },
    stop: () => stopAll(running, log),
  };
}

async function createLab(lab: RunningLab, { random, labName, timeZone }: LabWiring): Promise<void> {
  const input = { name: labName, timeZone };
  const created = await lab.run(
    { id: random.id(), name: 'create-lab', input, by: 'system:start' },
    new AbortController().signal,
  );
  if ('rejected' in created) throw new Error(created.rejected.explain);
}

/** Newest first; one that fails does not keep the others from being stopped. */
async function stopAll(stops: (() => Promise<void>)[], log: Logger): Promise<void> {
  for (let stop = stops.pop(); stop; stop = stops.pop()) {
    await stop().catch((error: unknown) => log.error({ error: String(error) }, 'a part did not stop in order'));
  }
}
