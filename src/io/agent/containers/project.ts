/**
 * The containers of one instance on this engine. Everything here is idempotent: it looks, and does what is missing.
 * Containers of the same app under an older epoch are removed; under a newer one, this order is the old one.
 */
import type { Bundle } from '#actors/compose/model.ts';
import { appFolderVolume } from '#actors/compose/model.ts';
import { isVolumeMount } from '#events/app.ts';
import { idOf } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ContainerInfo, ContainerSpec } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import type { KeptFile } from '../../devices/files/port.ts';
import type { Ports, Run } from '../worker.ts';
import { findContainers } from './find.ts';
import { ServiceImages } from './images.ts';
import { appSelector, label, type InstanceOrder } from './labels.ts';
import { makeContainer } from './make.ts';
import { Networks } from './networks.ts';
import { containerSpec, networkOwner, parseBundle, startOrder } from './plan.ts';
import { removeContainer, stopContainer } from './remove.ts';
import { checkMounts, fillVolumes } from './volumes.ts';

export class Project {
  readonly order: InstanceOrder;
  readonly #ports: Ports;
  readonly #run: Run;
  readonly #networks: Networks;
  readonly #images: ServiceImages;

  constructor(order: InstanceOrder, ports: Ports, run: Run) {
    this.order = order;
    this.#ports = ports;
    this.#run = run;
    this.#networks = new Networks(order, ports, run);
    this.#images = new ServiceImages(order, ports, run);
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  /** @throws IoError FENCED */
  checkWanted(): void {
    this.#run.fence();
  }

  /** For whoever looks on. */
  say(text: string): void {
    this.#run.progress({ text });
  }

  async bundle(): Promise<Bundle> {
    return parseBundle(await this.#ports.blobs.get(this.order.input.bundle));
  }

  /** Containers of this instance by service. @throws IoError FENCED when the app is here under a newer epoch */
  async containers(): Promise<ReadonlyMap<string, ContainerInfo>> {
    return new Map((await this.#own()).map((container) => [container.labels[label.service] ?? '', container]));
  }

  async #own(): Promise<readonly ContainerInfo[]> {
    const all = await findContainers(this.#ports.docker, appSelector(this.order.input), this.#run);
    const newer = all.find(({ labels }) => Number(labels[label.epoch]) > this.order.epoch);
    if (newer) {
      throw new IoError('FENCED', {
        op: this.order.work,
        target: newer.name,
        message: `${newer.name} belongs to a newer assignment (epoch ${newer.labels[label.epoch]}) than this one (${this.order.epoch}).`,
      });
    }
    return all.filter(({ labels }) => labels[label.instance] === idOf(this.order.subject));
  }

  /** What an earlier assignment left behind. */
  async clearOlder(): Promise<void> {
    const all = await findContainers(this.#ports.docker, appSelector(this.order.input), this.#run);
    for (const container of all) {
      if (Number(container.labels[label.epoch]) < this.order.epoch) await this.#remove(container);
    }
  }

  /** @throws IoError NAME_IN_USE when there is one of that name that is not this app's, MISSING, BUSY */
  ensureNetworks(bundle: Bundle): Promise<void> {
    return this.#networks.ensure(bundle);
  }

  /** Nothing is mounted by itself, after a boot least of all: what is not there would be an empty folder of the host. */
  async mountVolumes(): Promise<void> {
    for (const { pool, dataset: name } of Object.values(this.order.input.datasets)) {
      this.#run.fence();
      await this.#ports.volumes.mount({ pool, name }, this.#run);
    }
  }

  /**
   * Folders that binds name, and the files that came with the compose file.
   * @returns files that both the app and this revision changed; the app's version lies beside each
   */
  async ensureFiles(bundle: Bundle): Promise<readonly KeptFile[]> {
    const { paths, revision, spec } = this.order.input;
    const root = paths[appFolderVolume];
    if (root === undefined) return [];
    const isFile = new Set(bundle.files.map(({ path }) => path));
    const mounted = Object.values(spec.services)
      .flatMap(({ mounts }) => mounts)
      .filter(isVolumeMount)
      .flatMap(({ volume, subpath }) => (volume === appFolderVolume ? [subpath] : []));
    const folders = mounted.filter((subpath) => subpath !== '.' && !isFile.has(subpath));
    const files = bundle.files.map(({ path, content, mode }) => ({
      path,
      mode,
      bytes: Buffer.from(content, 'base64'),
      isMounted: mounted.includes(path),
    }));
    this.#run.fence();
    return this.#ports.files.ensure(root, { files, folders, revision }, this.#run);
  }

  /** The service's container, made if it is missing or of another configuration; not started. */
  async ensureContainer(bundle: Bundle, service: string, existing: ContainerInfo | undefined): Promise<string> {
    const spec = containerSpec(this.order, bundle, service, await this.#networkOf(bundle, service));
    const id = await this.#madeAs(spec, service, existing);
    // Also of one that is there: whoever made it may have been stopped before this.
    for (const network of spec.networks.slice(1)) {
      this.#run.fence();
      await this.#ports.docker.connect(id, network, this.#run);
    }
    return id;
  }

  /** @throws IoError MISSING while there is no container to share it with: it is made first */
  async #networkOf(bundle: Bundle, service: string): Promise<string | undefined> {
    const owner = networkOwner(bundle, service);
    if (owner === undefined) return undefined;
    const container = (await this.containers()).get(owner);
    if (container) return container.id;
    throw new IoError('MISSING', {
      op: 'share network',
      target: service,
      message: `Service ${service} shares the network of ${owner}, which has no container.`,
      hint: `Look why ${owner} does not run: floatlab logs ${this.order.input.appName} ${owner}.`,
    });
  }

  /** Ends a service that is to be started anew. */
  async stop(container: ContainerInfo): Promise<void> {
    this.#run.fence();
    await stopContainer(container, this.#ports.docker, this.#run);
  }

  async #madeAs(spec: ContainerSpec, service: string, existing: ContainerInfo | undefined): Promise<string> {
    if (existing && existing.labels[label.config] === spec.labels[label.config]) return existing.id;
    const image = await this.#images.ensure(service, spec.image);
    await fillVolumes(this.order, service, image, this.#ports, this.#run);
    await checkMounts(this.order, service, this.#ports, this.#run);
    this.#run.fence();
    if (existing) await this.#remove(existing);
    return makeContainer(this.order, { ...spec, image }, this.#ports, this.#run);
  }

  async start(id: string, service: string): Promise<void> {
    await checkMounts(this.order, service, this.#ports, this.#run);
    this.#run.fence();
    await this.#ports.docker.start(id, this.#run);
    // A start is not cancelled once it has begun: perhaps nobody wants it any more by now.
    this.#run.fence();
  }

  /** When the engine was started, where it tells. */
  async engineStartedAt(): Promise<number | undefined> {
    return (await this.#ports.docker.info(this.#run)).startedAt;
  }

  async inspect(id: string): Promise<ContainerInfo | undefined> {
    return this.#ports.docker.inspect(id, this.#run);
  }

  /** Stops what runs of this instance, dependants first. The containers stay, with their logs. @throws IoError FENCED, BUSY */
  async halt(): Promise<void> {
    for (const container of this.#dependantsFirst((await this.#own()).filter(isLive))) {
      this.#run.fence();
      this.say(`stopping ${container.name}`);
      await stopContainer(container, this.#ports.docker, this.#run);
    }
    this.#refuse((await this.#own()).filter(isLive), 'still runs');
  }

  /**
   * Stops and removes everything of the app up to this epoch, dependants first, and the networks.
   *
   * @returns what had to stay although it should have gone: networks that containers of others are in
   * @throws IoError FENCED, BUSY
   */
  async removeAll(): Promise<readonly Problem[]> {
    const found = await findContainers(this.#ports.docker, appSelector(this.order.input), this.#run);
    const ours = found.filter(({ labels }) => Number(labels[label.epoch]) <= this.order.epoch);
    for (const container of this.#dependantsFirst(ours)) {
      this.say(`stopping ${container.name}`);
      await this.#remove(container);
    }
    const left = ours.length === found.length ? await this.#networks.removeAll() : [];
    this.#refuse(await this.#own(), 'is still there');
    return left;
  }

  #dependantsFirst(containers: readonly ContainerInfo[]): readonly ContainerInfo[] {
    const startedIn = startOrder(this.order.input.spec.services);
    const rank = ({ labels }: ContainerInfo): number => startedIn.indexOf(labels[label.service] ?? '');
    return containers.toSorted((a, b) => rank(b) - rank(a));
  }

  #refuse(left: readonly ContainerInfo[], why: string): void {
    if (left.length === 0) return;
    const names = left.map(({ name }) => name).join(', ');
    throw new IoError('BUSY', { op: this.order.work, target: this.order.subject, message: `${names} ${why}.` });
  }

  #remove(container: ContainerInfo): Promise<void> {
    return removeContainer(container, this.#ports.docker, this.#run);
  }
}

const isLive = ({ state }: ContainerInfo): boolean => state === 'running' || state === 'paused';
