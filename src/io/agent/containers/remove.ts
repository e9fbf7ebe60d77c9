/** How a container ends: it is asked to, killed when it does not, and removed. Of one that is not there: done. */
import { longestGraceMs } from '#actors/compose/container/settings.ts';
import type { Call } from '../../devices/call.ts';
import type { ContainerInfo, DockerPort } from '../../devices/docker/port.ts';
import { label } from './labels.ts';

type Known = Pick<ContainerInfo, 'id' | 'labels'>;

/** How long a container may take to end by itself before it is killed, as Compose has it. */
const usualGraceMs = 10_000;

export function stopContainer({ id, labels }: Known, docker: DockerPort, call: Call): Promise<void> {
  const said = Number(labels[label.stopGrace] ?? Number.NaN);
  const graceMs = said >= 0 ? Math.min(said, longestGraceMs) : usualGraceMs;
  return docker.stop(id, graceMs, { ...call, timeoutMs: graceMs + 30_000 });
}

export async function removeContainer(container: Known, docker: DockerPort, call: Call): Promise<void> {
  await stopContainer(container, docker, call);
  await docker.remove(container.id, call);
}
