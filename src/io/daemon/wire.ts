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

export interface LabWiring {
  readonly logStore: Store;
  readonly watermark: Watermark;
  readonly stateStore: Store;
  /** Changes whenever the machine starts. */
  readonly bootId: string;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly version: string;
  /** Name and time zone of the lab, for its first start. */
  readonly labName: string;
  readonly timeZone: string;
  readonly nodes: readonly NodeParts[];
  /** Nothing can be trusted any more: end the process. */
  onBroken(error: unknown): void;
}

export interface WiredLab {
  readonly lab: RunningLab;
  readonly containers: AppContainers;
  /** Whether this start created the lab. */
  readonly isNew: boolean;
  /** Stops in order; apps go on. */
  stop(): Promise<void>;
}

export async function wireLab(wiring: LabWiring): Promise<WiredLab> {
  const { clock, random, log } = wiring;
  const state = new StateDatabase(wiring.stateStore, wiring.bootId);
  const folded = await state.load();
  const eventLog = await openSingleLog({
    store: wiring.logStore,
    watermark: wiring.watermark,
    heads: folded.lab.versions(),
    headsAt: folded.lab.index,
    clock,
    random,
    ...(wiring.nodes[0] ? { node: wiring.nodes[0].id } : {}),
    onBroken: (error) => wiring.onBroken(error),
  });
  const lab = await RunningLab.open({
    eventLog,
    state,
    folded,
    blobs: wiring.blobs,
    clock,
    random,
    log,
    onBroken: wiring.onBroken,
  });
  const isNew = lab.index === 0;
  const stops: (() => Promise<void>)[] = [() => state.close(), () => eventLog.close(), () => lab.close()];
  try {
    if (isNew) await createLab(lab, wiring);
    const leader = lab.lead();
    const dockers = new Map<StreamId<'node'>, Ports['docker']>();
    for (const { id, name, ports } of wiring.nodes) {
      const node = streamOf('node', id);
      const full: Ports = { ...ports, clock, blobs: wiring.blobs };
      dockers.set(node, ports.docker);
      const presence = new Presence({ node, name, version: wiring.version, lab, leader, ports: full, random, log });
      await presence.start();
      stops.push(() => presence.stop());
      const agent = new Agent({ node, lab, ports: full, random, log: log.child({ node: name }) });
      agent.start();
      stops.push(() => agent.stop());
    }
    return {
      lab,
      containers: appContainers(lab.view, (node) => dockers.get(node)),
      isNew,
      stop: () => stopAll(stops, log),
    };
  } catch (error) {
    await stopAll(stops, log);
    throw error;
  }
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
