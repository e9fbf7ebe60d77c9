/**
 * The networks of an app on this engine. Each carries a sum of its settings: one that was made otherwise is made anew,
 * which it can be once nobody runs in it. What another one made (`external`) has to be there, and is left as it is.
 */
import { createHash } from 'node:crypto';
import type { Bundle } from '#actors/compose/model.ts';
import { defaultNetwork } from '#actors/compose/networks/taken.ts';
import type { InstanceInput } from '#actors/work.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { NetworkSettings } from '#events/values/network-settings.ts';
import type { ContainerNetwork, NetworkInfo } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import type { Ports, Run } from '../worker.ts';
import { appSelector, label, networkLabels, networkNotes, projectOf, type InstanceOrder } from './labels.ts';

/** How the container of a service is in its networks, the first of them first. */
export function networksOf({ input }: InstanceOrder, bundle: Bundle, service: string): readonly ContainerNetwork[] {
  const { settings, networks = { [defaultNetwork]: {} } } = bundle.services[service] ?? {};
  // What shares the network of the node, or has none, is in no other and has no names there.
  if (settings?.network !== undefined) return [];
  return Object.entries(networks).map(([key, endpoint]) => ({
    ...endpoint,
    name: nameOf(input, key, bundle.networks?.[key]),
    aliases: [service, ...(settings?.aliases ?? []), ...(endpoint.aliases ?? [])],
  }));
}

const nameOf = (input: InstanceInput, key: string, settings: NetworkSettings | undefined): string =>
  settings?.name ?? (settings?.external ? key : `${projectOf(input)}_${key}`);

export class Networks {
  readonly #order: InstanceOrder;
  readonly #ports: Ports;
  readonly #run: Run;

  constructor(order: InstanceOrder, ports: Ports, run: Run) {
    this.#order = order;
    this.#ports = ports;
    this.#run = run;
  }

  /** @throws IoError NAME_IN_USE when there is one of that name that is not this app's, MISSING, BUSY */
  async ensure(bundle: Bundle): Promise<void> {
    const used = new Set(
      Object.values(bundle.services).flatMap(({ settings, networks }) =>
        settings?.network === undefined ? Object.keys(networks ?? { [defaultNetwork]: {} }) : [],
      ),
    );
    if (used.size === 0) return;
    const { docker } = this.#ports;
    const own = await docker.networks(appSelector(this.#order.input), this.#run);
    for (const key of [...used].toSorted()) {
      const settings = bundle.networks?.[key] ?? {};
      if (settings.external) await this.#expect(nameOf(this.#order.input, key, settings));
      else await this.#ensure(key, settings, own);
    }
  }

  async #expect(name: string): Promise<void> {
    if ((await this.#ports.docker.networks({}, this.#run)).some((network) => network.name === name)) return;
    throw new IoError('MISSING', {
      op: 'use network',
      target: name,
      message: `Network ${name} is not on this node, and the compose file says that somebody else makes it (external).`,
      hint: `Make it there with "docker network create ${name}", or remove \`external\` from the file.`,
    });
  }

  async #ensure(key: string, all: NetworkSettings, own: readonly NetworkInfo[]): Promise<void> {
    const { input } = this.#order;
    const { name: _, external: __, ...settings } = all;
    const name = nameOf(input, key, all);
    const config = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
    const known = own.find((network) => network.name === name);
    // Versions before made them without one, and all in the same way.
    if (known && (known.labels[label.config] ?? config) !== config) await this.#remove(name, known.labels);
    const spec = { name, labels: networkLabels(input, key), notes: networkNotes(this.#order, config), settings };
    const make = (): Promise<void> => {
      this.#run.fence();
      return this.#ports.docker.ensureNetwork(spec, this.#run);
    };
    try {
      await make();
    } catch (error) {
      if (!(error instanceof IoError) || error.code !== 'NAME_IN_USE') throw error;
      if (!(await this.#clearLeftover(name))) throw error;
      await make();
    }
  }

  /** An app that has gone may have left one of this name. @returns whether it is removed @throws IoError BUSY */
  async #clearLeftover(name: string): Promise<boolean> {
    const all = await this.#ports.docker.networks({ [label.app]: null }, this.#run);
    const found = all.find((network) => network.name === name);
    if (!found || !(await this.#run.leftovers?.isNetwork(found.labels))) return false;
    await this.#remove(name, found.labels);
    return true;
  }

  async #remove(name: string, labels: NetworkInfo['labels']): Promise<void> {
    this.#run.fence();
    await this.#ports.docker.removeNetwork(name, labels, this.#run);
  }

  /** @returns what is told of those that stay, because containers of others are in them */
  async removeAll(): Promise<readonly Problem[]> {
    const left: Problem[] = [];
    for (const { name, labels } of await this.#ports.docker.networks(appSelector(this.#order.input), this.#run)) {
      try {
        await this.#ports.docker.removeNetwork(name, labels, this.#run);
      } catch (error) {
        // Somebody has put containers of their own into it. Waiting for them would hold up the app for ever.
        if (!(error instanceof IoError) || error.code !== 'BUSY') throw error;
        left.push({ ...error.problem, message: `Network ${name} stays: other containers still use it.` });
      }
    }
    return left;
  }
}
