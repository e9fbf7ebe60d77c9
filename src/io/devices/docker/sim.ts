/**
 * The simulated twin of a container engine: the engine of one simulated machine. It outlives the daemon that talks to
 * it, as a real one does. All its time is the clock's and all its chance the seed's: a run can be repeated.
 *
 * Every request takes a while, may be made to fail before or after its effect (`fault`), and finds out when the
 * engine goes away. A request whose caller has gone has its effect in every second case, because that is what callers
 * of a real engine have to reckon with; now and then much later than anybody would think (`stallMs`).
 */
import { noDefaults } from '#actors/compose/inspected/inspection.ts';
import type { Call } from '../call.ts';
import { type Clock, sleep } from '../clock/port.ts';
import { asIoError, type IoError } from '../error.ts';
import type { SeededRandom } from '../random/sim.ts';
import { checkedName, checkedReference } from './names.ts';
import { hasLabels } from './networks.ts';
import { inspectionOf } from './inspection.ts';
import { registryOf } from './reference.ts';
import type { ContainerInfo, DockerPort, LogLine, LogOptions, NetworkInfo, RegistryLogin } from './port.ts';
import type { SimContainer } from './sim/container.ts';
import { simExec } from './sim/exec.ts';
import { inspectedOf } from './sim/inspected.ts';
import { factsOf, simImageBytes as imageBytes } from './sim/images.ts';
import { idOfDigest, SimRegistry } from './sim/registry.ts';
import { infosOf, refusal, SimHost, unreachable } from './sim/host.ts';
import { type About, cancelled, toItsEnd, within } from './within.ts';

export type SimOp = Exclude<keyof DockerPort, 'logs' | 'events'>;

/** @returns the error that the request shall end with, although (`after`) or before (`before`) its effect took place */
export type SimFault = (op: SimOp, target: string, when: 'before' | 'after') => IoError | undefined;

/** @returns the tar of what an image has in a folder */
export type ImageFolder = (reference: string, path: string) => AsyncIterable<Uint8Array> | undefined;

export interface SimDockerOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Images that the engine has from the start. */
  readonly images?: readonly string[];
  /** Whether a registry has the image; without this none has any. */
  readonly pullable?: (reference: string) => boolean;
  /** Instead of one of its own with all that is pullable: the one that several engines share. */
  readonly registry?: SimRegistry;
  readonly imageHasHealthcheck?: (reference: string) => boolean;
  /** Without this no image has any folder. */
  readonly imageFolder?: ImageFolder;
  /** From and to, in milliseconds, where the built-in ones do not fit. A pull takes this long per step of ten. */
  readonly latencyMs?: Partial<Readonly<Record<SimOp, readonly [number, number]>>>;
  /** How much longer the next request takes: an engine whose disk is busy. */
  readonly stallMs?: (op: SimOp) => number;
  readonly fault?: SimFault;
}

export interface SimDocker {
  readonly port: DockerPort;
  /** Running containers, sorted by name, also while the engine is down. */
  running(): readonly ContainerInfo[];
  /** All networks, sorted by name, also while the engine is down. */
  networks(): readonly NetworkInfo[];
  /** Sources of the mounts of a container. @param container id or name */
  mountsOf(container: string): readonly string[];
  /** Ends a running container by itself. @param container id or name */
  crashContainer(container: string, exitCode: number, options?: { readonly oomKilled?: boolean }): void;
  /** Stands until the next start. */
  setHealth(container: string, health: ContainerInfo['health']): void;
  /** Makes a container write a line. */
  say(container: string, text: string, stream?: LogLine['stream']): void;
  /** The engine dies, its containers go on. Every request and stream rejects with ENGINE_UNREACHABLE. */
  engineDown(): void;
  engineUp(): void;
  /** The engine is stopped in order, and its containers first, each with this exit code. */
  engineStop(exitCode: number): void;
  /** The machine loses its power, or the engine is killed: all of its containers have ended when it comes up again. */
  powerCut(): void;
  setFault(fault: SimFault | undefined): void;
  /** What images have in their folders from now on. */
  setImageFolder(imageFolder: ImageFolder): void;
}

const usualLatencyMs: Readonly<Record<SimOp, readonly [number, number]>> = {
  info: [1, 3],
  imageFolder: [20, 100],
  image: [1, 5],
  images: [2, 20],
  registryDigest: [50, 300],
  tagImage: [2, 10],
  removeImage: [20, 200],
  saveImage: [20, 100],
  loadImage: [50, 200],
  pull: [50, 500],
  importImage: [50, 200],
  ensureNetwork: [5, 100],
  removeNetwork: [5, 150],
  connect: [5, 100],
  networks: [2, 20],
  containers: [2, 20],
  inspect: [1, 5],
  examine: [1, 5],
  imageDefaults: [1, 5],
  create: [10, 80],
  start: [80, 500],
  stop: [10, 400],
  remove: [10, 100],
  exec: [20, 100],
  stats: [1000, 2000],
};
const pullSteps = 10;
/** The power went: no exit code was ever seen, and the engine says so with this one. */
const unknownExit = 255;

/** Takes no longer than its engine lives. */
type Request = <T>(
  op: SimOp,
  target: string,
  call: Call,
  effect: (signal: AbortSignal) => T | Promise<T>,
) => Promise<T>;

export function simDocker(options: SimDockerOptions): SimDocker {
  const { clock, images = [], imageHasHealthcheck = () => false } = options;
  const host = new SimHost(clock, options.random.fork('docker ids'), imageHasHealthcheck);
  for (const reference of images) host.addImage(reference);
  const chance = options.random.fork('docker chance');
  let fault = options.fault;
  let folderOf: ImageFolder = options.imageFolder ?? (() => undefined);

  const latencyMs = (op: SimOp): number => {
    const [least, most] = options.latencyMs?.[op] ?? usualLatencyMs[op];
    return least + chance.below(most - least + 1) + (options.stallMs?.(op) ?? 0);
  };

  const request: Request = (op, target, call, effect) => {
    const about = { op: `docker ${op}`, target };
    return within(clock, call, about, async (signal) => {
      if (!host.isUp) throw unreachable(about);
      const { outage } = host;
      const takesMs = latencyMs(op);
      const carriesOn = chance.chance(0.5);
      const answer = async () => {
        await sleep(clock, takesMs, outage);
        if (outage.aborted) throw unreachable(about);
        if (signal.aborted && !carriesOn) throw cancelled(about);
        const early = fault?.(op, target, 'before');
        if (early) throw early;
        const result = await effect(signal);
        const late = fault?.(op, target, 'after');
        if (late) throw late;
        return result;
      };
      return orUnreachable(answer(), outage, about);
    });
  };

  const forControl = (idOrName: string): SimContainer => {
    const container = host.find(idOrName);
    if (!container) throw new Error(`the simulated engine has no container ${idOrName}`);
    return container;
  };

  return {
    port: simPort(host, request, {
      ...options,
      registry: options.registry ?? new SimRegistry(options.pullable ?? (() => false)),
      chance,
      imageHasHealthcheck,
      imageFolder: (reference, path) => folderOf(reference, path),
      stepMs: () => latencyMs('pull'),
    }),
    running: () => infosOf(host.all().filter(({ isRunning }) => isRunning)),
    networks: () => host.networks({}),
    mountsOf: (id) => forControl(id).spec.mounts.map(({ source }) => source),
    crashContainer: (id, exitCode, how = {}) => forControl(id).end(exitCode, how.oomKilled ?? false),
    setHealth: (id, health) => forControl(id).setHealth(health),
    say: (id, text, stream = 'stdout') => forControl(id).say(text, stream),
    engineDown: () => host.goDown(),
    engineUp: () => host.comeUp(),
    engineStop(exitCode) {
      host.endAll(exitCode);
      host.goDown();
    },
    powerCut() {
      host.goDown();
      host.endAll(unknownExit);
    },
    setFault: (next) => void (fault = next),
    setImageFolder: (next) => void (folderOf = next),
  };
}

interface PortOptions {
  readonly clock: Clock;
  readonly chance: SeededRandom;
  readonly registry: SimRegistry;
  readonly imageHasHealthcheck: (reference: string) => boolean;
  imageFolder(reference: string, path: string): AsyncIterable<Uint8Array> | undefined;
  /** How long the next of ten steps of a pull takes. */
  stepMs(): number;
}

function simPort(host: SimHost, request: Request, options: PortOptions): DockerPort {
  const { clock, chance, registry, imageHasHealthcheck, stepMs } = options;
  /** Of what makes something. */
  const making = async <T>(op: SimOp, target: string, call: Call, effect: () => T): Promise<T> =>
    request(op, target, toItsEnd(call, { op: `docker ${op}`, target }), effect);
  /** @throws IMAGE_NOT_FOUND, IMAGE_PULL_FAILED */
  const offered = (reference: string, login?: RegistryLogin): string => {
    const about = { op: 'docker pull', target: checkedReference(reference) };
    if (!registry.isUp) throw refusal(about, 500, 'dial tcp: lookup registry: no such host');
    const asked = registry.logins.get(registryOf(reference));
    if (asked && (login?.username !== asked.username || login.password !== asked.password))
      throw refusal(about, 401, 'unauthorized: authentication required');
    const digest = registry.digest(reference);
    if (digest !== undefined) return digest;
    throw refusal(about, 404, `manifest for ${reference} not found: manifest unknown`);
  };
  return {
    info: (call) =>
      request('info', 'engine', call, () => ({ name: 'docker', version: '20.10.24-sim', startedAt: host.upSince })),

    image: (reference, call) =>
      request('image', reference, call, () => {
        const image = host.images.find(checkedReference(reference));
        return image && { ...factsOf(image), hasHealthcheck: imageHasHealthcheck(host.images.nameOf(reference)) };
      }),

    images: (call) => request('images', 'images', call, () => host.images.facts),

    registryDigest: (reference, call, login) =>
      request('registryDigest', reference, call, () => offered(reference, login)),

    tagImage: (id, reference, call) =>
      making('tagImage', reference, call, () => {
        const image = host.images.find(checkedReference(id));
        if (!image) throw refusal({ op: 'docker tag', target: id }, 404, `No such image: ${id}`);
        host.images.tag(image, checkedReference(reference));
      }),

    removeImage: (reference, call) => request('removeImage', reference, call, () => host.removeImage(reference)),

    saveImage: (id, call) =>
      request('saveImage', id, call, () => {
        const about = { op: 'docker save', target: id };
        const image = host.images.find(checkedReference(id));
        if (!image) throw refusal(about, 404, `No such image: ${id}`);
        const { outage } = host;
        return (async function* () {
          for (const piece of host.images.save(image)) {
            await sleep(clock, stepMs(), AbortSignal.any([call.signal, outage]));
            if (outage.aborted) throw unreachable(about);
            if (call.signal.aborted) throw cancelled(about);
            yield piece;
          }
        })();
      }),

    loadImage: (tar, call) =>
      request('loadImage', 'image', call, async () => {
        const about = { op: 'docker load', target: 'image' };
        let saved = '';
        try {
          for await (const piece of tar) saved += new TextDecoder().decode(piece);
        } catch (error) {
          throw asIoError(error, about.op, about.target);
        }
        if (!host.images.load(saved)) throw refusal(about, 500, 'unexpected EOF');
      }),

    pull: (reference, call, login) =>
      request('pull', reference, call, async (signal) => {
        const about = { op: 'docker pull', target: reference };
        const digest = offered(reference, login);
        const id = idOfDigest(digest);
        if (host.image(reference) === id) return;
        for (let step = 1; step <= pullSteps; step++) {
          await sleep(clock, stepMs(), AbortSignal.any([signal, host.outage]));
          // An engine stops pulling when nobody waits for it any more.
          if (signal.aborted) throw cancelled(about);
          if (!host.isUp) throw unreachable(about);
          call.progress({ text: `pulling ${reference}`, done: (imageBytes / pullSteps) * step, total: imageBytes });
        }
        host.images.addPulled(id, reference, digest, clock.now());
      }),

    importImage: (tar, reference, _, call) =>
      request('importImage', reference, call, async () => {
        checkedReference(reference);
        for await (const chunk of tar) void chunk;
        host.addImported(reference);
      }),

    imageFolder: (reference, path, call) =>
      request('imageFolder', reference, call, () => {
        const about = { op: 'docker cp', target: reference };
        if (host.image(reference) === undefined) throw refusal(about, 404, `No such image: ${reference}`);
        return options.imageFolder(host.images.nameOf(reference), path);
      }),

    ensureNetwork: (spec, call) =>
      making('ensureNetwork', spec.name, call, () => host.ensureNetwork({ ...spec, name: checkedName(spec.name) })),

    removeNetwork: (name, labels, call) =>
      request('removeNetwork', name, call, () => host.removeNetwork(checkedName(name), labels)),

    networks: (labels, call) => request('networks', 'networks', call, () => host.networks(labels)),

    containers: (labels, call) =>
      request('containers', 'containers', call, () =>
        infosOf(host.all()).filter((info) => hasLabels(info.labels, labels)),
      ),

    inspect: (id, call) => request('inspect', id, call, () => host.find(id)?.info),

    examine: (id, call) =>
      request('examine', id, call, () => {
        const container = host.find(id);
        if (!container) return undefined;
        return inspectionOf(inspectedOf(container.spec, { id: container.id, image: noDefaults }));
      }),

    imageDefaults: (image, call) =>
      request('imageDefaults', image, call, () =>
        image.startsWith('sha256:') || host.image(image) !== undefined ? noDefaults : undefined,
      ),

    create: (spec, call) => making('create', spec.name, call, () => host.create(spec)),

    connect: (id, network, call) =>
      making('connect', id, call, () => host.connect(id, { ...network, name: checkedName(network.name) })),

    start: (id, call) => making('start', id, call, () => host.start(id)),

    stop: (id, graceMs, call) =>
      request('stop', id, call, async () => {
        const container = host.find(id);
        if (!container?.isRunning) return;
        const { ending } = container;
        const needsMs = chance.below(1000);
        await sleep(clock, Math.min(needsMs, graceMs), ending);
        // A program that ends when it is asked to says 0 or 143; one that had to be killed, 137.
        if (!ending.aborted) container.end(needsMs > graceMs ? 137 : chance.pick([0, 143]));
      }),

    remove: (id, call) => request('remove', id, call, () => host.remove(id)),

    exec: (id, execOptions, call) =>
      request('exec', id, call, () => {
        const about = { op: 'docker exec', target: id };
        const container = host.mustFind(id, about);
        if (!container.isRunning) throw refusal(about, 409, `Container ${id} is not running`);
        return simExec(clock, container, execOptions, host.outage, call.signal);
      }),

    stats: (id, call) =>
      request('stats', id, call, () => {
        const { isRunning } = host.mustFind(id, { op: 'docker stats', target: id });
        if (!isRunning) return { cpuCores: 0, memoryBytes: 0, memoryLimitBytes: 0 };
        const memoryBytes = 2 ** 24 + chance.below(2 ** 24);
        return { cpuCores: chance.below(200) / 1000, memoryBytes, memoryLimitBytes: 2 ** 30 };
      }),

    logs: (id, logOptions, signal) => readLines(host, id, logOptions, signal),

    events: (signal) => host.listen(signal),
  };
}

async function* readLines(
  host: SimHost,
  id: string,
  { follow, tail, sinceMs = 0, caughtUp }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void> {
  const about = { op: 'docker logs', target: id };
  if (signal.aborted) return;
  if (!host.isUp) throw unreachable(about);
  const { outage } = host;
  const container = host.mustFind(id, about);
  const stopped = AbortSignal.any([signal, outage]);
  const wanted = container.lines.filter(({ at }) => at >= sinceMs).length;
  const present = container.lines.length;
  let next = present - Math.min(wanted, tail ?? wanted);
  let isBehind = follow;
  for (;;) {
    while (next < container.lines.length && !stopped.aborted) {
      if (next < present) yield container.lines[next++] as LogLine;
      else if (isBehind) atLast();
      else yield container.lines[next++] as LogLine;
    }
    if (isBehind && !stopped.aborted) atLast();
    if (signal.aborted) return;
    if (outage.aborted) throw unreachable(about);
    if (!follow || !container.isRunning) return;
    await container.changed(stopped);
  }

  function atLast(): void {
    isBehind = false;
    caughtUp?.();
  }
}

/** The answer, or at once the end of the engine. */
async function orUnreachable<T>(answer: Promise<T>, outage: AbortSignal, about: About): Promise<T> {
  let leave = () => {};
  const end = new Promise<never>((_, reject) => {
    leave = () => reject(unreachable(about));
    outage.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([answer, end]);
  } finally {
    outage.removeEventListener('abort', leave);
  }
}
