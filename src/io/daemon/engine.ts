/**
 * The container engine of this machine: found where people have one, else started for FloatLab alone.
 *
 * An engine of our own outlives the daemon, as the apps in it must: it runs in a session of its own, and the next
 * start of the daemon finds it by its socket. `stopOwnEngine` is for tests and for taking FloatLab off a machine.
 *
 * Which of the two a lab has is decided once (choose-engine.ts).
 *
 *   findEngine ── one answers ──▶ use it, never stop it
 *        └─ none ─▶ startOwnEngine ── its socket answers ──▶ use it again
 *                        └─ clear what a killed one left, make its network, start, wait for an answer
 */
import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { formatDuration } from '#events/values/duration.ts';
import { type Clock, sleep } from '../devices/clock/port.ts';
import { realClock } from '../devices/clock/real.ts';
import { emptyEngine } from '../devices/docker/own/empty.ts';
import { clearLeftovers, leftBridges } from '../devices/docker/own/leftovers.ts';
import { launch, type Launched, logTail, notInstalled } from '../devices/docker/own/launch.ts';
import { networkPlan, prepareNetwork, removeNetwork } from '../devices/docker/own/network.ts';
import { type EnginePaths, enginePaths } from '../devices/docker/own/paths.ts';
import { allProcesses, endProcess, isEngine, isOwnEngine, pidIn, processOf } from '../devices/docker/own/processes.ts';
import { dockerOverSocket } from '../devices/docker/real.ts';
import { dockerAt, getJson } from '../devices/docker/socket.ts';
import { asIoError, IoError } from '../devices/error.ts';

export interface Engine {
  readonly socketPath: string;
  readonly version: string;
  /** What it calls itself; undefined when it has no name that stays. */
  readonly id?: string | undefined;
}

/** Fits a pino logger. */
export interface EngineLog {
  info(text: string): void;
  warn(text: string): void;
}

const defaultSocket = '/var/run/docker.sock';
const answerTimeoutMs = 3000;

/** Sockets to try, in order. An engine behind TCP or SSH is on another machine: FloatLab cannot mount volumes there. */
export function engineCandidates(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const path = /^unix:\/\/(\/.+)$/.exec(environment['DOCKER_HOST'] ?? '')?.[1];
  return [...new Set([...(path === undefined ? [] : [path]), defaultSocket])];
}

/** @returns the first engine that answers, or undefined */
export async function findEngine(options: {
  readonly candidates: readonly string[];
  readonly signal?: AbortSignal;
}): Promise<Engine | undefined> {
  for (const socketPath of options.candidates) {
    const engine = await engineAt(socketPath, options.signal);
    if (engine) return engine;
  }
  return undefined;
}

/** @returns undefined when nobody answers there */
export async function engineAt(socketPath: string, signal?: AbortSignal): Promise<Engine | undefined> {
  const version = await answer(socketPath, signal);
  if (version === undefined) return undefined;
  try {
    return { socketPath, version, id: await engineId(socketPath, signal) };
  } catch {
    return undefined;
  }
}

/** Asked twice: Podman makes one up for each answer, and then its socket is all there is to know it by. */
export async function engineId(socketPath: string, signal?: AbortSignal): Promise<string | undefined> {
  const docker = dockerAt(socketPath);
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  const asked = { path: '/info', signal: signal ? AbortSignal.any([signal, timeout]) : timeout };
  const first = (await getJson<{ ID?: string }>(docker, asked)).ID;
  const second = (await getJson<{ ID?: string }>(docker, asked)).ID;
  return first === second && first !== '' ? first : undefined;
}

async function answer(socketPath: string, signal?: AbortSignal): Promise<string | undefined> {
  const call = { signal: signal ?? new AbortController().signal, timeoutMs: answerTimeoutMs, progress() {} };
  try {
    return (await dockerOverSocket({ socketPath }).info(call)).version;
  } catch {
    return undefined;
  }
}

export interface OwnEngineOptions {
  /** The data directory of FloatLab; the engine lives in its folder `engine`. */
  readonly dataDir: string;
  readonly log: EngineLog;
  /** For tests: many side by side, none of which touches `docker0`, the packet filter or another engine. */
  readonly isolated?: boolean;
  /** Until it must answer. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

const startTimeoutMs = 60_000;
const startPollMs = 100;

/**
 * Starts the engine of this data directory, or finds it running.
 * @throws MISSING when docker is not installed, PERMISSION without root, FAILED with the end of its log when it ends,
 * TIMED_OUT, ABORTED
 */
export async function startOwnEngine(options: OwnEngineOptions): Promise<Engine> {
  const { dataDir, log, clock = realClock, signal } = options;
  const about = { op: 'dockerd', target: dataDir };
  if (process.getuid?.() !== 0)
    throw new IoError('PERMISSION', {
      ...about,
      message: 'only root can start a container engine',
      hint: 'Run floatlabd as root, or start Docker yourself.',
    });
  await mkdir(dataDir, { recursive: true });
  const paths = enginePaths(await realpath(dataDir));

  const before = await answer(paths.socket, signal);
  if (before !== undefined) {
    log.info(`container engine ${before} runs already, at ${paths.socket}`);
    return { socketPath: paths.socket, version: before };
  }

  try {
    const running = await ownProcess(paths);
    if (running === undefined) await prepareFolders(clock, paths);
    const launched = running === undefined ? await launch(paths, await networkFlags(paths, options)) : undefined;
    const version = await waitUntilItAnswers(paths, launched, options);
    log.info(`container engine ${version} started at ${paths.socket}, its log is ${paths.log}`);
    return { socketPath: paths.socket, version };
  } catch (error) {
    throw asIoError(error, about.op, about.target);
  }
}

async function ownProcess(paths: EnginePaths): Promise<number | undefined> {
  const pid = await pidIn(paths.pidFile);
  const process = pid === undefined ? undefined : await processOf(pid);
  return process && isOwnEngine(process, paths) ? process.pid : undefined;
}

const keptLogBytes = 10 * 2 ** 20;

async function prepareFolders(clock: Clock, paths: EnginePaths): Promise<void> {
  await mkdir(paths.dataRoot, { recursive: true, mode: 0o711 });
  await mkdir(paths.runtime, { recursive: true, mode: 0o700 });
  await clearLeftovers(clock, paths);
  // The engine refuses to start over the pid file of a process that lives, whoever that is by now.
  await rm(paths.pidFile, { force: true });
  await rm(paths.containerdPidFile, { force: true });
  await writeFile(paths.configFile, '{}\n', { flag: 'wx' }).catch(() => {});
  const size = (await stat(paths.log).catch(() => undefined))?.size ?? 0;
  if (size > keptLogBytes) await rename(paths.log, `${paths.log}.old`);
}

async function networkFlags(paths: EnginePaths, { isolated, log }: OwnEngineOptions): Promise<readonly string[]> {
  const others = (await allProcesses()).filter((one) => isEngine(one) && !isOwnEngine(one, paths));
  const plan = networkPlan(isolated ?? false, others.length);
  if (plan === 'own-bridge')
    log.warn(
      `another container engine runs on this machine (process ${others[0]?.pid}): the one of FloatLab gets the bridge ` +
        `${paths.bridge}. To let FloatLab use the other one: --engine <its socket>.`,
    );
  return prepareNetwork(plan, paths);
}

async function waitUntilItAnswers(
  paths: EnginePaths,
  launched: Launched | undefined,
  { dataDir, clock = realClock, timeoutMs = startTimeoutMs, signal }: OwnEngineOptions,
): Promise<string> {
  const about = { op: 'dockerd', target: dataDir };
  let ended: string | undefined;
  void launched?.ended.then((how) => (ended = how));
  const deadline = clock.monotonicMs() + timeoutMs;
  while (clock.monotonicMs() < deadline) {
    if (signal?.aborted) throw new IoError('ABORTED', { ...about, message: 'the start of the engine was cancelled' });
    const version = await answer(paths.socket, signal);
    if (version !== undefined) return version;
    if (ended === notInstalled)
      throw new IoError('MISSING', {
        ...about,
        message: 'this machine has no container engine: dockerd is not installed',
        hint: 'Install it ("apt-get install docker.io"), then start FloatLab again.',
      });
    if (ended !== undefined) {
      const tail = await logTail(paths, launched?.logFrom ?? 0);
      throw new IoError('FAILED', {
        ...about,
        message: `the container engine did not start: ${ended}. The end of its log:\n${tail}`,
        hint: `Its whole log is ${paths.log}.`,
      });
    }
    await sleep(clock, startPollMs, signal);
  }
  throw new IoError('TIMED_OUT', {
    ...about,
    message: `the container engine did not answer within ${formatDuration(timeoutMs)}`,
    hint: `See what it says in ${paths.log}.`,
  });
}

const stopGraceMs = 30_000;

/**
 * Stops the engine of this data directory, its containers with it, and takes away what it left on the machine:
 * processes, mounts, its bridges, which it makes again when it is started. Nothing happens where none runs or ever ran.
 * Its folder below `/run` goes with it. With `remove` its data go too: images, containers and networks, never a volume of FloatLab.
 * @throws BUSY when it cannot be ended, or something below its folder stays mounted
 */
export async function stopOwnEngine(options: {
  readonly dataDir: string;
  readonly remove?: boolean;
  readonly clock?: Clock;
}): Promise<void> {
  const { dataDir, remove = false, clock = realClock } = options;
  const resolved = await realpath(dataDir).catch(() => undefined);
  if (resolved === undefined) return;
  const paths = enginePaths(resolved);
  const about = { op: 'dockerd', target: dataDir };
  try {
    // While it still answers it takes away by itself what a network and a published port left in the packet filter.
    if (remove && (await answer(paths.socket)) !== undefined) await emptyEngine(paths.socket);
    const pid = await ownProcess(paths);
    if (pid !== undefined && !(await endProcess(clock, pid, (one) => isOwnEngine(one, paths), stopGraceMs)))
      throw new IoError('BUSY', { ...about, message: `the container engine (process ${pid}) cannot be ended` });
    const mounted = await clearLeftovers(clock, paths);
    await removeNetwork(paths, await leftBridges(paths));
    // Never through a mount into somebody's data.
    const isFree = mounted.length === 0;
    if (isFree) await rm(paths.runtime, { recursive: true, force: true });
    if (!remove) return;
    if (!isFree)
      throw new IoError('BUSY', {
        ...about,
        message: `${mounted.join(', ')} cannot be unmounted`,
        hint: 'See "mount".',
      });
    await rm(paths.home, { recursive: true, force: true });
  } catch (error) {
    throw asIoError(error, about.op, about.target);
  }
}
