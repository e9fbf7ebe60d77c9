/**
 * What an image has in a folder. Engines show files of containers only, so one is made for a moment: never started, on
 * no network, with nothing mounted over what the image has. It goes when the reading ends; one that a crash left
 * behind goes when the next is made.
 */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { fromDockerode } from './errors.ts';
import { chunksOf, openStream } from './socket.ts';
import type { About } from './within.ts';

const label = 'floatlab.helper';
const removalMs = 15_000;

/**
 * @param making names of containers that are being read
 * @param signal ends the beginning @param reading ends the reading too
 */
export async function readImageFolder(
  docker: Docker,
  making: Set<string>,
  what: { readonly reference: string; readonly path: string },
  signal: AbortSignal,
  reading: AbortSignal,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  await clearLeft(docker, making, signal);
  const name = `floatlab-image-folder-${randomBytes(6).toString('hex')}`;
  making.add(name);
  const leave = async (): Promise<void> => {
    // Not with the caller's signal: it is to go above all when nobody waits any more. What stays goes before the next one.
    await remove(docker, name, AbortSignal.timeout(removalMs)).catch(() => {});
    making.delete(name);
  };
  try {
    const { id } = await docker.createContainer({
      name,
      Image: what.reference,
      // Never run; without one an image that has none could not be read.
      Cmd: ['true'],
      Labels: { [label]: 'image-folder' },
      HostConfig: { NetworkMode: 'none', RestartPolicy: { Name: 'no' } },
      abortSignal: signal,
    });
    const tar = await open(docker, id, what.path, AbortSignal.any([signal, reading]));
    if (tar) return ending(tar, { op: 'docker cp', target: what.reference }, reading, leave);
    await leave();
    return undefined;
  } catch (error) {
    await leave();
    throw error;
  }
}

async function* ending(
  tar: Readable,
  about: About,
  signal: AbortSignal,
  leave: () => Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunksOf(tar, signal);
    signal.throwIfAborted();
  } catch (error) {
    throw fromDockerode(error, about);
  } finally {
    await leave();
  }
}

async function open(docker: Docker, id: string, path: string, signal: AbortSignal): Promise<Readable | undefined> {
  try {
    // With the dot a link is followed, inside the image.
    return await openStream(docker, { path: `/containers/${id}/archive`, query: { path: `${path}/.` }, signal });
  } catch (error) {
    // The container is there: what is missing is the path.
    if ((error as { statusCode?: unknown }).statusCode === 404 || /not a directory/.test(String(error)))
      return undefined;
    throw error;
  }
}

async function clearLeft(docker: Docker, making: ReadonlySet<string>, abortSignal: AbortSignal): Promise<void> {
  const filters = { label: [`${label}=image-folder`] };
  for (const { Id, Names } of await docker.listContainers({ all: true, filters, abortSignal })) {
    if (!Names.some((name) => making.has(name.slice(1)))) await remove(docker, Id, abortSignal);
  }
}

/** With the anonymous volumes that the image asks for: they hold nothing but the image's own files. */
async function remove(docker: Docker, id: string, abortSignal: AbortSignal): Promise<void> {
  try {
    await docker.getContainer(id).remove({ force: true, v: true, abortSignal });
  } catch (error) {
    if (![404, 409].includes((error as { statusCode?: number }).statusCode ?? 0)) throw error;
  }
}
