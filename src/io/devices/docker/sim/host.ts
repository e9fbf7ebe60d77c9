/**
 * What the simulated engine of one machine holds: images, networks, containers, and who listens to its events. What a
 * request would be told by a real engine goes through the same translation (`errors.ts`). Everything happens at once;
 * `../sim.ts` adds delays and faults.
 */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../clock/port.ts';
import type { IoError } from '../../error.ts';
import type { SeededRandom } from '../../random/sim.ts';
import { engineError } from '../errors.ts';
import { checkedName, checkedReference } from '../names.ts';
import { hasLabels, networkInUse } from '../networks.ts';
import type {
  ContainerInfo,
  ContainerNetwork,
  ContainerPort,
  ContainerSpec,
  EngineEvent,
  LabelFilter,
  NetworkInfo,
  NetworkSpec,
} from '../port.ts';
import { Queue } from '../queue.ts';
import type { About } from '../within.ts';
import { SimContainer } from './container.ts';
import { SimImages } from './images.ts';
import { hashOf } from './registry.ts';
import { missingProgram } from './program.ts';

export class SimHost {
  readonly #clock: Clock;
  readonly #ids: SeededRandom;
  readonly #imageHasHealthcheck: (reference: string) => boolean;
  readonly images = new SimImages();
  readonly #networks = new Map<string, Readonly<Record<string, string>>>();
  readonly #containers = new Map<string, SimContainer>();
  readonly #listeners = new Set<Queue<EngineEvent>>();
  #isUp = true;
  /** When the engine was started. */
  upSince: number;
  #outage = endOfMany();

  constructor(clock: Clock, ids: SeededRandom, imageHasHealthcheck: (reference: string) => boolean) {
    this.#clock = clock;
    this.upSince = clock.now();
    this.#ids = ids;
    this.#imageHasHealthcheck = imageHasHealthcheck;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Aborts when the engine goes away; another one when it has come back. */
  get outage(): AbortSignal {
    return this.#outage.signal;
  }

  endAll(exitCode: number): void {
    for (const container of this.all()) container.end(exitCode);
  }

  goDown(): void {
    this.#isUp = false;
    this.#outage.abort();
    for (const listener of this.#listeners) listener.fail(unreachable(watching));
    this.#listeners.clear();
  }

  comeUp(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#outage = endOfMany();
    this.upSince = this.#clock.now();
  }

  /** @returns its id, or undefined */
  image(reference: string): string | undefined {
    return this.images.find(checkedReference(reference))?.id;
  }

  /** One that no registry knows; the same bytes never have the same id twice, because the time is in it. */
  addImported(reference: string): void {
    const image = this.images.add(`sha256:${this.#newId()}`, this.#clock.now());
    this.images.tag(image, checkedReference(reference));
  }

  /** One that is there from the start, the same on every engine. */
  addImage(reference: string): void {
    this.images.tag(this.images.add(hashOf(`first ${reference}`), this.#clock.now()), checkedReference(reference));
  }

  /** @throws BUSY */
  removeImage(reference: string): void {
    const about = { op: 'docker rmi', target: reference };
    const id = this.image(reference);
    const user = this.all().find(({ imageId }) => imageId === id);
    if (user) throw refusal(about, 409, `conflict: unable to delete ${reference}: container ${user.id} uses it`);
    this.images.remove(checkedReference(reference));
  }

  /** @throws NAME_IN_USE */
  ensureNetwork({ name, labels, notes, settings }: NetworkSpec): void {
    const known = this.#networks.get(name);
    if (known && !hasLabels(known, labels)) throw networkInUse(name);
    if (!known) this.#networks.set(name, { ...settings?.labels, ...notes, ...labels });
  }

  /** By name. */
  networks(wanted: LabelFilter): readonly NetworkInfo[] {
    return [...this.#networks]
      .map(([name, labels]) => ({ name, labels }))
      .filter(({ labels }) => hasLabels(labels, wanted))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws BUSY */
  removeNetwork(name: string, labels: Readonly<Record<string, string>>): void {
    const known = this.#networks.get(name);
    if (!known || !hasLabels(known, labels)) return;
    const isUsed = this.all().some(({ isRunning, networks }) => isRunning && networks.has(name));
    const about = { op: 'docker network rm', target: name };
    if (isUsed) throw refusal(about, 403, `${name} has active endpoints`);
    this.#networks.delete(name);
  }

  /** By name. */
  all(): readonly SimContainer[] {
    return [...this.#containers.values()].toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  }

  find(idOrName: string): SimContainer | undefined {
    checkedName(idOrName);
    return this.#containers.get(idOrName) ?? this.all().find(({ spec }) => spec.name === idOrName);
  }

  /** @throws MISSING */
  mustFind(idOrName: string, about: About): SimContainer {
    const container = this.find(idOrName);
    if (!container) throw refusal(about, 404, `No such container: ${idOrName}`);
    return container;
  }

  /** @throws IMAGE_NOT_FOUND, NAME_IN_USE @returns the id */
  create(spec: ContainerSpec): string {
    const about = { op: 'docker create', target: spec.name };
    const other = this.find(spec.name);
    const imageId = this.image(spec.image);
    if (imageId === undefined) throw refusal(about, 404, `No such image: ${spec.image}`);
    if (other)
      throw refusal(about, 409, `The container name "/${spec.name}" is already in use by container "${other.id}"`);
    const container = new SimContainer({
      id: this.#newId(),
      spec,
      imageId,
      clock: this.#clock,
      imageHasHealthcheck: this.#imageHasHealthcheck(this.images.nameOf(spec.image)),
      onHealth: (one) => this.#tell('health', one),
      onEnd: (one) => {
        if (one.oomKilled) this.#tell('oom', one);
        this.#tell('die', one);
      },
    });
    this.#containers.set(container.id, container);
    this.#tell('other', container);
    return container.id;
  }

  /** @throws MISSING */
  connect(id: string, { name }: ContainerNetwork): void {
    const about = { op: 'docker network connect', target: id };
    const container = this.mustFind(id, about);
    if (!this.#networks.has(name)) throw refusal(about, 404, `network ${name} not found`);
    container.networks.add(name);
  }

  /** @throws MISSING, PORT_IN_USE, CONTAINER_FAILED */
  start(id: string): void {
    const about = { op: 'docker start', target: id };
    const container = this.mustFind(id, about);
    if (container.isRunning) return;
    const { spec, command } = container;
    const gone = [...container.networks].find((name) => !this.#networks.has(name));
    if (gone !== undefined) throw refusal(about, 404, `network ${gone} not found`);
    const running = this.all().filter(({ isRunning }) => isRunning);
    const taken = spec.ports.find((port) => running.some((other) => other.spec.ports.some((its) => clash(port, its))));
    if (taken) {
      const where = `${taken.hostIp ?? '0.0.0.0'}:${taken.published}`;
      throw refusal(about, 500, `Bind for ${where} failed: port is already allocated`);
    }
    if (command[0] === missingProgram) {
      const why = `exec: "${missingProgram}": executable file not found in $PATH`;
      throw refusal(about, 400, `OCI runtime create failed: ${why}: unknown`);
    }
    container.start();
    this.#tell('start', container);
  }

  remove(id: string): void {
    const container = this.find(id);
    if (!container) return;
    container.end(137);
    this.#containers.delete(container.id);
    this.#tell('destroy', container);
  }

  listen(signal: AbortSignal): Queue<EngineEvent> {
    const leave = () => {
      this.#listeners.delete(listener);
      listener.end();
    };
    const listener = new Queue<EngineEvent>(() => {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', leave);
    });
    if (signal.aborted) listener.end();
    else if (!this.#isUp) listener.fail(unreachable(watching));
    else {
      this.#listeners.add(listener);
      signal.addEventListener('abort', leave, { once: true });
    }
    return listener;
  }

  #tell(action: EngineEvent['action'], { id, spec }: SimContainer): void {
    for (const listener of this.#listeners)
      listener.push({ at: this.#clock.now(), action, container: id, labels: { ...spec.labels } });
  }

  #newId(): string {
    return Array.from({ length: 64 }, () => '0123456789abcdef'[this.#ids.below(16)]).join('');
  }
}

/** Every request and stream at that moment listens to it. */
function endOfMany(): AbortController {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  return end;
}

const watching: About = { op: 'docker events', target: 'containers' };

export const infosOf = (containers: readonly SimContainer[]): readonly ContainerInfo[] =>
  containers.map(({ info }) => info);

export const refusal = (about: About, status: number, message: string): IoError =>
  engineError(about, { status, errno: undefined, message });

export const unreachable = (about: About): IoError =>
  engineError(about, { status: undefined, errno: 'ECONNREFUSED', message: 'connect ECONNREFUSED (simulated)' });

const anywhere = new Set([undefined, '', '0.0.0.0', '::']);

/** Two published ports that cannot both be open. */
function clash(a: ContainerPort, b: ContainerPort): boolean {
  if (a.published !== b.published || a.protocol !== b.protocol) return false;
  return anywhere.has(a.hostIp) || anywhere.has(b.hostIp) || a.hostIp === b.hostIp;
}
