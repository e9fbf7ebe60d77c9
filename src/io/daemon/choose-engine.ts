/**
 * Which container engine a start uses.
 *
 *   a person says so (--engine)      that one, and from now on; not while apps still run in the one before
 *   one was chosen before            that one, even when it does not answer: the start waits for it
 *   a lab older than its memory      one that answers; an engine of its own only when a person says so
 *   the first start                  one that answers, else an engine of its own
 */
import { realpath } from 'node:fs/promises';
import { enginePaths } from '../devices/docker/own/paths.ts';
import type { DockerPort } from '../devices/docker/port.ts';
import { dockerOverSocket } from '../devices/docker/real.ts';
import { IoError } from '../devices/error.ts';
import { label } from '../agent/containers/labels.ts';
import {
  engineAt,
  engineCandidates,
  engineId,
  findEngine,
  stopOwnEngine,
  type Engine,
  type EngineLog,
} from './engine.ts';
import { guardEngine } from './engine-guard.ts';
import { recallEngine, type KnownEngine } from './engine-memory.ts';

export interface EngineChoice {
  readonly engine: KnownEngine;
  readonly socketPath: string;
  /** It was another one before: what the apps need of it is not there. */
  readonly isOther: boolean;
  /** What a person should know of it, in a sentence. */
  readonly note: string | undefined;
}

export interface ChoiceOptions {
  readonly dataDir: string;
  /** `own`, or the path of a socket; undefined when nobody said anything. */
  readonly wanted: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether the lab has run before. */
  readonly hasHistory: boolean;
  readonly log: EngineLog;
  readonly signal: AbortSignal;
}

/** @throws IoError ENGINE_UNREACHABLE, BUSY, INVALID */
export async function chooseEngine(options: ChoiceOptions): Promise<EngineChoice> {
  const { dataDir, wanted, environment, signal } = options;
  const known = await recallEngine(dataDir).catch((error: unknown) => {
    // A word is as good as the memory.
    if (wanted !== undefined) return undefined;
    throw error;
  });
  if (wanted !== undefined) return byWord(options, wanted, known);
  if (known) return { ...(await madeOf(dataDir, known)), note: await noteOn(known, environment, signal) };
  const found = await findEngine({ candidates: engineCandidates(environment), signal });
  if (!found && options.hasHistory) throw isAway(engineCandidates(environment));
  return { ...(await madeOf(dataDir, found ? foundOf(found) : own)), note: undefined };
}

const own: KnownEngine = { kind: 'own' };
const foundOf = ({ socketPath, id }: Engine): KnownEngine => ({ kind: 'found', socketPath, id });

const madeOf = async (dataDir: string, engine: KnownEngine) => ({
  engine,
  socketPath: engine.kind === 'own' ? enginePaths(await realpath(dataDir)).socket : engine.socketPath,
  isOther: false,
});

async function byWord(options: ChoiceOptions, wanted: string, known: KnownEngine | undefined): Promise<EngineChoice> {
  const { dataDir, signal, environment } = options;
  if (wanted === 'own') {
    if (known?.kind === 'found') await leave(options, known);
    return { ...(await madeOf(dataDir, own)), isOther: known?.kind === 'found', note: undefined };
  }
  const answering = await engineAt(wanted, signal);
  const isSame = known?.kind === 'found' && known.socketPath === wanted;
  // Said at every start, as a service does: then it may come up later than FloatLab.
  if (!answering && isSame)
    return { ...(await madeOf(dataDir, known)), note: await noteOn(known, environment, signal) };
  if (!answering) throw isAway([wanted]);
  const engine = foundOf(answering);
  const isOther = known !== undefined && !(isSame && (known.id === undefined || known.id === answering.id));
  if (isOther) await leave(options, known);
  return { ...(await madeOf(dataDir, engine)), isOther, note: undefined };
}

/** The engine of before must not go on with what this lab runs. @throws IoError BUSY */
async function leave({ dataDir, log, signal }: ChoiceOptions, known: KnownEngine): Promise<void> {
  const { socketPath } = await madeOf(dataDir, known);
  const answering = await engineAt(socketPath, signal);
  if (!answering || (known.kind === 'found' && known.id !== undefined && known.id !== answering.id)) {
    // A killed one may have left containers that still run.
    if (known.kind === 'own') return stopOwnEngine({ dataDir });
    log.warn(`the container engine of before, at ${socketPath}, does not answer: no app of this lab must run there`);
    return;
  }
  const call = { signal, timeoutMs: 15_000, progress() {} };
  const containers = await dockerOverSocket({ socketPath }).containers({}, call);
  const running = containers.filter(({ labels, state }) => labels[label.app] !== undefined && state === 'running');
  if (running.length > 0)
    throw new IoError('BUSY', {
      op: 'choose the engine',
      target: socketPath,
      message: `${running.map(({ name }) => name).join(', ')} still run in the container engine of before, at ${socketPath}`,
      hint: 'Stop them first, without --engine: npm start -- --stop-all',
    });
  if (known.kind === 'own') await stopOwnEngine({ dataDir });
}

/** Of an engine that is not started by us: whether it is there, and the one that is meant. */
async function noteOn(
  known: KnownEngine,
  environment: ChoiceOptions['environment'],
  signal: AbortSignal,
): Promise<string | undefined> {
  if (known.kind === 'own') return undefined;
  const answering = await engineAt(known.socketPath, signal);
  if (!answering)
    return `Waiting for the container engine at ${known.socketPath}: it does not answer, and the apps of this lab are there.`;
  if (known.id !== undefined && answering.id !== known.id) return anotherOne(known.socketPath);
  const [given = ''] = engineCandidates(environment);
  return environment['DOCKER_HOST'] === `unix://${given}` && given !== known.socketPath
    ? `DOCKER_HOST names ${given}; this lab goes on with the engine at ${known.socketPath}. To take the other: --engine ${given}`
    : undefined;
}

const anotherOne = (socketPath: string): string =>
  `Another container engine answers at ${socketPath} than the one with this lab's apps. ` +
  `If that one runs nowhere any more, take this one: --engine ${socketPath}`;

/** The port of the engine that was chosen: as long as another one answers there, nobody does. */
export function chosenDocker({ engine, socketPath }: EngineChoice): DockerPort {
  const docker = dockerOverSocket({ socketPath });
  if (engine.kind === 'own' || engine.id === undefined) return docker;
  const away = (message: string, hint: string, cause?: unknown): IoError =>
    new IoError('ENGINE_UNREACHABLE', { op: 'docker', target: socketPath, message, hint, cause });
  return guardEngine(docker, async () => {
    const id = await engineId(socketPath).catch((error: unknown) => {
      throw away(`the container engine at ${socketPath} does not answer`, 'Start it: its apps wait for it.', error);
    });
    if (id === engine.id) return;
    throw away(
      `another container engine answers at ${socketPath} than the one with this lab's apps`,
      `If that one runs nowhere any more, start FloatLab once with --engine ${socketPath}.`,
    );
  });
}

const isAway = (sockets: readonly string[]): IoError =>
  new IoError('ENGINE_UNREACHABLE', {
    op: 'choose the engine',
    target: sockets.join(', '),
    message: `no container engine answers at ${sockets.join(' or ')}`,
    hint: 'Start it, then FloatLab. To let FloatLab run an engine of its own, which must be the only one with the apps of this lab: --engine own',
  });
