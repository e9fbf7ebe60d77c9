/**
 * Gets the images of apps that this node may have to run, before it has to: one at a time, and only while no app is being
 * started here. What fails is tried again later; nobody is alarmed, because nothing waits for it.
 */
import type { ActorState } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import { sleep, type Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import { ensureImage, type ImagePorts } from './ensure.ts';

/** Between two apps, so that whoever starts meanwhile comes first. */
const restMs = 10_000;
const laterMs = 300_000;

export interface PrefetchParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run' | 'replica'>;
  readonly ports: ImagePorts & { readonly clock: Clock };
  readonly random: Random;
  readonly log: Logger;
}

export class Prefetch {
  readonly #parts: PrefetchParts;
  readonly #stop = new AbortController();
  /** What failed at its revision, and when it may be tried again, in monotonic milliseconds. */
  readonly #later = new Map<StreamId<'app'>, { readonly revision: number; readonly atMs: number }>();
  #wake = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #unlisten: () => void = () => {};

  constructor(parts: PrefetchParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unlisten = this.#parts.lab.replica.listen(({ steps }) => {
      if (steps.some(({ event }) => wakers.has(event.type))) this.#wake.abort();
    });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    this.#unlisten();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts.ports;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      const next = this.#next();
      if (next && !this.#isBusy()) await this.#fetch(next);
      // A word that came meanwhile is not slept through.
      if (this.#next()) await sleep(clock, restMs, this.#stop.signal);
      else await sleep(clock, laterMs, this.#wake.signal);
    }
  }

  /** An app that is being started here comes first. */
  #isBusy(): boolean {
    const { lab, node } = this.#parts;
    return lab.view.referrers(node, 'instance').some(({ state }) => state === 'starting');
  }

  #next(): ActorState<'app'> | undefined {
    const { lab, node, ports } = this.#parts;
    return lab.view.list('app').find(({ stream, state, context }) => {
      if (state === 'removing' || !context.standby.includes(node)) return false;
      const held = context.held[node];
      if (Object.keys(context.images).every((service) => held?.[service] !== undefined)) return false;
      const later = this.#later.get(stream);
      return later?.revision !== context.revision || ports.clock.monotonicMs() >= later.atMs;
    });
  }

  async #fetch({ stream, context }: ActorState<'app'>): Promise<void> {
    const { lab, node, ports, random, log } = this.#parts;
    const { revision } = context;
    const { signal } = this.#stop;
    const call = { signal, timeoutMs: 60_000, progress: () => {} };
    // Also of one that succeeds: what cannot be told now is told later.
    this.#later.set(stream, { revision, atMs: ports.clock.monotonicMs() + laterMs });
    try {
      const images: Record<string, string> = {};
      for (const [service, pin] of Object.entries(context.images)) {
        const { reference } = await ensureImage({ image: pin.image, pin }, ports, call);
        const known = await ports.docker.image(reference, call);
        if (!known) throw new Error(`${pin.image} is gone`);
        images[service] = known.id;
      }
      const input = { app: stream, node, revision, images };
      await lab.run({ id: random.id(), name: 'report-images-held', input, by: node as `node:${string}` }, signal);
    } catch (error) {
      if (!signal.aborted) log.debug({ app: stream, error: String(error) }, 'its images are not here yet');
    }
  }
}

const wakers = new Set(['app.standby-chosen', 'app.images-pinned', 'app.images-renewed', 'app.updated']);
