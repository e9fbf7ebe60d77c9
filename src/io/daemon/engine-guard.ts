/**
 * The engine that was chosen, and no other that answers at its socket: one that was installed anew, or another one
 * whose turn it is. Before the first request, and after each one that found nobody, it is asked who it is; until it is
 * the right one, every request fails as if nobody answered, and whoever asks tries again later.
 */
import type { DockerPort } from '../devices/docker/port.ts';
import { IoError } from '../devices/error.ts';

/** @param check rejects when it is not the one. */
export function guardEngine(docker: DockerPort, check: () => Promise<void>): DockerPort {
  let checked: Promise<void> | undefined;
  const isTheOne = (): Promise<void> => {
    const asked = (checked ??= check());
    asked.catch(() => forget(asked));
    return asked;
  };
  const forget = (asked: Promise<void> | undefined): void => {
    if (checked === asked) checked = undefined;
  };
  const noticing = (error: unknown): never => {
    if (error instanceof IoError && error.code === 'ENGINE_UNREACHABLE') checked = undefined;
    throw error;
  };
  async function* streamed(stream: () => AsyncIterable<unknown>): AsyncIterable<unknown> {
    await isTheOne();
    try {
      yield* stream();
    } catch (error) {
      noticing(error);
    }
  }
  return new Proxy(docker, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      const call = (args: unknown[]): unknown => (member as (...given: unknown[]) => unknown).apply(target, args);
      return streams.has(key)
        ? (...args: unknown[]) => streamed(() => call(args) as AsyncIterable<unknown>)
        : (...args: unknown[]) => isTheOne().then(() => (call(args) as Promise<unknown>).catch(noticing));
    },
  });
}

const streams: ReadonlySet<string | symbol> = new Set(['logs', 'events'] satisfies (keyof DockerPort)[]);
