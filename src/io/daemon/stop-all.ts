/**
 * `--stop-all`: ends what a daemon leaves running on purpose. The daemon itself must have ended before.
 *
 *   apps      their containers are stopped, dependants first; in an engine of other people's they are removed too
 *   engine    the one of our own, with its bridges
 *   pool      unmounted, its loop device given back
 *
 * Nothing is decided and no event is appended: the lab still wants its apps, and the next start brings them back.
 */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { instanceActor } from '#actors/instance/actor.ts';
import type { ActorState, LabView } from '#actors/actor.ts';
import { counted } from '#actors/counted.ts';
import type { WorkOrder } from '#actors/work.ts';
import { streamOf } from '#events/envelope.ts';
import { haltInstance } from '../agent/workers/halt-instance.ts';
import { stopInstance } from '../agent/workers/stop-instance.ts';
import type { Ports, Run } from '../agent/worker.ts';
import { realClock } from '../devices/clock/real.ts';
import { IoError } from '../devices/error.ts';
import { realContent } from '../devices/content/real.ts';
import { noPools } from '../devices/pools/node-pools.ts';
import { realFiles } from '../devices/files/real.ts';
import { imagesAmong } from '../agent/images/source.ts';
import { replicaSource } from '../agent/replica-source.ts';
import { Handover } from '../agent/handover.ts';
import { realTree } from '../devices/tree/real.ts';
import { realHost } from '../devices/host/real.ts';
import { realMarks } from '../devices/marks/real.ts';
import { run } from '../devices/run.ts';
import { commandError } from '../devices/volumes/btrfs/errors.ts';
import { isInside, parseMountinfo } from '../devices/volumes/mounts.ts';
import { replicationByPool } from '../devices/replication/by-pool.ts';
import { btrfsVolumes } from '../devices/volumes/btrfs/real.ts';
import { isThere } from '../stores/files.ts';
import { chooseEngine, chosenDocker, type EngineChoice } from './choose-engine.ts';
import { hasHistory } from './credentials.ts';
import { engineAt, stopOwnEngine } from './engine.ts';
import { recallEngine } from './engine-memory.ts';
import { lockDataDir } from './lock.ts';
import { readNodeIni, type NodeIni } from './node-ini.ts';
import { releasePool } from './pool.ts';
import { readLab } from './read-lab.ts';
import type { Settings } from './settings.ts';

export interface StopContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
  onBroken(error: unknown): void;
}

/** @returns what was done, in sentences. @throws IoError BUSY when a daemon still runs, or something cannot be ended */
export async function stopAll({ dataDir }: Settings, context: StopContext): Promise<readonly string[]> {
  const traces = await Promise.all(['node.ini', 'engine', 'pool'].map((name) => isThere(join(dataDir, name))));
  if (!traces.includes(true)) return [`There is no lab in ${dataDir}: nothing runs.`];
  const lock = await lockDataDir(dataDir);
  try {
    const done: string[] = [];
    const ini = await readNodeIni(dataDir);
    const known = await recallEngine(dataDir);
    if (known && ini && (await hasHistory(dataDir))) done.push(...(await stopApps(dataDir, ini, context)));
    if (known?.kind === 'own') {
      await stopOwnEngine({ dataDir });
      done.push('The container engine of FloatLab is stopped.');
    }
    const unmounted = await unmountVolumes(dataDir);
    if (unmounted > 0) done.push(`Unmounted: ${counted(unmounted, 'volume')}.`);
    if (await isThere(join(dataDir, 'pool', 'pool.img'))) {
      const isFree = await releasePool({ dataDir });
      done.push(
        isFree
          ? 'The pool is unmounted, its loop device is free.'
          : 'The pool is unmounted; something else still holds its loop device, see "losetup".',
      );
    }
    // Wherever it lies: a start without this would begin another lab, in the usual place.
    const next = `npm start -- --data ${dataDir}`;
    return [...done, `Nothing of the lab in ${dataDir} runs any more. The next start goes on from here: ${next}`];
  } finally {
    await lock.release();
  }
}

/** Volumes that have a mount of their own below the data directory, as those on zfs do. @returns how many there were */
async function unmountVolumes(dataDir: string): Promise<number> {
  const folder = join(await realpath(dataDir), 'pool');
  const image = join(folder, 'mnt');
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  const points = mounts.map(({ point }) => point).filter((point) => isInside(point, folder) && !isInside(point, image));
  // What lies in another one first.
  for (const point of points.toReversed()) {
    const ran = await run('umount', [point], { signal: AbortSignal.timeout(60_000), timeoutMs: 60_000, target: point });
    if (ran.exitCode !== 0) throw commandError('umount', point, ran);
  }
  return points.length;
}

async function stopApps(dataDir: string, ini: NodeIni, context: StopContext): Promise<readonly string[]> {
  const { log, signal } = context;
  const told = { info: (text: string) => log.info(text), warn: (text: string) => log.warn(text) };
  const asBefore = { dataDir, wanted: undefined, environment: {}, hasHistory: true, log: told, signal };
  const choice = await chooseEngine(asBefore);
  if (!(await engineAt(choice.socketPath, signal))) {
    return choice.engine.kind === 'own'
      ? ['No app ran: the container engine of FloatLab was off.']
      : [`The container engine at ${choice.socketPath} does not answer: whether apps run there is not known.`];
  }
  const view = await readLab(dataDir, log);
  const here = view.list('instance').filter(({ context: { node } }) => node === streamOf('node', ini.node.id));
  const names: string[] = [];
  for (const instance of here) if (await stop(instance, view, choice, context)) names.push(nameOf(instance));
  return [names.length === 0 ? 'No app ran.' : `Stopped: ${names.toSorted().join(', ')}.`];
}

/** @returns whether anything of it ran */
async function stop(
  instance: ActorState<'instance'>,
  lab: LabView,
  choice: EngineChoice,
  { log, signal }: StopContext,
): Promise<boolean> {
  const docker = chosenDocker(choice);
  let isStopped = false;
  const ports: Ports = {
    docker: {
      ...docker,
      stop: async (id, graceMs, call) => {
        const before = await docker.inspect(id, call);
        isStopped ||= before?.state === 'running' || before?.state === 'paused';
        await docker.stop(id, graceMs, call);
      },
    },
    volumes: btrfsVolumes({ pools: [] }),
    replication: replicationByPool([]),
    sources: replicaSource(lab, () => undefined, realClock),
    images: imagesAmong(lab, streamOf('node', 'none'), () => undefined),
    logins: () => Promise.resolve(undefined),
    pools: noPools,
    files: realFiles(),
    tree: realTree,
    host: realHost(),
    marks: realMarks,
    content: realContent(),
    clock: realClock,
    handover: new Handover(realClock),
    backups: {
      open: () => Promise.reject(new Error('nothing is backed up here')),
      place: () => Promise.reject(new Error('nothing is backed up here')),
    },
    blobs: { get: () => Promise.reject(new Error('nothing is made here')) },
  };
  const run: Run = {
    signal,
    timeoutMs: 300_000,
    progress: ({ text }) => log.info(text),
    fence: () => undefined,
    caughtUp: () => Promise.resolve(),
    report: () => Promise.resolve(),
    // Neither stopping nor halting leaves anything for later.
    afterwards: () => undefined,
    judge: () => {
      throw new Error('no pool is looked at here');
    },
  };
  try {
    // An engine of our own keeps its containers until the next start; from another one they go, and come back.
    if (choice.engine.kind === 'own') await haltInstance(orderOf('halt-instance', instance, lab), ports, run);
    else await stopInstance(orderOf('stop-instance', instance, lab), ports, run);
  } catch (error) {
    // An engine of our own is ended in any case, with all that is in it.
    if (choice.engine.kind !== 'own' || !(error instanceof IoError)) throw error;
    log.warn({ error: error.message }, `${nameOf(instance)} was not stopped in order`);
  }
  return isStopped;
}

function orderOf<W extends 'halt-instance' | 'stop-instance'>(
  work: W,
  instance: ActorState<'instance'>,
  lab: LabView,
): WorkOrder<W> {
  const { stream: subject, visit, cause, correlation } = instance;
  const { node, epoch } = instance.context;
  const input = instanceActor.inputs?.[work]?.(instance, lab);
  return { work, subject, visit, node, epoch, cause, correlation, input } as WorkOrder<W>;
}

const nameOf = ({ context: { metadata } }: ActorState<'instance'>): string =>
  metadata.namespace === 'default' ? metadata.name : `${metadata.namespace}/${metadata.name}`;
