/** How a container ends: it is asked to, killed when it does not, and removed. Of one that is not there: done. */
import type { Call } from '../../devices/call.ts';
import type { DockerPort } from '../../devices/docker/port.ts';

/** How long a container may take to end by itself before it is killed, as Compose has it. */
const stopGraceMs = 10_000;

export const stopContainer = (id: string, docker: DockerPort, call: Call): Promise<void> =>
  docker.stop(id, stopGraceMs, { ...call, timeoutMs: stopGraceMs + 30_000 });

export async function removeContainer(id: string, docker: DockerPort, call: Call): Promise<void> {
  await stopContainer(id, docker, call);
  await docker.remove(id, call);
}
