/**
 * Containers and networks that nobody has any more: made for an instance that the lab has since seen to its end. They
 * come about when an engine finishes what it was asked to make after whoever asked has died, or has given up waiting,
 * and the instance was stopped meanwhile. Left alone they would take the name from the next one.
 *
 * What goes, goes because events say so. It carries as labels the instance, and as its epoch the index of the event
 * that assigned it: that event must be in the history of this lab, for this node, and the instance must have ended
 * since. So what other labs, other nodes and other tools have made is never touched, nor what belongs to a history
 * that this lab has lost, nor a copy that somebody made of a container (`containers/find.ts`).
 */
import { asIndex, streamOf, type StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import type { Call } from '../devices/call.ts';
import type { ContainerInfo, DockerPort } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';
import type { RunningLab } from '../lab/running.ts';
import { LogError } from '../log/port.ts';
import { isMadeByAgent } from './containers/find.ts';
import { label } from './containers/labels.ts';
import { removeContainer } from './containers/remove.ts';

export interface LeftoversParts {
  readonly node: StreamId<'node'>;
  readonly lab: Pick<RunningLab, 'view' | 'index' | 'history'>;
  readonly docker: DockerPort;
  readonly log: Logger;
}

type Labels = Readonly<Record<string, string>>;

export class Leftovers {
  readonly #parts: LeftoversParts;
  /** What could not be removed, and why: said once. */
  readonly #staying = new Map<string, string>();

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
  }

  /** Whether this container is one: its instance has ended. An instance that has ended never comes back. */
  async isContainer(container: Pick<ContainerInfo, 'name' | 'labels'>): Promise<boolean> {
    const { labels } = container;
    const { view } = this.#parts.lab;
    return (
      isMadeByAgent(container) &&
      !view.get(streamOf('instance', labels[label.instance] ?? '')) &&
      (await this.#wasAssigned(labels))
    );
  }

  /** Whether a network with these labels is one: its app has gone. Until then its next instance uses the same. */
  async isNetwork(labels: Labels): Promise<boolean> {
    const { view } = this.#parts.lab;
    return !view.get(streamOf('app', labels[label.app] ?? '')) && (await this.#wasAssigned(labels));
  }

  /** Removes all that there are on this engine; what does not go now goes another time. @throws IoError */
  async clear(call: Call): Promise<void> {
    const { docker } = this.#parts;
    for (const container of await docker.containers({ [label.instance]: null }, call)) {
      const { name } = container;
      await this.#clear(
        name,
        () => this.isContainer(container),
        () => removeContainer(container, docker, call),
      );
    }
    for (const { name, labels } of await docker.networks({ [label.instance]: null }, call)) {
      await this.#clear(
        name,
        () => this.isNetwork(labels),
        () => docker.removeNetwork(name, labels, call),
      );
    }
  }

  /** One that cannot be judged, or does not go, holds up no other. */
  async #clear(name: string, isOne: () => Promise<boolean>, remove: () => Promise<void>): Promise<void> {
    const { log } = this.#parts;
    try {
      if (!(await isOne())) return;
      await remove();
      this.#staying.delete(name);
      log.info({ name }, 'removed what was left of an app that is no longer here');
    } catch (error) {
      if (error instanceof IoError && error.code === 'ABORTED') throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (this.#staying.get(name) !== reason)
        log.info({ name, error: reason }, 'what is left of an app that is no longer here stays for now');
      this.#staying.set(name, reason);
    }
  }

  /** By this lab, to this node, as its labels say. */
  async #wasAssigned(labels: Labels): Promise<boolean> {
    const { lab, node } = this.#parts;
    const epoch = Number(labels[label.epoch]);
    // Beyond what is folded here, whether it has ended is not known.
    if (!Number.isSafeInteger(epoch) || epoch < 1 || epoch > lab.index) return false;
    const instance = streamOf('instance', labels[label.instance] ?? '');
    try {
      for await (const events of lab.history(asIndex(epoch - 1), asIndex(epoch))) {
        for (const { type, stream, data } of events)
          if (type === 'instance.assigned' && stream === instance)
            return data.node === node && data.app === streamOf('app', labels[label.app] ?? '');
      }
      return false;
    } catch (error) {
      if (error instanceof LogError && error.code === 'BELOW_FLOOR') return false;
      throw error;
    }
  }
}
