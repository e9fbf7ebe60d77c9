/**
 * Watches a running instance: restarts what ends, by its restart policy, and says when a service changes. The engine's
 * events are an accelerator; the look at all its containers every few seconds is what counts.
 *
 * A restart waits longer each time (as the engine's own would: 0.1 s doubled up to a minute), and the count starts
 * again once the container has lived ten seconds. One that fails for a reason of its own (a taken port, an image that
 * is gone) is told and tried again: the other services go on.
 *
 * What ended with the engine or the machine is started again whatever its policy says: it did not end by itself. A watch
 * begins anew whenever the engine was away, so only its first look has to ask.
 *
 * A container that somebody removed is made again, unless its service had ended for good: the lab knows what was told
 * of it, and so knows it also after a restart of this daemon. What ended unseen counts as removed.
 */
import type { Bundle } from '#actors/compose/model.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { Problem } from '#events/values/metadata.ts';
import { sleep } from '../../devices/clock/port.ts';
import type { ContainerInfo } from '../../devices/docker/port.ts';
import { asIoError, IoError } from '../../devices/error.ts';
import { idOf, type StreamId } from '#events/envelope.ts';
import { label } from '../containers/labels.ts';
import { endedWithEngine } from '../containers/loss.ts';
import { networkOwner, startOrder } from '../containers/plan.ts';
import { Project } from '../containers/project.ts';
import { isFinished, shouldRestart, statusOf } from '../containers/status.ts';
import type { Ports, Run, Worker } from '../worker.ts';
import type { InstanceOrder } from '../containers/labels.ts';

const lookEveryMs = 5000;
const restartBaseMs = 100;
const restartMaxMs = 60_000;
const livedLongMs = 10_000;
/** So many restarts in a row are worth a problem of their own. */
const loopAfter = 5;

interface Watched {
  restarts: number;
  /** The lab knows that it has ended for good. */
  isFinished: boolean;
  /** It ended with its engine, and is to be started again. */
  isLost: boolean;
  /** Why it could not be started again. */
  trouble: Problem | undefined;
  /** In a row, without a long life between. */
  streak: number;
  restartAt: number | undefined;
  runningSince: number | undefined;
  /** How it ended before it was last started again. */
  lastExitCode: number | undefined;
  /** What the lab was last told. */
  told: string;
}

export const watchInstance: Worker<'watch-instance'> = async (order, ports, run) => {
  const project = new Project(order, ports, run);
  const bundle = await project.bundle();
  await project.ensureNetworks(bundle);
  await ensureVolumes(project, bundle);
  const watched = new Map<string, Watched>();
  const bell = ring(order, ports, run);
  try {
    await findLost(project, watched);
    for (;;) {
      run.fence();
      bell.check();
      const nextMs = await look(project, bundle, watched, ports, run);
      await Promise.race([sleep(ports.clock, nextMs, run.signal), bell.next()]);
    }
  } finally {
    bell.close();
  }
};

/** What cannot be put in order stops nothing that runs: whoever is to be started is looked at once more. */
async function ensureVolumes(project: Project, bundle: Bundle): Promise<void> {
  try {
    await project.mountVolumes();
    await project.ensureFiles(bundle);
  } catch (error) {
    if (!(error instanceof IoError) || isOfAll(error)) throw error;
  }
}

/** Services whose containers ended with the engine while nobody watched. */
async function findLost(project: Project, watched: Map<string, Watched>): Promise<void> {
  const engineStartedAt = await project.engineStartedAt();
  for (const [name, container] of await project.containers()) {
    const state = asKnown(project.order.input.services[name]);
    // How it ended had been told: it was by itself.
    watched.set(name, { ...state, isLost: !state.isFinished && endedWithEngine(container, engineStartedAt) });
  }
}

/** One look at all services, in the order in which they start. @returns how long until the next */
async function look(
  project: Project,
  bundle: Bundle,
  watched: Map<string, Watched>,
  ports: Ports,
  run: Run,
): Promise<number> {
  const { services } = project.order.input.spec;
  const containers = await project.containers();
  let nextMs = lookEveryMs;
  for (const name of startOrder(services)) {
    const spec = services[name];
    if (!spec) continue;
    const state = watched.get(name) ?? asKnown(project.order.input.services[name]);
    watched.set(name, state);
    const found = containers.get(name);
    if (!found && state.isFinished) continue;
    const owner = networkOwner(bundle, name);
    const container = owner === undefined ? found : await cutOff(project, found, containers.get(owner), state);
    const now = ports.clock.monotonicMs();
    // Of the container as it was found; by the end of this look it may be started.
    const wasLost = state.isLost;
    if (container?.state === 'running' || container?.state === 'paused') {
      state.trouble = undefined;
      state.isLost = false;
      state.runningSince ??= now;
      if (now - state.runningSince >= livedLongMs) state.streak = 0;
    } else if (
      !container ||
      container.state === 'created' ||
      container.state === 'dead' ||
      state.isLost ||
      shouldRestart(container, spec, state.restarts)
    ) {
      nextMs = Math.min(nextMs, await restart(project, bundle, name, container, state, now));
    } else {
      state.trouble = undefined;
      state.runningSince = undefined;
    }
    const status = withLastExit(statusOf(container, spec, state.restarts), state);
    await tell(project, name, wasLost ? { ...status, state: 'restarting' } : status, state, run);
  }
  return nextMs;
}

/**
 * A service that shares the network of another one has none any more once that one was started anew: it is stopped, so
 * that it is started in the new network. It did not end by itself.
 * @returns the container as it is then
 */
async function cutOff(
  project: Project,
  container: ContainerInfo | undefined,
  owner: ContainerInfo | undefined,
  state: Watched,
): Promise<ContainerInfo | undefined> {
  const isRunning = container?.state === 'running' || container?.state === 'paused';
  if (!isRunning || owner?.state !== 'running') return container;
  if ((owner.startedAt ?? 0) <= (container.startedAt ?? 0)) return container;
  await project.stop(container);
  state.isLost = true;
  return project.inspect(container.id);
}

/** What the lab knows of a service, when the watch begins. */
const asKnown = (status: ServiceStatus | undefined): Watched => ({
  restarts: status?.restarts ?? 0,
  isFinished: status !== undefined && isFinished(status),
  isLost: false,
  trouble: undefined,
  streak: 0,
  restartAt: undefined,
  runningSince: undefined,
  lastExitCode: status?.lastExitCode,
  told: '',
});

/** Of what runs: an engine forgets how a container ended as soon as it is started again. */
const withLastExit = (status: ServiceStatus, { lastExitCode }: Watched): ServiceStatus =>
  lastExitCode === undefined || status.exitCode !== undefined ? status : { ...status, lastExitCode };

/** Starts it when its time has come. @returns how long until then */
async function restart(
  project: Project,
  bundle: Bundle,
  name: string,
  container: ContainerInfo | undefined,
  state: Watched,
  now: number,
): Promise<number> {
  state.runningSince = undefined;
  state.restartAt ??= now + Math.min(restartMaxMs, restartBaseMs * 2 ** state.streak);
  if (now < state.restartAt) return state.restartAt - now;
  state.restartAt = undefined;
  state.streak++;
  const isUsable = container && container.state !== 'dead';
  try {
    const id = await project.ensureContainer(bundle, name, isUsable ? container : undefined);
    await project.start(id, name);
    // What was lost did nothing that a policy would count or a person would ask about.
    if (!state.isLost) {
      state.restarts++;
      state.lastExitCode = container?.state === 'exited' ? container.exitCode : undefined;
    }
    state.isLost = false;
    // What did not come up at all has not ended again and again.
    if (state.trouble) state.streak = 0;
    state.trouble = undefined;
  } catch (error) {
    if (!(error instanceof IoError) || isOfAll(error)) throw error;
    state.trouble = error.problem;
  }
  return restartBaseMs;
}

/** Not about one service: the engine is away, or nobody wants this work any more. */
const isOfAll = ({ code, retry }: IoError): boolean => retry === 'always' || code === 'FENCED' || code === 'ABORTED';

async function tell(project: Project, name: string, status: ServiceStatus, state: Watched, run: Run): Promise<void> {
  // Each restart is told, but a crash loop must not fill the log: after some it is told once as what it is.
  const isLooping = state.streak >= loopAfter && !state.trouble;
  const shown = state.trouble ? withoutExit(status) : isLooping ? looping(status) : status;
  const key = [shown.state, shown.container, shown.exitCode, isLooping ? '' : shown.restarts, state.trouble?.code].join(
    '|',
  );
  // Ending and coming back within a blink is told when it has come back.
  if (key === state.told || (shown.state === 'restarting' && !isLooping)) return;
  const { subject, visit, input } = project.order;
  await run.report({
    name: 'report-service',
    input: {
      instance: subject as StreamId<'instance'>,
      visit,
      service: name,
      status: shown,
      ...(shown.state === 'restarting' || shown.state === 'exited' || shown.state === 'unhealthy'
        ? { problem: state.trouble ?? problemOf(name, shown, input.appName) }
        : {}),
    },
  });
  state.told = key;
  state.isFinished = isFinished(shown);
}

const looping = ({ lastExitCode, ...status }: ServiceStatus): ServiceStatus => {
  const exitCode = status.exitCode ?? lastExitCode;
  if (status.state === 'healthy') return status;
  return { ...status, state: 'restarting', ...(exitCode === undefined ? {} : { exitCode }) };
};

/** It does not run and should: how it ended some time ago is not what matters. */
const withoutExit = ({ exitCode: _, ...status }: ServiceStatus): ServiceStatus => ({ ...status, state: 'exited' });

function problemOf(name: string, { state, container, exitCode, restarts }: ServiceStatus, app: string): Problem {
  const hint = `Look at its log: floatlab logs ${app} ${name}.`;
  switch (state) {
    case 'unhealthy':
      return { code: 'UNHEALTHY', message: `Service ${name} is unhealthy: its healthcheck fails.`, hint };
    case 'restarting':
      return {
        code: 'RESTARTING',
        message: `Service ${name} ends again and again (exit code ${exitCode ?? '?'}, ${restarts} restarts).`,
        hint,
      };
    default:
      if (container === undefined)
        return { code: 'MISSING', message: `The container of service ${name} is gone; it is made again.` };
      return { code: 'EXITED', message: `Service ${name} ended with exit code ${exitCode ?? '?'}.`, hint };
  }
}

/** Rings when the engine says that something of this instance changed. */
interface Bell {
  next(): Promise<void>;
  /** @throws IoError when the engine has gone away, also when it is back: whatever ended meanwhile was not seen */
  check(): void;
  close(): void;
}

function ring(order: InstanceOrder, ports: Ports, run: Run): Bell {
  const stop = new AbortController();
  let wake: () => void = () => {};
  let hasRung = false;
  let failure: unknown;
  const rings = (): void => {
    hasRung = true;
    wake();
  };
  const listen = async (): Promise<void> => {
    for await (const event of ports.docker.events(AbortSignal.any([stop.signal, run.signal])))
      if (event.labels[label.instance] === idOf(order.subject)) rings();
  };
  listen().catch((error: unknown) => {
    failure = error;
    rings();
  });
  return {
    next: () => {
      const rung = hasRung;
      hasRung = false;
      return rung ? Promise.resolve() : new Promise((resolve) => (wake = resolve));
    },
    check: () => {
      if (failure !== undefined) throw asIoError(failure, 'watch', order.subject);
    },
    close: () => stop.abort(),
  };
}
