/**
 * dockerode, tied to one unix socket, and its streams made safe to read.
 *
 * Its constructor reads DOCKER_HOST and friends and lets them win over the socket that it was given; each of them is
 * therefore overruled here. Connections are not kept: one left over from before a restart of the engine would fail
 * the next call.
 */
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';

/** dockerode brings gRPC and protobuf: what talks to no engine (a recovery, a simulated lab, `--help`) starts without. */
const load = createRequire(import.meta.url);

export function dockerAt(socketPath: string): Docker {
  const options = {
    socketPath,
    host: undefined,
    port: undefined,
    protocol: 'http',
    timeout: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    agent: new Agent({ keepAlive: false }),
  } as const;
  const Dockerode = load('dockerode') as typeof Docker;
  return new Dockerode(options as Docker.DockerOptions);
}

interface Get {
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** For a registry that the engine asks. */
  readonly authconfig?: object;
}

/** A plain GET. dockerode's own `inspect` of images and networks takes no signal. */
export const getJson = <T>(docker: Docker, get: Get): Promise<T> => dial<T>(docker, get, false);

/**
 * An answer to be read bit by bit; dockerode's own `logs` would collect all of it first.
 * Whoever calls this destroys the stream: `chunksOf` does.
 */
export const openStream = (docker: Docker, get: Get): Promise<Readable> => dial<Readable>(docker, get, true);

function dial<T>(docker: Docker, { path, query, signal, authconfig }: Get, isStream: boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = {
      // A path that ends in "?" is where dockerode puts the query.
      path: query === undefined ? path : `${path}?`,
      options: query === undefined ? undefined : { ...query },
      method: 'GET',
      isStream,
      abortSignal: signal,
      ...(authconfig && { authconfig }),
      statusCodes: { 200: true },
    };
    docker.modem.dial(request, (error: unknown, answer: unknown) =>
      error ? reject(error as Error) : resolve(answer as T),
    );
  });
}

/**
 * The chunks of a stream. Ends quietly when the signal aborts; destroys the stream however the reading ends.
 * @throws when the connection breaks in the middle
 */
export async function* chunksOf(stream: Readable, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const stop = () => stream.destroy();
  // A destroyed stream may report an error that nobody reads any more.
  stream.on('error', () => {});
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
