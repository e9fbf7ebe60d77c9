/**
 * Once the lab has come to rest: what runs belongs to an instance that is to run, on the node that it is assigned to;
 * what does not run belongs to an instance that still exists, and a network to an app that does. A container or a
 * network that is left keeps its name from the next.
 */
import type { LabView } from '#actors/actor.ts';
import { streamOf } from '#events/envelope.ts';
import { label } from '#io/agent/containers/labels.ts';
import type { ContainerInfo, NetworkInfo } from '#io/devices/docker/port.ts';

export interface OnMachine {
  readonly machine: string;
  /** All of them, whatever their state. */
  readonly containers: readonly ContainerInfo[];
  readonly networks: readonly NetworkInfo[];
}

/** States of an instance in which its containers may run. */
const alive: readonly string[] = ['starting', 'running'];

export function checkContainers(lab: LabView, found: readonly OnMachine[]): string[] {
  return found.flatMap(({ machine, containers }) =>
    containers.flatMap(({ name, state, labels }) => {
      const instance = lab.get(streamOf('instance', labels[label.instance] ?? ''));
      const runs = state === 'running' || state === 'paused';
      if (!instance) return [runs ? `${name} runs on ${machine} for nobody` : `${name} is left on ${machine}`];
      if (!runs) return [];
      const node = lab.get(instance.context.node)?.context.metadata.name;
      if (node !== machine) return [`${name} runs on ${machine}, and its instance is on ${node}`];
      return alive.includes(instance.state)
        ? []
        : [`${name} runs on ${machine}, and its instance is ${instance.state}`];
    }),
  );
}

export const checkNetworks = (lab: LabView, found: readonly OnMachine[]): string[] =>
  found.flatMap(({ machine, networks }) =>
    networks
      .filter(({ labels }) => !lab.get(streamOf('app', labels[label.app] ?? '')))
      .map(({ name }) => `network ${name} is left on ${machine}`),
  );
