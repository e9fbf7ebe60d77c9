/**
 * The simulated twin of a container engine: the engine of one simulated machine. It outlives the daemon that talks to
 * it, as a real one does. All its time is the clock's and all its chance the seed's: a run can be repeated.
 *
 * Every request takes a while, may be made to fail before or after its effect (`fault`), and finds out when the
 * engine goes away. A request whose caller has gone has its effect in every second case, because that is what callers
 * of a real engine have to reckon with. What a request would be told by a real engine goes through the same
 * translation (`errors.ts`).
 */
import type { Call } from '../call.ts';
import { type Clock, sleep } from '../clock/port.ts';
import type { IoError } from '../error.ts';
import type { SeededRandom } from '../random/sim.ts';
import { engineError } from './errors.ts';
import { checkedName, checkedReference } from './names.ts';
import type { ContainerInfo, ContainerPort, ContainerSpec, DockerPort, EngineEvent, LogLine } from './port.ts';
import { Queue } from './queue.ts';
import { normalReference } from './reference.ts';
import { SimContainer } from './sim/container.ts';
import { simExec } from './sim/exec.ts';
import { missingProgram } from './sim/program.ts';
import { type About, cancelled, within } from './within.ts';

export type SimOp = Exclude<keyof DockerPort, 'logs' | 'events'>;

/** @returns the error that the request shall end with, although (`after`) or before (`before`) its effect took place */
export type SimFault = (op: SimOp, target: string, when: 'before' | 'after') => IoError | undefined;

export interface SimDockerOptions {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Images that the engine has from the start. */
  readonly images?: readonly string[];
  /** Whether a registry has the image; without this none has any. */
  readonly pullable?: (reference: string) => boolean;
  readonly imageHasHealthcheck?: (reference: string) => boolean;
  /** From and to, in milliseconds, where the built-in ones do not fit. A pull takes this long per step of ten. */
  readonly latencyMs?: Partial<Readonly<Record<SimOp, readonly [number, number]>>>;
  readonly fault?: SimFault;
}

export interface SimDocker {
  readonly port: DockerPort;
  /** Running containers, sorted by name, also while the engine is down. */
  running(): readonly ContainerInfo[];
  /** Ends a running container by itself. @param container id or name */
  crashContainer(container: string, exitCode: number, options?: { readonly oomKilled?: boolean }): void;
  /** Stands until the next start. */
  setHealth(container: string, health: ContainerInfo['health']): void;
  /** Makes a container write a line. */
  say(container: string, text: string, stream?: LogLine['stream']): void;
  /** The engine dies, its containers go on. Every request and stream rejects with ENGINE_UNREACHABLE. */
  engineDown(): void;
  engineUp(): void;
  /** The machine loses its power: the engine is down and every container has ended when it comes up again. */
  powerCut(): void;
  setFault(fault: SimFault | undefined): void;
}

const usualLatencyMs: Readonly<Record<SimOp, readonly [number, number]>> = {
  info: [1, 3],
  image: [1, 5],
  pull: [50, 500],
  importImage: [50, 200],
  ensureNetwork: [5, 100],
  removeNetwork: [5, 150],
  containers: [2, 20],
  inspect: [1, 5],
  create: [10, 80],
  start: [80, 500],
  stop: [10, 400],
  remove: [10, 100],
  exec: [20, 100],
  stats: [1000, 2000],
};
const pullSteps = 10;
const imageBytes = 40 * 2 ** 20;
/** The power went: no exit code was ever seen, and the engine says so with this one. */
const unknownExit = 255;

export function simDocker(options: SimDockerOptions): SimDocker {
  const { clock, pullable = () => false, imageHasHealthcheck = () => false } = options;
  const ids = options.random.fork('docker ids');
  const chance = options.random.fork('docker chance');
  const images = new Map((options.images ?? []).map((reference) => [normalReference(reference), newId()]));
  const networks = new Map<string, Readonly<Record<string, string>>>();
  const containers = new Map<string, SimContainer>();
  const listeners = new Set<Queue<EngineEvent>>();
  let fault = options.fault;
  let isUp = true;
  /** Aborted when the engine goes away; a new one when it comes back. */
  let outage = new AbortController();

  function newId(): string {
    return Array.from({ length: 64 }, () => '0123456789abcdef'[ids.below(16)]).join('');
  }

  function request<T>(
    op: SimOp,
    target: string,
    call: Call,
    effect: (signal: AbortSignal) => T | Promise<T>,
  ): Promise<T> {
    const about = { op: `docker ${op}`, target };
    return within(clock, call, about, async (signal) => {
      if (!isUp) throw unreachable(about);
      const { signal: gone } = outage;
      const early = fault?.(op, target, 'before');
      const [least, most] = options.latencyMs?.[op] ?? usualLatencyMs[op];
      const latencyMs = least + chance.below(most - least + 1);
      const carriesOn = chance.chance(0.5);
      const answer = async (): Promise<T> => {
        await sleep(clock, latencyMs, gone);
        if (gone.aborted) throw unreachable(about);
        if (early) throw early;
        if (signal.aborted && !carriesOn) throw cancelled(about);
        const result = await effect(signal);
        const late = fault?.(op, target, 'after');
        if (late) throw late;
        return result;
      };
      return orUnreachable(answer(), gone, about);
    });
  }

  function find(idOrName: string): SimContainer | undefined {
    checkedName(idOrName);
    return containers.get(idOrName) ?? [...containers.values()].find(({ spec }) => spec.name === idOrName);
  }

  function mustFind(idOrName: string, about: About): SimContainer {
    const container = find(idOrName);
    if (container) return container;
    throw engineError(about, { status: 404, errno: undefined, message: `No such container: ${idOrName}` });
  }

  function forControl(idOrName: string): SimContainer {
    const container = find(idOrName);
    if (!container) throw new Error(`the simulated engine has no container ${idOrName}`);
    return container;
  }

  function emit(action: EngineEvent['action'], { id, spec }: SimContainer): void {
    for (const listener of listeners)
      listener.push({ at: clock.now(), action, container: id, labels: { ...spec.labels } });
  }

  function goDown(): void {
    isUp = false;
    outage.abort();
    const error = unreachable({ op: 'docker events', target: 'containers' });
    for (const listener of listeners) listener.fail(error);
    listeners.clear();
  }

  function startContainer(container: SimContainer, about: About): void {
    if (container.isRunning) return;
    const { spec } = container;
    const refuse = (status: number, message: string) => engineError(about, { status, errno: undefined, message });
    if (!networks.has(spec.network)) throw refuse(404, `network ${spec.network} not found`);
    const running = [...containers.values()].filter(({ isRunning }) => isRunning);
    const taken = spec.ports.find((port) => running.some((other) => other.spec.ports.some((its) => clash(port, its))));
    if (taken) {
      const where = `${taken.hostIp ?? '0.0.0.0'}:${taken.published}`;
      throw refuse(
        500,
        `driver failed programming external connectivity: Bind for ${where} failed: port is already allocated`,
      );
    }
    if (container.command[0] === missingProgram)
      throw refuse(
        400,
        `OCI runtime create failed: exec: "${missingProgram}": executable file not found in $PATH: unknown`,
      );
    container.start();
    emit('start', container);
  }

  function createContainer(spec: ContainerSpec): string {
    const about = { op: 'docker create', target: spec.name };
    const refuse = (status: number, message: string) => engineError(about, { status, errno: undefined, message });
    checkedName(spec.name);
    if (!images.has(normalReference(checkedReference(spec.image)))) throw refuse(404, `No such image: ${spec.image}`);
    const other = find(spec.name);
    if (other)
      throw refuse(409, `Conflict. The container name "/${spec.name}" is already in use by container "${other.id}".`);
    const container = new SimContainer({
      id: newId(),
      spec,
      clock,
      imageHasHealthcheck: imageHasHealthcheck(spec.image),
      onHealth: (one) => emit('health', one),
      onEnd: (one) => {
        if (one.oomKilled) emit('oom', one);
        emit('die', one);
      },
    });
    containers.set(container.id, container);
    emit('other', container);
    return container.id;
  }

  const port: DockerPort = {
    info: (call) => request('info', 'engine', call, () => ({ name: 'docker', version: '20.10.24-sim' })),

    image: (reference, call) =>
      request('image', reference, call, () => {
        const id = images.get(normalReference(checkedReference(reference)));
        if (id === undefined) return undefined;
        return { id: `sha256:${id}`, sizeBytes: imageBytes, hasHealthcheck: imageHasHealthcheck(reference) };
      }),

    pull: (reference, call) =>
      request('pull', reference, call, async (signal) => {
        const about = { op: 'docker pull', target: reference };
        const name = normalReference(checkedReference(reference));
        if (!images.has(name) && !pullable(reference))
          throw engineError(about, { status: 404, errno: undefined, message: `manifest for ${reference} not found` });
        const [least, most] = options.latencyMs?.pull ?? usualLatencyMs.pull;
        for (let step = 1; step <= pullSteps && !images.has(name); step++) {
          await sleep(clock, least + chance.below(most - least + 1), signal);
          // An engine stops pulling when nobody waits for it any more.
          if (signal.aborted) throw cancelled(about);
          if (!isUp) throw unreachable(about);
          call.progress({ text: `pulling ${reference}`, done: (imageBytes / pullSteps) * step, total: imageBytes });
          if (step === pullSteps) images.set(name, newId());
        }
      }),

    importImage: (tar, reference, _, call) =>
      request('importImage', reference, call, async () => {
        const name = normalReference(checkedReference(reference));
        for await (const chunk of tar) void chunk;
        images.set(name, newId());
      }),

    ensureNetwork: (name, labels, call) =>
      request('ensureNetwork', name, call, () => {
        if (!networks.has(checkedName(name))) networks.set(name, { ...labels });
      }),

    removeNetwork: (name, call) =>
      request('removeNetwork', name, call, () => {
        const used = [...containers.values()].some(({ isRunning, spec }) => isRunning && spec.network === name);
        const about = { op: 'docker network rm', target: name };
        if (used) throw engineError(about, { status: 403, errno: undefined, message: `${name} has active endpoints` });
        networks.delete(checkedName(name));
      }),

    containers: (labels, call) =>
      request('containers', 'containers', call, () =>
        sorted(containers.values()).filter((info) =>
          Object.entries(labels).every(([key, value]) => info.labels[key] === value),
        ),
      ),

    inspect: (id, call) => request('inspect', id, call, () => find(id)?.info),

    create: (spec, call) => request('create', spec.name, call, () => createContainer(spec)),

    start: (id, call) =>
      request('start', id, call, () => {
        const about = { op: 'docker start', target: id };
        startContainer(mustFind(id, about), about);
      }),

    stop: (id, graceMs, call) =>
      request('stop', id, call, async () => {
        const container = find(id);
        if (!container?.isRunning) return;
        const { ending } = container;
        const takesMs = chance.below(1000);
        await sleep(clock, Math.min(takesMs, graceMs), ending);
        // A program that ends when asked to says 0 or 143; one that had to be killed, 137.
        if (!ending.aborted) container.end(takesMs > graceMs ? 137 : chance.pick([0, 143]));
      }),

    remove: (id, call) =>
      request('remove', id, call, () => {
        const container = find(id);
        if (!container) return;
        container.end(137);
        containers.delete(container.id);
        emit('destroy', container);
      }),

    exec: (id, execOptions, call) =>
      request('exec', id, call, () => {
        const about = { op: 'docker exec', target: id };
        const container = mustFind(id, about);
        if (!container.isRunning)
          throw engineError(about, { status: 409, errno: undefined, message: `Container ${id} is not running` });
        return simExec(clock, container, execOptions, outage.signal, call.signal);
      }),

    stats: (id, call) =>
      request('stats', id, call, () => {
        const { isRunning } = mustFind(id, { op: 'docker stats', target: id });
        return isRunning
          ? {
              cpuCores: chance.below(200) / 1000,
              memoryBytes: 2 ** 24 + chance.below(2 ** 24),
              memoryLimitBytes: 2 ** 30,
            }
          : { cpuCores: 0, memoryBytes: 0, memoryLimitBytes: 0 };
      }),

    async *logs(id, { follow, tail, sinceMs = 0 }, signal) {
      const about = { op: 'docker logs', target: id };
      if (signal.aborted) return;
      if (!isUp) throw unreachable(about);
      const { signal: gone } = outage;
      const container = mustFind(id, about);
      const stopped = AbortSignal.any([signal, gone]);
      const wanted = container.lines.filter(({ at }) => at >= sinceMs).length;
      let next = container.lines.length - Math.min(wanted, tail ?? wanted);
      for (;;) {
        while (next < container.lines.length && !stopped.aborted) yield container.lines[next++] as LogLine;
        if (signal.aborted) return;
        if (gone.aborted) throw unreachable(about);
        if (!follow || !container.isRunning) return;
        await container.changed(stopped);
      }
    },

    events(signal) {
      const end = () => {
        listeners.delete(listener);
        listener.end();
      };
      const listener = new Queue<EngineEvent>(() => {
        listeners.delete(listener);
        signal.removeEventListener('abort', end);
      });
      if (signal.aborted) end();
      else if (!isUp) listener.fail(unreachable({ op: 'docker events', target: 'containers' }));
      else {
        listeners.add(listener);
        signal.addEventListener('abort', end, { once: true });
      }
      return listener;
    },
  };

  return {
    port,
    running: () => sorted([...containers.values()].filter(({ isRunning }) => isRunning)),
    crashContainer: (id, exitCode, how = {}) => forControl(id).end(exitCode, how.oomKilled ?? false),
    setHealth: (id, health) => forControl(id).setHealth(health),
    say: (id, text, stream = 'stdout') => forControl(id).say(text, stream),
    engineDown: goDown,
    engineUp() {
      if (isUp) return;
      isUp = true;
      outage = new AbortController();
    },
    powerCut() {
      goDown();
      for (const container of containers.values()) container.end(unknownExit);
    },
    setFault: (next) => void (fault = next),
  };
}

const sorted = (containers: Iterable<SimContainer>): readonly ContainerInfo[] =>
  [...containers].map(({ info }) => info).toSorted((a, b) => (a.name < b.name ? -1 : 1));

const anywhere = new Set([undefined, '', '0.0.0.0', '::']);

/** Two published ports that cannot both be open. */
function clash(a: ContainerPort, b: ContainerPort): boolean {
  if (a.published !== b.published || a.protocol !== b.protocol) return false;
  return anywhere.has(a.hostIp) || anywhere.has(b.hostIp) || a.hostIp === b.hostIp;
}

const unreachable = (about: About): IoError =>
  engineError(about, { status: undefined, errno: 'ECONNREFUSED', message: 'connect ECONNREFUSED (simulated)' });

/** The answer, or at once the end of the engine. */
async function orUnreachable<T>(answer: Promise<T>, gone: AbortSignal, about: About): Promise<T> {
  let leave = () => {};
  const end = new Promise<never>((_, reject) => {
    leave = () => reject(unreachable(about));
    gone.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([answer, end]);
  } finally {
    gone.removeEventListener('abort', leave);
  }
}
