/** What a container's state means for its service, and whether it is to be started again. Pure. */
import type { ServiceSpec } from '#events/app.ts';
import type { ServiceStatus } from '#events/instance.ts';
import type { ContainerInfo } from '../../devices/docker/port.ts';

export function statusOf(container: ContainerInfo | undefined, spec: ServiceSpec, restarts: number): ServiceStatus {
  if (!container) return { state: 'exited', restarts };
  const known = { container: container.id, restarts };
  if (container.state === 'running' || container.state === 'paused') {
    if (container.health === 'healthy' || container.health === 'unhealthy')
      return { ...known, state: container.health };
    return { ...known, state: container.health === 'starting' ? 'starting' : 'running' };
  }
  const exitCode = container.exitCode ?? 0;
  if (container.state === 'created') return { ...known, state: 'starting' };
  if (shouldRestart(container, spec, restarts)) return { ...known, exitCode, state: 'restarting' };
  return { ...known, exitCode, state: exitCode === 0 ? 'completed' : 'exited' };
}

/** As the engine would do by `restart`; it never does, because only the lab knows whether the app belongs here. */
export function shouldRestart(container: ContainerInfo, { restart }: ServiceSpec, restarts: number): boolean {
  switch (restart.condition) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return container.exitCode !== 0 && (restart.maxRetries === undefined || restarts < restart.maxRetries);
    case 'no':
      return false;
    default:
      return restart.condition satisfies never;
  }
}
