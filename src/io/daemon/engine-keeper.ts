/** Keeps the engine that FloatLab started alive: one that has died is started again, and its apps come back. */
import type { Logger } from 'pino';
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { DockerPort } from '../devices/docker/port.ts';

const lookEveryMs = 5000;
/** One missed answer may be a busy engine. */
const missesBeforeRestart = 2;

export interface EngineKeeper {
  stop(): Promise<void>;
}

export function keepEngine(options: {
  docker: DockerPort;
  restart: (signal: AbortSignal) => Promise<unknown>;
  clock: Clock;
  log: Logger;
}): EngineKeeper {
  const { docker, restart, clock, log } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const watch = async (): Promise<void> => {
    let misses = 0;
    for (;;) {
      await sleep(clock, lookEveryMs, signal);
      if (signal.aborted) return;
      const answers = await docker.info({ signal, timeoutMs: 10_000, progress: () => {} }).then(
        () => true,
        () => false,
      );
      misses = answers ? 0 : misses + 1;
      if (misses < missesBeforeRestart || signal.aborted) continue;
      log.warn('the container engine does not answer: starting it again');
      await restart(signal).catch((error: unknown) =>
        log.error({ error: String(error) }, 'the container engine could not be started'),
      );
      misses = 0;
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      stop.abort();
      await watching;
    },
  };
}
