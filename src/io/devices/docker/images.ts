/** Images of an engine as it tells them, and on their way in and out of it. */
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { asIoError } from '../error.ts';
import { fromDockerode } from './errors.ts';
import type { ImageFacts, ImageInfo, RegistryLogin } from './port.ts';
import { chunksOf, getJson, openStream } from './socket.ts';
import { finish } from './streams.ts';
import type { About } from './within.ts';

export function imageInfo(image: Docker.ImageInspectInfo): ImageInfo {
  const { Id, Size, Config, RepoTags, RepoDigests, Created } = image;
  // `NONE` is how a Dockerfile switches off the healthcheck of its base.
  const test: readonly string[] = Config?.Healthcheck?.Test ?? [];
  const createdAt = Date.parse(Created);
  return {
    id: Id,
    tags: named(RepoTags),
    repoDigests: named(RepoDigests),
    createdAt: createdAt > 0 ? createdAt : undefined,
    sizeBytes: Size,
    hasHealthcheck: test.length > 0 && test[0] !== 'NONE',
  };
}

export const listedImages = (images: readonly Docker.ImageInfo[]): readonly ImageFacts[] =>
  images
    .map(({ Id, RepoTags, RepoDigests, Created, Size }) => ({
      id: Id,
      tags: named(RepoTags),
      repoDigests: named(RepoDigests),
      createdAt: Created > 0 ? Created * 1000 : undefined,
      sizeBytes: Size,
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** Engines say `<none>` of what has no name. */
const named = (names: readonly string[] | null | undefined): readonly string[] =>
  (names ?? []).filter((name) => !name.includes('<none>')).toSorted();

/** As the engine hands it on to the registry. */
export const authOf = ({ server, username, password }: RegistryLogin) => ({
  username,
  password,
  serveraddress: server === 'docker.io' ? 'https://index.docker.io/v1/' : server,
});

export async function registryDigest(
  docker: Docker,
  reference: string,
  signal: AbortSignal,
  login: RegistryLogin | undefined,
): Promise<string> {
  const path = `/distribution/${reference}/json`;
  const authconfig = login && authOf(login);
  const { Descriptor } = await getJson<{ readonly Descriptor: { readonly digest: string } }>(docker, {
    ...{ path, signal },
    ...(authconfig && { authconfig }),
  });
  return Descriptor.digest;
}

/** What the reader meets later is told like what the engine answers at once. */
export async function openImage(
  docker: Docker,
  get: { readonly path: string; readonly signal: AbortSignal },
  id: string,
): Promise<AsyncIterable<Uint8Array>> {
  const stream = await openStream(docker, get);
  return (async function* () {
    try {
      yield* chunksOf(stream, get.signal);
    } catch (error) {
      throw fromDockerode(error, { op: 'docker save', target: id });
    }
    // A save that was ended is no image.
    get.signal.throwIfAborted();
  })();
}

/** Gives a tar to the engine, and reads what it says until it is done. */
export async function sendTar(
  tar: AsyncIterable<Uint8Array>,
  about: About,
  signal: AbortSignal,
  post: (body: Readable) => Promise<NodeJS.ReadableStream>,
): Promise<void> {
  const source = watched(tar);
  const body = Readable.from(source.bytes, { objectMode: false });
  try {
    await finish((await post(body)) as Readable, signal, about, () => {});
  } catch (error) {
    // A file that could not be read must not look like an engine that went away.
    throw source.failure === undefined ? error : asIoError(source.failure, about.op, about.target);
  } finally {
    body.destroy();
  }
}

/** The same bytes; `failure` is what their source threw. */
function watched(tar: AsyncIterable<Uint8Array>): { bytes: AsyncIterable<Uint8Array>; failure: unknown } {
  async function* read() {
    try {
      yield* tar;
    } catch (error) {
      source.failure = error;
      throw error;
    }
  }
  const source = { bytes: read(), failure: undefined as unknown };
  return source;
}
