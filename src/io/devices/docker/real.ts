/**
 * A real container engine (Docker 20.10, API 1.41, or newer) behind its unix socket.
 *
 * Each method is one or a few requests, bounded by `within`, whose failures `errors.ts` translates. Everything that
 * needs thought is pure and beside this file: what to send (`create-body`), what the answers mean (`container-info`,
 * `stats`, `engine-event`, `pull-progress`) and how streams are cut into frames and lines.
 */
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { Call } from '../call.ts';
import { type Clock, sleep } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { hasLabels, labelFilters, networkBody, networkInUse } from './networks.ts';
import { containerInfo } from './container-info.ts';
import { createBody, endpointConfig } from './create-body.ts';
import { checkedName, checkedReference } from './names.ts';
import { fromDockerode } from './errors.ts';
import { openExec } from './exec.ts';
import { imageDefaultsOf, inspectionOf } from './inspection.ts';
import { readImageFolder } from './image-folder.ts';
import { authOf, imageInfo, listedImages, openImage, registryDigest, sendTar } from './images.ts';
import type { ContainerInfo, DockerPort, NetworkSpec } from './port.ts';
import { pullProgress } from './pull-progress.ts';
import { splitReference } from './reference.ts';
import { dockerAt, getJson } from './socket.ts';
import { containerStats, type RawStats } from './stats.ts';
import { finish, readEvents, readLogs } from './streams.ts';
import { toItsEnd, within } from './within.ts';

/** Inspections of one listing that run at the same time. */
const inspectionsAtOnce = 8;
const removalPollMs = 100;

export function dockerOverSocket(options: { readonly socketPath: string; readonly clock?: Clock }): DockerPort {
  const clock = options.clock ?? realClock;
  const docker = dockerAt(options.socketPath);
  /** The engine would make two networks of one name for two requests at the same time. */
  const makingNetworks = new Map<string, Promise<void>>();
  const readingImages = new Set<string>();

  function request<T>(op: string, target: string, call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const about = { op, target };
    return within(clock, call, about, async (signal) => {
      try {
        return await work(signal);
      } catch (error) {
        throw fromDockerode(error, about);
      }
    });
  }

  /** Of what makes something. */
  async function making<T>(op: string, target: string, call: Call, work: (signal: AbortSignal) => Promise<T>) {
    return request(op, target, toItsEnd(call, { op, target }), work);
  }

  const container = (id: string): Docker.Container => docker.getContainer(checkedName(id));

  const inspect: DockerPort['inspect'] = (id, call) =>
    request('docker inspect', id, call, (abortSignal) =>
      orUndefined(async () => containerInfo(await container(id).inspect({ abortSignal }))),
    );

  return {
    info: (call) =>
      request('docker version', options.socketPath, call, async (signal) => {
        const { Version, Components } = await getJson<Docker.DockerVersion>(docker, { path: '/version', signal });
        const isPodman = Components?.some(({ Name }) => Name.startsWith('Podman')) ?? false;
        const startedAt = await startOf(docker, signal);
        return { name: isPodman ? 'podman' : 'docker', version: Version, startedAt };
      }),

    image: (reference, call) =>
      request('docker image inspect', reference, call, (signal) =>
        orUndefined(async () => {
          const path = `/images/${checkedReference(reference)}/json`;
          return imageInfo(await getJson<Docker.ImageInspectInfo>(docker, { path, signal }));
        }),
      ),

    images: (call) =>
      request('docker image ls', 'images', call, async (signal) =>
        listedImages(await getJson<readonly Docker.ImageInfo[]>(docker, { path: '/images/json', signal })),
      ),

    pull: (reference, call, login) =>
      request('docker pull', reference, call, async (signal) => {
        // The tag apart: a request without one would pull every tag there is.
        const { repository: fromImage, version: tag } = splitReference(checkedReference(reference));
        const auth = login && { authconfig: authOf(login) };
        const stream = await docker.createImage({ fromImage, tag, abortSignal: signal, ...auth });
        const sum = pullProgress(reference);
        await finish(stream as Readable, signal, { op: 'docker pull', target: reference }, (message) => {
          const progress = sum(message);
          if (progress) call.progress(progress);
        });
      }),

    registryDigest: (reference, call, login) =>
      request('docker pull', reference, call, (signal) =>
        registryDigest(docker, checkedReference(reference), signal, login),
      ),

    tagImage: (id, reference, call) =>
      making('docker tag', reference, call, async (abortSignal) => {
        const { repository: repo, version: tag } = splitReference(checkedReference(reference));
        await docker.getImage(checkedReference(id)).tag({ repo, tag, abortSignal });
      }),

    removeImage: (reference, call) =>
      request('docker rmi', reference, call, (abortSignal) =>
        unless([404], () => docker.getImage(checkedReference(reference)).remove({ abortSignal })),
      ),

    saveImage: (id, call) =>
      // Bounded is how long the engine takes to begin; the reader has as long as it needs.
      request('docker save', id, call, (signal) => {
        const path = `/images/${checkedReference(id)}/get`;
        return openImage(docker, { path, signal: AbortSignal.any([signal, call.signal]) }, id);
      }),

    loadImage: (tar, call) =>
      request('docker load', 'image', call, (signal) =>
        sendTar(tar, { op: 'docker load', target: 'image' }, signal, (body) =>
          docker.loadImage(body, { quiet: true, abortSignal: signal } as object),
        ),
      ),

    importImage: (tar, reference, changes, call) =>
      request('docker import', reference, call, async (signal) => {
        const { repository: repo, version: tag } = splitReference(checkedReference(reference));
        await sendTar(tar, { op: 'docker import', target: reference }, signal, (body) =>
          docker.importImage(body, { repo, tag, changes: [...changes], abortSignal: signal }),
        );
      }),

    imageFolder: (reference, path, call) =>
      request('docker cp', reference, call, (signal) =>
        readImageFolder(docker, readingImages, { reference: checkedReference(reference), path }, signal, call.signal),
      ),

    ensureNetwork: (spec, call) =>
      making('docker network create', spec.name, call, (signal) => {
        const { name } = spec;
        // Whether the one before could be made is for its own caller to hear.
        const made = (makingNetworks.get(name) ?? Promise.resolve())
          .catch(() => {})
          .then(() => ensureNetwork(docker, { ...spec, name: checkedName(name) }, signal));
        makingNetworks.set(name, made);
        return made.finally(() => made === makingNetworks.get(name) && makingNetworks.delete(name));
      }),

    removeNetwork: (name, labels, call) =>
      request('docker network rm', name, call, async (abortSignal) => {
        const network = await networkNamed(docker, checkedName(name), abortSignal);
        // By its id: a network that somebody makes meanwhile under the same name is not meant.
        if (network && hasLabels(network.Labels, labels))
          await unless([404], () => docker.getNetwork(network.Id).remove({ abortSignal }));
      }),

    networks: (labels, call) =>
      request('docker network ls', 'networks', call, async (abortSignal) => {
        const list = await docker.listNetworks({ filters: labelFilters(labels), abortSignal });
        const found = list.map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));
        return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      }),

    async containers(labels, call) {
      const filters = labelFilters(labels);
      const list = await request('docker ps', 'containers', call, (abortSignal) =>
        docker.listContainers({ all: true, filters, abortSignal }),
      );
      const found: ContainerInfo[] = [];
      for (let from = 0; from < list.length; from += inspectionsAtOnce) {
        const some = list.slice(from, from + inspectionsAtOnce);
        // One that was removed meanwhile is simply no longer there.
        for (const info of await Promise.all(some.map(({ Id }) => inspect(Id, call)))) if (info) found.push(info);
      }
      return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },

    inspect,

    examine: (id, call) =>
      request('docker inspect', id, call, (abortSignal) =>
        orUndefined(async () => inspectionOf(await container(id).inspect({ abortSignal }))),
      ),

    imageDefaults: (image, call) =>
      request('docker image inspect', image, call, (signal) =>
        orUndefined(async () => {
          const path = `/images/${checkedReference(image)}/json`;
          return imageDefaultsOf(await getJson<Docker.ImageInspectInfo>(docker, { path, signal }));
        }),
      ),

    create: (spec, call) =>
      making('docker create', spec.name, call, async (abortSignal) => {
        checkedName(spec.name);
        checkedReference(spec.image);
        return (await docker.createContainer({ ...createBody(spec), abortSignal })).id;
      }),

    connect: (id, network, call) =>
      making('docker network connect', id, call, async (abortSignal) => {
        const isIn = async (): Promise<boolean> => {
          const { NetworkSettings } = await container(id).inspect({ abortSignal });
          return Object.hasOwn(NetworkSettings.Networks ?? {}, network.name);
        };
        if (await isIn()) return;
        // The engine would take a name that is none, and refuse the start.
        await getJson(docker, { path: `/networks/${checkedName(network.name)}`, signal: abortSignal });
        const asked = { Container: checkedName(id), EndpointConfig: endpointConfig(network), abortSignal };
        try {
          await docker.getNetwork(checkedName(network.name)).connect(asked);
        } catch (error) {
          // An earlier attempt, whose answer was lost, was still under way.
          if (!(await isIn())) throw error;
        }
      }),

    start: (id, call) =>
      making('docker start', id, call, (abortSignal) => unless([304], () => container(id).start({ abortSignal }))),

    stop: (id, graceMs, call) =>
      request('docker stop', id, call, (abortSignal) =>
        unless([304, 404], () => container(id).stop({ t: Math.ceil(graceMs / 1000), abortSignal })),
      ),

    remove: (id, call) =>
      request('docker rm', id, call, async (abortSignal) => {
        // `v: false`: an anonymous volume may hold somebody's data; nothing here deletes data.
        await unless([404, 409], () => container(id).remove({ force: true, v: false, abortSignal }));
        // 409 says that somebody else is removing it: wait until that is done.
        while (!abortSignal.aborted && (await orUndefined(() => container(id).inspect({ abortSignal })))) {
          await sleep(clock, removalPollMs, abortSignal);
        }
      }),

    logs: (id, logOptions, signal) => readLogs(docker, clock.now(), id, logOptions, signal),

    exec: (id, execOptions, call) => openExec(docker, clock, id, execOptions, call),

    stats: (id, call) =>
      request('docker stats', id, call, async (signal) => {
        // The engine takes two readings, a second apart: a share of the processor needs both.
        const get = { path: `/containers/${checkedName(id)}/stats`, query: { stream: '0' }, signal };
        return containerStats(await getJson<RawStats>(docker, get));
      }),

    events: (signal) => readEvents(docker, clock.now(), signal),
  };
}

/** The engine says nothing of itself, but makes its default bridge anew with every start. */
async function startOf(docker: Docker, signal: AbortSignal): Promise<number | undefined> {
  try {
    const { Created = '' } = await getJson<{ readonly Created?: string }>(docker, { path: '/networks/bridge', signal });
    const startedAt = Date.parse(Created);
    return startedAt > 0 ? startedAt : undefined;
  } catch (error) {
    // An engine without one, or of another kind.
    if (statusOf(error) !== undefined) return undefined;
    throw error;
  }
}

const statusOf = (error: unknown): unknown => (error as { statusCode?: unknown } | undefined)?.statusCode;

async function unless(done: readonly number[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!done.includes(statusOf(error) as number)) throw error;
  }
}

async function orUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function ensureNetwork(docker: Docker, spec: NetworkSpec, signal: AbortSignal): Promise<void> {
  const { name, labels } = spec;
  const found = await networkNamed(docker, name, signal);
  if (found) return checkOwner(found, labels);
  await unless([409], () => docker.createNetwork({ ...networkBody(spec), abortSignal: signal }));
  // Somebody else may have been faster.
  const made = await networkNamed(docker, name, signal);
  if (made) checkOwner(made, labels);
}

type FoundNetwork = Pick<Docker.NetworkInspectInfo, 'Id' | 'Name' | 'Labels'>;

async function networkNamed(docker: Docker, name: string, signal: AbortSignal): Promise<FoundNetwork | undefined> {
  const found = await orUndefined(() => getJson<FoundNetwork>(docker, { path: `/networks/${name}`, signal }));
  // The engine also takes the beginning of an id for a name.
  return found?.Name === name ? found : undefined;
}

/** @throws NAME_IN_USE */
function checkOwner({ Name, Labels }: FoundNetwork, labels: Readonly<Record<string, string>>): void {
  if (!hasLabels(Labels, labels)) throw networkInUse(Name);
}
