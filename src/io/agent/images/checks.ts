/**
 * Asks registries what they have under the names that an app uses, when the lab wants to know. A registry that does not
 * answer is part of the answer: nobody is alarmed, and the lab asks again another day.
 */
import type { ActorState } from '#actors/actor.ts';
import { checkable, imageAsker } from '#actors/app/images.ts';
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { OfferedImage } from '#events/values/image.ts';
import type { Logger } from 'pino';
import type { Call } from '../../devices/call.ts';
import type { Random } from '../../devices/random/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import type { ImagePorts } from './ensure.ts';

const answerMs = 15_000;

export interface ImageChecksParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'run' | 'replica'>;
  readonly ports: Pick<ImagePorts, 'docker' | 'logins'>;
  readonly random: Random;
  readonly log: Logger;
}

export class ImageChecks {
  readonly #parts: ImageChecksParts;
  readonly #stop = new AbortController();
  /** Apps whose registries are being asked. */
  readonly #running = new Map<StreamId<'app'>, Promise<void>>();
  #unlisten: () => void = () => {};

  constructor(parts: ImageChecksParts) {
    this.#parts = parts;
  }

  start(): void {
    const { lab } = this.#parts;
    this.#unlisten = lab.replica.listen(({ steps }) => {
      for (const { event } of steps)
        if (event.type === 'app.images-check-requested') this.#look(event.stream as StreamId<'app'>);
    });
    for (const { stream } of lab.view.list('app')) this.#look(stream);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unlisten();
    await Promise.all(this.#running.values());
  }

  #look(stream: StreamId<'app'>): void {
    const { lab, node, log } = this.#parts;
    const app = kindOf(stream) === 'app' ? lab.view.get(stream) : undefined;
    if (!app || app.context.imagesAskedAt === null || this.#running.has(stream)) return;
    if (imageAsker(app, lab.view) !== node) return;
    const asking = this.#ask(app)
      .catch((error: unknown) => log.debug({ app: stream, error: String(error) }, 'asking for newer images failed'))
      .finally(() => this.#running.delete(stream));
    this.#running.set(stream, asking);
  }

  async #ask({ stream, context }: ActorState<'app'>): Promise<void> {
    const { lab, ports, random, node } = this.#parts;
    const { signal } = this.#stop;
    const call: Call = { signal, timeoutMs: answerMs, progress: () => {} };
    const wanted = new Set(checkable(context));
    const images: Record<string, OfferedImage> = {};
    const unanswered: string[] = [];
    for (const [service, pin] of Object.entries(context.images)) {
      if (!wanted.has(pin)) continue;
      const { image } = pin;
      try {
        const digest = await ports.docker.registryDigest(image, call, await ports.logins(image));
        images[service] = { image, digest };
      } catch (error) {
        if (signal.aborted) throw error;
        unanswered.push(service);
      }
    }
    const input = { app: stream, images, unanswered };
    await lab.run({ id: random.id(), name: 'report-app-images', input, by: node as `node:${string}` }, signal);
  }
}
